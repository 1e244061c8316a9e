/** The bus within one process: an RxJS subject behind a first-in-first-out queue.
 *
 *  A nested `Subject.next` delivers out of order and grows the stack. Here a publish during a delivery only appends, and
 *  the outermost call delivers. Every signal passes through {@link SignalSubject}, whose `next` calls the listeners
 *  itself, at a fifth of what RxJS's own loop takes (docs/decisions/0034). Owns the order and the history. Nothing is
 *  retained unless asked for, so that memory stays flat. */
// The files of these classes, and not the index of rxjs: it loads 223 files. The classes are the same objects.
import { Observable } from 'rxjs/internal/Observable';
import { Subject } from 'rxjs/internal/Subject';
import { Subscriber } from 'rxjs/internal/Subscriber';
import type { Observer, Subscription } from 'rxjs';
import { HCT_SIGNAL_TYPES, type Envelope, type Signal, type Tag } from '../../machines/hct/signal.ts';
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
import { clear } from '../tomasulo/clear.ts';
import { realClock, type Clock } from './clock.ts';

export interface BusOptions {
  /** Stamped on every envelope. Default: `local`. */
  runId?: string;
  /** How many envelopes to keep for `replay`: 0 … 2^24, or `all`. Default 0. */
  retain?: number | 'all';
  /** How many idempotency keys to remember, first in first out. Default 65,536. */
  keyWindow?: number;
  /** The clock of the timestamps. Default: real time. */
  clock?: Clock;
  /** Called for every listener that throws or rejects. Default: a line on the console while `faults` has no observer. */
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
  readonly #subject: SignalSubject;
  readonly #faults = new Subject<BusFault>();
  readonly #onFault: ((fault: BusFault) => void) | undefined;
  readonly #history: History;
  readonly #keys = new Map<string, Seq>();
  readonly #keyWindow: number;
  #consumers: readonly Consumer[] = [];

  constructor(options: BusOptions = {}) {
    const { runId = 'local', retain = 0, keyWindow = 65_536, clock = realClock, onFault } = options;
    const unknown = Object.keys(options).find((key) => !BUS_OPTIONS.has(key));
    if (unknown !== undefined)
      throw new TypeError(
        `createBus: unknown option '${unknown}'; known are ${[...BUS_OPTIONS].join(', ')}.`,
      );
    this.runId = runId;
    this.#clock = clock;
    this.#history = new History(retain === 'all' ? Infinity : limitOf('retain', retain, 0, 2 ** 24));
    this.#keyWindow = limitOf('keyWindow', keyWindow, 0, 2 ** 24);
    this.#onFault = onFault;
    this.faults = this.#faults.asObservable();
    this.signals = this.#subject = new SignalSubject(this.#report);
  }

  get tip(): Seq {
    return this.#seq;
  }

  publish(signal: Signal, options?: PublishOptions): Seq | Promise<Seq> {
    if (this.#closed) throw new BusClosedError();
    if (!SIGNAL_TYPES.has((signal as Signal | null | undefined)?.type as string)) throw notASignal(signal);
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
    return this.#subject.on(tag);
  }

  /** The tip: in process, every signal is applied when `publish` returns.
   *  @throws {BusClosedError} after `close` */
  async barrier(): Promise<Seq> {
    if (this.#closed) throw new BusClosedError();
    return this.#seq;
  }

  /** Nothing survives the process, so there is nothing to wait for. */
  durable(): void {}

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
    this.#subject.complete();
    this.#faults.complete();
    for (const consumer of this.#consumers) consumer.end();
  }

  #deliverAll(first: Envelope): void {
    this.#delivering = true;
    this.#deliver(first);
    for (let i = 0; i < this.#queue.length; i++) {
      this.#deliver(this.#queue[i] as Envelope);
      // A chain of publishes may be long: drop what has been delivered, to bound memory.
      if (i === 1_023) {
        this.#queue = this.#queue.slice(1_024);
        i = -1;
      }
    }
    clear(this.#queue);
    this.#delivering = false;
  }

  #deliver(envelope: Envelope): void {
    this.#subject.next(envelope);
    for (let i = 0; i < this.#consumers.length; i++) (this.#consumers[i] as Consumer).push(envelope);
  }

  readonly #report = (error: unknown, envelope: Envelope | undefined): void => {
    const fault = { error, envelope };
    try {
      if (this.#onFault) this.#onFault(fault);
      else if (!this.#faults.observed) console.error('tutti: a bus listener failed:', error);
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
    // A publisher that does not await is cut off, too, but later: at sixteen buffers, so that memory stays bounded.
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

/** An observable that reports what its listeners throw, where RxJS would throw it at the whole process. */
class SignalStream extends Observable<Envelope> {
  readonly #report: Report;

  constructor(connect: ((subscriber: Subscriber<Envelope>) => () => void) | undefined, report: Report) {
    super(connect && ((subscriber) => connect(subscriber)));
    this.#report = report;
  }
  override lift<R>(operator?: unknown): Observable<R> {
    return lifted<R>(this, operator, this.#report);
  }
  override subscribe(...listener: unknown[]): Subscription {
    return super.subscribe(listenerOf(listener, this.#report));
  }
}

/** The subject that every signal passes through. `next` delivers one envelope: first to the listeners of its tag, then
 *  to the listeners of all signals. */
class SignalSubject extends Subject<Envelope> {
  readonly #report: Report;
  /** A copy of `observers`, made at the first delivery after a change, so that a delivery sees one list. */
  #listeners: readonly Observer<Envelope>[] | undefined;
  readonly #byTag = new Map<Tag, readonly Subscriber<Envelope>[]>();

  constructor(report: Report) {
    super();
    this.#report = report;
  }
  override next(envelope: Envelope): void {
    const tag = envelope.signal.type === 'pulse' ? envelope.signal.tag : tagOf(envelope.signal);
    if (tag !== undefined) {
      const tagged = this.#byTag.get(tag);
      if (tagged !== undefined)
        for (let i = 0; i < tagged.length; i++) (tagged[i] as Subscriber<Envelope>).next(envelope);
    }
    const all = (this.#listeners ??= [...this.observers]);
    for (let i = 0; i < all.length; i++) (all[i] as Observer<Envelope>).next(envelope);
  }
  override complete(): void {
    super.complete();
    for (const listeners of [...this.#byTag.values()]) for (const listener of listeners) listener.complete();
    this.#byTag.clear();
  }
  override lift<R>(operator?: unknown): Observable<R> {
    return lifted<R>(this, operator, this.#report);
  }
  override subscribe(...listener: unknown[]): Subscription {
    const subscription = super.subscribe(listenerOf(listener, this.#report));
    this.#listeners = undefined;
    subscription.add(() => (this.#listeners = undefined));
    return subscription;
  }

  /** The snoop filter. */
  on(tag: Tag): Observable<Envelope> {
    return new SignalStream((listener) => {
      if (this.isStopped) {
        listener.complete();
        return () => undefined;
      }
      this.#byTag.set(tag, [...(this.#byTag.get(tag) ?? []), listener]);
      return () => {
        const left = (this.#byTag.get(tag) ?? []).filter((other) => other !== listener);
        if (left.length > 0) this.#byTag.set(tag, left);
        else this.#byTag.delete(tag);
      };
    }, this.#report);
  }
}

/** What an operator makes of a stream: again a stream that reports its listeners' faults. */
function lifted<R>(source: Observable<Envelope>, operator: unknown, report: Report): Observable<R> {
  const stream = new SignalStream(undefined, report) as unknown as Observable<R>;
  stream.source = source;
  stream.operator = operator as never;
  return stream;
}

/** @param given the arguments of `subscribe`: an observer, or up to three functions */
function listenerOf(given: unknown[], report: Report): Subscriber<Envelope> {
  const [observerOrNext, error, complete] = given;
  // Operators subscribe with a Subscriber that handles errors itself.
  if (observerOrNext instanceof Subscriber) return observerOrNext as Subscriber<Envelope>;
  const observer =
    typeof observerOrNext === 'function' || observerOrNext == null
      ? ({ next: observerOrNext, error, complete } as Partial<Observer<Envelope>>)
      : (observerOrNext as Partial<Observer<Envelope>>);
  return new Listener(observer, report);
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
      const returned: unknown = this.#observer.next?.(envelope);
      if (returned instanceof Promise) returned.catch((error: unknown) => this.#report(error, envelope));
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

const BUS_OPTIONS: ReadonlySet<string> = new Set<keyof BusOptions>([
  'runId',
  'retain',
  'keyWindow',
  'clock',
  'onFault',
]);
const SIGNAL_TYPES: ReadonlySet<string> = new Set([...HCT_SIGNAL_TYPES, 'pulse']);

function notASignal(value: unknown): TypeError {
  const found =
    typeof value === 'object' && value !== null
      ? `an object of type '${String((value as Partial<Signal>).type)}'`
      : String(value);
  return new TypeError(
    `publish takes a signal: an object whose type is one of ${[...SIGNAL_TYPES].join(', ')}; not ${found}.`,
  );
}

function limitOf(name: string, value: number, least: number, most: number): number {
  if (Number.isInteger(value) && value >= least && value <= most) return value;
  throw new RangeError(`\`${name}\` must be a whole number from ${least} to ${most}, not ${value}.`);
}

const withResolvers = (): PromiseWithResolvers<void> => Promise.withResolvers<void>();
