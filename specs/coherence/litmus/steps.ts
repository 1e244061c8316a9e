/** What may happen next in a world of a litmus test: step by step, or word by word.
 *
 *  A thread begins its next operation, the bus orders the oldest word of a thread, a replica receives the next word of
 *  the log. What a thread does or receives affects no other thread until one of its words is ordered, and the words
 *  that it has not received go on waiting. So every run equals one in which each thread acts only just before the bus
 *  orders the word that it then sends, and does the rest at the end (a partial order reduction; Godefroid 1996). Word
 *  by word, only those runs are taken; step by step, all of them, which `mesi.litmus` compares. */
import type { Move } from './thread-states.ts';
import type { LitmusTest } from './file.ts';
import type { ThreadState, ThreadStep } from './thread-states.ts';
import type { LitmusWorlds, LitmusWorld } from './world.ts';

/** Something happened that must not happen with any outcome; the moves are the path to it. */
export class LitmusViolation extends Error {
  override name = 'LitmusViolation';
  readonly moves: readonly Move[];
  constructor(what: string, moves: readonly Move[]) {
    super(what);
    this.moves = moves;
  }
}

export const ENDLESS = 'an operation may never end';

/** More steps than this mean that an operation never ends: it requests and puts, and when another was faster, requests
 *  and puts again; after that its turn is reserved for it. */
export function most({ threads }: LitmusTest): { readonly words: number; readonly moves: number } {
  const operations = threads.flat().length;
  const words = 4 * operations;
  return { words, moves: operations + words * (threads.length + 1) };
}

/** Puts the way to a violation before it. */
export function withMovesBefore<T>(way: () => readonly Move[], act: () => T): T {
  try {
    return act();
  } catch (error) {
    if (!(error instanceof LitmusViolation)) throw error;
    throw new LitmusViolation(error.message, [...way(), ...error.moves]);
  }
}

/** A way on from a world, and what was read on it. */
export interface Way {
  readonly world: LitmusWorld;
  readonly read: bigint;
  readonly moves: readonly Move[];
}
/** The rest of a run in which no word follows. */
export interface Ending {
  readonly bits: bigint;
  readonly moves: readonly Move[];
}
export interface Expansion {
  readonly edges: readonly Way[];
  readonly ends: readonly Ending[];
}

/** What a thread may do by itself. */
export function own({ free, finished, queue }: ThreadState): ('begin' | 'hear')[] {
  if (finished) return [];
  if (queue.length === 0) return free ? ['begin'] : [];
  return free ? ['begin', 'hear'] : ['hear'];
}
/** @throws {LitmusViolation} */
export function take(worlds: LitmusWorlds, thread: number, from: number, does: 'begin' | 'hear'): ThreadStep {
  const stepped = worlds.threadStates[thread]![does](from);
  if (stepped.impossible)
    throw new LitmusViolation('a line received an event that its table calls impossible', [{ thread, does }]);
  return stepped;
}

/** Every step by itself. */
export function stepByStep(worlds: LitmusWorlds): (world: LitmusWorld) => Expansion {
  return (world) => {
    const edges: Way[] = [];
    let over = true;
    for (const [thread, from] of world.threadStates.entries()) {
      const state = worlds.stateOf(world, thread);
      for (const does of own(state)) {
        const { to, read } = take(worlds, thread, from, does);
        edges.push({ world: worlds.moved(world, thread, to), read, moves: [{ thread, does }] });
      }
      if (state.said.length > 0)
        edges.push({ world: worlds.append(world, thread), read: 0n, moves: [{ thread, does: 'append' }] });
      over &&= state.finished && state.said.length === 0;
    }
    if (over) return { edges: [], ends: [{ bits: worlds.memoryOf(world), moves: [] }] };
    if (edges.length === 0) throw new LitmusViolation(WAITS, []);
    return { edges, ends: [] };
  };
}
export const WAITS = 'waits indefinitely: no thread has anything left to send';

/** What a thread may do until it sends a word and the bus orders it, or to its end without a word. */
interface Runs {
  readonly spoken: readonly Run[];
  readonly ended: readonly Ending[];
  /** It may come to wait for others. */
  readonly waits: readonly Move[] | undefined;
}
interface Run {
  readonly to: number;
  readonly read: bigint;
  readonly moves: readonly Move[];
}

/** From word to word: one thread acts until it sends a word, and the bus orders it at once. */
export function wordByWord(worlds: LitmusWorlds): (world: LitmusWorld) => Expansion {
  const known: (Runs | undefined)[][] = worlds.threadStates.map(() => []);
  return (world) => {
    const each = world.threadStates.map(
      (from, thread) => (known[thread]![from] ??= runs(worlds, thread, from)),
    );
    const edges = each.flatMap(({ spoken }, thread) =>
      spoken.map(({ to, read, moves }): Way => {
        return { world: worlds.append(worlds.moved(world, thread, to), thread), read, moves };
      }),
    );
    if (each.some(({ ended, waits }) => ended.length === 0 && waits === undefined))
      return { edges, ends: [] };
    if (each.some(({ waits }) => waits !== undefined))
      throw new LitmusViolation(
        WAITS,
        each.flatMap(({ ended, waits }) => waits ?? ended[0]!.moves),
      );
    const ends = each.reduce<readonly Ending[]>(
      (joined, { ended }) =>
        joined.flatMap((one) =>
          ended.map((other) => ({ bits: one.bits | other.bits, moves: [...one.moves, ...other.moves] })),
        ),
      [{ bits: worlds.memoryOf(world), moves: [] }],
    );
    return { edges, ends };
  };
}

function runs(worlds: LitmusWorlds, thread: number, start: number): Runs {
  const queue: Run[] = [{ to: start, read: 0n, moves: [] }];
  const seen = new Set<string>();
  const spoken: Run[] = [];
  const ended: Ending[] = [];
  let waits: readonly Move[] | undefined;
  for (const { to: at, read, moves } of queue) {
    const key = `${at} ${read}`;
    if (seen.has(key)) continue;
    seen.add(key);
    const state = worlds.threadStates[thread]!.list[at]!;
    if (state.said.length > 0) spoken.push({ to: at, read, moves: [...moves, { thread, does: 'append' }] });
    else if (state.finished) ended.push({ bits: read, moves });
    else {
      const possible = own(state);
      if (possible.length === 0) waits ??= moves;
      for (const does of possible) {
        const next = withMovesBefore(
          () => moves,
          () => take(worlds, thread, at, does),
        );
        queue.push({ to: next.to, read: read | next.read, moves: [...moves, { thread, does }] });
      }
    }
  }
  return { spoken, ended, waits };
}
