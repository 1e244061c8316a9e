/** Where one thread of a litmus test is: its local situation, the words of the log that it has not yet received, and
 *  its own words that the bus has not yet ordered. Equal threadStates have one number, so that a world is a few numbers, and
 *  each way on from a state is found once. */
import type { Input, Thread, Words } from './thread.ts';

export interface ThreadState {
  readonly local: number;
  readonly queue: readonly number[];
  readonly said: readonly number[];
  /** Its next operation can begin. */
  readonly free: boolean;
  /** It is at its end, and nothing of it is under way. */
  readonly finished: boolean;
}
export interface ThreadStep {
  readonly to: number;
  /** What was read, as bits of the outcome. */
  readonly read: bigint;
  readonly impossible: boolean;
}

export class ThreadStates {
  readonly list: ThreadState[] = [];
  readonly thread: Thread;
  readonly #words: Words;
  readonly #bits: (at: number, value: number) => bigint;
  readonly #known = new Map<string, number>();
  readonly #begun: (ThreadStep | undefined)[] = [];
  readonly #heard: (ThreadStep | undefined)[] = [];
  readonly #arrived: (number | undefined)[][] = [];

  /** @param bits what a read at an operation is in the outcome. */
  constructor(thread: Thread, words: Words, bits: (at: number, value: number) => bigint) {
    this.thread = thread;
    this.#words = words;
    this.#bits = bits;
    this.#number(0, [], []);
  }

  /** It begins its next operation. */
  begin(from: number): ThreadStep {
    return (this.#begun[from] ??= this.step(from, { begin: true }));
  }
  /** It receives the next word of the log. */
  hear(from: number): ThreadStep {
    const known = this.#heard[from];
    if (known !== undefined) return known;
    const [first, ...rest] = this.list[from]!.queue as [number, ...number[]];
    return (this.#heard[from] = this.step(from, { hear: first }, rest));
  }
  step(from: number, input: Input, left = this.list[from]!.queue): ThreadStep {
    const { local, said } = this.list[from]!;
    const { to, said: new_, read, impossible } = this.thread.step(local, input);
    const state = this.#number(to, left, [...said, ...new_]);
    return { to: state, read: read === undefined ? 0n : this.#bits(...read), impossible };
  }
  /** The bus orders its oldest word, which it has still to receive, like all other threads. */
  ordered(from: number): number {
    const { local, queue, said } = this.list[from]!;
    return this.#number(local, queue, said.slice(1));
  }
  /** The log has a new word. */
  arrive(from: number, word: number): number {
    const known = this.#arrived[from]![word];
    if (known !== undefined) return known;
    const { local, queue, said } = this.list[from]!;
    return (this.#arrived[from]![word] = this.#number(local, [...queue, word], said));
  }

  /** Words that the thread does not need are left out. */
  #number(local: number, queue: readonly number[], said: readonly number[]): number {
    const { free, finished, needs } = this.thread.locals[local]!;
    const left = queue.filter((word) => needs.has(this.#words.list[word]!.key));
    const key = `${local};${left.join()};${said.join()}`;
    const known = this.#known.get(key);
    if (known !== undefined) return known;
    this.#known.set(key, this.list.length);
    this.#arrived.push([]);
    return this.list.push({ local, queue: left, said, free, finished }) - 1;
  }
}

export type Move =
  | { readonly thread: number; readonly does: 'begin' | 'hear' | 'append' }
  | { readonly thread: number; readonly does: 'warm'; readonly loc: string };
