/** Whether every request ends, on the graph of all worlds.
 *
 *  A run may starve an agent only by staying indefinitely within one strongly connected part of the graph (or by
 *  stopping in a world). Such a run is fair when each duty that is possible all the time does happen in the end (weak
 *  fairness): the bus takes each sender's oldest word; an owner at work ends its hold, or its lease does; and, where
 *  the request goes on from its own agent's side, that agent goes on. So a part of the graph in which a request never
 *  ends starves an agent exactly if every such duty is either fulfilled within it or not always due. There must be
 *  none.
 *
 *  The first agent and the first key stand for all; worlds may therefore not be sorted here (`alike: 'none'`). */
import type { WorldEdge, SearchSetting, SearchedSpace } from './search.ts';
import { DEAD } from './world.ts';

/** What must end. `answer`: each request that a line makes is answered. `read`, `write`: what the agent wants is done. */
export type Request = 'answer' | 'read' | 'write';

export interface Starved {
  /** The worlds on a shortest path into the part that no fair run has to leave. */
  readonly way: readonly number[];
  /** The worlds of a round that does all that is due and leads back; none, where nothing is due: a dead-lock. */
  readonly round: readonly number[];
}
export interface Liveness {
  /** Worlds, each with whether the request is pending. */
  readonly states: number;
  readonly transitions: number;
  /** Those in which it is pending. */
  readonly pending: number;
  readonly starved?: Starved;
}

/** @param space with its edges kept. */
export function everyRequestEnds(space: SearchedSpace, setting: SearchSetting, request: Request): Liveness {
  const { agents, keys = 1 } = setting;
  const wide = keys + 2;
  const stateOf = (world: number, by: number, key: number): string =>
    space.names[space.worlds[world]!.charCodeAt(by * wide + key) & 7] as string;
  const isDead = (world: number, by: number): boolean =>
    (space.worlds[world]!.charCodeAt(by * wide + keys + 1) & DEAD) !== 0;
  const pending = monitors[request](stateOf);

  // ── worlds by whether the request is pending (1 … 3), as far as they can be reached
  const kinds = 4;
  const found = new Int32Array(space.states * kinds).fill(-1);
  const parents: number[] = [];
  const nodes: number[] = [];
  const reach = (node: number, from: number): void => {
    if (found[node] !== -1) return;
    found[node] = nodes.push(node) - 1;
    parents.push(from);
  };
  reach(pending.start(0), -1);
  let transitions = 0;
  const out = (node: number): readonly (readonly [WorldEdge, number])[] => {
    const [world, kind] = [Math.floor(node / kinds), node % kinds];
    return space.next[world]!.map(
      (edge) => [edge, edge.to * kinds + pending.after(kind, world, edge)] as const,
    );
  };
  for (let i = 0; i < nodes.length; i++)
    for (const [, to] of out(nodes[i] as number)) {
      transitions++;
      reach(to, i);
    }

  // ── what is due: the bus, by sender; the owners, by agent and key; the agent itself
  const duties = agents + 1 + agents * keys + 1;
  const dutiesOf = (world: number, { step }: WorldEdge): number[] => {
    const { by, event, key, unheardBy } = step;
    if (event === 'APPEND') return unheardBy === undefined ? [by] : [];
    const due: number[] = [];
    const ends = event === 'STORE' || event === 'RELEASE' || event === 'EVICT';
    if (ends && stateOf(world, by, key) === 'M') due.push(agents + 1 + by * keys + key);
    if (event === 'RECLAIM')
      for (let owner = 0; owner < agents; owner++)
        if (isDead(world, owner) || stateOf(world, owner, key) === 'M')
          due.push(agents + 1 + owner * keys + key);
    if (by === 0 && key === 0 && event === pending.goesOn) due.push(duties - 1);
    return due;
  };
  const isPending = (node: number) => node % kinds > 0;
  const onward = (node: number) => out(node).flatMap(([, to]) => (to % kinds === node % kinds ? [to] : []));
  const part = parts(nodes, found, onward, isPending);
  let worst: Starved | undefined;
  for (const members of part) {
    const inside = new Set(members);
    const stays = (to: number): boolean => inside.has(to);
    const always = Array.from({ length: duties }, () => true);
    const fulfilled = Array.from({ length: duties }, () => false);
    for (const node of members) {
      const due = new Set<number>();
      for (const [edge, to] of out(node))
        for (const duty of dutiesOf(Math.floor(node / kinds), edge)) {
          due.add(duty);
          if (stays(to)) fulfilled[duty] = true;
        }
      for (let duty = 0; duty < duties; duty++) always[duty] &&= due.has(duty);
    }
    if (!always.every((due, duty) => !due || fulfilled[duty])) continue;
    const first = members.reduce((a, b) => (found[a]! < found[b]! ? a : b));
    const way: number[] = [];
    for (let at = found[first] as number; at >= 0; at = parents[at] as number)
      way.unshift(Math.floor(nodes[at]! / kinds));
    if (worst !== undefined && way.length >= worst.way.length) continue;
    // From the first world by way of each duty that is done there, and back.
    const walked: number[] = [];
    const walk = (from: number, goal: (node: number, edge: WorldEdge, to: number) => boolean): number => {
      const path = shortest(from, (node) => out(node).filter(([, to]) => stays(to)), goal);
      walked.push(...path);
      return path.at(-1) ?? from;
    };
    let at = first;
    for (let duty = 0; duty < duties; duty++)
      if (fulfilled[duty])
        at = walk(at, (node, edge) => dutiesOf(Math.floor(node / kinds), edge).includes(duty));
    if (at !== first) walk(at, (_, __, to) => to === first);
    worst = { way, round: walked.map((node) => Math.floor(node / kinds)) };
  }
  return {
    states: nodes.length,
    transitions,
    pending: nodes.filter(isPending).length,
    ...(worst && { starved: worst }),
  };
}

type StateOf = (world: number, by: number, key: number) => string;
interface Monitor {
  start(world: number): number;
  /** Whether the request is pending after a step: 0, or what kind of request. */
  after(kind: number, world: number, edge: WorldEdge): number;
  /** What its agent does to go on with it, where the line alone does not. */
  readonly goesOn?: string;
}
const monitors: Readonly<Record<Request, (stateOf: StateOf) => Monitor>> = {
  answer: (stateOf) => {
    const kind: Readonly<Record<string, number>> = { IS: 1, IM: 2, SM: 2, MP: 3 };
    const at = (world: number) => kind[stateOf(world, 0, 0)] ?? 0;
    return { start: (world) => world * 4 + at(world), after: (_, __, { to }) => at(to) };
  },
  read: () => ({
    start: (world) => world * 4,
    after: (kind, _, { step, filled }) => {
      if (filled) return 0;
      return kind === 1 || (step.by === 0 && step.key === 0 && step.event === 'LOAD') ? 1 : 0;
    },
    goesOn: 'LOAD',
  }),
  write: () => ({
    start: (world) => world * 4,
    after: (kind, _, { step, done }) => {
      if (done) return 0;
      const own = step.by === 0 && step.key === 0 ? step.event : undefined;
      if (own === 'RELEASE' || own === 'EVICT') return 0;
      return kind === 1 || own === 'STORE' ? 1 : 0;
    },
    goesOn: 'STORE',
  }),
};

/** A shortest way on, by steps; the last one reaches the goal. */
function shortest(
  from: number,
  out: (node: number) => readonly (readonly [WorldEdge, number])[],
  goal: (node: number, edge: WorldEdge, to: number) => boolean,
): number[] {
  const back = new Map<number, number>([[from, -1]]);
  for (const node of back.keys()) {
    for (const [edge, to] of out(node)) {
      if (goal(node, edge, to)) {
        const way = [to];
        for (let at = node; at !== from; at = back.get(at) as number) way.unshift(at);
        return way;
      }
      if (!back.has(to)) back.set(to, node);
    }
  }
  return [];
}

/** Strongly connected parts of what is pending (Tarjan 1972, without recursion). */
function parts(
  nodes: readonly number[],
  found: Int32Array,
  next: (node: number) => readonly number[],
  among: (node: number) => boolean,
): number[][] {
  const index = new Int32Array(nodes.length).fill(-1);
  const low = new Int32Array(nodes.length);
  const onStack = new Uint8Array(nodes.length);
  const stack: number[] = [];
  const result: number[][] = [];
  let counter = 0;
  for (const [root, node] of nodes.entries()) {
    if (index[root] !== -1 || !among(node)) continue;
    const calls: { at: number; rest: readonly number[]; i: number }[] = [];
    const enter = (at: number): void => {
      index[at] = low[at] = counter++;
      stack.push(at);
      onStack[at] = 1;
      calls.push({ at, rest: next(nodes[at] as number).map((to) => found[to] as number), i: 0 });
    };
    enter(root);
    for (let call = calls.at(-1); call !== undefined; call = calls.at(-1)) {
      const { at, rest } = call;
      if (call.i < rest.length) {
        const to = rest[call.i++] as number;
        if (index[to] === -1) enter(to);
        else if (onStack[to]) low[at] = Math.min(low[at]!, index[to]!);
        continue;
      }
      calls.pop();
      const parent = calls.at(-1);
      if (parent !== undefined) low[parent.at] = Math.min(low[parent.at]!, low[at]!);
      if (low[at] !== index[at]) continue;
      const members: number[] = [];
      for (let popped = -1; popped !== at;) {
        popped = stack.pop() as number;
        onStack[popped] = 0;
        members.push(nodes[popped] as number);
      }
      result.push(members);
    }
  }
  return result;
}
