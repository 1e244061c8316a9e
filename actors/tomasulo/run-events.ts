/** The events of a performance, and its outcome. An event that has no listener costs nothing. */
import type { HctSignalType } from '../../machines/hct/signal.ts';
import type { Clock } from '../bus/clock.ts';
import type * as errors from './errors.ts';
import type { DynamicProgram } from './dynamic-program.ts';
import { callListener } from '../bus/listener.ts';
import type { StepStatus, Timeline } from './timeline.ts';

/** What happens in a performance. `seq` counts events, `timestamp` is in the clock's milliseconds. */
export type RunEvent = {
  readonly runId: string;
  readonly seq: number;
  readonly timestamp: number;
} & RunEventBody;
export type RunEventBody =
  | { readonly type: 'run.started'; readonly steps: number }
  | { readonly type: 'step.issued'; readonly stepId: string }
  | { readonly type: 'step.ready'; readonly stepId: string }
  | { readonly type: 'step.held'; readonly stepId: string }
  /** An external attempt was cut off, and a person decides whether its effect took place; see `Run.decide`. */
  | { readonly type: 'step.doubtful'; readonly stepId: string }
  | {
      /** A person is asked. The operands of the step are there: see `run.holds`. */
      readonly type: 'step.asked';
      readonly stepId: string;
      readonly question: string | undefined;
    }
  | {
      /** The step is still held. */
      readonly type: 'step.reminded';
      readonly stepId: string;
      /** Since the question, or since the hold began. */
      readonly waitedMs: number;
    }
  | {
      /** The time of the hold is over, and another one decides. */
      readonly type: 'step.escalated';
      readonly stepId: string;
      readonly to: string;
    }
  | { readonly type: 'step.resumed'; readonly stepId: string }
  | {
      readonly type: 'step.started';
      readonly stepId: string;
      readonly agent: string;
      readonly attempt: number;
    }
  | {
      /** The first attempt is late, and a second one has been started. */
      readonly type: 'step.hedged';
      readonly stepId: string;
      readonly agent: string;
      readonly attempt: number;
    }
  | {
      /** A part of what an agent is writing, as it comes. */
      readonly type: 'step.text';
      readonly stepId: string;
      readonly agent: string;
      readonly attempt: number;
      readonly delta: string;
      /** Takes back all text of this try that came before: the answer broke off, or another one is being written. */
      readonly again: boolean;
    }
  | {
      readonly type: 'step.retrying';
      readonly stepId: string;
      readonly attempt: number;
      readonly delayMs: number;
      readonly error: unknown;
    }
  | {
      readonly type: 'step.ended';
      readonly stepId: string;
      readonly status: StepStatus;
      readonly error?: errors.StepError;
      /** Why it was skipped. */
      readonly reason?: string;
      /** It ended in an earlier life of a durable performance. */
      readonly restored?: true;
    }
  | { readonly type: 'run.stalled'; readonly waiting: readonly errors.WaitingStep[] }
  | {
      /** A signal named targets that this performance does not have, or asked for what it cannot do. */
      readonly type: 'signal.unmatched';
      readonly signal: HctSignalType;
      readonly targets: readonly string[];
      readonly reason: string;
    }
  | { readonly type: 'run.ended'; readonly status: RunStatus };

/** `held`: a durable performance that only waits for a person, and can be resumed. */
export type RunStatus = 'completed' | 'failed' | 'cancelled' | 'held';

export interface Usage {
  /** Times that an agent was started, retries and second attempts of hedges included. */
  readonly calls: number;
  readonly retries: number;
  /** Times that issue stopped because no station was free. */
  readonly stalls: number;
}

/** How a performance ended. */
export interface RunOutcome {
  readonly status: RunStatus;
  /** The outputs that are available. */
  readonly outputs: Record<string, unknown>;
  /** Root causes that reached an output or a step without readers; or why the performance was stopped. */
  readonly errors: readonly Error[];
  readonly timeline: Timeline;
  readonly usage: Usage;
}

const reportFault = (error: unknown): void => console.error('tutti: an event listener failed:', error);

export class RunEvents {
  readonly #runId: string;
  readonly #program: DynamicProgram;
  readonly #clock: Clock;
  #listener: ((event: RunEvent) => void) | undefined;
  #seq = 0;

  constructor(runId: string, program: DynamicProgram, clock: Clock) {
    this.#runId = runId;
    this.#program = program;
    this.#clock = clock;
  }
  /** Calls the listener for every event from now on, synchronously and in order. */
  listen(listener: (event: RunEvent) => void): void {
    this.#listener = listener;
  }
  /** Ask before an event is put together. */
  get heard(): boolean {
    return this.#listener !== undefined;
  }
  tell(body: RunEventBody): void {
    if (this.#listener === undefined) return;
    const event = { runId: this.#runId, seq: ++this.#seq, timestamp: this.#clock.now(), ...body };
    callListener(this.#listener, event, reportFault);
  }
  tellStep(
    type: 'step.issued' | 'step.ready' | 'step.held' | 'step.resumed' | 'step.doubtful',
    step: number,
  ): void {
    if (this.#listener !== undefined) this.tell({ type, stepId: this.#program.idOf(step) });
  }
}
