/** Execute: ready steps get a unit, agents are started, and their answers come back.
 *
 *  Hardware: the functional units of Tomasulo 1967, with what hardware does not need: retries, time-outs, abortion. */
import type { StationEvent } from '../machines/reservation-station.ts';
import { Attempt } from './attempt.ts';
import { clear } from './clear.ts';
import * as errors from './errors.ts';
import { freeze } from './freeze.ts';
import { OperandError, operandsOf } from './operands.ts';
import type { RetryPolicy, VampPlan } from './program.ts';
import type { Run } from './run.ts';
import type { Station } from './station-pool.ts';

const GRANT_UNIT = Object.freeze({ type: 'GRANT_UNIT' } as const);
const DONE = Object.freeze({ type: 'DONE' } as const);
const FAILED = Object.freeze({ type: 'FAILED' } as const);
const FAILED_FOR_GOOD = Object.freeze({ type: 'FAILED', retryable: false } as const);
const RESUME = Object.freeze({ type: 'RESUME' } as const);

export class ExecuteStage {
  readonly #run: Run;
  readonly #pump: () => void;
  readonly #answered: Station[] = [];
  /** Vamps that a cue told: once more, and on. */
  readonly #lastRound = new Set<number>();
  #running = 0;
  #calls = 0;
  #retries = 0;

  /** @param pump does at once what can be done. */
  constructor(run: Run, pump: () => void) {
    this.#run = run;
    this.#pump = pump;
  }
  /** Agents that have been started and have not answered. */
  get running(): number {
    return this.#running;
  }
  get calls(): number {
    return this.#calls;
  }
  get retries(): number {
    return this.#retries;
  }
  get hasAnswers(): boolean {
    return this.#answered.length > 0;
  }
  /** Whether a round would start or grant anything. */
  get hasWork(): boolean {
    return this.#run.dispatcher.hasWork(this.#run.pool.notes.requests);
  }

  answer(station: Station, ok: boolean, value: unknown): void {
    station.ok = ok;
    station.answer = value;
    this.#answered.push(station);
    // With nobody else at work there is nothing that this instant could still bring.
    if (this.#running === 1) this.#pump();
    else this.#run.wake();
  }

  /** Tells the stations what their agents answered. */
  settle(): void {
    const answered = this.#answered;
    for (let i = 0; i < answered.length; i++) {
      const station = answered[i]!;
      const { ok, answer: value } = station;
      station.answer = undefined;
      const attempt = station.attempt as Attempt;
      const step = this.#run.stepOf(station);
      attempt.end();
      this.#running--;
      this.#run.dispatcher.answered(station);
      const error = attempt.aborted ?? (ok ? undefined : value);
      if (ok && error === undefined) {
        station.result = freeze(value);
        station.actor.send(step.vamp === undefined ? DONE : this.#judge(station, step.vamp));
      } else {
        station.fault = new errors.StepError(step.id, error);
        station.actor.send(isFinal(error) ? FAILED_FOR_GOOD : FAILED);
      }
    }
    clear(answered);
  }

  /** Whether a vamp goes round again. */
  #judge(station: Station, { until, max, onCap }: VampPlan): StationEvent {
    const { id } = this.#run.stepOf(station);
    const round = max - station.actor.getSnapshot().context.repeats;
    try {
      if (this.#lastRound.has(station.step) || until(station.result, round)) return DONE;
    } catch (error) {
      station.fault = new errors.StepError(id, error);
      return FAILED_FOR_GOOD;
    }
    if (round < max) this.#run.timeline.rested(station.step);
    else station.fault = new errors.StepError(id, new errors.VampError(max));
    return { type: 'DONE', again: true, capFails: onCap !== 'accept' };
  }
  /** The round that a vamp is in is its last. */
  endVamp(step: number): void {
    this.#lastRound.add(step);
  }

  grant(): void {
    const granted = this.#run.dispatcher.round(
      this.#run.pool.notes.requests,
      this.#noteReady,
      this.#run.instant,
    );
    for (let i = 0; i < granted.length; i++) granted[i]!.actor.send(GRANT_UNIT);
  }
  readonly #noteReady = (station: Station): void => this.#run.events.tellStep('step.ready', station.step);

  startAgents(): void {
    const { starts } = this.#run.pool.notes;
    for (let i = 0; i < starts.length; i++) {
      if (i > 0) this.#run.instant = this.#run.clock.now(); // the agent before this one may have kept us
      this.#start(starts[i]!);
    }
    clear(starts);
  }

  #start(station: Station): void {
    const { program, options, tags, timeline, events } = this.#run;
    const index = station.step;
    const step = program.steps[index]!;
    timeline.started(index, this.#run.now());
    const count = timeline.attempts(index);
    const attempt = new Attempt(this.#run, step, count);
    station.attempt = attempt;
    this.#running++;
    if (events.heard)
      events.tell({ type: 'step.started', stepId: step.id, agent: step.agent.name, attempt: count });
    const refused = options.charge?.();
    if (refused !== undefined) return this.answer(station, false, refused);
    this.#calls++;
    const limitMs = step.timeoutMs ?? options.timeout?.stepMs;
    if (limitMs !== undefined) this.#limit(station, attempt, limitMs);
    try {
      const operands = operandsOf(program, tags, options.input, index);
      if (step.vamp !== undefined) operands['previous'] = station.result;
      const result = step.agent.run(operands, attempt);
      if (isThenable(result)) result.then(station.runner.resolved, station.runner.rejected);
      else this.answer(station, true, result);
    } catch (error) {
      this.answer(station, false, error);
    }
  }

  #limit(station: Station, attempt: Attempt, limitMs: number): void {
    const { id } = this.#run.stepOf(station);
    attempt.timer = this.#run.clock.setTimeout(
      () => this.abort(station, new errors.TimeoutError(`step '${id}'`, limitMs)),
      limitMs,
    );
  }

  /** Tells an agent to stop. One that has not settled when its grace is over is left behind. */
  abort(station: Station, reason: Error): void {
    const attempt = station.attempt as Attempt;
    if (attempt.aborted !== undefined) return;
    attempt.abort(reason);
    attempt.grace = this.#run.clock.setTimeout(() => {
      this.#run.pool.detach(station);
      this.answer(station, false, reason);
    }, this.#run.options.graceMs ?? 1_000);
  }
  /** Nobody will hear the agents' answers any more. */
  abandon(reason: Error): void {
    for (const { attempt } of this.#run.pool.held()) attempt?.abort(reason);
  }

  /** Failed tries rest before the next. */
  backOff(): void {
    const { pool, timeline, events, options } = this.#run;
    for (const station of pool.notes.rests.splice(0)) {
      const index = station.step;
      const step = this.#run.stepOf(station);
      const attempt = timeline.attempts(index) + 1;
      const delayMs = delayBefore(attempt, step.retry ?? (options.retry as RetryPolicy));
      timeline.rested(index);
      events.tell({
        type: 'step.retrying',
        stepId: step.id,
        attempt,
        delayMs,
        error: station.fault?.cause,
      });
      station.fault = undefined;
      this.#retries++;
      this.#run.later(delayMs, () => this.#toHolder(index, RESUME));
    }
  }

  /** A step has lost one of its holds. */
  resume(index: number): void {
    if (this.#run.pool.holding(index) === undefined || this.#run.ended) return;
    this.#run.events.tellStep('step.resumed', index);
    this.#toHolder(index, RESUME);
  }
  /** A step's hold ran out. */
  expire(index: number, limitMs: number): void {
    const station = this.#run.pool.holding(index);
    if (station === undefined) return;
    const { id } = this.#run.stepOf(station);
    station.fault = new errors.StepError(id, new errors.HoldError(id, limitMs));
    this.#toHolder(index, FAILED_FOR_GOOD);
  }
  #toHolder(index: number, event: typeof RESUME | typeof FAILED_FOR_GOOD): void {
    const station = this.#run.pool.holding(index);
    if (station === undefined || this.#run.ended) return;
    station.actor.send(event);
    this.#run.wake();
  }
}

const isFinal = (error: unknown): boolean =>
  error instanceof errors.BudgetError ||
  error instanceof OperandError ||
  error instanceof errors.CancelledError;
const isThenable = (value: unknown): value is PromiseLike<unknown> =>
  typeof value === 'object' && value !== null && typeof (value as { then?: unknown }).then === 'function';

function delayBefore(
  attempt: number,
  { delayMs = 1_000, factor = 2, maxDelayMs = 60_000 }: RetryPolicy,
): number {
  return Math.min(maxDelayMs, delayMs * factor ** (attempt - 2));
}
