/** How a performance is orchestrated: its bus, its clock, its limits. */
import type { InspectionEvent, Observer } from 'xstate';
import type { Bus } from '../bus/bus.ts';
import type { Clock } from '../bus/clock.ts';
import type { Dispatch } from './dispatcher.ts';
import type { Journal } from './journal.ts';
import type { RetryPolicy, Share } from './program.ts';

export interface OrchestratorOptions {
  readonly runId: string;
  /** Default: a new bus, closed at the end. */
  readonly bus?: Bus | undefined;
  readonly clock?: Clock | undefined;
  /** Cancels the performance. */
  readonly signal?: AbortSignal | undefined;
  /** How many steps may run at once. Default: as many as are ready. */
  readonly maxConcurrency?: number | undefined;
  /** How many steps may be in flight (issued, not yet written). Default 1,024. */
  readonly window?: number | undefined;
  readonly dispatch?: Dispatch | undefined;
  /** `path`: longest remaining path first; `fifo`: in the order of becoming ready. Default `path`. */
  readonly priority?: 'path' | 'fifo' | undefined;
  /** How often a ready step may be passed over by others. Default 1,024. */
  readonly patience?: number | undefined;
  readonly timeout?:
    { readonly totalMs?: number | undefined; readonly stepMs?: number | undefined } | undefined;
  readonly retry?: RetryPolicy | undefined;
  /** What a failure that no step absorbs does to the others: they `settle` (default), or all is cancelled. */
  readonly onFailure?: 'settle' | 'cancel' | undefined;
  /** What the jitter of delays is drawn from, a whole number. Default 0. */
  readonly seed?: number | undefined;
  /** Called before each start of an agent. Returns the error of the step if a budget does not allow the start. */
  readonly charge?: (() => Error | undefined) | undefined;
  /** Every agent receives it as `context.account`. */
  readonly account?: object | undefined;
  /** Judges an answer by the schema of its question. @returns the answer, or a promise of it; throws why it does not fit */
  readonly judge?: ((schema: object, answer: unknown, stepId: string) => unknown) | undefined;
  /** Makes `context.shared` when an agent asks for it, once for each attempt. */
  readonly share?: Share | undefined;
  /** How long, in real time, an aborted agent may take to settle before it is left behind. Default 1,000 ms. */
  readonly graceMs?: number | undefined;
  /** How long, in real time, the bus may take to deliver a pulse. Default: `graceMs`. */
  readonly deliveryMs?: number | undefined;
  /** How long all steps may wait for a cue that no timer will send. Default 30,000 ms. */
  readonly stallMs?: number | undefined;
  /** Keeps what has happened, so that a later process can go on; see {@link Journal}. */
  readonly journal?: Journal | undefined;
  /** How long, in real time, all that is left may wait for a person before the performance ends as `held`. Only with a
   *  journal. Default: while a hold has a time limit, until that; else `stallMs`. */
  readonly heldMs?: number | undefined;
  /** XState's inspection: reaches every station, unit and the conductor. Free when absent. */
  readonly inspect?: Observer<InspectionEvent> | ((event: InspectionEvent) => void) | undefined;
}
