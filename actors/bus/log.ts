/** The log: what survives the process, in order.
 *
 *  Hardware: the reorder buffer's retirement. A result counts when it is committed, and only then may anything depend on
 *  it. Append, commit, then act: what is appended and not committed is lost in a crash, as if it had never been.
 *  `test/conformance/log.ts` checks this contract for every engine; the one in memory is `memory-store.ts`. */
import type { Seq } from './bus.ts';

export { FencedLogError, LogError } from './log-errors.ts';

/** One fact. */
export interface LogRecord {
  /** What happened, such as `start` or `pulse`. */
  readonly kind: string;
  /** The step or key that it is about; empty for the run itself. */
  readonly about: string;
  /** Milliseconds of the run's clock. */
  readonly at: number;
  /** Small details, as JSON. */
  readonly data?: string | undefined;
  /** A payload, as JSON. An engine stores a large one once, by its content. */
  readonly value?: string | undefined;
}
/** A fact with its place in the log. */
export interface LogEntry extends LogRecord {
  readonly seq: Seq;
}

/** One run's log, open for writing. There is one writer at a time. */
export interface Log {
  readonly runId: string;
  /** The position of the newest record, committed or not; 0 before the first. */
  readonly tip: Seq;
  /** What a crash does not take away: everything up to this position. */
  readonly committed: Seq;
  /** Adds a record behind the others. It is lost in a crash until it is committed.
   *  @returns its position */
  append(record: LogRecord): Seq;
  /** Makes everything appended survive a crash, all of it or none.
   *  @throws {FencedLogError} when another writer has taken the run over; nothing was added.
   *  @throws {LogError} when the engine refuses, such as a full disk. */
  commit(): void;
  /** Committed records from a position on, in order. */
  read(from?: Seq): Iterable<LogEntry>;
  /** Drops every committed record but these, in one step. The positions of the others do not change.
   *  @throws {FencedLogError | LogError} */
  keep(positions: readonly Seq[]): void;
  /** Gives the run back: another writer may open it. Appended records that are not committed are dropped. */
  close(): void;
}
