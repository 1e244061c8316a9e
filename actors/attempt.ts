/** One try of one step: what the agent is handed besides its operands, and the way back for its answer. */
import type { Clock, TimerId } from './clock.ts';
import type { AgentContext } from './program.ts';

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

/** The context of one try. The abort signal is made only when the agent asks for it. */
export class Attempt implements AgentContext {
  readonly runId: string;
  readonly stepId: string;
  readonly attempt: number;
  readonly account: object | undefined;
  /** The time-out of this try, to be cleared when it settles. */
  timer: TimerId | undefined;
  /** Waits for an aborted agent to settle. */
  grace: TimerId | undefined;
  readonly #clock: Clock;
  #controller: AbortController | undefined;
  #reason: Error | undefined;
  #working = true;
  #asleep = 0;

  constructor(runId: string, stepId: string, attempt: number, clock: Clock, account?: object) {
    this.runId = runId;
    this.stepId = stepId;
    this.attempt = attempt;
    this.account = account;
    this.#clock = clock;
    clock.work();
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
    return () => this.#clock.now();
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
        if (--this.#asleep === 0 && this.#working) this.#clock.work();
      };
      const aborted = () => {
        this.#clock.clearTimeout(timer);
        wake();
        reject(signal.reason);
      };
      const timer = this.#clock.setTimeout(() => {
        wake();
        resolve();
      }, ms);
      signal.addEventListener('abort', aborted, { once: true });
      if (++this.#asleep === 1 && this.#working) this.#clock.rest();
    });
  }
  /** The agent has answered, or is no longer waited for. */
  end(): void {
    if (this.timer !== undefined) this.#clock.clearTimeout(this.timer);
    if (this.grace !== undefined) this.#clock.clearTimeout(this.grace);
    if (!this.#working) return;
    this.#working = false;
    if (this.#asleep === 0) this.#clock.rest();
  }
}
