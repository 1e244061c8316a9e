/** One try of one step: what the agent receives in addition to its operands, and the way back for its answer. */
import { realClock, type Clock, type TimerId } from '../bus/clock.ts';
import type { AgentContext, AgentPlan, Share, SharedView, StepPlan } from './program.ts';
import type { RunEvents } from './run-events.ts';

/** @param round of a vamp, from 1; 0 where there is none */
export const effectKeyOf = (runId: string, stepId: string, round: number): string =>
  `${runId}/${stepId}${round === 0 ? '' : `#${round}`}`;

/** Receives the agent's answer. */
export type Settle = (station: number, ok: boolean, value: unknown) => void;

/** The way back for answers of one station. Its two closures serve every step that the station holds. An agent that
 *  ignores its abort keeps a detached runner, whose answers are dropped. */
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

/** What all attempts of a performance share. */
interface RunOfAttempts {
  readonly id: string;
  readonly clock: Clock;
  readonly events: RunEvents;
  readonly options: {
    readonly account?: object | undefined;
    readonly share?: Share | undefined;
  };
}

/** What came before a try: why the last one failed, and what a person has answered. */
interface Before {
  readonly lastError?: unknown;
  readonly answer?: unknown;
  /** It is the second attempt of its try. */
  readonly hedged?: boolean | undefined;
}

interface Sleeper {
  readonly timer: TimerId;
  readonly abort: () => void;
}

/** One try. The agent sees it through {@link contextOf}; the abort signal is made when the agent asks for it. */
export class Attempt {
  readonly attempt: number;
  readonly lastError: unknown;
  readonly answer: unknown;
  readonly hedged: boolean | undefined;
  readonly #run: RunOfAttempts;
  readonly #step: StepPlan;
  readonly stepId: string;
  readonly round: number;
  /** The time-out of this try, to be cleared when it settles. */
  timer: TimerId | undefined;
  /** Limits how long an aborted agent may take to settle; in real time, since virtual time may stand still for it. */
  grace: TimerId | undefined;
  /** Whether what the agent wrote to shared state has been published. */
  committed = false;
  /** Whether that is still going on. Its outcome is the attempt's, so an abort comes too late. */
  committing = false;
  /** What a vamp's asynchronous `until` answered. */
  verdict: unknown;
  #controller: AbortController | undefined;
  #shared: SharedView | undefined;
  #reason: Error | undefined;
  #working = true;
  /** When the agent last gave a sign of life, on the clock; there when its step limits its silence. */
  #lastBeat: number | undefined;
  #silence: TimerId | undefined;
  /** What the second attempt of a hedged try has said; it is sent if that attempt counts. */
  #unsaid: string | undefined;
  /** How many sleeps and nested performances the agent waits for. */
  #asleep = 0;
  #sleepers: Set<Sleeper> | undefined;

  /** @param round of a vamp, from 1; 0 where there is none */
  constructor(
    run: RunOfAttempts,
    step: StepPlan,
    stepId: string,
    attempt: number,
    round = 0,
    before?: Before,
  ) {
    this.lastError = before?.lastError;
    this.answer = before?.answer;
    this.hedged = before?.hedged;
    this.#run = run;
    this.#step = step;
    this.stepId = stepId;
    this.attempt = attempt;
    this.round = round;
    run.clock.work();
  }
  get runId(): string {
    return this.#run.id;
  }
  get effectKey(): string {
    return effectKeyOf(this.#run.id, this.stepId, this.round);
  }
  get clock(): Clock {
    return this.#run.clock;
  }
  get account(): object | undefined {
    return this.#run.options.account;
  }
  get shared(): SharedView | undefined {
    if (this.#shared === undefined && this.#working)
      this.#shared = this.#run.options.share?.(this.stepId, (work) => this.#whileWaiting(work));
    return this.#shared;
  }
  /** The agent waits for shared state, perhaps for another step: virtual time passes meanwhile. */
  #whileWaiting<T>(work: Promise<T>): Promise<T> {
    if (this.#run.clock.isVirtual !== true) return work;
    this.pause();
    return work.finally(() => this.goOn());
  }
  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController();
      if (this.#reason !== undefined) this.#controller.abort(this.#reason);
    }
    return this.#controller.signal;
  }
  get now(): () => number {
    const { clock } = this.#run;
    return () => clock.now();
  }
  get say(): AgentContext['say'] {
    const { events } = this.#run;
    if (!events.heard) return undefined;
    return (delta, again = false) => {
      if (!this.#working || (delta === '' && !again)) return;
      this.#beat();
      if (!this.hedged) this.#tellText(delta, again);
      else this.#unsaid = again ? delta : (this.#unsaid ?? '') + delta; // two attempts would mix their texts
    };
  }
  #tellText(delta: string, again: boolean): void {
    const { stepId, attempt } = this;
    const { name: agent } = this.#step.agent;
    this.#run.events.tell({ type: 'step.text', stepId, agent, attempt, delta, again });
  }
  /** The second attempt of a hedged try counts: what it has said replaces what the first has. */
  tellText(): void {
    if (this.#unsaid !== undefined) this.#tellText(this.#unsaid, true);
  }
  get beat(): () => void {
    return () => this.#beat();
  }
  #beat(): void {
    if (this.#lastBeat !== undefined) this.#lastBeat = this.#run.clock.now();
  }
  /** Calls back when the agent has been silent for so long. A beat costs a look at the clock, and no timer. */
  watch(idleMs: number, silent: (idleMs: number) => void): void {
    const { clock } = this.#run;
    this.#lastBeat = clock.now();
    const look = (ms: number) => {
      this.#silence = clock.setTimeout(() => {
        const left = this.#lastBeat! + idleMs - clock.now();
        if (left > 0) look(left);
        else silent(idleMs);
      }, ms);
    };
    look(idleMs);
  }
  get sleep(): (ms: number) => Promise<void> {
    return (ms) => {
      const asleep = this.#sleep(ms);
      asleep.catch(() => {}); // a sleep that the agent does not await must not end the process when it is aborted
      return asleep;
    };
  }

  /** Why this try was aborted, if it was. */
  get aborted(): Error | undefined {
    return this.#reason;
  }
  abort(reason: Error): void {
    if (this.#reason !== undefined) return;
    this.#reason = reason;
    this.#controller?.abort(reason);
    for (const { abort } of this.#sleepers ?? []) abort();
  }

  /** Publishes what the agent wrote to shared state. @returns a promise while that takes time. */
  commit(): unknown {
    this.committed = true;
    return this.#shared?.commit?.();
  }

  #sleep(ms: number): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    if (typeof ms !== 'number' || Number.isNaN(ms)) {
      reject(new TypeError(`context.sleep takes milliseconds, a number of at least 0, not ${String(ms)}.`));
      return promise;
    }
    if (this.#reason !== undefined) {
      reject(this.#reason);
      return promise;
    }
    if (!this.#working) return promise; // the step has ended: nothing of it goes on
    const sleepers = (this.#sleepers ??= new Set());
    const { clock } = this.#run;
    const leave = () => {
      sleepers.delete(sleeper);
      this.goOn();
    };
    const timer = clock.setTimeout(() => {
      leave();
      resolve();
    }, ms);
    const sleeper: Sleeper = {
      timer,
      abort: () => {
        clock.clearTimeout(timer);
        leave();
        reject(this.#reason);
      },
    };
    sleepers.add(sleeper);
    this.pause();
    return promise;
  }

  /** The agent only waits: virtual time may pass. */
  pause(): void {
    if (++this.#asleep === 1 && this.#working) this.#run.clock.rest();
  }
  /** The agent works again. */
  goOn(): void {
    if (--this.#asleep === 0 && this.#working) this.#run.clock.work();
  }

  /** The agent has answered in time. */
  endGrace(): void {
    if (this.grace !== undefined) realClock.clearTimeout(this.grace);
    this.grace = undefined;
  }

  /** The agent has answered, or is no longer waited for. Sleeps that it has not awaited never end. */
  end(): void {
    const { clock } = this.#run;
    if (this.timer !== undefined) clock.clearTimeout(this.timer);
    if (this.#silence !== undefined) clock.clearTimeout(this.#silence);
    this.endGrace();
    if (!this.#working) return;
    this.#working = false;
    if (this.#sleepers !== undefined) {
      for (const { timer } of this.#sleepers) clock.clearTimeout(timer);
      this.#sleepers = undefined;
    }
    this.#shared?.close();
    if (this.#asleep === 0) clock.rest();
  }
}

const CONTEXT_KEYS = [
  'runId',
  'stepId',
  'attempt',
  'effectKey',
  'hedged',
  'lastError',
  'answer',
  'account',
  'shared',
  'say',
  'beat',
  'signal',
  'now',
  'sleep',
] as const satisfies readonly (keyof AgentContext)[];
type ContextKey = (typeof CONTEXT_KEYS)[number];
const isContextKey = new Set<PropertyKey>(CONTEXT_KEYS);

/** Shows the agent's part of an attempt as own properties, so that `{ ...context }` copies them. A proxy, because most
 *  agents read one or two of them, and making all for every attempt would cost more than the rest of a step. */
const contextHandler: ProxyHandler<Attempt> = {
  get: (attempt, key) => (isContextKey.has(key) ? attempt[key as ContextKey] : undefined),
  has: (_, key) => isContextKey.has(key),
  set: () => false,
  defineProperty: () => false,
  ownKeys: () => [...CONTEXT_KEYS],
  getOwnPropertyDescriptor: (attempt, key) =>
    isContextKey.has(key)
      ? { value: attempt[key as ContextKey], enumerable: true, configurable: true, writable: true }
      : undefined,
};

/** What the agent receives in addition to its operands. */
const contextOf = (attempt: Attempt): AgentContext =>
  new Proxy(attempt, contextHandler) as unknown as AgentContext;

/** Which agent's code is running, across `await`. Present where the platform has it (Node.js); needed in virtual time
 *  only, so that a performance inside an agent lets the agent's clock go on. */
interface Storage {
  run<T>(attempt: Attempt, work: () => T): T;
  getStore(): Attempt | undefined;
}
let storage: Storage | undefined;
function storageOfPlatform(): Storage | undefined {
  const { process } = globalThis as { process?: { getBuiltinModule?: (name: string) => unknown } };
  const hooks = process?.getBuiltinModule?.('node:async_hooks') as
    { AsyncLocalStorage: new () => Storage } | undefined;
  return hooks && new hooks.AsyncLocalStorage();
}

/** Calls an agent. @returns its answer, or a promise of it */
export function callAgent(attempt: Attempt, agent: AgentPlan, operands: Record<string, unknown>): unknown {
  const context = contextOf(attempt);
  if (attempt.clock.isVirtual !== true) return agent.run(operands, context);
  storage ??= storageOfPlatform();
  if (storage === undefined) return agent.run(operands, context);
  return storage.run(attempt, () => agent.run(operands, context));
}

/** Calls an agent, and passes its answer on; at once if it is no promise. */
export function callAndSettle(
  attempt: Attempt,
  agent: AgentPlan,
  operands: Record<string, unknown>,
  settle: (ok: boolean, value: unknown) => void,
): void {
  let result: unknown;
  try {
    result = callAgent(attempt, agent, operands);
  } catch (error) {
    return settle(false, error);
  }
  if (!isThenable(result)) return settle(true, result);
  const resolved = (value: unknown) => settle(true, value);
  const rejected = (error: unknown) => settle(false, error);
  if (isNative(result)) void result.then(resolved, rejected);
  // A promise of another library may call back twice; a native one counts the first time.
  else new Promise((resolve) => resolve(result)).then(resolved, rejected);
}

export const isThenable = (value: unknown): value is PromiseLike<unknown> =>
  typeof value === 'object' && value !== null && typeof (value as { then?: unknown }).then === 'function';
export const isNative = (value: PromiseLike<unknown>): value is Promise<unknown> =>
  value instanceof Promise && value.then === Promise.prototype.then;

/** The attempt whose agent runs this code, if it is on this clock and the clock is virtual. */
export function attemptAround(clock: Clock): Attempt | undefined {
  const around = clock.isVirtual === true ? storage?.getStore() : undefined;
  return around?.clock === clock ? around : undefined;
}
