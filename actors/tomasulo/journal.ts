/** The journal of a performance: what the stages note before they act, and what an earlier life has noted.
 *
 *  Append, commit, then act: a result is committed before any dependent has it, and the start of an external step before
 *  its agent is called. A performance without a journal notes nothing and pays nothing. `src/durable` has the journal
 *  that writes to a log. */
import type { FermataHold } from '../../machines/hct/hold.ts';
import type { HctSignal } from '../../machines/hct/signal.ts';
import type { StepError } from './errors.ts';
import type { StepPlan } from './program.ts';
import type { RunStatus } from './run-events.ts';
import type { StepStatus } from './timeline.ts';

/** How a step ended in an earlier life. */
export interface RestoredEnd {
  readonly status: StepStatus;
  readonly value: unknown;
  readonly fault: StepError | undefined;
  /** Milliseconds of the run's clock. */
  readonly start: number | undefined;
  readonly end: number;
}

/** What earlier lives have noted about a step. */
export interface Restored {
  /** How often its agent was started, or its map, loop or sub-score opened. */
  readonly attempts: number;
  /** Whether it was started or opened: holds at its beginning are over. */
  readonly begun: boolean;
  /** Failures since the last success. */
  readonly failures: number;
  /** Retries that have been used. */
  readonly retries: number;
  /** Rounds of its vamp that have been played, and what the last one gave. */
  readonly rounds: number;
  readonly previous: unknown;
  /** Milliseconds until its next try. */
  readonly restMs: number | undefined;
  /** When its own fermata began, on the run's clock. */
  readonly heldSince: number | undefined;
  /** An external attempt began, and it is not known whether its effect took place: a person decides. */
  readonly inDoubt: boolean;
  /** Present when it has ended. */
  readonly end: RestoredEnd | undefined;
}

/** What a journal has to know of the program: ids, and the plans of steps that scopes have added. */
export interface ProgramOfJournal {
  readonly steps: readonly StepPlan[];
  idOf(step: number): string;
}

/** What a step that was in doubt gives, without running again. */
export type StandIn =
  { readonly ok: true; readonly value: unknown } | { readonly ok: false; readonly error: Error };

/** Steps are named by their index in the program, and kept by their ids: indices of added steps belong to one life. */
export interface Journal {
  /** Called once, before all else. */
  use(program: ProgramOfJournal): void;
  /** When the first life began, on the run's clock. */
  readonly startedAt: number;
  /** Starts and retries of earlier lives. */
  readonly earlier: { readonly calls: number; readonly retries: number };
  /** What earlier lives have noted about a step; undefined when they have not begun it. */
  restored(step: number): Restored | undefined;
  /** Signals that earlier lives have received, in order. */
  readonly signals: readonly { readonly signal: HctSignal; readonly at: number }[];
  /** Refuses a result that the log cannot keep. @throws {Error} naming the step, the place and the remedy */
  accept(step: number, result: unknown): void;
  /** @param counts whether the start counts against the budget */
  start(step: number, attempt: number, counts: boolean): void;
  /** A map, a loop or a sub-score begins. */
  opened(step: number): void;
  /** A second attempt is about to be started. A later life begins with one attempt again, and may start its own second.
   *  @param counts whether it counts against the budget */
  hedged(step: number, counts: boolean): void;
  /** A start that was noted has not taken place. */
  unstarted(step: number): void;
  failed(step: number, attempt: number, error: unknown, delayMs: number): void;
  round(step: number, round: number, result: unknown): void;
  /** A step's own fermata has begun. */
  held(step: number, hold: FermataHold): void;
  /** A signal is about to take effect. Commits. */
  signal(signal: HctSignal): void;
  /** A step has its result, its default, or its fault. */
  ended(step: number, status: StepStatus, given: unknown): void;
  /** Whether what is appended may be committed now: not while shared state of a step is published and its result is not
   *  appended. Wakes the performance when it may. */
  readonly isWhole: boolean;
  /** Makes what was appended survive a crash. @throws {LogError} */
  commit(): void;
  /** What a decision says that a step in doubt gives. */
  standIn(step: number): StandIn | undefined;
  /** The performance is over. It is noted unless it can be resumed. */
  over(status: RunStatus, reasons: readonly Error[]): void;
}
