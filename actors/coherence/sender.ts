/** One agent's entries on their way to the bus.
 *
 *  Numbers them, appends them again in order while the bus fails, and gives each its result when it is applied here. */
import { Backlog, type Outlet } from './backlog.ts';
import { toSignal, type Entry, type Result, type Unsent } from './entry.ts';
import { Deferred } from './deferred.ts';
import type { Line } from './line.ts';

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
  readonly #expected = new Map<number, Deferred<Result>>();
  /** Since the bus failed for the first time. */
  #backlog: Backlog | undefined;

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
    const expected = new Deferred<Result>();
    this.#expected.set(entry.number, expected);
    this.#append(entry);
    return expected.value ?? expected.promise();
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
    if (this.#expected.size === 0) return;
    this.#expected.get(number)?.settle(result);
    this.#expected.delete(number);
  }
  /** Nothing will be settled any more. */
  close(why: Error): void {
    for (const expected of this.#expected.values()) expected.fail(why);
    this.#expected.clear();
  }

  #sign(unsent: Unsent): Entry {
    const number = this.#next++;
    const signed = { ...unsent, agent: this.agent, number, floor: this.#floor };
    return (number === 0 ? { ...signed, origin: this.#outlet.origin } : signed) as Entry;
  }

  #append(entry: Entry): void {
    if (this.#backlog?.waiting === true) {
      this.#backlog.add(entry);
      return;
    }
    try {
      const appended = this.#outlet.bus.publish(toSignal(this.#outlet.scope, entry));
      if (typeof appended !== 'number') appended.catch((error: unknown) => this.#failed(entry, error));
    } catch (error) {
      this.#failed(entry, error);
    }
  }
  #failed(entry: Entry, error: unknown): void {
    this.#backlog ??= new Backlog(this.#outlet);
    this.#backlog.failed(entry, error);
  }
}
