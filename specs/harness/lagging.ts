/** A bus that lags on command: what is published waits in its sender's outbox until it is appended to the log, and each
 *  replica applies the log entry by entry when it is told to. Every order that a network can produce can be produced
 *  with it. */
import { Subject } from 'rxjs';
import { type Bus, type BusFault, type Clock, type Seq } from '../../actors/index.ts';
import { BusHistoryError } from '../../actors/bus/bus.ts';
import type { Envelope, Signal } from '../../machines/index.ts';

export class LaggingLog {
  readonly log: Envelope[] = [];
  readonly views: LaggingBus[] = [];
  /** What each sender has published and the log has not ordered yet. */
  readonly outboxes = new Map<string, { signal: Signal; appended: (seq: Seq) => void }[]>();
  /** Whether what is published is appended at once. */
  readonly direct: boolean;

  constructor({ direct = true } = {}) {
    this.direct = direct;
  }
  view(): LaggingBus {
    const view = new LaggingBus(this);
    this.views.push(view);
    return view;
  }
  publish(signal: Signal): Seq | Promise<Seq> {
    if (this.direct) return this.#append(signal);
    const { source } = signal as { source: string };
    return new Promise((appended) => {
      const outbox = this.outboxes.get(source) ?? [];
      outbox.push({ signal, appended });
      this.outboxes.set(source, outbox);
    });
  }
  /** Senders whose outbox is not empty. */
  waiting(): string[] {
    return [...this.outboxes].filter(([, outbox]) => outbox.length > 0).map(([source]) => source);
  }
  /** Appends the oldest signal of a sender's outbox. */
  append(source: string): void {
    const next = this.outboxes.get(source)?.shift();
    if (next !== undefined) next.appended(this.#append(next.signal));
  }
  /** Appends an old entry again: a message that arrives twice. */
  repeat(index: number): void {
    this.#append((this.log[index] as Envelope).signal);
  }
  /** Appends and delivers until nothing is left. */
  drain(): void {
    for (let moved = true; moved;) {
      moved = false;
      for (const source of this.waiting()) {
        this.append(source);
        moved = true;
      }
      for (const view of this.views) while (view.deliver()) moved = true;
    }
  }
  #append(signal: Signal): Seq {
    const seq = this.log.length + 1;
    // By value, as a network carries it: two replicas never share an object.
    this.log.push({ seq, runId: 'test', signal: JSON.parse(JSON.stringify(signal)) as Signal, timestamp: 0 });
    return seq;
  }
}

/** One replica's end of the bus. */
export class LaggingBus implements Bus {
  readonly runId = 'test';
  readonly signals = new Subject<Envelope>();
  readonly faults = new Subject<BusFault>();
  readonly #log: LaggingLog;
  delivered = 0;
  cut = false;
  /** Whether this view cannot reach the log: nothing is appended, and nothing delivered. */
  down = false;
  /** Whether the log keeps what this view has not been given. */
  retains = true;

  constructor(log: LaggingLog) {
    this.#log = log;
  }
  get tip(): Seq {
    return this.#log.log.length;
  }
  publish(signal: Signal): Seq | Promise<Seq> {
    if (this.down) return Promise.reject(new Error('ECONNRESET'));
    return this.#log.publish(signal);
  }
  /** Applies one more entry here. */
  deliver(): boolean {
    const next = this.#log.log[this.delivered];
    if (next === undefined || this.cut || this.down) return false;
    this.delivered++;
    this.signals.next(next);
    return true;
  }
  on(): Subject<Envelope> {
    throw new Error('not used');
  }
  async *replay(from: Seq): AsyncGenerator<Envelope> {
    if (!this.retains) throw new BusHistoryError(from, this.tip + 1, this.tip);
    yield* this.#log.log.slice(from - 1);
    this.delivered = Math.max(this.delivered, this.#log.log.length);
  }
  async close(): Promise<void> {
    this.signals.complete();
  }
}

/** Time that the caller moves. */
export class ManualClock implements Clock {
  #now = 0;
  #timers = new Map<object, { at: number; callback: () => void }>();
  now(): number {
    return this.#now;
  }
  setTimeout(callback: () => void, ms: number): object {
    const id = {};
    this.#timers.set(id, { at: this.#now + ms, callback });
    return id;
  }
  clearTimeout(id: object | number): void {
    this.#timers.delete(id as object);
  }
  atEndOfInstant(callback: () => void): void {
    queueMicrotask(callback);
  }
  afterThisTurn(callback: () => void): void {
    queueMicrotask(callback);
  }
  work(): void {}
  rest(): void {}
  advance(ms: number): void {
    this.#now += ms;
    for (const [id, { at, callback }] of [...this.#timers]) {
      if (at <= this.#now && this.#timers.delete(id)) callback();
    }
  }
}

/** Lets every promise settle that waits for nothing but its turn. */
export async function settle(): Promise<void> {
  for (let turn = 0; turn < 24; turn++) await Promise.resolve();
}

/** Appends and delivers everything until a promise has settled. */
export async function pump<T>(log: LaggingLog, promise: Promise<T>): Promise<T> {
  let pending = true;
  promise.finally(() => (pending = false)).catch(() => undefined);
  for (let turn = 0; pending && turn < 1_000; turn++) {
    await settle();
    log.drain();
  }
  if (pending) throw new Error('nothing is left to deliver, and a request has not ended');
  return promise;
}
