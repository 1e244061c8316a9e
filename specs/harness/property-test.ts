/** Random schedules of a model, in lock-step with an oracle or an implementation, shrunk to a shortest one that fails.
 *
 *  For what is too large to explore. Schedules come from fast-check, which also shrinks them; it is an optional peer, and
 *  is loaded when it is needed. A seed gives the same schedules again.
 *
 *  As in XState's proposal (statelyai/xstate#5627): `propertyTest`, `invariant`, `sut`, `reference`. There, events are
 *  drawn from generators of each type, and a failure is thrown; here, each next step is drawn from what may happen in
 *  the model, so that no schedule breaks the rules of the surroundings, and a failure is returned as a counter-example.
 *
 *  Sources: Claessen & Hughes 2000 (QuickCheck); Zeller & Hildebrandt 2002 (leaving out what a failure does not need). */
import type { Counterexample } from './claim.ts';
import { SutRuns, type Sut } from './sut.ts';
import { failing, type ExploreOptions } from './explore.ts';
import type { Model } from './explorable.ts';
import { whole } from './plain.ts';
import { turns } from './turn.ts';
import { labelOf, transcriptOf } from './way.ts';

/** What is used of fast-check; the module itself fits. */
export interface FastCheck {
  nat(): any;
  array(arbitrary: any, constraints: { maxLength: number; size: 'max' }): any;
  asyncProperty(arbitrary: any, predicate: (value: any) => Promise<boolean>): any;
  check(property: any, parameters: object): any;
}

export interface PropertyTestOptions<W> extends Pick<ExploreOptions<W>, 'invariant' | 'mayEnd' | 'signal'> {
  /** Random schedules: 1 … 1,000,000. Default 100. */
  readonly runs?: number;
  /** Steps of the longest: 1 … 10,000. Default 50. */
  readonly length?: number;
  /** A whole number of 32 bits; the same seed draws the same schedules. Default 1. */
  readonly seed?: number;
  /** An oracle, which has to agree after each step. */
  readonly reference?: Sut<W>;
  /** An implementation, which has to agree after each step. */
  readonly sut?: Sut<W>;
  /** fast-check, where it cannot be imported by its name. */
  readonly fc?: FastCheck;
}

export interface PropertyTested<S> {
  readonly runs: number;
  /** Steps taken in all runs, those of shrinking included. */
  readonly steps: number;
  readonly seed: number;
  /** The shortest schedule that fails. */
  readonly path?: readonly S[];
  readonly counterexample?: Counterexample;
}

/** Draws schedules until one fails, and shrinks it.
 *  @throws {RangeError} for an option out of its range.
 *  @throws {Error} when fast-check is not installed.
 *  @throws the signal's reason.
 *  @example
 *  ```ts
 *  const stack = {
 *    initial: [],
 *    steps: (items) => [{ type: 'PUSH' }, ...(items.length > 0 ? [{ type: 'POP' }] : [])],
 *    after: (items, { type }) => ({ world: type === 'PUSH' ? [...items, items.length] : items.slice(0, -1) }),
 *  };
 *  const found = await propertyTest(stack, { invariant: (items) => items.length < 4 });
 *  found.path.map(({ type }) => type); // ['PUSH', 'PUSH', 'PUSH', 'PUSH']
 *  ``` */
export async function propertyTest<W, S>(
  model: Model<W, S>,
  options: PropertyTestOptions<W> = {},
): Promise<PropertyTested<S>> {
  const { signal, reference, sut } = options;
  const numRuns = whole('runs', options.runs ?? 100, 1, 1_000_000);
  const maxLength = whole('length', options.length ?? 50, 1, 10_000);
  const seed = whole('seed', options.seed ?? 1, -(2 ** 31), 2 ** 31 - 1);
  const fc = options.fc ?? (await fastCheck());
  const turn = turns(signal);
  let runs = 0;
  let steps = 0;

  /** Takes the steps that are chosen, until none is or one fails. */
  const run = async (choose: (may: readonly S[]) => S | undefined): Promise<Failed<S> | undefined> => {
    const sessions = await SutRuns.open<W>({ reference, sut });
    const path: S[] = [];
    try {
      let world = model.initial;
      let what = failing(options.invariant, world)?.what ?? (await sessions.compare(world));
      while (what === undefined) {
        await turn();
        const may = model.steps(world);
        if (may.length === 0 && !(options.mayEnd?.(world) ?? true))
          what = 'Nothing may happen any more, and it is not at an end.';
        const step = may.length === 0 ? undefined : choose(may);
        if (step === undefined) break;
        const taken = model.after(world, step);
        path.push(step);
        steps++;
        ({ world } = taken);
        what = taken.broken ?? failing(options.invariant, world)?.what ?? (await sessions.step(step, taken));
      }
      return what === undefined ? undefined : { what, path };
    } finally {
      await sessions.close();
    }
  };
  /** Each number chooses among what may happen then. */
  const drawn = (schedule: readonly number[]) => {
    let at = 0;
    return run((may) => (at < schedule.length ? may[schedule[at++]! % may.length] : undefined));
  };
  /** Each name chooses a step that bears it; where there is none, it is over. */
  const named = (names: readonly string[]) => {
    let at = 0;
    return run((may) => {
      const name = names[at++];
      return may.find((step) => labelOf(model, step) === name);
    });
  };

  let found: Failed<S> | undefined;
  let fault: unknown;
  const schedules = fc.array(fc.nat(), { maxLength, size: 'max' });
  const property = fc.asyncProperty(schedules, async (schedule: readonly number[]) => {
    if (signal?.aborted || fault !== undefined) return false;
    if (found === undefined) runs++;
    try {
      const failed = await drawn(schedule);
      if (failed === undefined) return true;
      if (found === undefined || failed.path.length <= found.path.length) found = failed;
    } catch (error) {
      fault ??= error ?? new Error('something threw nothing');
    }
    return false;
  });
  await fc.check(property, { numRuns, seed });
  signal?.throwIfAborted();
  if (fault !== undefined) throw fault;
  if (found === undefined) return { runs, steps, seed };
  const { what, path } = await shortened(model, found, named);
  return { runs, steps, seed, path, counterexample: { what, seed, transcript: transcriptOf(model, path) } };
}

interface Failed<S> {
  readonly what: string;
  readonly path: readonly S[];
}

/** Leaves out what is not needed: fast-check shortens the numbers, and a number means another step when an earlier one is
 *  gone. Here one step or two are left out, and the others keep their names. */
async function shortened<W, S>(
  model: Model<W, S>,
  failed: Failed<S>,
  run: (names: readonly string[]) => Promise<Failed<S> | undefined>,
): Promise<Failed<S>> {
  const names = failed.path.map((step) => labelOf(model, step));
  for (const size of [1, 2])
    for (let at = 0; at + size <= names.length; at++) {
      const shorter = await run(names.filter((_, i) => i < at || i >= at + size));
      if (shorter !== undefined && shorter.path.length < failed.path.length)
        return shortened(model, shorter, run);
    }
  return failed;
}

async function fastCheck(): Promise<FastCheck> {
  try {
    return await import('fast-check');
  } catch (error) {
    throw new Error(
      'propertyTest draws its schedules by fast-check, which is not installed here: npm install --save-dev fast-check ' +
        '(or hand it over: propertyTest(model, { fc })).',
      { cause: error },
    );
  }
}
