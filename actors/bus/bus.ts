/** The bus: the same signals to every listener, in the same order (design §3).
 *
 *  Hardware: a common data bus for results, an arbitrated bus for ownership. This is the contract that every engine
 *  keeps; `test/conformance/bus.ts` checks it, and the in-process engine is `in-process-bus.ts`. */
import type { Observable } from 'rxjs';
import { LogError } from './log-errors.ts';
import type { Envelope, Signal, Tag } from '../../machines/hct/signal.ts';

/** A position on the bus: 1, 2, 3 … without a gap. */
export type Seq = number;

export interface PublishOptions {
  /** Publishing a second time under the same key appends nothing and returns the first position. */
  key?: string;
  /** The performance that this signal belongs to; the bus's own `runId` unless told. */
  runId?: string;
}

export interface ReplayOptions {
  /** Go on with what is published later, until the bus closes. Default: end at the tip. */
  follow?: boolean;
  /** Envelopes that may wait for a slow consumer, 1 … 2^20. Default 1,024. Only with `follow`. */
  limit?: number;
  /** What a full buffer does: `error` ends the consumer with a `BusOverflowError`; `block` makes
   *  `publish` return a promise that resolves when there is room again. Default `error`. */
  overflow?: 'error' | 'block';
}

/** A listener threw, or its promise rejected. Other listeners were not affected. */
export interface BusFault {
  readonly error: unknown;
  readonly envelope: Envelope | undefined;
}

export interface Bus {
  readonly runId: string;
  /** The position of the newest signal; 0 before the first. */
  readonly tip: Seq;
  /** Appends a signal. Re-entrant calls queue: a listener that publishes does not nest.
   *  @returns the signal's position, or a promise of it where the engine is remote or a consumer is full.
   *  @throws {TypeError} for a value that is no signal.
   *  @throws {BusClosedError} after `close`. */
  publish(signal: Signal, options?: PublishOptions): Seq | Promise<Seq>;
  /** Every signal from now on, in bus order. */
  readonly signals: Observable<Envelope>;
  /** The snoop filter: only signals that bear this tag (a pulse's `tag`, a fermata's or cue's `key`). */
  on(tag: Tag): Observable<Envelope>;
  /** What listeners threw. */
  readonly faults: Observable<BusFault>;
  /** History from a position on.
   *  @throws {BusHistoryError} (at the first `next`) when `from` is older than what is retained. */
  replay(from: Seq, options?: ReplayOptions): AsyncIterable<Envelope>;
  /** The log's true tip, once everything up to it has been delivered here: a read after it sees every signal that
   *  was accepted before the call.
   *  @throws {BusClosedError} after `close` */
  barrier?(): Promise<Seq>;
  /** Waits until what was appended up to a position survives a crash, as far as the engine can promise it. */
  durable?(seq: Seq): void | Promise<void>;
  /** Completes every listener; later calls do nothing. */
  close(): Promise<void>;
}

/** The bus has been closed; it accepts no more signals. */
export class BusClosedError extends Error {
  override name = 'BusClosedError';
  constructor() {
    super('The bus is closed; publish before close(), or create a new bus.');
  }
}

/** The bus did not accept or deliver a signal. */
export class UnavailableError extends Error {
  override name = 'UnavailableError';
  /** Whether the signal may be on the bus all the same. */
  readonly inDoubt: boolean;
  constructor(what: string, { cause, inDoubt }: { cause?: unknown; inDoubt: boolean }) {
    const doubt = inDoubt ? ' Whether other listeners have received it is not known.' : '';
    super(`The bus is unavailable: ${what}${doubt}`, { cause });
    this.inDoubt = inDoubt;
  }
}

/** What a bus threw, as an error that a caller can tell apart. */
export function busError(thrown: unknown): Error {
  if (thrown instanceof BusClosedError || thrown instanceof UnavailableError || thrown instanceof LogError)
    return thrown;
  const message = thrown instanceof Error ? thrown.message : 'it gave no reason';
  return new UnavailableError(`it did not accept a signal (${message}).`, { cause: thrown, inDoubt: true });
}

/** The history asked for is no longer (or not yet) there. */
export class BusHistoryError extends Error {
  override name = 'BusHistoryError';
  readonly from: Seq;
  /** The oldest position that can still be replayed. */
  readonly oldest: Seq;
  constructor(from: Seq, oldest: Seq, tip: Seq) {
    super(
      from > tip + 1
        ? `Position ${from} lies beyond the tip ${tip}; ask for at most ${tip + 1}.`
        : `Position ${from} is no longer retained; the oldest is ${oldest}. Retain more: createBus({ retain }).`,
    );
    this.from = from;
    this.oldest = oldest;
  }
}

/** A consumer was too slow for its buffer. */
export class BusOverflowError extends Error {
  override name = 'BusOverflowError';
  readonly limit: number;
  constructor(limit: number, lastSeq: Seq) {
    super(
      `This consumer let ${limit} envelopes wait and was cut off after ${lastSeq}; raise \`limit\`, read faster, ` +
        "or use overflow: 'block' and await publish().",
    );
    this.limit = limit;
  }
}

/** The tag that a signal bears, if any. */
export function tagOf(signal: Signal): Tag | undefined {
  if (signal.type === 'pulse') return signal.tag;
  return (signal as { key?: string }).key;
}
