/** One agent's voice: it numbers the entries, and knows which of them are settled. */
import type { Signal } from '../../machines/signal.ts';
import type { Bus } from '../bus.ts';
import type { Entry, Result } from './entry.ts';

type Without<T> = T extends unknown ? Omit<T, 'agent' | 'number' | 'floor'> : never;
/** An entry before it has its identity. */
export type Unsent = Without<Entry>;

/** How often a bus that fails is asked again with the same entry. */
const ATTEMPTS = 5;

interface Expected {
  result: Result | undefined;
  waiting: PromiseWithResolvers<Result> | undefined;
  failure: unknown;
}

export class Sender {
  readonly agent: string;
  #next = 0;
  #floor = 0;
  /** Settled out of turn. */
  readonly #settled = new Set<number>();
  readonly #expected = new Map<number, Expected>();

  constructor(agent: string) {
    this.agent = agent;
  }

  number(unsent: Unsent): Entry {
    return this.sign({ ...unsent, agent: this.agent, number: 0, floor: 0 } as Entry);
  }
  /** Gives an entry its place among this agent's, when it is about to be said. */
  sign<E extends Entry>(entry: E): E {
    const signed = entry as { number: number; floor: number };
    signed.number = this.#next++;
    signed.floor = this.#floor;
    return entry;
  }

  /** Appends to the bus. One that fails is asked again with the very same entry: if the first did arrive, the
   *  second does nothing. */
  publish(entry: Entry, signal: Signal, bus: Bus, lost?: (error: unknown) => void): void {
    const appended = bus.publish(signal);
    if (typeof appended === 'number') return;
    const again = (error: unknown, left: number): unknown => {
      if (left === 0) {
        this.#fail(this.#expected.get(entry.number), error);
        return lost?.(error);
      }
      return Promise.resolve()
        .then(() => bus.publish(signal))
        .catch((failure: unknown) => again(failure, left - 1));
    };
    appended.catch((error: unknown) => again(error, ATTEMPTS - 1));
  }

  /** Somebody wants to know what becomes of an entry. Call before it is published.
   *  @returns what gives the result, or a promise of it. */
  expect(number: number): () => Result | Promise<Result> {
    const expected: Expected = { result: undefined, waiting: undefined, failure: undefined };
    this.#expected.set(number, expected);
    return () => {
      if (expected.result !== undefined) return expected.result;
      expected.waiting = Promise.withResolvers<Result>();
      if (expected.failure !== undefined) expected.waiting.reject(expected.failure);
      return expected.waiting.promise;
    };
  }
  /** Nothing will be settled any more. */
  abandon(why: unknown): void {
    for (const expected of this.#expected.values()) this.#fail(expected, why);
    this.#expected.clear();
  }
  #fail(expected: Expected | undefined, why: unknown): void {
    if (expected === undefined) return;
    expected.failure = why;
    expected.waiting?.reject(why);
  }

  settle(number: number, result: Result): void {
    if (number < this.#floor || this.#settled.has(number)) return;
    if (number === this.#floor) {
      this.#floor++;
      while (this.#settled.size > 0 && this.#settled.delete(this.#floor)) this.#floor++;
    } else {
      this.#settled.add(number);
    }
    if (this.#expected.size === 0) return;
    const expected = this.#expected.get(number);
    if (expected === undefined) return;
    this.#expected.delete(number);
    expected.result = result;
    expected.waiting?.resolve(result);
  }
}
