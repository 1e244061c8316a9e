/** One agent's entries on their way to the bus.
 *
 *  Numbers them, appends them again in order while the bus fails, and gives each its result when it is applied here. */
import { BusClosedError, type Bus } from '../bus/bus.ts';
import type { Clock } from '../bus/clock.ts';
import { toSignal, type Entry, type Result } from './entry.ts';
import type { Line } from './line.ts';

type Without<T> = T extends unknown ? Omit<T, 'agent' | 'number' | 'floor' | 'origin'> : never;
/** An entry before it has its identity. */
export type Unsent = Without<Entry>;

/** What all senders of a replica share. */
export interface Outlet {
  readonly bus: Bus;
  readonly scope: string;
  readonly clock: Clock;
  /** How long a bus that fails is tried again before the replica gives up, ms. */
  readonly outageMs: number;
  /** The fingerprint of the values with which the replica began. */
  readonly origin: string | undefined;
  /** Whether the replica has left the bus. */
  readonly closed: boolean;
  /** Called when the bus has not taken an entry for `outageMs`, or is closed. */
  lost(error: unknown): void;
}

interface Expected {
  result: Result | undefined;
  failure: Error | undefined;
  waiting: PromiseWithResolvers<Result> | undefined;
}

/** The pauses between two tries grow from the first to the second, ms. */
const [SHORTEST, LONGEST] = [10, 1_000];

export class Sender {
  readonly agent: string;
  /** The agent's lines, by the index of their cell. */
  readonly lines: (Line | undefined)[] = [];
  readonly #outlet: Outlet;
  #next = 0;
  /** Every smaller number is settled. */
  #floor = 0;
  /** Numbers above the floor that are settled. */
  readonly #settled = new Set<number>();
  readonly #expected = new Map<number, Expected>();
  /** Entries that the bus did not take, by number; undefined while it takes everything. */
  #backlog: Entry[] | undefined;

  constructor(agent: string, outlet: Outlet) {
    this.agent = agent;
    this.#outlet = outlet;
  }

  /** Appends an entry. */
  send(unsent: Unsent): void {
    this.#append(this.#sign(unsent));
  }
  /** Appends an entry and waits for its result: it is there at once where the bus is in process and idle. */
  ask(unsent: Unsent): Result | Promise<Result> {
    const entry = this.#sign(unsent);
    const expected: Expected = { result: undefined, failure: undefined, waiting: undefined };
    this.#expected.set(entry.number, expected);
    this.#append(entry);
    if (expected.result !== undefined) return expected.result;
    if (expected.failure !== undefined) return Promise.reject(expected.failure);
    expected.waiting = Promise.withResolvers<Result>();
    return expected.waiting.promise;
  }
  /** An entry of this sender has been applied. */
  settle(number: number, result: Result): void {
    if (number < this.#floor || this.#settled.has(number)) return;
    if (number === this.#floor) {
      this.#floor++;
      while (this.#settled.size > 0 && this.#settled.delete(this.#floor)) this.#floor++;
    } else {
      this.#settled.add(number);
    }
    const expected = this.#expected.get(number);
    if (expected === undefined) return;
    this.#expected.delete(number);
    expected.result = result;
    expected.waiting?.resolve(result);
  }
  /** Nothing will be settled any more. */
  close(why: Error): void {
    for (const expected of this.#expected.values()) {
      expected.failure = why;
      expected.waiting?.reject(why);
    }
    this.#expected.clear();
  }

  #sign(unsent: Unsent): Entry {
    const number = this.#next++;
    const { origin } = this.#outlet;
    const signed = { ...unsent, agent: this.agent, number, floor: this.#floor };
    return (number === 0 && origin !== undefined ? { ...signed, origin } : signed) as Entry;
  }

  #append(entry: Entry): void {
    if (this.#backlog !== undefined) {
      this.#backlog.push(entry);
      return;
    }
    try {
      const appended = this.#publish(entry);
      if (typeof appended !== 'number') appended.catch((error: unknown) => this.#failed(entry, error));
    } catch (error) {
      this.#failed(entry, error);
    }
  }
  #publish(entry: Entry): number | Promise<number> {
    return this.#outlet.bus.publish(toSignal(this.#outlet.scope, entry));
  }
  /** The very same entry is appended again: if the first did arrive, the second does nothing. */
  #failed(entry: Entry, error: unknown): void {
    if (this.#backlog === undefined) {
      this.#backlog = [entry];
      void this.#tryAgain(this.#backlog, error);
      return;
    }
    const place = this.#backlog.findIndex(({ number }) => number > entry.number);
    this.#backlog.splice(place < 0 ? this.#backlog.length : place, 0, entry);
  }
  async #tryAgain(backlog: Entry[], cause: unknown): Promise<void> {
    const { clock, outageMs, lost } = this.#outlet;
    let error = cause;
    let pause = SHORTEST;
    let since = clock.now();
    while (!this.#outlet.closed && backlog.length > 0) {
      const left = since + outageMs - clock.now();
      if (error instanceof BusClosedError || left <= 0) return lost(error);
      await new Promise<void>((resolve) => void clock.setTimeout(resolve, Math.min(pause, left)));
      pause = Math.min(2 * pause, LONGEST);
      try {
        while (!this.#outlet.closed && backlog.length > 0) {
          await this.#publish(backlog[0] as Entry);
          backlog.shift();
          [pause, since] = [SHORTEST, clock.now()];
        }
      } catch (again) {
        error = again;
      }
    }
    this.#backlog = undefined;
  }
}
