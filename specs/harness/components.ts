/** Strongly connected components of a graph, and shortest ways within one. */
import type { Edge } from './explorable.ts';

type Graph = readonly (readonly (readonly [unknown, number])[])[];

/** Groups of nodes in which each node can be reached from each other one, among some of a graph's nodes (Tarjan 1972).
 *  It keeps its own stack: a graph may be deeper than the program's call stack. */
export function components(next: Graph, among: readonly number[]): number[][] {
  const inside = new Set(among);
  const index = new Map<number, number>();
  const low = new Map<number, number>();
  const stack: number[] = [];
  const stacked = new Set<number>();
  const found: number[][] = [];
  for (const root of among) {
    if (index.has(root)) continue;
    const work: { at: number; edge: number }[] = [{ at: root, edge: 0 }];
    while (work.length > 0) {
      const frame = work.at(-1)!;
      const { at } = frame;
      if (frame.edge === 0) {
        index.set(at, index.size);
        low.set(at, index.get(at)!);
        stack.push(at);
        stacked.add(at);
      }
      const edges = next[at]!;
      let deeper: number | undefined;
      while (frame.edge < edges.length && deeper === undefined) {
        const to = edges[frame.edge++]![1];
        if (!inside.has(to)) continue;
        if (!index.has(to)) deeper = to;
        else if (stacked.has(to)) low.set(at, Math.min(low.get(at)!, index.get(to)!));
      }
      if (deeper !== undefined) {
        work.push({ at: deeper, edge: 0 });
        continue;
      }
      work.pop();
      const parent = work.at(-1);
      if (parent !== undefined) low.set(parent.at, Math.min(low.get(parent.at)!, low.get(at)!));
      if (low.get(at) !== index.get(at)) continue;
      const members = stack.splice(stack.lastIndexOf(at));
      for (const member of members) stacked.delete(member);
      found.push(members);
    }
  }
  return found;
}

export interface Ways<S> {
  readonly next: readonly (readonly Edge<S>[])[];
  readonly within: ReadonlySet<number>;
}

/** A shortest way from a node to a goal: a node (asked without a step), or a step out of one, which is then taken. */
export function wayWithin<S>(
  { next, within }: Ways<S>,
  start: number,
  goal: (at: number, step: S | undefined) => boolean,
): { steps: S[]; end: number } | undefined {
  const parents = new Map<number, readonly [S, number] | undefined>([[start, undefined]]);
  const wayTo = (at: number): S[] => {
    const steps: S[] = [];
    for (let parent = parents.get(at); parent !== undefined; parent = parents.get(parent[1]))
      steps.unshift(parent[0]);
    return steps;
  };
  const queue = [start];
  for (let i = 0; i < queue.length; i++) {
    const at = queue[i]!;
    if (goal(at, undefined)) return { steps: wayTo(at), end: at };
    for (const [step, to] of next[at]!) {
      if (!within.has(to)) continue;
      if (goal(at, step)) return { steps: [...wayTo(at), step], end: to };
      if (parents.has(to)) continue;
      parents.set(to, [step, at]);
      queue.push(to);
    }
  }
  return undefined;
}
