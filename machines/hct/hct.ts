/**
 * The seven signals of Harmonic Coordination Theory, as tutti keeps them in memory: camelCase, strict, frozen.
 *
 * Published (hct-spec schema.json; hct-mcp-signals): type, source, targets, payload, performance, conditions,
 * context, and every default. Ours, carried on a wire in one extension field: `intent` (the paper lets one cue
 * mean activation, resumption and update, and one fermata mean a hold and a request for ownership), `key`,
 * a fermata's `syncPoint`, `conditions.onTimeout` and `conditions.maxIterations`.
 *
 * `extra`, at any level, keeps what a wire carried that no published schema names.
 */
import { z } from 'zod';
import { dynamicsSchema } from './dynamics.ts';
import { DEFAULT_PERFORMANCE, durationSchema, urgencySchema } from './performance.ts';
import { tempoSchema } from './tempo.ts';

/** The seven, in the order of spec.yaml. */
export const HCT_SIGNAL_TYPES = [
  'cue',
  'fermata',
  'attacca',
  'vamp',
  'caesura',
  'tacet',
  'downbeat',
] as const;

/** The name of one of the seven. */
export type HctSignalType = (typeof HCT_SIGNAL_TYPES)[number];

/** Why work is held. Source: hct-spec, schema.json. */
export const HOLD_TYPES = ['human', 'governance', 'resource', 'quality'] as const;

/** Why work is held. */
export type HoldType = (typeof HOLD_TYPES)[number];

/** What a cue is for: begin, go on after a hold, or note a new value of shared state. Ours. */
export const CUE_INTENTS = ['activate', 'resume', 'update'] as const;

/** What a fermata is for: stop for an approval, or request ownership of a key (a cache's RFO). Ours. */
export const FERMATA_INTENTS = ['hold', 'rfo'] as const;

/** What happens when a hold outlasts its timeout. Ours; default `fail`. */
export const TIMEOUT_POLICIES = ['resume', 'fail'] as const;

/** What happens when a hold outlasts its timeout. */
export type TimeoutPolicy = (typeof TIMEOUT_POLICIES)[number];

/** Performance by type of signal: the defaults of its factory. Source: SDK factories. */
const { timeoutMs: _none, ...untimed } = DEFAULT_PERFORMANCE;
const immediate = { ...DEFAULT_PERFORMANCE, urgency: 10, tempo: 'presto' } as const;

/** The fields that several signals have. Made when the first schema is used, since making all schemas takes longer than
 *  loading the rest of the library, and a program that only performs scores uses few of them. */
function makeParts() {
  const record = z.record(z.string(), z.unknown()).readonly();
  const extra = record.exactOptional();
  const name = z.string().min(1);

  const performanceOf = <Timeout extends z.ZodType>(
    defaults: Omit<typeof immediate | typeof DEFAULT_PERFORMANCE, 'timeoutMs'>,
    timeoutMs: Timeout,
  ) =>
    z
      .strictObject({
        urgency: urgencySchema.default(defaults.urgency),
        tempo: tempoSchema.default(defaults.tempo),
        dynamics: dynamicsSchema.default(defaults.dynamics),
        timeoutMs,
        extra,
      })
      .readonly();

  const usual = performanceOf(DEFAULT_PERFORMANCE, durationSchema.default(DEFAULT_PERFORMANCE.timeoutMs));
  const urgent = performanceOf(immediate, durationSchema.default(immediate.timeoutMs));
  const looping = performanceOf(DEFAULT_PERFORMANCE, durationSchema.default(60_000));
  /** An approval may take days: a hold without a stated timeout has none. */
  const holding = performanceOf(untimed, durationSchema.exactOptional());

  const conditions = z.strictObject({
    holdType: z.enum(HOLD_TYPES).exactOptional(),
    /** When to stop repeating: a registered predicate's name, or prose for a judge. */
    repeatUntil: z.string().exactOptional(),
    /** Quality at which to stop repeating, 0 to 1. */
    qualityThreshold: z.number().min(0).max(1).exactOptional(),
    onTimeout: z.enum(TIMEOUT_POLICIES).exactOptional(),
    /** Cap on repetitions, 1 or more. */
    maxIterations: z.int().min(1).exactOptional(),
    extra,
  });

  /** Where in the score this is. For observers. */
  const context = z
    .strictObject({
      movement: z.string().exactOptional(),
      objectives: z.array(z.string()).readonly().exactOptional(),
      extra,
    })
    .readonly();

  const common = {
    /** The sender. */
    source: name,
    /** The listeners that are addressed: see `addresses` in `targets.ts`. `*` and an empty list address all. */
    targets: z.array(name).readonly(),
    payload: record.exactOptional(),
    performance: usual.exactOptional(),
    conditions: conditions.readonly().exactOptional(),
    context: context.exactOptional(),
    /** ISO 8601, if a wire gave one. The bus's own time is in the envelope. */
    timestamp: z.string().exactOptional(),
    extra,
  };

  return { name, conditions, urgent, looping, holding, usual, common };
}
let made: ReturnType<typeof makeParts> | undefined;
const parts = () => (made ??= makeParts());

/** A payload from which `reserved` is kept free, because a separate field carries it. */
const payloadWithout = (reserved: string, field: string) =>
  z
    .record(z.string(), z.unknown())
    .refine((payload) => !(reserved in payload), {
      path: [reserved],
      message: `the field ${field} carries this`,
    })
    .readonly()
    .default(Object.freeze({}));

/** CUE: activate agents, resume what was held, or note an update. */
export const cueSchema = z.lazy(() =>
  z
    .strictObject({
      type: z.literal('cue'),
      ...parts().common,
      intent: z.enum(CUE_INTENTS).default('activate'),
      /** The key of shared state that was updated or is given back. */
      key: parts().name.exactOptional(),
    })
    .readonly(),
);

/** FERMATA: hold until resolved, or request ownership of a key. */
export const fermataSchema = z.lazy(() =>
  z
    .strictObject({
      type: z.literal('fermata'),
      ...parts().common,
      performance: parts().holding.exactOptional(),
      conditions: parts()
        .conditions.extend({ holdType: z.enum(HOLD_TYPES).default('human') })
        .readonly()
        .default(Object.freeze({ holdType: 'human' })),
      intent: z.enum(FERMATA_INTENTS).default('hold'),
      /** The key of shared state whose ownership is requested; only, and always, with intent rfo. */
      key: parts().name.exactOptional(),
      /** The sync point whose downbeat releases the hold. */
      syncPoint: z.string().exactOptional(),
    })
    .refine((signal) => (signal.intent === 'rfo') === (signal.key !== undefined), {
      path: ['key'],
      message: 'a request for ownership names its key, and a mere hold names none',
    })
    .readonly(),
);

/** ATTACCA: go on at once, without queue or gate. */
export const attaccaSchema = z.lazy(() =>
  z
    .strictObject({
      type: z.literal('attacca'),
      ...parts().common,
      performance: parts().urgent.exactOptional(),
    })
    .readonly(),
);

/** VAMP: repeat until a signal ends it or the result is good enough. */
export const vampSchema = z.lazy(() =>
  z
    .strictObject({
      type: z.literal('vamp'),
      ...parts().common,
      performance: parts().looping.exactOptional(),
    })
    .readonly(),
);

/** CAESURA: stop everything, discard what is not committed. */
export const caesuraSchema = z.lazy(() =>
  z
    .strictObject({
      type: z.literal('caesura'),
      ...parts().common,
      performance: parts().urgent.exactOptional(),
    })
    .readonly(),
);

/** TACET: be silent, for a time or until woken. */
export const tacetSchema = z.lazy(() =>
  z
    .strictObject({
      type: z.literal('tacet'),
      ...parts().common,
      payload: payloadWithout('duration_ms', 'durationMs'),
      /** For how long, in milliseconds; absent, until woken. */
      durationMs: durationSchema.exactOptional(),
    })
    .readonly(),
);

/** DOWNBEAT: all agents meet here. */
export const downbeatSchema = z.lazy(() =>
  z
    .strictObject({
      type: z.literal('downbeat'),
      ...parts().common,
      payload: payloadWithout('sync_point', 'syncPoint'),
      /** The sync point's name; the empty string is the unnamed one. */
      syncPoint: z.string().default(''),
    })
    .readonly(),
);

/** Accepts any of the seven, and fills in the defaults of each object that is present. */
export const hctSignalSchema = z.discriminatedUnion('type', [
  cueSchema,
  fermataSchema,
  attaccaSchema,
  vampSchema,
  caesuraSchema,
  tacetSchema,
  downbeatSchema,
]);

export type Cue = z.infer<typeof cueSchema>;
export type Fermata = z.infer<typeof fermataSchema>;
export type Attacca = z.infer<typeof attaccaSchema>;
export type Vamp = z.infer<typeof vampSchema>;
export type Caesura = z.infer<typeof caesuraSchema>;
export type Tacet = z.infer<typeof tacetSchema>;
export type Downbeat = z.infer<typeof downbeatSchema>;

/** One of the seven published signals. */
export type HctSignal = Cue | Fermata | Attacca | Vamp | Caesura | Tacet | Downbeat;

/** How a signal wants its work done, with every field filled in. */
export type Performance = z.infer<ReturnType<typeof parts>['usual']>;
