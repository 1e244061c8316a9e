/**
 * A router as text: a JSON object that a person can read and compare, some 50 kB. Weights stand under the name of
 * their feature, or under the one or two characters that they are of; what was never seen is left out.
 */
import { z } from 'zod';
import { explainIssue } from '../../machines/hct/refusal.ts';
import { WIDTH } from './training/corpus.ts';
import { RoutingDataError } from './errors.ts';
import { FEATURES } from './features.ts';
import { BUCKETS, bucketOf, bucketName } from './pairs.ts';
import { TrainedRouter } from './trained.ts';

const FORMAT = 'tutti-router';
const VERSION = 1;

/** Bounds keep a made-up file from overflowing a sum. */
const weight = z.number().min(-1e6).max(1e6);
const count = z.int().nonnegative();
const share = z.number().min(0).max(1);

const schema = z.strictObject({
  format: z.literal(FORMAT),
  version: z.literal(VERSION),
  trained: z.strictObject({
    rows: count,
    weakAccuracy: share,
    strongAccuracy: share,
    rarity: z.union([z.literal(0), z.literal(1)]),
    seed: count,
    digest: count,
  }),
  verdicts: count,
  twentieths: z
    .array(weight)
    .length(19)
    .refine((marks) => marks.every((mark, index) => index === 0 || mark > marks[index - 1]!), {
      message: 'each must be greater than the last',
    }),
  bias: weight,
  features: z.strictObject(Object.fromEntries(FEATURES.map((feature) => [feature, weight]))),
  spelling: z.record(z.string(), weight),
});

/** @returns the router as JSON, one weight a line, ending in a line break */
export function formatRouter(router: TrainedRouter): string {
  const { weights, twentieths, ...rest } = router.state;
  const spelling: Record<string, number> = {};
  for (let bucket = 0; bucket < BUCKETS; bucket++) {
    if (weights[bucket] !== 0) spelling[bucketName(bucket)] = weights[bucket]!;
  }
  const features = Object.fromEntries(FEATURES.map((feature, index) => [feature, weights[BUCKETS + index]!]));
  const file: z.input<typeof schema> = {
    format: FORMAT,
    version: VERSION,
    ...rest,
    twentieths: [...twentieths],
    features,
    spelling,
  };
  return `${JSON.stringify(file, undefined, 1)}\n`;
}

/**
 * Reads a router back; it estimates exactly what the one that was written estimated.
 *
 * @param text - what {@link formatRouter} returned
 * @param source - what to call it in an error
 * @throws RoutingDataError where it is something else, naming the place
 */
export function parseRouter(text: string, source = 'router'): TrainedRouter {
  const remedy = 'Write it again with `tutti train-router DATA --out FILE`.';
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    throw new RoutingDataError({ source, problem: 'not a router: it is not JSON', remedy });
  }
  const head = z.looseObject({ format: z.literal(FORMAT), version: z.unknown() }).safeParse(json);
  if (!head.success) {
    throw new RoutingDataError({ source, problem: `not a router: it has no format '${FORMAT}'`, remedy });
  }
  if (head.data.version !== VERSION) {
    const problem = `version ${JSON.stringify(head.data.version)} of a router, and this is version ${VERSION}`;
    throw new RoutingDataError({ source, column: 'version', problem, remedy });
  }
  const parsed = schema.safeParse(json);
  if (!parsed.success) {
    const issue = parsed.error.issues[0]!;
    throw new RoutingDataError({ source, column: issue.path.join('.') || 'file', ...explainIssue(issue) });
  }
  const { trained, verdicts, twentieths, bias, features, spelling } = parsed.data;
  const weights = new Float64Array(WIDTH);
  for (const [name, value] of Object.entries(spelling)) {
    const bucket = bucketOf(name);
    if (bucket === undefined) {
      const problem = `${JSON.stringify(name.slice(0, 20))} is no spelling`;
      throw new RoutingDataError({ source, column: 'spelling', problem, remedy });
    }
    weights[bucket] = value;
  }
  for (const [index, feature] of FEATURES.entries()) weights[BUCKETS + index] = features[feature] ?? 0;
  return new TrainedRouter({ trained, verdicts, twentieths, bias, weights });
}
