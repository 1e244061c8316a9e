/** Execute: ready steps get a unit, agents are started, and their answers are settled.
 *
 *  Hardware: the functional units of Tomasulo 1967, with what hardware does not need: retries, time-outs, aborts. */
import type { StationEvent } from '../../machines/tomasulo/reservation-station.ts';
import { Attempt, callAgent, isNative, isThenable } from './attempt.ts';
import { clear } from './clear.ts';
import { busError } from '../bus/bus.ts';
import { realClock } from '../bus/clock.ts';
import * as errors from './errors.ts';
import { freeze } from '../bus/freeze.ts';
import { Hedges } from './hedges.ts';
import type { RetryPolicy, StepPlan } from './program.ts';
import { delayAfter, drawFrom, isRetryable, predicateFailed } from './retry.ts';
import type { RunContext } from './run.ts';
import type { Scopes } from './scopes.ts';
import type { Station } from './station-pool.ts';

const GRANT_UNIT = Object.freeze({ type: 'GRANT_UNIT' } as const);
const DONE = Object.freeze({ type: 'DONE' } as const);
const FAILED = Object.freeze({ type: 'FAILED' } as const);
const FAILED_FOR_GOOD = Object.freeze({ type: 'FAILED', retryable: false } as const);
const RESUME = Object.freeze({ type: 'RESUME' } as const);
const REFUSE = Object.freeze({ type: 'REFUSE' } as const);

export class ExecuteStage {
  readonly #run: RunContext;
  readonly #scopes: Scopes;
  readonly #pump: () => void;
  readonly #answered: Station[] = [];
  readonly #hedges: Hedges | undefined;
  #running = 0;
  #calls = 0;
  #retries = 0;

  /** @param pump does at once what can be done. */
  constructor(run: RunContext, scopes: Scopes, pump: () => void) {
    this.#run = run;
    this.#scopes = scopes;
    this.#pump = pump;
    this.#hedges = run.program.hasHedges ? this.#makeHedges() : undefined;
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
    station.attempt?.endGrace(); // else it might run out before this answer is settled, and answer again
    this.#answered.push(station);
    // If no other agent works, no other answer can arrive in this instant.
    if (this.#running === 1 && !station.isScope) this.#pump();
    else this.#run.wake();
  }

  /** Passes the agents' answers to their stations. */
  settle(): void {
    const answered = this.#answered;
    for (let i = 0; i < answered.length; i++) this.#settle(answered[i]!);
    clear(answered);
  }

  #settle(station: Station): void {
    if (station.isScope) return this.#settleScope(station);
    const attempt = station.attempt as Attempt;
    const step = this.#run.stepOf(station);
    const { ok, answer } = station;
    station.answer = undefined;
    attempt.committing = false;
    let error = attempt.aborted ?? (ok ? undefined : answer);
    let event: StationEvent | undefined;
    if (ok && attempt.aborted === undefined) {
      try {
        const unfinished = this.#unfinished(station, attempt, step, answer);
        if (unfinished !== undefined) {
          const { resolved, rejected } = station.runner;
          return void unfinished.then(() => resolved(answer), rejected);
        }
        event = this.#judge(station, attempt, step);
      } catch (thrown) {
        error = thrown;
      }
    }
    attempt.end();
    this.#running--;
    this.#run.dispatcher.answered(station);
    station.attempt = undefined;
    if (event === undefined) {
      station.failures++;
      event = FAILED;
      const id = this.#run.idOf(station);
      try {
        if (!isRetryable(error, step.retry ?? this.#run.options.retry, attempt.attempt))
          event = FAILED_FOR_GOOD;
      } catch (thrown) {
        event = FAILED_FOR_GOOD;
        error = predicateFailed(id, thrown);
      }
      station.lastError = error;
      station.fault = new errors.StepError(id, error instanceof errors.UntilError ? error.cause : error);
    } else {
      station.failures = 0;
      station.lastError = undefined;
    }
    station.actor.send(event);
  }

  #settleScope(station: Station): void {
    const { ok, answer } = station;
    const id = this.#run.idOf(station);
    station.answer = undefined;
    if (ok) station.result = answer;
    else if (answer instanceof errors.StepError) station.fault = answer.through(id);
    else station.fault = new errors.StepError(id, answer);
    station.actor.send(ok ? DONE : FAILED_FOR_GOOD);
  }

  /** What a successful answer still waits for: its shared state to be published, then an asynchronous `until`.
   *  Each comes back through the station's runner, so that an abort meanwhile counts. */
  #unfinished(
    station: Station,
    attempt: Attempt,
    step: StepPlan,
    answer: unknown,
  ): PromiseLike<unknown> | undefined {
    if (!attempt.committed) {
      this.#run.journal?.accept(station.step, answer);
      station.result = freeze(answer); // first: a result that cannot be read fails the attempt
      const published = attempt.commit();
      if (isThenable(published)) {
        attempt.committing = true;
        return published;
      }
    }
    const { orders } = this.#run;
    if (step.vamp === undefined || attempt.verdict !== undefined || orders.vamps.has(station.step))
      return undefined;
    try {
      attempt.verdict = step.vamp.until(station.result, this.#round(station, step.vamp.max));
    } catch (error) {
      throw new errors.UntilError('', { cause: error });
    }
    if (!isThenable(attempt.verdict)) return undefined;
    return Promise.resolve(attempt.verdict).then(
      (verdict) => void (attempt.verdict = Boolean(verdict)),
      (error: unknown) => {
        throw new errors.UntilError('', { cause: error });
      },
    );
  }

  #round(station: Station, max: number): number {
    return max - station.actor.getSnapshot().context.repeats;
  }

  /** Whether a successful step is done, or goes round again: its vamp, or one that a signal asked for. */
  #judge(station: Station, { verdict }: Attempt, { vamp }: StepPlan): StationEvent {
    const { orders, timeline } = this.#run;
    const ordered = orders.vamps.get(station.step);
    if (vamp === undefined && ordered === undefined) return DONE;
    if (orders.lastRounds.has(station.step)) return DONE;
    if (ordered !== undefined) {
      if (isGoodEnough(station.result, ordered.quality)) return DONE;
      timeline.rested(station.step);
      this.#noteRound(station);
      return { type: 'DONE', again: true };
    }
    if (verdict) return DONE;
    const { max, onCap } = vamp!;
    if (this.#round(station, max) < max) {
      timeline.rested(station.step);
      this.#noteRound(station);
    } else station.fault = new errors.StepError(this.#run.idOf(station), new errors.VampError(max));
    return { type: 'DONE', again: true, capFails: onCap !== 'accept' };
  }

  #noteRound(station: Station): void {
    this.#run.journal?.round(station.step, this.#roundOf(station), station.result);
  }
  /** The round of a vamp that a station plays, from 1; 0 where there is no vamp. */
  #roundOf(station: Station): number {
    const { orders, program } = this.#run;
    const max = orders.vamps.get(station.step)?.rounds ?? program.steps[station.step]!.vamp?.max;
    return max === undefined ? 0 : this.#round(station, max);
  }

  grant(): void {
    if (!this.#run.program.isPlain) this.#divert();
    const granted = this.#run.dispatcher.round(
      this.#run.pool.notes.requests,
      this.#noteReady,
      this.#run.instant,
    );
    for (let i = 0; i < granted.length; i++) granted[i]!.actor.send(GRANT_UNIT);
  }
  /** Scopes need no unit, and neither do steps whose condition does not hold. */
  #divert(): void {
    const { requests } = this.#run.pool.notes;
    let left = 0;
    for (let i = 0; i < requests.length; i++) {
      const station = requests[i]!;
      if (station.condition === 'unasked') this.#ask(station);
      if (station.isScope || station.condition === 'fails' || station.condition === 'broken')
        station.actor.send(GRANT_UNIT);
      else requests[left++] = station;
    }
    requests.length = left;
  }
  /** Asks a step's condition. */
  #ask(station: Station): void {
    const { program, declined } = this.#run;
    const { step } = station;
    const { when, otherwise } = program.steps[step]!;
    station.condition = 'holds';
    if (when === undefined && otherwise !== true) return;
    const { above } = program.guardOf(step);
    if (above !== undefined && !declined.has(program.source[above]!))
      return void (station.condition = 'fails');
    if (when === undefined) return;
    try {
      if (when.test(this.#run.operandsOf(step))) return;
      station.condition = 'fails';
      declined.add(step);
    } catch (error) {
      station.condition = 'broken';
      station.answer = error;
    }
  }
  /** A step whose condition does not hold: the name that it writes keeps its value, if it has one. */
  #skip(station: Station): void {
    const { program, tags } = this.#run;
    const id = this.#run.idOf(station);
    const { kept } = program.guardOf(station.step);
    if (station.condition === 'broken') station.fault = new errors.StepError(id, station.answer);
    else if (kept === undefined) {
      const why = `'${id}' was not performed, because its condition does not hold; give it a \`default\`, or write the name before`;
      station.fault = new errors.StepError(id, new errors.SkippedError(why));
    } else {
      const before = program.source[kept]!;
      if (!tags.isFaulty(before)) {
        station.result = tags.value(before);
        return station.actor.send(DONE);
      }
      station.fault = tags.fault(before).through(id);
    }
    station.answer = undefined;
    station.actor.send(FAILED_FOR_GOOD);
  }
  #openScope(station: Station): void {
    const { program, timeline, events } = this.#run;
    const { step: index } = station;
    const { timeoutMs, agent } = program.steps[index]!;
    timeline.started(index, this.#run.now());
    station.noted = false;
    const stepId = program.idOf(index);
    if (events.heard) events.tell({ type: 'step.started', stepId, agent: agent.name, attempt: 1 });
    if (timeoutMs !== undefined)
      this.#run.setTimerOf(index, timeoutMs, () =>
        this.refuse(index, new errors.TimeoutError(`step '${stepId}'`, timeoutMs)),
      );
    this.#scopes.open(station);
  }
  readonly #noteReady = (station: Station): void => this.#run.events.tellStep('step.ready', station.step);

  /** Takes back the requests of stations that no longer want a unit. */
  withdraw(): void {
    const { pool, dispatcher } = this.#run;
    const { withdrawals, requests } = pool.notes;
    for (const station of withdrawals.splice(0)) {
      const waiting = requests.indexOf(station);
      if (waiting >= 0) requests.splice(waiting, 1);
      else dispatcher.withdraw(station);
    }
  }

  /** Starts the agents that have a unit, until the rounds have to pause. */
  startAgents(): void {
    const run = this.#run;
    const { starts } = run.pool.notes;
    if (run.journal !== undefined && !this.#noteStarts(starts)) return;
    for (let i = 0; i < starts.length; i++) {
      if (i > 0) run.instant = run.clock.now(); // the agent before this one may have taken its time
      if (run.instant >= run.pauseAt || run.startsLeft <= 0) return void starts.splice(0, i);
      run.startsLeft--;
      this.#start(starts[i]!);
    }
    clear(starts);
  }

  /** Notes starts before the agents are called, and commits them if an agent's effect or a budget depends on it.
   *  @returns whether the agents may be started */
  #noteStarts(starts: readonly Station[]): boolean {
    const { journal, options, timeline, stop } = this.#run;
    if (!journal!.isWhole) return false;
    let matters = false;
    try {
      for (const station of starts) {
        if (station.noted || journal!.standIn(station.step) !== undefined) continue;
        if (station.condition === 'fails' || station.condition === 'broken') continue;
        station.noted = true;
        if (station.isScope) {
          journal!.opened(station.step);
          continue;
        }
        station.refusal = options.charge?.();
        if (station.refusal !== undefined) continue;
        journal!.start(station.step, timeline.attempts(station.step) + 1, options.charge !== undefined);
        matters ||= options.charge !== undefined || this.#run.stepOf(station).effects === 'external';
      }
      if (matters) journal!.commit();
      return true;
    } catch (error) {
      stop(busError(error)); // the caesura takes the starts back
      return false;
    }
  }

  #start(station: Station): void {
    const { program, options, timeline, events, orders, journal } = this.#run;
    const index = station.step;
    const step = program.steps[index]!;
    if (station.condition === 'fails' || station.condition === 'broken') return this.#skip(station);
    if (station.isScope) return this.#openScope(station);
    timeline.started(index, this.#run.now());
    const count = timeline.attempts(index);
    const stepId = program.idOf(index);
    const { lastError } = station;
    const given = orders.answers.get(index);
    const before = lastError === undefined && given === undefined ? undefined : { lastError, answer: given };
    const attempt = new Attempt(this.#run, step, stepId, count, this.#roundOf(station), before);
    station.attempt = attempt;
    this.#running++;
    if (events.heard) events.tell({ type: 'step.started', stepId, agent: step.agent.name, attempt: count });
    const standIn = journal?.standIn(index);
    if (standIn !== undefined)
      return this.answer(station, standIn.ok, standIn.ok ? standIn.value : standIn.error);
    const refused = journal === undefined ? options.charge?.() : station.refusal;
    station.noted = false;
    if (refused !== undefined) return this.answer(station, false, refused);
    this.#calls++;
    if (station.retrying) this.#retries++;
    station.retrying = false;
    const hedges = this.#hedges !== undefined && step.hedge !== undefined ? this.#hedges : undefined;
    if (hedges === undefined) this.#watch(station, attempt, step);
    const { runner } = station;
    try {
      const operands = this.#run.operandsOf(index);
      if (step.vamp !== undefined || orders.vamps.has(index)) operands['previous'] = station.result;
      if (hedges !== undefined) return hedges.begin(station, attempt, operands);
      const result = callAgent(attempt, step.agent, operands);
      if (!isThenable(result)) this.answer(station, true, result);
      else if (isNative(result)) void result.then(runner.resolved, runner.rejected);
      // A promise of another library may call back twice; a native one counts the first time.
      else new Promise((resolve) => resolve(result)).then(runner.resolved, runner.rejected);
    } catch (error) {
      this.answer(station, false, error);
    }
  }

  /** Limits how long an attempt may take, and be silent. */
  #watch(station: Station, attempt: Attempt, { timeoutMs, idleMs }: StepPlan): void {
    const { options, clock } = this.#run;
    const limitMs = timeoutMs ?? options.timeout?.stepMs;
    if (limitMs !== undefined) {
      attempt.timer = clock.setTimeout(
        () => this.#abort(station, new errors.TimeoutError(`step '${attempt.stepId}'`, limitMs)),
        limitMs,
      );
    }
    if (idleMs !== undefined)
      attempt.watch(idleMs, (ms) => this.#abort(station, new errors.IdleError(attempt.stepId, ms)));
  }

  #makeHedges(): Hedges {
    const run = this.#run;
    return new Hedges(run, {
      answer: (station, ok, value) => this.answer(station, ok, value),
      lend: ({ step }) => this.#lend(step),
      again: ({ step: index }, { stepId, attempt: count, lastError, answer, round }) => {
        this.#running++;
        this.#calls++;
        const before = { lastError, answer, hedged: true };
        return new Attempt(run, run.program.steps[index]!, stepId, count, round, before);
      },
      left: () => {
        this.#running--;
        run.wake();
      },
    });
  }
  /** A place for a second attempt, paid and noted. A performance that ends, or whose log cannot be committed now, gives
   *  none. @returns what gives it back */
  #lend(index: number): (() => void) | undefined {
    const { program, dispatcher, journal, options, stop, isPerforming } = this.#run;
    if (!isPerforming() || journal?.isWhole === false) return undefined;
    const giveBack = dispatcher.lend(program.steps[index]!.agent);
    if (giveBack === undefined) return undefined;
    if (options.charge?.() === undefined) {
      try {
        journal?.hedged(index, options.charge !== undefined);
        if (options.charge !== undefined) journal?.commit();
        return giveBack;
      } catch (error) {
        stop(busError(error));
      }
    }
    giveBack();
    this.#run.wake();
    return undefined;
  }

  /** Aborts the agents that stations want to stop. */
  stopAgents(): void {
    const { aborts } = this.#run.pool.notes;
    for (let i = 0; i < aborts.length; i++) {
      const station = aborts[i]!;
      this.#abort(station, station.stopReason ?? (this.#run.errors.at(-1) as Error));
    }
    clear(aborts);
  }

  /** Aborts an agent. One that has not settled when its grace is over is left behind. */
  #abort(station: Station, reason: Error): void {
    const { pool, options } = this.#run;
    const { attempt } = station;
    if (this.#hedges?.stop(station, reason)) return;
    if (attempt === undefined) return this.#abortUnstarted(station, reason);
    if (attempt.aborted !== undefined || attempt.grace !== undefined) return;
    if (!attempt.committing) attempt.abort(reason);
    attempt.grace = realClock.setTimeout(() => {
      pool.detach(station);
      this.answer(station, false, reason);
    }, options.graceMs ?? 1_000);
  }
  /** The station has its unit, and its agent waits for the end of a pause to start. */
  #abortUnstarted(station: Station, reason: Error): void {
    const { starts } = this.#run.pool.notes;
    const waiting = starts.indexOf(station);
    if (waiting < 0) return station.isScope ? this.#scopes.cancel(station, reason) : undefined;
    starts.splice(waiting, 1);
    if (station.noted && !station.isScope && station.refusal === undefined)
      this.#run.journal?.unstarted(station.step);
    if (!station.isScope && station.condition !== 'fails' && station.condition !== 'broken')
      this.#run.dispatcher.answered(station);
    station.fault = new errors.StepError(this.#run.idOf(station), reason);
    station.actor.send(FAILED_FOR_GOOD);
  }
  /** The performance ends: answers that are still to come are dropped. */
  abandon(reason: Error | undefined): void {
    for (const station of this.#run.pool.held()) {
      this.#run.pool.detach(station);
      if (reason !== undefined) station.attempt?.abort(reason);
      station.attempt?.end();
    }
    this.#hedges?.abandon(reason);
  }

  /** A failed try waits before the next. */
  backOff(): void {
    const { pool, timeline, events, options } = this.#run;
    for (const station of pool.notes.rests.splice(0)) {
      const index = station.step;
      const step = this.#run.stepOf(station);
      const { failures } = station;
      const drawn = drawFrom(options.seed ?? 0, index, timeline.attempts(index));
      const delayMs = delayAfter(failures, step.retry ?? (options.retry as RetryPolicy), drawn);
      timeline.rested(index);
      this.#run.journal?.failed(index, timeline.attempts(index), station.fault?.cause, delayMs);
      events.tell({
        type: 'step.retrying',
        stepId: this.#run.idOf(station),
        attempt: timeline.attempts(index) + 1,
        delayMs,
        error: station.fault?.cause,
      });
      station.fault = undefined;
      station.retrying = true;
      this.#run.setTimerOf(index, delayMs, () => this.#resume(index));
    }
  }

  /** A step has lost one of its holds. */
  resume(index: number): void {
    if (this.#run.pool.holding(index) === undefined || this.#run.ended) return;
    this.#run.events.tellStep('step.resumed', index);
    this.#resume(index);
  }
  /** A rest is over, or a decision has been made. */
  goOn(index: number): void {
    this.#resume(index);
  }
  #resume(index: number): void {
    const station = this.#run.pool.holding(index);
    if (station === undefined || this.#run.ended) return;
    station.actor.send(RESUME);
    this.#run.wake();
  }
  /** A step's hold ran out. */
  expire(index: number, limitMs: number): void {
    this.refuse(index, new errors.HoldError(this.#run.program.idOf(index), limitMs));
  }
  /** Refuses a step that must not run, or must stop running. Its station decides how. */
  refuse(index: number, reason: Error): void {
    const { pool, holds, tags, orders, ended } = this.#run;
    if (ended || !tags.isPending(index)) return;
    const station = pool.holding(index);
    if (station === undefined) return void orders.refused.set(index, reason);
    const before = station.actor.getSnapshot().value;
    station.stopReason ??= reason;
    station.actor.send(REFUSE);
    if (station.actor.getSnapshot().value !== before) {
      station.fault = new errors.StepError(this.#run.idOf(station), reason);
      holds.leave(index);
      const { rests } = pool.notes; // its try may have failed in this round
      if (rests.includes(station)) rests.splice(rests.indexOf(station), 1);
    }
    this.withdraw();
    this.#run.wake();
  }
}

/** Whether a result reports by itself that it is good enough: a number `quality`, 0 to 1. */
function isGoodEnough(result: unknown, least: number | undefined): boolean {
  const { quality } = (result ?? {}) as { quality?: unknown };
  return least !== undefined && typeof quality === 'number' && quality >= least;
}
