/** Entries that the bus did not take. They are appended again, in order, with pauses that grow. */
import { BusClosedError, type Bus } from '../bus/bus.ts';
import type { Clock } from '../bus/clock.ts';
import { toSignal, type Entry } from './entry.ts';

/** The way of a replica's senders to the bus. */
export interface Outlet {
  readonly bus: Bus;
  readonly scope: string;
  readonly clock: Clock;
  /** How long a bus that fails is tried again before the replica gives up, ms. */
  readonly outageMs: number;
  /** The fingerprint of the values with which the replica began. */
  readonly origin: string;
  /** Why the replica has left the bus, if it has. */
  readonly left: Error | undefined;
  /** The bus has not taken an entry for `outageMs`, or is closed. */
  fail(error: unknown): void;
}

/** The pauses between two tries grow from the first to the second, ms. */
const [SHORTEST, LONGEST] = [10, 1_000];

export class Backlog {
  readonly #outlet: Outlet;
  /** By number. */
  #entries: Entry[] = [];
  /** Whether entries wait; new ones wait behind them. */
  waiting = false;

  constructor(outlet: Outlet) {
    this.#outlet = outlet;
  }

  add(entry: Entry): void {
    this.#entries.push(entry);
  }
  /** The very same entry is appended again: if the first did arrive, the second does nothing. */
  failed(entry: Entry, error: unknown): void {
    const place = this.#entries.findIndex(({ number }) => number > entry.number);
    this.#entries.splice(place < 0 ? this.#entries.length : place, 0, entry);
    if (!this.waiting) void this.#tryAgain(error);
  }
  async #tryAgain(cause: unknown): Promise<void> {
    const { bus, scope, clock, outageMs } = this.#outlet;
    const done = () => this.#outlet.left !== undefined || this.#entries.length === 0;
    this.waiting = true;
    let error = cause;
    let pause = SHORTEST;
    let since = clock.now();
    while (!done()) {
      const left = since + outageMs - clock.now();
      if (error instanceof BusClosedError || left <= 0) return this.#outlet.fail(error);
      await new Promise<void>((resolve) => void clock.setTimeout(resolve, Math.min(pause, left)));
      pause = Math.min(2 * pause, LONGEST);
      try {
        while (!done()) {
          const next = this.#entries[0] as Entry;
          await bus.publish(toSignal(scope, next));
          this.#entries.splice(this.#entries.indexOf(next), 1);
          [pause, since] = [SHORTEST, clock.now()];
        }
      } catch (again) {
        error = again;
      }
    }
    this.waiting = false;
  }
}
