/** A whole litmus test at one moment: where each thread is, and memory as of the end of the log. The bus orders words,
 *  and each thread receives them at any later time. */
import { type Entry } from '../../../actors/index.ts';
import { Memory, type Sink } from '../../../actors/coherence/memory.ts';
import { type MemorySnapshot } from '../../../actors/coherence/snapshot.ts';
import type { LitmusTest } from './file.ts';
import type { PlayOptions, LitmusEntry } from './played-thread.ts';
import type { Move } from './thread-states.ts';
import { ThreadStates, type ThreadState } from './thread-states.ts';
import { Thread, Words } from './thread.ts';

export interface LitmusWorld {
  /** By thread: the number of its state. */
  readonly threadStates: readonly number[];
  /** By location: the number of its cell at the end of the log. */
  readonly tip: readonly number[];
}

export interface Rules extends PlayOptions {
  /** Every single step makes a separate world, and nothing is left out. Otherwise a thread drops the locations that it
   *  does not need any more, since nothing that it will do depends on them. */
  readonly everyStep?: boolean;
}

type CellState = MemorySnapshot['cells'][number];
const silent: Sink = { own() {}, others() {}, held() {}, settled() {} };

export class LitmusWorlds {
  readonly test: LitmusTest;
  readonly rules: Rules;
  readonly threadStates: readonly ThreadStates[];
  readonly words = new Words();
  readonly locations: readonly string[];
  readonly #cells: CellState[] = [];
  readonly #cellNumbers = new Map<string, number>();
  readonly #applied = new Map<string, number>();
  // ── outcomes are sets of bits: each register and each location has its own, so that parts are joined by `|`
  readonly #values: readonly number[];
  readonly #width: bigint;
  readonly #names: readonly string[];

  constructor(test: LitmusTest, rules: Rules) {
    this.test = test;
    this.rules = rules;
    this.locations = Object.keys(test.init).sort();
    const written = test.threads.flat().flatMap((op) => (op.op === 'W' ? [op.val] : []));
    this.#values = [...new Set([...Object.values(test.init), ...written])];
    this.#width = BigInt(Math.max(1, Math.ceil(Math.log2(this.#values.length))));
    const registers = test.threads.map((ops) => [
      ...new Set(ops.flatMap((op) => (op.op === 'R' ? [op.reg] : []))),
    ]);
    this.#names = [
      ...registers.flatMap((names, i) => names.sort().map((reg) => `${i}:${reg}`)),
      ...this.locations.map((loc) => `[${loc}]`),
    ];
    // A register that is read again later is not what was read first.
    const readsAt = test.threads.map((ops, i) =>
      ops.map((op, at) => {
        if (op.op === 'W' || ops.slice(at + 1).some((later) => later.op === 'R' && later.reg === op.reg))
          return -1;
        return this.#names.indexOf(`${i}:${op.reg}`);
      }),
    );
    this.threadStates = test.threads.map((_, i) => {
      const thread = new Thread(test, i, rules, this.words, rules.everyStep !== true);
      return new ThreadStates(thread, this.words, (at, value) => this.#bits(readsAt[i]![at]!, value));
    });
  }

  /** No thread has a copy; then those that are to be warm request one, in this order, and all threads receive
   *  everything. */
  begin(warm: readonly Move[]): LitmusWorld {
    const { init } = this.test;
    const memory = new Memory({ initial: this.locations.map((loc) => [loc, init[loc]]), history: 0 });
    const tip = memory.snapshot().cells.map((cell) => this.#cell(cell));
    let world: LitmusWorld = { threadStates: this.threadStates.map(() => 0), tip };
    for (const move of warm) {
      if (move.does !== 'warm') continue;
      const { thread, loc } = move;
      world = this.moved(
        world,
        thread,
        this.threadStates[thread]!.step(world.threadStates[thread]!, { warm: loc }).to,
      );
      while (this.stateOf(world, thread).said.length > 0) world = this.append(world, thread);
      for (const [i, threadStates] of this.threadStates.entries())
        while (this.stateOf(world, i).queue.length > 0)
          world = this.moved(world, i, threadStates.hear(world.threadStates[i]!).to);
    }
    return world;
  }

  stateOf(world: LitmusWorld, thread: number): ThreadState {
    return this.threadStates[thread]!.list[world.threadStates[thread]!]!;
  }
  /** A thread has come to another state by itself. */
  moved({ threadStates, tip }: LitmusWorld, thread: number, to: number): LitmusWorld {
    return { threadStates: threadStates.with(thread, to), tip };
  }
  /** The bus orders a thread's oldest word. */
  append(world: LitmusWorld, thread: number): LitmusWorld {
    const [word] = this.stateOf(world, thread).said as [number];
    const at = this.locations.indexOf(this.words.list[word]!.key);
    return {
      threadStates: world.threadStates.map((from, i) => {
        const threadStates = this.threadStates[i]!;
        return threadStates.arrive(i === thread ? threadStates.ordered(from) : from, word);
      }),
      tip: world.tip.with(at, this.#apply(world.tip[at]!, word)),
    };
  }

  /** Equal for worlds that cannot be distinguished: of memory, what is not in a replica or on its way to one matters as
   *  a value only. */
  keyOf({ threadStates, tip }: LitmusWorld): string {
    return `${threadStates.join()};${tip.map((cell) => this.#cells[cell]!.value as number).join()}`;
  }
  memoryOf({ tip }: LitmusWorld): bigint {
    const first = this.#names.length - this.locations.length;
    return tip.reduce(
      (bits, cell, i) => bits | this.#bits(first + i, this.#cells[cell]!.value as number),
      0n,
    );
  }
  outcome(bits: bigint): string {
    const mask = (1n << this.#width) - 1n;
    return this.#names
      .map((name, i) => `${name}=${this.#values[Number((bits >> (this.#width * BigInt(i))) & mask)]}`)
      .join(';');
  }

  #bits(state: number, value: number): bigint {
    return state < 0 ? 0n : BigInt(this.#values.indexOf(value)) << (this.#width * BigInt(state));
  }
  #cell(cell: CellState): number {
    const text = JSON.stringify({ ...cell, changes: [] });
    const known = this.#cellNumbers.get(text);
    if (known !== undefined) return known;
    this.#cellNumbers.set(text, this.#cells.length);
    return this.#cells.push(cell) - 1;
  }
  #apply(cell: number, word: number): number {
    const name = `${cell} ${word}`;
    const known = this.#applied.get(name);
    if (known !== undefined) return known;
    const { readers, faults } = this.rules;
    const memory = new Memory({ initial: [], readers, history: 0, faults: faults.memory ?? {} });
    memory.restore({ cells: [this.#cells[cell]!], agents: [], left: [] });
    memory.apply(
      { ...(this.words.list[word] as LitmusEntry), number: 0, floor: 0 } as unknown as Entry,
      silent,
    );
    const after = this.#cell(memory.snapshot().cells[0]!);
    this.#applied.set(name, after);
    return after;
  }
}
