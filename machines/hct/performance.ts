/**
 * Performance: how a signal wants its work done, and the operating point an agent plays at.
 *
 * Published (hct-spec spec.yaml and schema.json, hct-mcp-signals SDK): urgency, tempo, dynamics, timeout, and
 * their defaults. The paper names articulation and phrasing (section 4.5, appendix B) and gives them no values,
 * so theirs are ours and minimal. Modes: sprint and conservation are the paper's; crisis is named there and
 * defined by us, as the slowest tempo with the most resources.
 */
import { z } from 'zod';
import { DEFAULT_DYNAMICS, dynamicsSchema } from './dynamics.ts';
import { DEFAULT_TEMPO, tempoSchema } from './tempo.ts';

/** Urgency: a whole number, 1 (whenever) to 10 (now). */
export const urgencySchema = z.int().min(1).max(10);

/** A duration in whole milliseconds, 0 or more. */
export const durationSchema = z.int().min(0);

/** The defaults of a signal. Source: hct-mcp-signals SDK, DEFAULT_PERFORMANCE. */
export const DEFAULT_PERFORMANCE = Object.freeze({
  urgency: 5,
  tempo: DEFAULT_TEMPO,
  dynamics: DEFAULT_DYNAMICS,
  timeoutMs: 30_000,
});

/** How agents word what they send. Ours. */
export const ARTICULATIONS = ['staccato', 'legato'] as const;

/** How work is cut into chunks. Ours. */
export const PHRASINGS = ['motif', 'phrase', 'period'] as const;

/**
 * Layer 3 of HCT: the operating point of an agent.
 *
 * `articulation` (ours): staccato, terse messages; legato, full sentences.
 * `phrasing` (ours): motif, the smallest chunks of work; phrase; period, the largest.
 */
export const performanceParametersSchema = z.lazy(() =>
  z
    .strictObject({
      tempo: tempoSchema.default(DEFAULT_TEMPO),
      dynamics: dynamicsSchema.default(DEFAULT_DYNAMICS),
      articulation: z.enum(ARTICULATIONS).default('legato'),
      phrasing: z.enum(PHRASINGS).default('phrase'),
    })
    .readonly(),
);

/** The operating point of an agent. */
export type PerformanceParameters = z.infer<typeof performanceParametersSchema>;

/** The default operating point of an agent: moderato, mf, legato, phrase. */
export const DEFAULT_PARAMETERS: PerformanceParameters = Object.freeze({
  tempo: DEFAULT_TEMPO,
  dynamics: DEFAULT_DYNAMICS,
  articulation: 'legato',
  phrasing: 'phrase',
});

/** The named modes, and what each sets. */
export const MODES = Object.freeze({
  /** The governor's "performance". Source: paper, section 4.5. */
  sprint: { tempo: 'presto', dynamics: 'ff' },
  /** The governor's "powersave". Source: paper, section 4.5. */
  conservation: { tempo: 'andante', dynamics: 'pp' },
  /** Slow and careful, at any cost. Ours. */
  crisis: { tempo: 'grave', dynamics: 'fff' },
} as const);

/** The name of a mode. */
export type Mode = keyof typeof MODES;

/**
 * The same parameters in a named mode: tempo and dynamics change, articulation and phrasing stay.
 *
 * @param parameters - where to start from
 * @param mode - the mode to enter
 * @returns a new frozen object
 * @example
 * withMode(DEFAULT_PARAMETERS, 'sprint').tempo; // 'presto'
 */
export function withMode(parameters: PerformanceParameters, mode: Mode): PerformanceParameters {
  return Object.freeze({ ...parameters, ...MODES[mode] });
}

/**
 * The mode whose tempo and dynamics these parameters have, if any.
 *
 * @example
 * modeOf(withMode(DEFAULT_PARAMETERS, 'crisis')); // 'crisis'
 */
export function modeOf(parameters: PerformanceParameters): Mode | undefined {
  return (Object.keys(MODES) as Mode[]).find(
    (mode) => MODES[mode].tempo === parameters.tempo && MODES[mode].dynamics === parameters.dynamics,
  );
}
