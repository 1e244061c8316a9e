/**
 * Operating points: pairs of tempo and dynamics at which a unit can run, and what each costs.
 *
 * Hardware: the operating performance points (OPP) of a clock domain, pairs of frequency and voltage. Here tempo is
 * the frequency and dynamics the voltage. The paper leaves its cost function g open (section 4.5); ours is the law
 * that it cites, P = C f V², with f and v taken from the markings: docs/decisions/0020.
 */
import { DYNAMICS, type Dynamics } from '../hct/dynamics.ts';
import { TEMPO, type Tempo } from '../hct/tempo.ts';

/** A pair of markings. */
export interface OperatingPoint {
  readonly tempo: Tempo;
  readonly dynamics: Dynamics;
}

/** A point with its place on the frequency axis. */
export interface LadderPoint extends OperatingPoint {
  /** A whole number of at least 1; thousandths of a beat per minute unless a table says otherwise. */
  readonly frequency: number;
}

/** Operating points of one unit pool, slowest and cheapest first. */
export type Ladder = readonly LadderPoint[];

/** f: speed relative to moderato, 0.25 (grave) to 1.8 (presto). */
export const frequencyFactor = (tempo: Tempo): number => TEMPO[tempo].bpm / TEMPO.moderato.bpm;

/** v: resources relative to mf, 0.125 (ppp) to 2.5 (fff). */
export const voltageFactor = (dynamics: Dynamics): number => DYNAMICS[dynamics].budget;

/**
 * The cost law c = c0 · f(tempo) · v(dynamics)².
 *
 * @param c0 - the cost of the same work at moderato and mf, in any unit; default 1
 * @example
 * relativeCost({ tempo: 'presto', dynamics: 'ff' }); // 7.2 times moderato and mf
 */
export const relativeCost = ({ tempo, dynamics }: OperatingPoint, c0 = 1): number =>
  c0 * frequencyFactor(tempo) * voltageFactor(dynamics) ** 2;

/** A ladder that cannot be used: which point, why, what to do. */
export class LadderError extends RangeError {
  override name = 'LadderError';
}

/** What a ladder is made of: a pair of markings, with a frequency where beats per minute would not do. */
export type LadderInput = OperatingPoint & { readonly frequency?: number | undefined };

/**
 * Makes an ordered table of operating points.
 *
 * @param points - one or more, slowest first; both frequency and cost must rise from each to the next, so that more
 *   load never means a cheaper point
 * @throws LadderError naming the first point that breaks the order
 */
export function ladder(points: readonly LadderInput[]): Ladder {
  if (points.length === 0)
    throw new LadderError('ladder: no points given; give at least one pair of tempo and dynamics.');
  const made = points.map(({ tempo, dynamics, frequency }, index) => {
    const at = `ladder[${index}]`;
    if (!Object.hasOwn(TEMPO, tempo))
      throw new LadderError(`${at}.tempo: '${tempo}' is no tempo; use ${Object.keys(TEMPO).join(', ')}.`);
    if (!Object.hasOwn(DYNAMICS, dynamics)) {
      throw new LadderError(
        `${at}.dynamics: '${dynamics}' is no dynamics; use ${Object.keys(DYNAMICS).join(', ')}.`,
      );
    }
    const hertz = frequency ?? TEMPO[tempo].bpm * 1_000;
    if (!Number.isSafeInteger(hertz) || hertz < 1 || hertz > 2 ** 31) {
      throw new LadderError(`${at}.frequency: ${hertz} is not a whole number from 1 to 2^31.`);
    }
    return Object.freeze({ tempo, dynamics, frequency: hertz });
  });
  for (let i = 1; i < made.length; i++) {
    const [below, above] = [made[i - 1]!, made[i]!];
    const name = `${above.tempo}/${above.dynamics}`;
    if (above.frequency <= below.frequency) {
      throw new LadderError(
        `ladder[${i}] (${name}): its frequency is not above that of the point before; order the points, or give frequencies.`,
      );
    }
    if (relativeCost(above) <= relativeCost(below)) {
      throw new LadderError(
        `ladder[${i}] (${name}): it costs no more than the point before, so the one before is of no use; leave one out.`,
      );
    }
  }
  return Object.freeze(made);
}

/**
 * The ladder that applies when none is given: through the paper's three table rows (andante/pp, allegro/mf, presto/ff),
 * so that its bottom is the mode conservation and its top the mode sprint, as "powersave" and "performance" are.
 */
export const DEFAULT_LADDER: Ladder = ladder([
  { tempo: 'andante', dynamics: 'pp' },
  { tempo: 'moderato', dynamics: 'p' },
  { tempo: 'allegro', dynamics: 'mf' },
  { tempo: 'vivace', dynamics: 'f' },
  { tempo: 'presto', dynamics: 'ff' },
]);

/** How a target is met by a table. The kernel's CPUFREQ_RELATION_L, _H and _C. */
export type Relation = 'lowest-at-or-above' | 'highest-at-or-below' | 'closest';

/**
 * Resolves a target frequency to one of a table, as the kernel's `cpufreq_frequency_table_target` does.
 *
 * @param frequencies - rising
 * @param target - any number; beyond the ends, the end
 * @param relation - default the lowest point at or above the target; the closest breaks ties downwards
 */
export function resolve(
  frequencies: readonly number[],
  target: number,
  relation: Relation = 'lowest-at-or-above',
): number {
  let below: number | undefined;
  for (const frequency of frequencies) {
    if (frequency === target) return frequency;
    if (frequency < target) {
      below = frequency;
      continue;
    }
    if (below === undefined || relation === 'lowest-at-or-above') return frequency;
    if (relation === 'highest-at-or-below') return below;
    return target - below > frequency - target ? frequency : below;
  }
  return below as number;
}

/**
 * The most expensive point that costs at most `allowance`; the lowest if every point costs more.
 *
 * @param allowance - in units of the cost law with c0 = 1, 0 or more; null is no limit
 */
export function ceilingOf(points: Ladder, allowance: number | null): LadderPoint {
  if (allowance === null) return points.at(-1)!;
  return points.findLast((point) => relativeCost(point) <= allowance) ?? points[0]!;
}

/**
 * The slowest point that answers within `remainingMs`; the fastest where none does.
 *
 * @param remainingMs - milliseconds to the deadline; null is no deadline
 */
export function floorOf(points: Ladder, remainingMs: number | null): LadderPoint {
  if (remainingMs === null) return points[0]!;
  return points.find(({ tempo }) => TEMPO[tempo].latencyMs <= remainingMs) ?? points.at(-1)!;
}
