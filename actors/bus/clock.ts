/** Time as a port: the same orchestrator runs in real time and in virtual time (design §5).
 *
 *  Virtual time is a heap of timers. It moves only when every agent that works has gone to sleep on it, and then
 *  straight to the next timer, so that a simulated day takes a moment and gives the same result each time. (XState's
 *  `SimulatedClock` fires a timer that re-arms itself only once per step; so we have our own.) */

import { Heap } from '../tomasulo/heap.ts';

export type TimerId = number | object;

export interface Clock {
  /** Milliseconds: since the Unix epoch in real time, since the clock was made in virtual time. */
  now(): number;
  /** Whether time stands still while an agent works; see {@link VirtualClock}. */
  readonly isVirtual?: boolean;
  setTimeout(callback: () => void, ms: number): TimerId;
  clearTimeout(id: TimerId): void;
  /** Calls back when all that happens at this instant has happened: after the running microtask in real
   *  time, after all events of the same time in virtual time. */
  atEndOfInstant(callback: () => void): void;
  /** Calls back after a turn in which others may run, before time passes: what settles at once has settled. */
  afterThisTurn(callback: () => void): void;
  /** An agent works: virtual time stands still until `rest` is called as often. No effect in real time. */
  work(): void;
  rest(): void;
}

interface Timer {
  at: number;
  order: number;
  callback: () => void;
}

/** Calls back once the microtasks that are queued now, and those that they queue, have run. */
const macrotask: (callback: () => void) => void =
  typeof setImmediate === 'function' ? (callback) => void setImmediate(callback) : viaChannel();

function viaChannel(): (callback: () => void) => void {
  const { port1, port2 } = new MessageChannel();
  const waiting: (() => void)[] = [];
  port1.onmessage = () => waiting.shift()?.();
  return (callback) => {
    waiting.push(callback);
    port2.postMessage(0);
  };
}

/** A longer timer of the platform fires at once. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

/** A timer of any length, made of timers that the platform can hold. */
class LongTimer {
  #timer: ReturnType<typeof setTimeout> | undefined;
  constructor(callback: () => void, ms: number) {
    this.#wait(callback, ms);
  }
  clear(): void {
    clearTimeout(this.#timer);
  }
  #wait(callback: () => void, ms: number): void {
    const part = Math.min(ms, LONGEST_TIMER_MS);
    this.#timer = setTimeout(() => (part === ms ? callback() : this.#wait(callback, ms - part)), part);
  }
}

/** When the process began, in milliseconds since the Unix epoch. Kept here, because reading it takes longer than reading
 *  the time. */
const ORIGIN = performance.timeOrigin;

/** Real time: monotonic while the process lives, and counted from the Unix epoch. */
export const realClock: Clock = {
  now: () => ORIGIN + performance.now(),
  setTimeout: (callback, ms) =>
    ms <= LONGEST_TIMER_MS ? setTimeout(callback, ms) : new LongTimer(callback, ms),
  clearTimeout: (id) => {
    if (id instanceof LongTimer) id.clear();
    else clearTimeout(id as ReturnType<typeof setTimeout>);
  },
  atEndOfInstant: (callback) => queueMicrotask(callback),
  afterThisTurn: (callback) => macrotask(callback),
  work() {},
  rest() {},
};

/** Time that passes only while no agent works.
 *
 *  Only `context.sleep` and timers of this clock count as waiting. While an agent waits for anything else, such as a
 *  file or a promise that never settles, virtual time stands still.
 *  @example
 *  ```ts
 *  const clock = new VirtualClock();
 *  clock.setTimeout(() => console.log(clock.now()), 86_400_000); // prints 86400000, at once
 *  ``` */
export class VirtualClock implements Clock {
  readonly isVirtual = true;
  #now = 0;
  #order = 0;
  #workers = 0;
  #scheduled = false;
  #ends: (() => void)[] = [];
  readonly #timers = new Heap<Timer>(earlier);

  now(): number {
    return this.#now;
  }
  setTimeout(callback: () => void, ms: number): TimerId {
    const timer: Timer = { at: this.#now + Math.max(0, ms), order: this.#order++, callback };
    this.#timers.push(timer);
    this.#schedule();
    return timer;
  }
  clearTimeout(id: TimerId): void {
    this.#timers.delete(id as Timer);
  }
  atEndOfInstant(callback: () => void): void {
    this.#ends.push(callback);
    this.#schedule();
  }
  afterThisTurn(callback: () => void): void {
    this.atEndOfInstant(callback);
  }
  work(): void {
    this.#workers++;
  }
  rest(): void {
    this.#workers--;
    this.#schedule();
  }

  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    macrotask(this.#turn);
  }

  /** One turn: first what waits for the end of this instant; if no agent works, the next instant. */
  readonly #turn = (): void => {
    this.#scheduled = false;
    if (this.#ends.length > 0) {
      const ends = this.#ends;
      this.#ends = [];
      for (const end of ends) end();
    } else if (this.#workers === 0) {
      this.#advance();
    }
    if (this.#ends.length > 0 || (this.#workers === 0 && this.#timers.size > 0)) this.#schedule();
  };

  #advance(): void {
    const next = this.#timers.peek();
    if (next === undefined) return;
    this.#now = next.at;
    const armedBefore = this.#order; // what these callbacks arm for this same time has its own turn
    for (
      let due = this.#timers.peek();
      due?.at === next.at && due.order < armedBefore;
      due = this.#timers.peek()
    ) {
      this.#timers.pop();
      due.callback();
    }
  }
}

const earlier = (a: Timer, b: Timer): boolean => a.at < b.at || (a.at === b.at && a.order < b.order);
