/**
 * Random signals, and the published wire formats as their own schemas state them: written here from hct-spec
 * (schema.json) and hct-a2a (spec/v1/schema.json), with no import from the code that they judge.
 */
import fc from 'fast-check';
import { z } from 'zod';
import { DYNAMICS_LEVELS } from '../../machines/hct/dynamics.ts';
import * as vocabulary from '../../machines/hct/signal.ts';
import { TEMPI } from '../../machines/hct/tempo.ts';

const whole = z.int().min(0);

const publishedBody = {
  targets: z.array(z.string()).optional(),
  performance: z
    .looseObject({
      tempo: z.enum(['largo', 'andante', 'moderato', 'allegro', 'presto']).optional(),
      dynamics: z.enum(['pp', 'p', 'mf', 'f', 'ff']).optional(),
      urgency: z.int().min(1).max(10).optional(),
      timeout_ms: whole.optional(),
    })
    .optional(),
  conditions: z
    .looseObject({
      hold_type: z.enum(['human', 'governance', 'resource', 'quality']).optional(),
      quality_threshold: z.number().min(0).max(1).optional(),
      repeat_until: z.string().optional(),
    })
    .optional(),
  context: z
    .looseObject({ movement: z.string().optional(), objectives: z.array(z.string()).optional() })
    .optional(),
};
const publishedType = z.enum(['cue', 'fermata', 'attacca', 'vamp', 'caesura', 'tacet', 'downbeat']);

/** `hct_signal` as hct-spec's schema.json has it. */
export const publishedMCP = z.looseObject({ type: publishedType, source: z.string(), ...publishedBody });

/** `hct` as hct-a2a's schema.json has it. */
export const publishedA2A = z.looseObject({
  signal: publishedType,
  from: z.string().optional(),
  ...publishedBody,
});

const text = fc.string({ minLength: 1, maxLength: 12 });
const json = fc
  .jsonValue({ maxDepth: 3 })
  .map((value) => JSON.stringify(value))
  .filter((value) => !value.includes('__proto__'))
  .map((value) => JSON.parse(value) as unknown);
const object = fc
  .dictionary(text, json, { maxKeys: 4, noNullPrototype: true })
  .filter((value) => !Object.hasOwn(value, '__proto__'));

/** Keys that no published schema and no wire of ours uses. */
const extra = object
  .map((value) => Object.fromEntries(Object.entries(value).map(([key, child]) => [`x-${key}`, child])))
  .filter((value) => Object.keys(value).length > 0);

const part = <T>(fields: { [K in keyof T]: fc.Arbitrary<T[K]> }) =>
  fc.record({ ...fields, extra } as never, { requiredKeys: [] });
const whenever = fc.nat({ max: 2 ** 31 });

const conditions = part({
  holdType: fc.constantFrom(...vocabulary.HOLD_TYPES),
  repeatUntil: fc.string(),
  qualityThreshold: fc.double({ min: 0, max: 1, noNaN: true }).map((value) => value + 0),
  onTimeout: fc.constantFrom(...vocabulary.TIMEOUT_POLICIES),
  maxIterations: fc.integer({ min: 1, max: 1_000 }),
});

const common = {
  source: text,
  targets: fc.array(text, { maxLength: 4 }),
  payload: object.filter((value) => !('duration_ms' in value || 'sync_point' in value)),
  performance: part({
    urgency: fc.integer({ min: 1, max: 10 }),
    tempo: fc.constantFrom(...TEMPI),
    dynamics: fc.constantFrom(...DYNAMICS_LEVELS),
    timeoutMs: whenever,
  }),
  conditions,
  context: part({ movement: fc.string(), objectives: fc.array(fc.string(), { maxLength: 3 }) }),
  timestamp: fc.constantFrom('2026-01-01T00:00:00.000Z', '2026-01-01T00:00:00.123456'),
  extra,
};

const signal = (type: vocabulary.HctSignalType, own: Record<string, fc.Arbitrary<unknown>> = {}) =>
  fc.record(
    { type: fc.constant(type), ...common, ...own },
    { requiredKeys: ['type', 'source', 'targets'], noNullPrototype: true },
  );

const raw = fc.oneof(
  signal('cue', { intent: fc.constantFrom(...vocabulary.CUE_INTENTS), key: text }),
  signal('fermata', { syncPoint: fc.string() }),
  fc
    .tuple(signal('fermata', { syncPoint: fc.string() }), text)
    .map(([base, key]) => ({ ...base, intent: 'rfo', key })),
  signal('attacca'),
  signal('vamp'),
  signal('caesura'),
  signal('tacet', { durationMs: whenever }),
  signal('downbeat', { syncPoint: fc.string() }),
);

/** Any of the seven, as its schema completes it. */
export const anySignal: fc.Arbitrary<vocabulary.HctSignal> = raw.map((value) =>
  vocabulary.hctSignalSchema.parse(JSON.parse(JSON.stringify(value))),
);
