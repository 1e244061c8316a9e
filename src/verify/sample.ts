/** Judges a claim by random cases: each is drawn from a seed, run through the public API, and judged. A case that is
 *  objected to is made smaller as long as the objection stays. */
import type { Bounds, Claim, Criterion, Finding, MappingName } from '../../specs/harness/claim.ts';
import { Random } from '../../specs/harness/random.ts';
import { turns } from '../../specs/harness/turn.ts';

export interface Sample<C> {
  /** What cases are drawn from, in words. */
  readonly bound: string;
  /** How many of `--runs` this check takes: above 0 to 1. */
  readonly share: number;
  readonly draw: (random: Random) => C;
  /** @returns what is wrong, in one sentence. A throw is wrong, too. */
  readonly judge: (given: C) => string | undefined | Promise<string | undefined>;
  /** The case in lines, for a person. */
  readonly shown: (given: C) => readonly string[];
  /** Cases that are a little smaller. */
  readonly smaller?: (given: C) => Iterable<C>;
}

/** A run that takes longer in real time hangs: no case waits in real time for more than a second. */
const HANGS_MS = 30_000;
/** Most attempts to make a counter-example smaller. */
const MOST_SHRINKS = 300;

/** The check of a claim by random cases. */
export const sampled =
  <C>(sample: Sample<C>): Claim['check'] =>
  async ({ runs, seed, signal, progress }: Bounds): Promise<Finding> => {
    const { bound, share } = sample;
    const count = Math.max(1, Math.round(runs * share));
    const turn = turns(signal);
    for (let i = 0; i < count; i++) {
      await turn();
      progress?.(i / count);
      const given = sample.draw(new Random(seed + i));
      const what = await objectionTo(sample, given);
      if (what === undefined) continue;
      const counterexample = { ...(await smallest(sample, given, what)), seed: seed + i };
      return { verdict: 'fails', bound, runs: i + 1, counterexample };
    }
    return { verdict: 'holds', bound, runs: count };
  };

async function smallest<C>(sample: Sample<C>, given: C, what: string) {
  let [small, why] = [given, what];
  let left = MOST_SHRINKS;
  for (let found = true; found;) {
    found = false;
    for (const candidate of sample.smaller?.(small) ?? []) {
      if (left-- === 0) break;
      const objection = await objectionTo(sample, candidate);
      if (objection === undefined) continue;
      [small, why, found] = [candidate, objection, true];
      break;
    }
  }
  const transcript = sample.shown(small).map((text) => ({ from: 'case', text }));
  return { what: why, transcript };
}

async function objectionTo<C>({ judge }: Sample<C>, given: C): Promise<string | undefined> {
  let timer: NodeJS.Timeout | undefined;
  const hangs = new Promise<string>((resolve) => {
    timer = setTimeout(() => resolve('It does not end.'), HANGS_MS);
    timer.unref(); // where nothing else is left to happen, the caller notices at once
  });
  try {
    return await Promise.race([judge(given), hangs]);
  } catch (error) {
    if (error instanceof Objection) return error.message;
    return error instanceof Error
      ? `It throws ${error.name}: ${error.message}`
      : `It throws ${String(error)}.`;
  } finally {
    clearTimeout(timer);
  }
}

/** Every list with one item left out. */
export function* without<T>(items: readonly T[]): Generator<T[]> {
  for (let i = items.length - 1; i >= 0; i--) yield items.toSpliced(i, 1);
}

/** A claim that is judged through the public API. */
export const apiClaim = <C>(
  mapping: MappingName,
  criterion: Criterion,
  { property, source, ...sample }: Sample<C> & Pick<Claim, 'property' | 'source'>,
): Claim => ({
  mapping,
  criterion,
  property,
  source,
  expected: 'holds',
  instrument: 'api',
  check: sampled(sample),
});

/** Throws what is wrong, in one sentence. */
export function must(holds: boolean, what: () => string): asserts holds {
  if (!holds) throw new Objection(what());
}
/** What is wrong with a case. */
class Objection extends Error {
  override name = 'Objection';
}
/** Plain values in one line. */
export const text = (value: unknown): string => JSON.stringify(value) ?? String(value);
