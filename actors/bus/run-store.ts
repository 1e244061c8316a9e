/** The store: many runs, each with its log, its writer's lease and its inbox. */
import type { Log, LogEntry } from './log.ts';
import { LogError } from './log.ts';

/** How a run stands. `open`: it can be resumed. */
export const RUN_STATES = ['open', 'completed', 'failed', 'cancelled'] as const;
export type RunState = (typeof RUN_STATES)[number];

/** What is known of a run without reading its log. */
export interface RunInfo {
  readonly id: string;
  /** The score's name. */
  readonly score: string;
  readonly state: RunState;
  /** Milliseconds since the epoch. */
  readonly created: number;
  readonly updated: number;
  /** Who writes it now, such as `process 4711 on host`; undefined when no living process does. */
  readonly holder: string | undefined;
  /** Records in its log. */
  readonly records: number;
  /** Messages that wait for it. */
  readonly waiting: number;
  /** Whether only its beginning, outputs, usage and end are left. */
  readonly isShrunk: boolean;
}

/** What another process tells a run: the answer to a hold, or a decision about a step in doubt. */
export interface InboxMessage {
  /** Unique in its store; grows. */
  readonly id: number;
  /** Milliseconds since the epoch. */
  readonly at: number;
  /** What it says, as JSON. */
  readonly text: string;
}

/** A run that this process writes. */
export interface RunLog extends Log {
  /** Whether this process still holds the run, as far as the store knows. Renews the lease.
   *  @throws {FencedLogError | LogError} */
  renew(): void;
  /** Messages that wait, oldest first.
   *  @throws {FencedLogError} when another writer has taken the run over */
  inbox(): InboxMessage[];
  /** With the next commit: this message has been acted on. */
  took(id: number): void;
  /** With the next commit: the run has ended so. */
  ended(state: Exclude<RunState, 'open'>): void;
}

export interface RunStore {
  /** Where it is, for messages to people. */
  readonly name: string;
  /** How long the whole log of a run that has ended is kept, in milliseconds. Undefined: until it is removed. */
  readonly keepMs?: number | undefined;
  /** Begins a run and takes its lease.
   *  @throws {RunExistsError} when there is, or was, a run of this id: ids are never used again. */
  create(id: string, score: string): RunLog;
  /** Opens a run for writing, and takes its lease.
   *  @throws {UnknownRunError} @throws {RunBusyError} while another writer is alive */
  open(id: string): RunLog;
  /** What is committed, without a lease.
   *  @throws {UnknownRunError} */
  read(id: string): Iterable<LogEntry>;
  /** How a run stands.
   *  @throws {UnknownRunError} */
  stateOf(id: string): RunState;
  /** Ids of the runs that ended before a time, in milliseconds since the epoch, and whose logs are whole. */
  endedBefore(time: number): string[];
  /** Every run, oldest first. */
  list(): RunInfo[];
  /** Leaves a message for a run, whether or not a process performs it.
   *  @throws {UnknownRunError} @throws {LogError} when the run has ended */
  tell(id: string, text: string): void;
  /** Removes a run and what only it refers to. Its id is not used again.
   *  @throws {UnknownRunError} @throws {RunBusyError} */
  remove(id: string): void;
  close(): void;
}

/** There is no such run. */
export class UnknownRunError extends LogError {
  override name = 'UnknownRunError';
  constructor(id: string, where: string, known: readonly string[]) {
    const some = known.slice(-5).join(', ');
    super(
      `there is no run '${id}' in ${where}${known.length === 0 ? '; it has no runs' : `; the latest are ${some}`}.`,
    );
  }
}
/** The id has been used. */
export class RunExistsError extends LogError {
  override name = 'RunExistsError';
  constructor(id: string, where: string) {
    super(
      `there is, or was, a run '${id}' in ${where}; ids are never used again. Resume it, or choose another id.`,
    );
  }
}
/** Another writer is at work on the run. */
export class RunBusyError extends LogError {
  override name = 'RunBusyError';
  readonly holder: string;
  constructor(id: string, holder: string) {
    super(
      `the run '${id}' is performed by ${holder}; wait for its end, or stop that process. A run has one writer at a time.`,
    );
    this.holder = holder;
  }
}
