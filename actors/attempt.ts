/** One try of one step: what the agent is handed besides its operands, and the way back for its answer. */
import type { Clock, TimerId } from './clock.ts';
import type { AgentContext, StepPlan, View } from './program.ts';
import type { RunEvents } from './run-events.ts';

/** What an agent's answer is handed to. */
export type Settle = (station: number, ok: boolean, value: unknown) => void;

/** The way back for answers of one station; its two closures are made once and serve every step that the
 *  station holds. An agent that ignores its abort keeps a detached runner, whose answers go nowhere. */
export class Runner {
  readonly resolved: (value: unknown) => void;
  readonly rejected: (error: unknown) => void;
  #settle: Settle | undefined;

  constructor(station: number, settle: Settle) {
    this.#settle = settle;
    this.resolved = (value) => this.#settle?.(station, true, value);
    this.rejected = (error) => this.#settle?.(station, false, error);
  }
  detach(): void {
    this.#settle = undefined;
  }
}

/** What all tries of a performance share. */
interface Shared {
  readonly id: string;
  readonly clock: Clock;
  readonly events: RunEvents;
  readonly options: {
    readonly account?: object | undefined;
    readonly share?: ((stepId: string) => View) | undefined;
  };
}

/** The context of one try. The abort signal is made only when the agent asks for it. */
export class Attempt implements AgentContext {
  readonly attempt: number;
  readonly #run: Shared;
  readonly #step: StepPlan;
  /** The time-out of this try, to be cleared when it settles. */
  timer: TimerId | undefined;
  /** Waits for an aborted agent to settle. */
  grace: TimerId | undefined;
  #controller: AbortController | undefined;
  #shared: View | undefined;
  #reason: Error | undefined;
  #working = true;
  #asleep = 0;

  constructor(run: Shared, step: StepPlan, attempt: number) {
    this.#run = run;
    this.#step = step;
    this.attempt = attempt;
    run.clock.work();
  }
  get runId(): string {
    return this.#run.id;
  }
  get stepId(): string {
    return this.#step.id;
  }
  get account(): object | undefined {
    return this.#run.options.account;
  }
  get shared(): View | undefined {
    return (this.#shared ??= this.#run.options.share?.(this.#step.id));
  }

  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController();
      if (this.#reason !== undefined) this.#controller.abort(this.#reason);
    }
    return this.#controller.signal;
  }
  /** Why this try was aborted, if it was. */
  get aborted(): Error | undefined {
    return this.#reason;
  }
  abort(reason: Error): void {
    this.#reason ??= reason;
    this.#controller?.abort(this.#reason);
  }
  // Getters, so that an agent may take them out of its context, and none is made that nobody asks for.
  get now(): () => number {
    return () => this.#run.clock.now();
  }
  get say(): AgentContext['say'] {
    const { events } = this.#run;
    if (!events.heard) return undefined;
    return (delta, again = false) => {
      if (!this.#working || (delta === '' && !again)) return;
      const { id: stepId, agent } = this.#step;
      events.tell({ type: 'step.text', stepId, agent: agent.name, attempt: this.attempt, delta, again });
    };
  }
  get sleep(): (ms: number) => Promise<void> {
    return (ms) => this.#sleep(ms);
  }
  #sleep(ms: number): Promise<void> {
    return new Promise((resolve, reject) => {
      const { signal } = this;
      if (signal.aborted) return reject(signal.reason);
      const wake = () => {
        signal.removeEventListener('abort', aborted);
        if (--this.#asleep === 0 && this.#working) this.#run.clock.work();
      };
      const aborted = () => {
        this.#run.clock.clearTimeout(timer);
        wake();
        reject(signal.reason);
      };
      const timer = this.#run.clock.setTimeout(() => {
        wake();
        resolve();
      }, ms);
      signal.addEventListener('abort', aborted, { once: true });
      if (++this.#asleep === 1 && this.#working) this.#run.clock.rest();
    });
  }
  /** The agent has answered, or is no longer waited for. */
  end(): void {
    if (this.timer !== undefined) this.#run.clock.clearTimeout(this.timer);
    if (this.grace !== undefined) this.#run.clock.clearTimeout(this.grace);
    if (!this.#working) return;
    this.#working = false;
    this.#shared?.close();
    if (this.#asleep === 0) this.#run.clock.rest();
  }
}
