/** Hedged tries: a second attempt of a step that is late. The machine `hedge` decides; this file translates.
 *
 *  Owns:     the attempts of tries that are hedged, also of those whose step has its answer already.
 *  Receives: what the agents answer, the timers, and the stops of steps.
 *  Sends:    the answer of a step, with the attempt that gave it; places of units that are given back. */
import { createActor, type Actor } from 'xstate';
import { compile, type CompiledLogic } from '../../machines/table/compile.ts';
import { hedge, type HedgeEvent, type HedgeMachine } from '../../machines/tomasulo/hedge.ts';
import { callAndSettle, type Attempt } from './attempt.ts';
import { realClock, type TimerId } from '../bus/clock.ts';
import * as errors from './errors.ts';
import type { StepPlan } from './program.ts';
import type { RunContext } from './run.ts';
import type { Station } from './station-pool.ts';

const LENT = Object.freeze({ type: 'LENT' } as const);
const SUCCEEDED = Object.freeze({ type: 'SUCCEEDED' } as const);
const FAILED = Object.freeze({ type: 'FAILED' } as const);
const STOP = Object.freeze({ type: 'STOP' } as const);

let compiled: CompiledLogic<HedgeMachine> | undefined;
/** Compiled when first needed, and once. */
const hedgeLogic = () => (compiled ??= compile(hedge));

/** What hedges call of the stage that executes steps. */
export interface HedgeLinks {
  /** The step has its answer, from the attempt that its station has now. */
  answer(station: Station, ok: boolean, value: unknown): void;
  /** A place, and a call of the budget, for a second attempt. @returns what gives the place back; undefined for none */
  lend(station: Station): (() => void) | undefined;
  /** Makes the second attempt of a try. It runs from now on. */
  again(station: Station, first: Attempt): Attempt;
  /** An attempt that gave no answer is over. */
  left(): void;
}

export class Hedges {
  readonly #run: RunContext;
  readonly #links: HedgeLinks;
  /** Tries of which an attempt runs. */
  readonly #tries = new Set<HedgedTry>();

  constructor(run: RunContext, links: HedgeLinks) {
    this.#run = run;
    this.#links = links;
  }
  /** Begins a try with its first attempt. */
  begin(station: Station, first: Attempt, operands: Record<string, unknown>): void {
    const one = new HedgedTry(this.#run, this.#links, station, first, operands, () =>
      this.#tries.delete(one),
    );
    this.#tries.add(one);
    one.begin();
  }
  /** A step is to stop. @returns whether it has a try without an answer, which stops now */
  stop(station: Station, reason: Error): boolean {
    for (const one of this.#tries) if (one.isOf(station)) return one.stop(reason);
    return false;
  }
  /** The performance ends. */
  abandon(reason: Error | undefined): void {
    for (const one of this.#tries) one.abandon(reason);
    this.#tries.clear();
  }
}

class HedgedTry {
  readonly #run: RunContext;
  readonly #links: HedgeLinks;
  readonly #station: Station;
  readonly #index: number;
  readonly #step: StepPlan;
  readonly #first: Attempt;
  readonly #operands: Record<string, unknown>;
  readonly #over: () => void;
  readonly #actor: Actor<CompiledLogic<HedgeMachine>>;
  readonly #running = new Set<Attempt>();
  /** The attempt that has settled last, and what it gave. */
  #settled: Attempt;
  #given: unknown;
  #ok = false;
  /** The answer is to be passed on, once the machine has made its step. */
  #due = false;
  #answered = false;
  #timer: TimerId | undefined;
  #limit: TimerId | undefined;
  #stopped: Error | undefined;
  #giveBack = (): void => {};

  constructor(
    run: RunContext,
    links: HedgeLinks,
    station: Station,
    first: Attempt,
    operands: Record<string, unknown>,
    over: () => void,
  ) {
    this.#run = run;
    this.#links = links;
    this.#station = station;
    this.#index = station.step;
    this.#step = run.stepOf(station);
    this.#first = this.#settled = first;
    this.#operands = operands;
    this.#over = over;
    const logic = hedgeLogic().provide({
      actions: {
        startSecond: () => this.#startSecond(),
        disarm: () => this.#clear(this.#timer),
        answer: () => void (this.#due = true),
        abortOther: () =>
          this.#abortAll(new errors.CancelledError(undefined, `the other attempt of '${first.stepId}'`)),
        abortAll: () => this.#abortAll(this.#stopped!),
        giveBack: () => this.#drop(),
        impossible: ({ event }) => run.impossible(`hedge of '${first.stepId}': ${event.type}`),
      },
    });
    this.#actor = createActor(logic, { parent: run.host, id: `hedge:${first.stepId}` }).start();
  }

  begin(): void {
    const { clock, options } = this.#run;
    const { timeoutMs, hedge: plan } = this.#step;
    const limitMs = timeoutMs ?? options.timeout?.stepMs;
    if (limitMs !== undefined)
      this.#limit = clock.setTimeout(
        () => this.stop(new errors.TimeoutError(`step '${this.#first.stepId}'`, limitMs)),
        limitMs,
      );
    this.#timer = clock.setTimeout(() => {
      const lent = this.#links.lend(this.#station);
      if (lent === undefined) return;
      this.#giveBack = lent;
      this.#send(LENT);
    }, plan!.afterMs);
    this.#call(this.#first, this.#operands);
  }
  isOf(station: Station): boolean {
    return this.#station === station && !this.#answered;
  }
  stop(reason: Error): true {
    this.#stopped ??= reason;
    this.#send(STOP);
    return true;
  }
  abandon(reason: Error | undefined): void {
    this.#clear(this.#timer);
    this.#clear(this.#limit);
    for (const attempt of this.#running) {
      if (reason !== undefined) attempt.abort(reason);
      attempt.end();
    }
    this.#running.clear();
    this.#stopActor();
  }

  #send(event: HedgeEvent): void {
    this.#actor.send(event);
    if (!this.#due) return;
    this.#due = false;
    this.#answered = true;
    this.#clear(this.#limit);
    if (this.#ok && this.#settled.hedged) {
      this.#run.timeline.hedged(this.#index, 'won');
      this.#settled.tellText();
    }
    this.#station.attempt = this.#settled;
    this.#links.answer(this.#station, this.#ok, this.#given);
  }
  #call(attempt: Attempt, operands: Record<string, unknown>): void {
    this.#running.add(attempt);
    const { idleMs, agent } = this.#step;
    if (idleMs !== undefined)
      attempt.watch(idleMs, (ms) => this.#abort(attempt, new errors.IdleError(attempt.stepId, ms)));
    callAndSettle(attempt, agent, operands, (ok, value) => this.#settle(attempt, ok, value));
  }
  #startSecond(): void {
    const { timeline, events } = this.#run;
    const second = this.#links.again(this.#station, this.#first);
    timeline.hedged(this.#index, 'started');
    const { stepId, attempt } = second;
    events.tell({ type: 'step.hedged', stepId, agent: this.#step.agent.name, attempt });
    this.#call(second, { ...this.#operands });
  }
  #settle(attempt: Attempt, ok: boolean, value: unknown): void {
    if (!this.#running.delete(attempt)) return; // it was left behind
    attempt.endGrace();
    this.#settled = attempt;
    this.#given = attempt.aborted ?? value;
    this.#ok = ok && attempt.aborted === undefined;
    this.#send(this.#ok ? SUCCEEDED : FAILED);
    if (this.#running.size > 0) return;
    this.#over();
    this.#stopActor();
  }
  #stopActor(): void {
    if (this.#run.options.inspect !== undefined) this.#actor.send({ type: 'xstate.stop' } as never);
  }
  #abortAll(reason: Error): void {
    for (const attempt of this.#running) this.#abort(attempt, reason);
  }
  /** One that has not settled when its grace is over is left behind. */
  #abort(attempt: Attempt, reason: Error): void {
    if (attempt.aborted !== undefined) return;
    attempt.abort(reason);
    attempt.grace = realClock.setTimeout(
      () => this.#settle(attempt, false, reason),
      this.#run.options.graceMs ?? 1_000,
    );
  }
  /** The attempt that has settled gave no answer. */
  #drop(): void {
    this.#settled.end();
    this.#giveBack();
    this.#links.left();
  }
  #clear(timer: TimerId | undefined): void {
    if (timer !== undefined) this.#run.clock.clearTimeout(timer);
  }
}
