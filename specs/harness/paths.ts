/** Paths through all that was explored, and a run of each against something real.
 *
 *  As in XState's proposal (statelyai/xstate#5627), and in `@xstate/graph`, from which it stems: paths are generated from
 *  the machine and run one by one. Theirs are paths of one machine, to each state, and a failure is thrown. Here they are
 *  paths of machines in their surroundings, by default over every step, and a failure is returned as a counter-example. */
import type { Counterexample } from './claim.ts';
import { SutRuns, type Sut } from './sut.ts';
import type { Edge, Explored } from './explorable.ts';
import { whole } from './plain.ts';
import { turns } from './turn.ts';
import { pathTo, transcriptOf } from './way.ts';

export interface PathOptions {
  /** `steps`: every step of every situation. `situations`: every situation, each by a shortest path. Default `steps`. */
  readonly cover?: 'steps' | 'situations';
  /** Steps in one path: 1 … 100,000; more only where a situation is farther away. Default 1,000. */
  readonly longest?: number;
  /** More paths than this are an error of the caller: 1 … 1,000,000. Default 100,000. */
  readonly limit?: number;
}

export interface TestPathsOptions<W> extends PathOptions {
  /** What is tested. */
  readonly sut: Sut<W>;
  readonly signal?: AbortSignal;
}

export interface PathsTested {
  readonly paths: number;
  readonly steps: number;
  readonly counterexample?: Counterexample;
}

/** Paths that cover all steps, or all situations.
 *  @throws {RangeError} for more paths than `limit`, or an option out of its range.
 *  @throws {Error} when situations were taken together by symmetry: then an edge need not lead on. */
export function paths<W, S>(explored: Explored<W, S>, options: PathOptions = {}): (readonly S[])[] {
  const { cover = 'steps' } = options;
  const longest = whole('longest', options.longest ?? 1_000, 1, 100_000);
  const limit = whole('limit', options.limit ?? 100_000, 1, 1_000_000);
  if (explored.reduced)
    throw new Error(
      'paths: this was explored with symmetry, where a step may end elsewhere; explore without it.',
    );
  const { next } = explored;
  const trunk = new Set<string>();
  const found = new Set<number>([0]);
  for (const [from, edges] of next.entries())
    for (const [i, [, to]] of edges.entries()) {
      if (found.has(to)) continue;
      found.add(to);
      trunk.add(`${from} ${i}`);
    }
  const left = next.map((edges, from) =>
    edges.flatMap((_, i) => (cover === 'steps' || trunk.has(`${from} ${i}`) ? [i] : [])),
  );
  const all: S[][] = [];
  // From the far end back: a path to a far situation covers the steps on its way.
  for (let from = left.length - 1; from >= 0; from--) {
    while (left[from]!.length > 0) {
      if (all.length >= limit)
        throw new RangeError(`There are more than ${limit} paths; explore less, or raise \`limit\`.`);
      all.push(onePath(explored, left, from, longest));
    }
  }
  return all;
}

/** The way to a situation, a step from there that is not covered, and on to what is not covered either. */
function onePath<W, S>(explored: Explored<W, S>, left: number[][], from: number, longest: number): S[] {
  const { next } = explored;
  const path: S[] = [];
  let at = 0;
  const take = (i: number): void => {
    const [step, to] = next[at]![i]!;
    left[at] = left[at]!.filter((other) => other !== i);
    path.push(step);
    at = to;
  };
  for (const step of pathTo(explored, from)) take(next[at]!.findIndex(([other]) => other === step));
  take(left[at]![0]!);
  while (path.length < longest) {
    const way = wayOn(next, left, at, longest - path.length);
    if (way === undefined) break;
    for (const i of way) take(i);
  }
  return path;
}

/** A shortest way to a step that is not covered, and that step. */
function wayOn<S>(
  next: readonly (readonly Edge<S>[])[],
  left: readonly (readonly number[])[],
  start: number,
  most: number,
): number[] | undefined {
  let front: { at: number; way: number[] }[] = [{ at: start, way: [] }];
  const seen = new Set([start]);
  for (let length = 0; length < most && front.length > 0; length++) {
    const far: typeof front = [];
    for (const { at, way } of front) {
      const first = left[at]![0];
      if (first !== undefined) return [...way, first];
      for (const [i, [, to]] of next[at]!.entries()) {
        if (seen.has(to)) continue;
        seen.add(to);
        far.push({ at: to, way: [...way, i] });
      }
    }
    front = far;
  }
  return undefined;
}

/** Runs each path against something real, and compares after each step.
 *  @throws {RangeError} for an option out of its range.
 *  @throws the signal's reason.
 *  @example
 *  ```ts
 *  const counter = {
 *    initial: 0,
 *    steps: (n) => (n < 3 ? [{ type: 'UP' }] : [{ type: 'RESET' }]),
 *    after: (n, { type }) => ({ world: type === 'UP' ? n + 1 : 0 }),
 *  };
 *  const create = () => {
 *    let n = 0;
 *    return { send: ({ type }) => void (n = type === 'UP' ? n + 1 : 1), read: () => n }; // resets to 1
 *  };
 *  const tested = await testPaths(await explore(counter), { sut: { create, projectModel: (n) => n } });
 *  tested.counterexample.what; // 'The model is at 0, the sut at 1.'
 *  ``` */
export async function testPaths<W, S>(
  explored: Explored<W, S>,
  { sut, signal, ...options }: TestPathsOptions<W>,
): Promise<PathsTested> {
  const { model } = explored;
  const turn = turns(signal);
  const all = paths(explored, options);
  let steps = 0;
  /** @returns how it differs, and after how many steps. */
  const run = async (path: readonly S[]): Promise<{ what: string; after: number } | undefined> => {
    const sessions = await SutRuns.open({ sut });
    try {
      let world = model.initial;
      let what = await sessions.compare(world);
      for (let after = 0; ; after++) {
        if (what !== undefined) return { what, after };
        if (after === path.length) return undefined;
        await turn();
        const taken = model.after(world, path[after]!);
        what = await sessions.step(path[after]!, taken);
        ({ world } = taken);
        steps++;
      }
    } finally {
      await sessions.close();
    }
  };
  for (const [i, path] of [[], ...all].entries()) {
    const failed = await run(path);
    if (failed === undefined) continue;
    const short = shortest(explored, path.slice(0, failed.after));
    const again = short.length < failed.after ? await run(short) : undefined;
    const [{ what, after }, way] = again === undefined ? [failed, path] : [again, short];
    return {
      paths: i,
      steps,
      counterexample: { what, transcript: transcriptOf(model, way.slice(0, after)) },
    };
  }
  return { paths: all.length, steps };
}

/** The path's last step, by a shortest way to where it is taken. */
function shortest<W, S>(explored: Explored<W, S>, path: readonly S[]): S[] {
  let at = 0;
  let before = 0;
  for (const step of path) {
    before = at;
    at = explored.next[at]!.find(([other]) => other === step)![1];
  }
  return path.length === 0 ? [] : [...pathTo(explored, before), path.at(-1)!];
}
