/** The bus within one process: what an RxJS subject is, behind a first-in-first-out trampoline.
 *
 *  A nested `Subject.next` delivers out of order and grows the stack; here whoever publishes while a signal
 *  is being delivered only appends, and the outermost call delivers. `signals` is an observable as any other; its
 *  listeners are called by the bus itself, at a fifth of what a subject takes (docs/decisions/0034). Owns the order,
 *  the history and the snoop filter. Nothing is retained unless asked for, so that memory stays flat. */
// The files of these classes, and not the index of rxjs: it loads 223 files. The classes are the same objects.
import { Observable } from 'rxjs/internal/Observable';
import { Subject } from 'rxjs/internal/Subject';
import { Subscriber } from 'rxjs/internal/Subscriber';
import type { Observer } from 'rxjs';
import type { Envelope, Signal, Tag } from '../machines/signal.ts';
import {
  BusClosedError,
  BusHistoryError,
  BusOverflowError,
  tagOf,
  type Bus,
  type BusFault,
  type PublishOptions,
  type ReplayOptions,
  type Seq,
} from './bus.ts';
import { clear } from './clear.ts';
import { realClock, type Clock } from './clock.ts';

export interface BusOptions {
  /** Stamped on every envelope. Default: `local`. */
  runId?: string;
  /** How many envelopes to keep for `replay`: 0 … 2^24, or `all`. Default 0. */
  retain?: number | 'all';
  /** How many idempotency keys to remember, first in first out. Default 65,536. */
  keyWindow?: number;
  /** Where timestamps come from. Default: real time. */
  clock?: Clock;
  /** Told of every listener that threw. Default: a line on the console while nobody observes `faults`. */
  onFault?: (fault: BusFault) => void;
}

/** Creates a bus in this process.
 *  @example
 *  ```ts
 *  const bus = createBus({ retain: 100 });
 *  bus.on('draft').subscribe(({ seq, signal }) => console.log(seq, signal));
 *  bus.publish({ type: 'pulse', tag: 'draft', value: 'Once' }); // prints 1 { … }
 *  ``` */
export function createBus(options: BusOptions = {}): InProcessBus {
  return new InProcessBus(options);
}

export class InProcessBus implements Bus {
  readonly runId: string;
  readonly signals: Observable<Envelope>;
  readonly faults: Observable<BusFault>;
  #seq = 0;
  #closed = false;
  #delivering = false;
  #queue: Envelope[] = [];
  readonly #clock: Clock;
  #listeners: readonly Subscriber<Envelope>[] = [];
  readonly #faults = new Subject<BusFault>();
  readonly #onFault: ((fault: BusFault) => void) | undefined;
  readonly #router = new Map<Tag, readonly Subscriber<Envelope>[]>();
  readonly #history: History;
  readonly #keys = new Map<string, Seq>();
  readonly #keyWindow: number;
  #consumers: readonly Consumer[] = [];
  readonly #tagged = new Set<Subscriber<Envelope>>();

  constructor({ runId = 'local', retain = 0, keyWindow = 65_536, clock = realClock, onFault }: BusOptions) {
    this.runId = runId;
    this.#clock = clock;
    this.#history = new History(retain === 'all' ? Infinity : limitOf('retain', retain, 0, 2 ** 24));
    this.#keyWindow = limitOf('keyWindow', keyWindow, 0, 2 ** 24);
    this.#onFault = onFault;
    this.faults = this.#faults.asObservable();
    this.signals = new SignalStream((listener) => {
      if (this.#closed) listener.complete();
      else this.#listeners = [...this.#listeners, listener];
      return () => (this.#listeners = this.#listeners.filter((other) => other !== listener));
    }, this.#report);
  }

  get tip(): Seq {
    return this.#seq;
  }

  publish(signal: Signal, options?: PublishOptions): Seq | Promise<Seq> {
    if (this.#closed) throw new BusClosedError();
    const key = options?.key;
    if (key !== undefined) {
      const known = this.#keys.get(key);
      if (known !== undefined) return known;
      this.#remember(key);
    }
    const seq = ++this.#seq;
    const envelope: Envelope = {
      seq,
      runId: options?.runId ?? this.runId,
      signal,
      timestamp: this.#clock.now(),
    };
    this.#history.push(envelope);
    if (this.#delivering) this.#queue.push(envelope);
    else this.#deliverAll(envelope);
    return this.#consumers.length === 0 ? seq : this.#whenRoom(seq);
  }

  on(tag: Tag): Observable<Envelope> {
    return new SignalStream((listener) => {
      if (this.#closed) {
        listener.complete();
        return () => undefined;
      }
      this.#router.set(tag, [...(this.#router.get(tag) ?? []), listener]);
      this.#tagged.add(listener); // not one of the others: each of those is asked at every signal
      return () => {
        this.#tagged.delete(listener);
        const left = (this.#router.get(tag) ?? []).filter((other) => other !== listener);
        if (left.length > 0) this.#router.set(tag, left);
        else this.#router.delete(tag);
      };
    }, this.#report);
  }

  async *replay(
    from: Seq,
    { follow = false, limit = 1_024, overflow = 'error' }: ReplayOptions = {},
  ): AsyncGenerator<Envelope> {
    limitOf('limit', limit, 1, 2 ** 20);
    const past = this.#history.since(from, this.#seq);
    if (!follow || this.#closed) return yield* past;
    const consumer = new Consumer(limit, overflow === 'block');
    this.#consumers = [...this.#consumers, consumer];
    try {
      // What was published and not yet delivered is in the history already.
      const start = this.#seq;
      yield* past;
      for await (const envelope of consumer) if (envelope.seq > start) yield envelope;
    } finally {
      this.#consumers = this.#consumers.filter((other) => other !== consumer);
      consumer.end();
    }
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    for (const listener of this.#listeners) listener.complete();
    for (const listener of [...this.#tagged]) listener.complete();
    this.#faults.complete();
    for (const consumer of this.#consumers) consumer.end();
    this.#router.clear();
  }

  #deliverAll(first: Envelope): void {
    this.#delivering = true;
    this.#deliver(first);
    for (let i = 0; i < this.#queue.length; i++) {
      this.#deliver(this.#queue[i] as Envelope);
      // A wake chain may be longer than memory likes: forget what has been delivered.
      if (i === 1_023) {
        this.#queue = this.#queue.slice(1_024);
        i = -1;
      }
    }
    clear(this.#queue);
    this.#delivering = false;
  }

  #deliver(envelope: Envelope): void {
    const tag = envelope.signal.type === 'pulse' ? envelope.signal.tag : tagOf(envelope.signal);
    if (tag !== undefined) {
      const listeners = this.#router.get(tag);
      if (listeners !== undefined)
        for (let i = 0; i < listeners.length; i++) (listeners[i] as Subscriber<Envelope>).next(envelope);
    }
    const all = this.#listeners;
    for (let i = 0; i < all.length; i++) (all[i] as Subscriber<Envelope>).next(envelope);
    for (let i = 0; i < this.#consumers.length; i++) (this.#consumers[i] as Consumer).push(envelope);
  }

  #report = (error: unknown, envelope: Envelope | undefined): void => {
    const fault = { error, envelope };
    try {
      if (this.#onFault) this.#onFault(fault);
      else if (!this.#faults.observed) console.error('tutti: a bus listener threw:', error);
      this.#faults.next(fault);
    } catch (again) {
      console.error('tutti: onFault threw:', again);
    }
  };

  #remember(key: string): void {
    this.#keys.set(key, this.#seq + 1);
    if (this.#keys.size <= this.#keyWindow) return;
    for (const oldest of this.#keys.keys()) {
      this.#keys.delete(oldest);
      break;
    }
  }

  #whenRoom(seq: Seq): Seq | Promise<Seq> {
    const full = this.#consumers.flatMap((consumer) => consumer.room ?? []);
    return full.length === 0 ? seq : Promise.all(full).then(() => seq);
  }
}

/** The last `limit` envelopes. */
class History {
  readonly #limit: number;
  #kept: Envelope[] = [];

  constructor(limit: number) {
    this.#limit = limit;
  }
  push(envelope: Envelope): void {
    if (this.#limit === 0) return;
    this.#kept.push(envelope);
    if (this.#kept.length > 2 * this.#limit) this.#kept = this.#kept.slice(-this.#limit);
  }
  since(from: Seq, tip: Seq): Envelope[] {
    const start = Math.max(0, this.#kept.length - this.#limit);
    const oldest = this.#kept[start]?.seq ?? tip + 1;
    if (!Number.isInteger(from) || from < oldest || from > tip + 1)
      throw new BusHistoryError(from, oldest, tip);
    return this.#kept.slice(start + from - oldest);
  }
}

/** An asynchronous reader with a bounded buffer. */
class Consumer {
  readonly #limit: number;
  readonly #blocks: boolean;
  #buffer: Envelope[] = [];
  #wake: (() => void) | undefined;
  #ended = false;
  #overflow: BusOverflowError | undefined;
  #full: PromiseWithResolvers<void> | undefined;

  constructor(limit: number, blocks: boolean) {
    this.#limit = limit;
    this.#blocks = blocks;
  }
  /** Resolves when the buffer has room; `undefined` while it has. */
  get room(): Promise<void> | undefined {
    return this.#full?.promise;
  }
  push(envelope: Envelope): void {
    if (this.#ended || this.#overflow) return;
    // Publishers that do not await are cut off, too, only later: sixteen buffers are not unbounded memory.
    if (this.#buffer.length >= (this.#blocks ? 16 * this.#limit : this.#limit)) {
      this.#overflow = new BusOverflowError(this.#limit, envelope.seq - 1);
      this.#makeRoom();
    } else {
      this.#buffer.push(envelope);
      if (this.#blocks && this.#buffer.length >= this.#limit) this.#full ??= withResolvers();
    }
    this.#wake?.();
  }
  end(): void {
    this.#ended = true;
    this.#makeRoom();
    this.#wake?.();
  }
  async *[Symbol.asyncIterator](): AsyncGenerator<Envelope> {
    for (;;) {
      const batch = this.#buffer;
      this.#buffer = [];
      this.#makeRoom();
      yield* batch;
      if (this.#buffer.length > 0) continue;
      if (this.#overflow) throw this.#overflow;
      if (this.#ended) return;
      await new Promise<void>((resolve) => (this.#wake = resolve));
      this.#wake = undefined;
    }
  }
  #makeRoom(): void {
    this.#full?.resolve();
    this.#full = undefined;
  }
}

type Report = (error: unknown, envelope: Envelope | undefined) => void;

/** An observable that catches what its listeners throw, where RxJS would throw it at the whole process. */
class SignalStream extends Observable<Envelope> {
  readonly #report: Report;

  constructor(connect: ((subscriber: Subscriber<Envelope>) => () => void) | undefined, report: Report) {
    super(connect && ((subscriber) => connect(subscriber)));
    this.#report = report;
  }
  override lift<R>(operator?: unknown): Observable<R> {
    const lifted = new SignalStream(undefined, this.#report) as unknown as Observable<R>;
    lifted.source = this;
    lifted.operator = operator as never;
    return lifted;
  }
  override subscribe(
    observerOrNext?: unknown,
    error?: unknown,
    complete?: unknown,
  ): ReturnType<Observable<Envelope>['subscribe']> {
    // Operators subscribe with a Subscriber of their own, which has its own way with errors.
    if (observerOrNext instanceof Subscriber) return super.subscribe(observerOrNext);
    const observer =
      typeof observerOrNext === 'function' || observerOrNext == null
        ? ({ next: observerOrNext, error, complete } as Partial<Observer<Envelope>>)
        : observerOrNext;
    return super.subscribe(new Listener(observer, this.#report));
  }
}

/** A listener as the bus holds it. RxJS would put two wrappers around each; this one is both. */
class Listener extends Subscriber<Envelope> {
  readonly #observer: Partial<Observer<Envelope>>;
  readonly #report: Report;

  constructor(observer: Partial<Observer<Envelope>>, report: Report) {
    super();
    this.#observer = observer;
    this.#report = report;
  }
  override next(envelope: Envelope): void {
    if (this.isStopped) return;
    try {
      this.#observer.next?.(envelope);
    } catch (error) {
      this.#report(error, envelope);
    }
  }
  protected override _error(thrown: unknown): void {
    try {
      if (this.#observer.error === undefined) this.#report(thrown, undefined);
      else this.#observer.error(thrown);
    } finally {
      this.unsubscribe();
    }
  }
  protected override _complete(): void {
    try {
      this.#observer.complete?.();
    } catch (error) {
      this.#report(error, undefined);
    } finally {
      this.unsubscribe();
    }
  }
}

function limitOf(name: string, value: number, least: number, most: number): number {
  if (Number.isInteger(value) && value >= least && value <= most) return value;
  throw new RangeError(`\`${name}\` must be a whole number from ${least} to ${most}, not ${value}.`);
}

const withResolvers = (): PromiseWithResolvers<void> => Promise.withResolvers<void>();
