/** Every run of a litmus test, with any lag: which outcomes are reached, and by which shortest path. */
import { BreadthFirst, type Parent } from '../../harness/breadth-first.ts';
import { turns } from '../../harness/turn.ts';
import type { LitmusTest } from './file.ts';
import {
  withMovesBefore,
  ENDLESS,
  LitmusViolation,
  most,
  stepByStep,
  wordByWord,
  type Ending,
} from './steps.ts';
import type { Move } from './thread-states.ts';
import { LitmusWorlds, type Rules, type LitmusWorld } from './world.ts';

/** The copies before the test begins: none; every thread has one of all that it uses; or each location has one, at the
 *  first thread that writes it, so that its first write needs no request for ownership. */
export const STARTS = ['I', 'S', 'E'] as const;
export type Start = (typeof STARTS)[number];

export interface LitmusScope extends Rules {
  readonly start: Start;
  /** More worlds than this are not explored. Default 250,000. */
  readonly limit?: number;
  readonly signal?: AbortSignal | undefined;
}
export interface LitmusGraph {
  readonly states: number;
  readonly transitions: number;
  /** Steps that the real replicas took; all others were in the cache. */
  readonly played: number;
  /** By outcome: a shortest way there. `undefined` when the test is too large. */
  readonly outcomes: ReadonlyMap<string, readonly Move[]> | undefined;
}

interface Edge {
  readonly to: number;
  readonly read: bigint;
  readonly moves: readonly Move[];
}
interface Node {
  /** Dropped after the visit, since there are many. */
  world: LitmusWorld | undefined;
  /** Steps to it. */
  readonly depth: number;
  readonly before: number[];
  edges: readonly Edge[];
  ends: readonly Ending[];
}
type Found = BreadthFirst<Node, readonly Move[]>;
type Turn = () => Promise<void> | undefined;
/** Outcomes that a world may have on average, before it is too much. */
const OUTCOMES = 50;

/** Breadth first, to the end.
 *  @throws {LitmusViolation} when a thread may wait indefinitely, or a line receives an impossible event. */
export async function exploreLitmus(test: LitmusTest, scope: LitmusScope): Promise<LitmusGraph> {
  const { limit = 250_000, signal } = scope;
  const worlds = new LitmusWorlds(test, scope);
  const warm = warmings(test, scope.start);
  const turn = turns(signal);
  const found: Found = new BreadthFirst();
  const nodes = found.worlds;
  const all = await grow(found, worlds, warm, limit, turn);
  const counts = {
    states: nodes.length,
    transitions: nodes.reduce((sum, { edges }) => sum + edges.length, 0),
    played: worlds.threadStates.reduce((sum, { thread }) => sum + thread.played, 0),
  };
  if (!all) return { ...counts, outcomes: undefined };
  const lengths = await backwards(nodes, OUTCOMES * limit, turn);
  if (lengths === undefined) return { ...counts, outcomes: undefined };
  const lost = lengths.indexOf(undefined);
  if (lost >= 0) throw new LitmusViolation(ENDLESS, wayTo(found, lost, warm));
  const ways = [...lengths[0]!.keys()].map(
    (bits) => [worlds.outcome(bits), [...warm, ...shortest(nodes, lengths as Lengths, bits)]] as const,
  );
  return { ...counts, outcomes: new Map(ways) };
}

/** Which thread requests a copy of which location, in which order, before the test begins. */
export function warmings({ threads }: LitmusTest, start: Start): Move[] {
  if (start === 'I') return [];
  const users = threads.flatMap((ops, thread) =>
    ops
      .toSorted((a, b) => Number(a.op === 'R') - Number(b.op === 'R'))
      .map(({ op, loc }) => ({ thread, op, loc })),
  );
  if (start === 'E') users.sort((a, b) => Number(a.op === 'R') - Number(b.op === 'R'));
  const seen = new Set<string>();
  return users.flatMap(({ thread, loc }): Move[] => {
    const what = start === 'E' ? loc : `${thread} ${loc}`;
    return seen.has(what) ? [] : (seen.add(what), [{ thread, does: 'warm', loc }]);
  });
}

/** @returns whether all was reached within the limit. */
async function grow(
  found: Found,
  worlds: LitmusWorlds,
  warm: readonly Move[],
  limit: number,
  turn: Turn,
): Promise<boolean> {
  const nodes = found.worlds;
  const reach = (world: LitmusWorld, depth: number, parent?: Parent<readonly Move[]>): number =>
    found.reach(worlds.keyOf(world), { world, depth, before: [], edges: [], ends: [] }, parent);
  const expand = worlds.rules.everyStep === true ? stepByStep(worlds) : wordByWord(worlds);
  const { words, moves } = most(worlds.test);
  const deepest = worlds.rules.everyStep === true ? moves : words;
  let endings = 0;
  reach(worlds.begin(warm), 0);
  for (const [at, node] of nodes.entries()) {
    if (node.depth > deepest) throw new LitmusViolation(ENDLESS, wayTo(found, at, warm));
    if (nodes.length + endings > limit) return false;
    const { edges, ends } = withMovesBefore(
      () => wayTo(found, at, warm),
      () => expand(node.world!),
    );
    node.edges = edges.map(({ world, read, moves }) => ({
      to: reach(world, node.depth + 1, [moves, at]),
      read,
      moves,
    }));
    node.ends = ends;
    node.world = undefined;
    endings += ends.length;
    for (const { to } of node.edges) nodes[to]!.before.push(at);
    if (at % 64 === 0) await turn();
  }
  return true;
}

const wayTo = (found: Found, index: number, warm: readonly Move[]): Move[] => [
  ...warm,
  ...found.pathTo(index).flat(),
];

type Lengths = readonly ReadonlyMap<bigint, number>[];
/** By node: what the rest of the run may show, and the least number of moves to it. From the ends backwards, so that a
 *  node which leads into a circle, from which no end has to come, is left over.
 *  @returns nothing when that is more than `most`. */
async function backwards(
  nodes: readonly Node[],
  most: number,
  turn: Turn,
): Promise<(ReadonlyMap<bigint, number> | undefined)[] | undefined> {
  const lengths: (ReadonlyMap<bigint, number> | undefined)[] = nodes.map(() => undefined);
  const open = nodes.map(({ edges }) => edges.length);
  let total = 0;
  const ready = nodes.flatMap(({ edges }, index) => (edges.length === 0 ? [index] : []));
  for (const index of ready) {
    const { edges, ends, before } = nodes[index]!;
    const found = new Map<bigint, number>();
    const add = (bits: bigint, length: number) => {
      if (length < (found.get(bits) ?? Infinity)) found.set(bits, length);
    };
    for (const { bits, moves } of ends) add(bits, moves.length);
    for (const { to, read, moves } of edges)
      for (const [bits, length] of lengths[to]!) add(bits | read, length + moves.length);
    lengths[index] = found;
    if ((total += found.size) > most) return undefined;
    for (const earlier of before) if (--open[earlier]! === 0) ready.push(earlier);
    if (index % 64 === 0) await turn();
  }
  return lengths;
}

function shortest(nodes: readonly Node[], lengths: Lengths, outcome: bigint): Move[] {
  const way: Move[] = [];
  for (let [at, bits] = [0, outcome]; ;) {
    const { edges, ends } = nodes[at]!;
    const length = lengths[at]!.get(bits)!;
    const end = ends.find((ending) => ending.bits === bits && ending.moves.length === length);
    if (end !== undefined) return [...way, ...end.moves];
    const next = edges.find(
      ({ to, read, moves }) =>
        (bits & read) === read && (lengths[to]!.get(bits ^ read) ?? NaN) + moves.length === length,
    )!;
    way.push(...next.moves);
    [at, bits] = [next.to, bits ^ next.read];
  }
}
