/** The orchestrator: Tomasulo's algorithm with agents for functional units (design §5).
 *
 *  Owns    the pool of stations, the tag table, the units, and the place of the issue stage in the program.
 *  Hears   pulses and HCT's signals on the bus, agents' answers, timers.
 *  Says    pulses on the bus. It executes nothing itself.
 *
 *  Whatever changes a machine happens in `#pump`, which repeats until nothing is left to do: settle what
 *  agents answered, publish, issue in order, grant, start. Machines only write notes ("ask for a unit"),
 *  because sending to another actor from inside a transition nests, and overflows at a depth of a thousand. */
import {
  createActor,
  fromCallback,
  type Actor,
  type AnyActorRef,
  type InspectionEvent,
  type Observer,
} from 'xstate';
import { compile, type CompiledLogic } from '../machines/compile.ts';
import { conductor, type ConductorEvent, type ConductorMachine } from '../machines/conductor.ts';
import type { StationEvent } from '../machines/reservation-station.ts';
import { fermata, type Envelope, type HctSignal, type Pulse } from '../machines/signal.ts';
import { Attempt } from './attempt.ts';
import { clear } from './clear.ts';
import type { Bus } from './bus.ts';
import { realClock, type Clock, type TimerId } from './clock.ts';
import * as errors from './errors.ts';
import { freeze } from './freeze.ts';
import { Holds } from './holds.ts';
import { createBus } from './in-process-bus.ts';
import { OperandError, operandsOf, outputsOf } from './operands.ts';
import {
  INPUT,
  type AgentPlan,
  type Program,
  type RetryPolicy,
  type StepPlan,
  type VampPlan,
} from './program.ts';
import { Dispatcher, type Dispatch } from './dispatcher.ts';
import { StationPool, type Station } from './station-pool.ts';
import { TagTable } from './tag-table.ts';
import { Timeline, type StepStatus } from './timeline.ts';

export interface OrchestratorOptions {
  readonly runId: string;
  readonly input?: unknown;
  /** Default: a bus of its own, closed at the end. */
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
  readonly budget?: { readonly calls?: number | undefined } | undefined;
  /** How long an aborted agent may take to settle before it is left behind. Default 1,000 ms. */
  readonly graceMs?: number | undefined;
  /** How long everybody may wait for a cue that no timer will send. Default 30,000 ms. */
  readonly stallMs?: number | undefined;
  /** XState's inspection: reaches every station, unit and the conductor. Free when absent. */
  readonly inspect?: Observer<InspectionEvent> | ((event: InspectionEvent) => void) | undefined;
}

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
  | { readonly type: 'step.resumed'; readonly stepId: string }
  | {
      readonly type: 'step.started';
      readonly stepId: string;
      readonly agent: string;
      readonly attempt: number;
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
    }
  | { readonly type: 'run.stalled'; readonly waiting: readonly errors.Waiting[] }
  | { readonly type: 'run.ended'; readonly status: RunStatus };

export type RunStatus = 'completed' | 'failed' | 'cancelled';

export interface Usage {
  /** Times that an agent was started, retries included. */
  readonly calls: number;
  readonly retries: number;
  /** Times that issue stopped because no station was free. */
  readonly stalls: number;
}

/** How a performance ended. */
export interface Outcome {
  readonly status: RunStatus;
  /** What could be had of the outputs. */
  readonly outputs: Record<string, unknown>;
  /** Root causes that reached an output or a step that nobody reads; or why the performance was stopped. */
  readonly errors: readonly Error[];
  readonly timeline: Timeline;
  readonly usage: Usage;
}

const OPERAND = Object.freeze({ type: 'OPERAND' } as const);
const FAULT = Object.freeze({ type: 'FAULT' } as const);
const WRITTEN = Object.freeze({ type: 'WRITTEN' } as const);
const GRANT_UNIT = Object.freeze({ type: 'GRANT_UNIT' } as const);
const DONE = Object.freeze({ type: 'DONE' } as const);
const FAILED = Object.freeze({ type: 'FAILED' } as const);
const FAILED_FOR_GOOD = Object.freeze({ type: 'FAILED', retryable: false } as const);
const HOLD = Object.freeze({ type: 'HOLD' } as const);
const RESUME = Object.freeze({ type: 'RESUME' } as const);
const SQUASH = Object.freeze({ type: 'SQUASH' } as const);

const host = fromCallback(() => {});
let compiled: CompiledLogic<ConductorMachine> | undefined;
/** Compiled when first needed, and once. */
const conductorLogic = () => (compiled ??= compile(conductor));

export class Orchestrator {
  readonly runId: string;
  readonly bus: Bus;
  readonly outcome: Promise<Outcome>;

  readonly #program: Program;
  readonly #options: OrchestratorOptions;
  readonly #clock: Clock;
  readonly #host: AnyActorRef;
  readonly #pool: StationPool;
  readonly #tags: TagTable;
  readonly #timeline: Timeline;
  readonly #holds: Holds;
  readonly #conductor: Actor<CompiledLogic<ConductorMachine>>;
  readonly #dispatcher: Dispatcher;
  readonly #resolve: (outcome: Outcome) => void;
  readonly #publishOptions: { runId: string };

  #cursor = 0; //          the next step to issue
  #settled = 0; //         steps whose result or fault is on the bus
  #running = 0; //         agents that have been started and have not answered
  readonly #timers = new Set<TimerId>(); // what will go on by itself: retries, silences
  #calls = 0;
  #retries = 0;
  #vampsEnded = new Set<number>(); // a cue said: once more, and on
  #stalls = 0;
  #startedAt = 0;
  #instant = 0; //         the time of this round: reading the clock for every step would cost more than the step
  #eventSeq = 0;
  #listener: ((event: RunEvent) => void) | undefined;
  #pumping = false;
  #scheduled = false;
  #growing = false;
  #ended = false;
  #answered: Station[] = [];
  #todo: (() => void)[] = [];
  #errors: Error[] = [];
  #cancelled = false;
  #onset: (() => void)[] = []; // to be undone at the end

  constructor(program: Program, options: OrchestratorOptions) {
    this.#program = program;
    this.#options = options;
    this.runId = options.runId;
    this.#clock = options.clock ?? realClock;
    // All of a round happens at one instant: its signals need no time of their own.
    const now = () => (this.#pumping ? this.#instant : this.#clock.now());
    this.bus = options.bus ?? createBus({ runId: options.runId, clock: { now } });
    this.#publishOptions = { runId: options.runId };
    const { promise, resolve } = Promise.withResolvers<Outcome>();
    this.outcome = promise;
    this.#resolve = resolve;
    const { inspect } = options;
    this.#host = createActor(host, { id: options.runId, ...(inspect ? { inspect } : {}) }).start();
    this.#tags = new TagTable(program);
    this.#timeline = new Timeline(program);
    const impossible = (what: string) => this.#todo.push(() => this.#stop(new errors.InvariantError(what)));
    this.#pool = new StationPool({
      steps: program.steps.length,
      window: options.window ?? 1_024,
      grows: !this.#chooses,
      parent: this.#host,
      settle: (index, ok, value) => this.#answer(this.#pool.at(index), ok, value),
      released: this.#dropOperands,
      impossible,
    });
    this.#holds = new Holds(this.#clock, {
      resume: (step) => this.#toHolder(step, RESUME, 'step.resumed'),
      expire: (step, limitMs) => this.#expire(step, limitMs),
    });
    this.#dispatcher = new Dispatcher({
      program,
      dispatch: options.dispatch ?? 'reactive',
      priority: options.priority ?? 'path',
      maxConcurrency: options.maxConcurrency,
      patience: options.patience ?? 1_024,
      parent: this.#host,
      impossible,
    });
    this.#conductor = this.#createConductor(impossible);
  }

  /** Whether somebody chooses among ready steps: then all of the window has to be issued before the choice. */
  get #chooses(): boolean {
    const { dispatch = 'reactive', maxConcurrency } = this.#options;
    if (dispatch !== 'reactive' || maxConcurrency !== undefined) return true;
    return this.#program.steps.some(({ agent }) => agent.capacity !== undefined);
  }

  /** Has what happens told, in order, from now on. What does not listen costs nothing. */
  listen(listener: (event: RunEvent) => void): void {
    this.#listener = listener;
  }

  /** Begins at the end of this instant, so that the caller can still listen. */
  start(): void {
    const { signal, timeout } = this.#options;
    const hearing = this.bus.signals.subscribe(this.#hear);
    this.#onset.push(() => hearing.unsubscribe());
    if (signal !== undefined) {
      const abort = () => this.cancel(signal.reason);
      if (signal.aborted) this.#clock.atEndOfInstant(abort);
      else signal.addEventListener('abort', abort, { once: true });
      this.#onset.push(() => signal.removeEventListener('abort', abort));
    }
    if (timeout?.totalMs !== undefined) {
      const { totalMs } = timeout;
      const timer = this.#clock.setTimeout(
        () => this.#stop(new errors.TimeoutError('the performance', totalMs)),
        totalMs,
      );
      this.#onset.push(() => this.#clock.clearTimeout(timer));
    }
    this.#clock.atEndOfInstant(() => this.#conduct('DOWNBEAT'));
  }

  /** A caesura: aborts what runs, discards what waits. The outcome is `cancelled`. */
  cancel(reason?: unknown): void {
    if (this.#ended) return;
    this.#cancelled = true;
    this.#stop(new errors.CancelledError(reason));
  }

  // ── the pump

  #wake(): void {
    if (this.#scheduled || this.#pumping || this.#ended) return;
    this.#scheduled = true;
    this.#clock.atEndOfInstant(this.#pump);
  }

  readonly #pump = (): void => {
    this.#scheduled = false;
    if (this.#pumping || this.#ended) return;
    this.#pumping = true;
    try {
      this.#rounds();
      this.#pumping = false;
      if (!this.#ended) this.#takeStock();
    } catch (error) {
      // A fault of ours must not leave the caller waiting for ever.
      this.#errors.push(new errors.InvariantError(errors.messageOf(error), { cause: error }));
      for (const { attempt } of this.#pool.held()) attempt?.abort(asError(error));
      this.#finish();
    }
  };

  #rounds(): void {
    const { notes } = this.#pool;
    do {
      this.#instant = this.#clock.now();
      if (this.#todo.length > 0) this.#perform();
      if (this.#answered.length > 0) this.#settleAnswers();
      if (notes.writes.length > 0) this.#publish();
      this.#issue();
      this.#grant();
      if (notes.starts.length > 0) this.#startAgents();
      if (notes.rests.length > 0) this.#backOff();
    } while (
      this.#answered.length + notes.writes.length + this.#todo.length > 0 ||
      this.#dispatcher.hasWork(notes.requests)
    );
  }

  #answer(station: Station, ok: boolean, value: unknown): void {
    station.ok = ok;
    station.answer = value;
    this.#answered.push(station);
    // With nobody else at work there is nothing that this instant could still bring.
    if (this.#running === 1 && !this.#scheduled) this.#pump();
    else this.#wake();
  }

  #settleAnswers(): void {
    const answered = this.#answered;
    for (let i = 0; i < answered.length; i++) {
      const station = answered[i]!;
      const { ok, answer: value } = station;
      station.answer = undefined;
      const attempt = station.attempt as Attempt;
      const step = this.#stepOf(station);
      attempt.end();
      this.#running--;
      this.#dispatcher.answered(station);
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
    const step = this.#stepOf(station);
    const round = max - station.actor.getSnapshot().context.repeats;
    try {
      if (this.#vampsEnded.has(station.step) || until(station.result, round)) return DONE;
    } catch (error) {
      station.fault = new errors.StepError(step.id, error);
      return FAILED_FOR_GOOD;
    }
    if (round < max) this.#timeline.rested(station.step);
    else station.fault = new errors.StepError(step.id, new errors.VampError(max));
    return { type: 'DONE', again: true, capFails: onCap !== 'accept' };
  }

  /** Puts on the bus what stations have written. The bus answers through `#hear`, at once or later. */
  #publish(): void {
    const { writes } = this.#pool.notes;
    for (let i = 0; i < writes.length; i++) {
      const station = writes[i]!;
      const pulse: Pulse =
        station.written === 'fault'
          ? { type: 'pulse', tag: station.step, fault: station.fault as errors.StepError }
          : {
              type: 'pulse',
              tag: station.step,
              value: station.written === 'value' ? station.result : this.#fallback(station.step),
            };
      this.#send(pulse);
    }
    clear(writes);
  }

  #send(pulse: Pulse): void {
    try {
      const published = this.bus.publish(pulse, this.#publishOptions);
      if (typeof published !== 'number') published.catch((error: unknown) => this.#stop(asError(error)));
    } catch (error) {
      this.#todo.push(() => this.#stop(asError(error)));
    }
  }

  /** Issue, in program order, until the window is full or a downbeat waits. */
  #issue(): void {
    const { steps } = this.#program;
    while (this.#cursor < steps.length && this.#isPerforming()) {
      const index = this.#cursor;
      const step = steps[index] as StepPlan;
      if (step.downbeat && this.#settled < index) return;
      if (!step.tacet && !this.#pool.hasRoom) return this.#stall();
      this.#cursor++; // first: a silent step is on the bus before the call returns
      if (step.tacet) this.#skipSilent(index);
      else this.#issueStep(index, step);
    }
  }

  /** A structural hazard: no station is free. The pool grows only if that is still so when what settles at once
   *  has settled. */
  #stall(): void {
    if (this.#pool.atWindow) this.#stalls++;
    else if (!this.#growing) {
      this.#growing = true;
      this.#clock.afterThisTurn(() => {
        this.#growing = false;
        if (!this.#pool.hasRoom && this.#pool.grow()) this.#wake();
      });
    }
  }

  #issueStep(index: number, step: StepPlan): void {
    const { firstEdge, source } = this.#program;
    let missing = 0;
    let faults = 0;
    for (let edge = firstEdge[index]!; edge < firstEdge[index + 1]!; edge++) {
      const tag = source[edge]!;
      if (tag === INPUT) continue;
      if (this.#tags.isPending(tag)) this.#tags.wait(edge, tag);
      else if (this.#tags.isFaulty(tag)) faults++;
      else continue;
      missing++;
    }
    this.#timeline.issued(index, this.#now());
    this.#emitStep('step.issued', index);
    const plain =
      step.retry === undefined &&
      step.fallback === undefined &&
      step.join !== 'allSettled' &&
      step.vamp === undefined;
    const holds = this.#holdsAtIssue(index, step); // joins them
    const station = this.#pool.issue(
      index,
      plain && holds === 0 && this.#options.retry === undefined
        ? { type: 'ISSUE', tag: index, missing }
        : {
            type: 'ISSUE',
            tag: index,
            missing,
            holds,
            retries: this.#retriesOf(step),
            repeats: step.vamp === undefined ? 0 : step.vamp.max - 1,
            tolerant: step.join === 'allSettled',
            fallback: step.fallback !== undefined,
          },
    );
    if (faults > 0) this.#captureFaults(station, index);
  }

  /** Operands that were faulty before this step was issued. */
  #captureFaults(station: Station, index: number): void {
    const { firstEdge, source } = this.#program;
    for (let edge = firstEdge[index]!; edge < firstEdge[index + 1]!; edge++) {
      const tag = source[edge]!;
      if (tag !== INPUT && this.#tags.isFaulty(tag)) this.#captureFault(station, this.#tags.fault(tag));
    }
  }
  #captureFault(station: Station, fault: errors.StepError): void {
    station.fault ??= fault.through(this.#stepOf(station).id);
    station.actor.send(FAULT);
  }

  #holdsAtIssue(index: number, step: StepPlan): number {
    if (step.fermata === undefined && this.#holds.none) return 0;
    let holds = 0;
    if (step.fermata !== undefined) this.#holds.begin(holdSignal(step), `fermata:${index}`);
    for (const hold of this.#holds.over(step.id, step.agent.name)) {
      this.#holds.join(hold.id, index);
      holds++;
    }
    if (holds > 0) this.#emitStep('step.held', index);
    return holds;
  }

  #skipSilent(index: number): void {
    this.#timeline.issued(index, this.#now());
    this.#dropOperands(index);
    this.#send({ type: 'pulse', tag: index, value: this.#fallback(index) });
  }

  #grant(): void {
    const granted = this.#dispatcher.round(this.#pool.notes.requests, this.#noteReady);
    for (let i = 0; i < granted.length; i++) granted[i]!.actor.send(GRANT_UNIT);
  }
  readonly #noteReady = (station: Station): void => this.#emitStep('step.ready', station.step);

  // ── agents

  #startAgents(): void {
    const { starts } = this.#pool.notes;
    for (let i = 0; i < starts.length; i++) {
      if (i > 0) this.#instant = this.#clock.now(); // the agent before this one may have kept us
      this.#startAgent(starts[i]!);
    }
    clear(starts);
  }

  #startAgent(station: Station): void {
    const index = station.step;
    const step = this.#stepOf(station);
    const { agent } = step;
    this.#timeline.started(index, this.#now());
    const count = this.#timeline.attempts(index);
    const attempt = new Attempt(this.runId, step.id, count, this.#clock);
    station.attempt = attempt;
    this.#running++;
    if (this.#listener !== undefined)
      this.#emit({ type: 'step.started', stepId: step.id, agent: agent.name, attempt: count });
    const limit = this.#options.budget?.calls;
    if (limit !== undefined && this.#calls >= limit)
      return this.#answer(station, false, new errors.BudgetError('calls', limit));
    this.#calls++;
    const limitMs = step.timeoutMs ?? this.#options.timeout?.stepMs;
    if (limitMs !== undefined) {
      attempt.timer = this.#clock.setTimeout(() => {
        this.#abort(station, new errors.TimeoutError(`step '${step.id}'`, limitMs));
      }, limitMs);
    }
    try {
      const operands = operandsOf(this.#program, this.#tags, this.#options.input, index);
      if (step.vamp !== undefined) operands['previous'] = station.result;
      const result = agent.run(operands, attempt);
      if (isThenable(result)) result.then(station.runner.resolved, station.runner.rejected);
      else this.#answer(station, true, result);
    } catch (error) {
      this.#answer(station, false, error);
    }
  }

  /** Tells an agent to stop. One that has not settled when its grace is over is left behind. */
  #abort(station: Station, reason: Error): void {
    const attempt = station.attempt as Attempt;
    if (attempt.aborted !== undefined) return;
    attempt.abort(reason);
    attempt.grace = this.#clock.setTimeout(() => {
      this.#pool.detach(station);
      this.#answer(station, false, reason);
    }, this.#options.graceMs ?? 1_000);
  }

  #backOff(): void {
    const { rests } = this.#pool.notes;
    for (const station of rests.splice(0)) {
      const index = station.step;
      const step = this.#stepOf(station);
      const attempt = this.#timeline.attempts(index);
      const delayMs = delayBefore(attempt + 1, step.retry ?? (this.#options.retry as RetryPolicy));
      this.#timeline.rested(index);
      this.#emit({
        type: 'step.retrying',
        stepId: step.id,
        attempt: attempt + 1,
        delayMs,
        error: station.fault?.cause,
      });
      station.fault = undefined;
      this.#retries++;
      this.#later(delayMs, () => this.#toHolder(index, RESUME));
    }
  }

  // ── the bus

  readonly #hear = ({ runId, signal, seq }: Envelope): void => {
    if (runId !== this.runId || this.#ended) return;
    if (signal.type === 'pulse') this.#capture(signal);
    else this.#obey(signal, seq);
    this.#wake();
  };

  /** A result or fault passes on the bus: whoever waits for it captures it, whoever wrote it is free. */
  #capture(pulse: Pulse): void {
    const tag = pulse.tag as number;
    if (!(tag >= 0 && tag < this.#cursor && this.#tags.isPending(tag))) return;
    const writer = this.#pool.holding(tag);
    const fault = pulse.fault as errors.StepError | undefined;
    if (fault === undefined) this.#tags.write(tag, pulse.value);
    else this.#tags.poison(tag, fault);
    this.#settled++;
    this.#noteEnd(tag, writer, fault);
    for (let edge = this.#tags.firstWaiter(tag); edge >= 0; edge = this.#tags.nextWaiter(edge)) {
      const station = this.#pool.holding(this.#program.reader[edge]!);
      if (station === undefined) continue; // it has settled without this operand
      if (fault === undefined) station.actor.send(OPERAND);
      else this.#captureFault(station, fault);
    }
    writer?.actor.send(WRITTEN);
  }

  #noteEnd(tag: number, writer: Station | undefined, fault: errors.StepError | undefined): void {
    const silent = writer === undefined;
    const ran = this.#timeline.attempts(tag) > 0;
    const status: StepStatus = fault
      ? ran || fault.stepId === fault.at
        ? 'failed'
        : 'skipped'
      : silent
        ? 'tacet'
        : writer.written === 'default'
          ? 'defaulted'
          : 'done';
    this.#timeline.ended(tag, this.#now(), status);
    if (fault !== undefined && this.#program.readers[tag] === 0) this.#blame(fault);
    if (this.#listener === undefined) return;
    const error = fault ?? (status === 'defaulted' ? writer?.fault : undefined);
    this.#emit({
      type: 'step.ended',
      stepId: this.#program.steps[tag]!.id,
      status,
      ...(error ? { error } : {}),
    });
  }

  /** A signal from the conductor's stand, or from anybody with a place on the bus. */
  #obey(signal: HctSignal, seq: number): void {
    if (signal.type === 'cue' || signal.type === 'downbeat') {
      this.#holds.resolve(signal, this.#namesOf);
      if (signal.type === 'cue' && signal.intent !== 'update') this.#cue(signal);
    } else if (signal.type === 'fermata' && signal.intent === 'hold') this.#hold(signal, seq);
    else if (signal.type === 'caesura') this.#caesura(signal);
    else if (signal.type === 'tacet') this.#silence(signal, signal.durationMs);
    else if (signal.type === 'attacca') this.#hurry(signal);
  }

  /** Besides lifting holds, a cue wakes silent units and ends vamps after the round that runs. */
  #cue(signal: HctSignal): void {
    this.#eachAgent(signal, (agent) => this.#dispatcher.wake(agent));
    for (const { step } of this.#pool.held()) {
      if (this.#program.steps[step]!.vamp !== undefined && this.#meant(signal, step))
        this.#vampsEnded.add(step);
    }
  }

  #hold(signal: HctSignal & { type: 'fermata' }, seq: number): void {
    const hold = this.#holds.begin(signal, seq);
    for (const station of this.#pool.held()) {
      const [stepId, agent] = this.#namesOf(station.step);
      const over = [...this.#holds.over(stepId, agent)].some(({ id }) => id === hold.id);
      const before = station.actor.getSnapshot().context.holds;
      if (!over) continue;
      station.actor.send(HOLD);
      if (station.actor.getSnapshot().context.holds === before) continue; // what has begun is not held
      this.#holds.join(hold.id, station.step);
      this.#emitStep('step.held', station.step);
    }
    this.#withdraw();
  }

  #caesura(signal: HctSignal): void {
    if (addresses(signal, this.runId)) return this.cancel(`caesura by ${signal.source}`);
    for (const station of this.#pool.held()) {
      if (station.attempt === undefined || !this.#meant(signal, station.step)) continue;
      this.#abort(station, new errors.CancelledError(`caesura by ${signal.source}`));
    }
  }

  #silence(signal: HctSignal, durationMs: number | undefined): void {
    this.#eachAgent(signal, (agent) => {
      this.#dispatcher.silence(agent);
      if (durationMs === undefined) return;
      this.#later(durationMs, () => {
        this.#dispatcher.wake(agent);
        this.#wake();
      });
    });
  }

  #hurry(signal: HctSignal): void {
    for (let index = 0; index < this.#program.steps.length; index++) {
      if (!this.#meant(signal, index)) continue;
      this.#dispatcher.hurry(index);
      // Its place in the queue was found by its old priority: leave the queue and join it again.
      const station = this.#pool.holding(index);
      if (station?.actor.getSnapshot().value !== 'ready') continue;
      station.actor.send(HOLD);
      this.#withdraw();
      station.actor.send(RESUME);
    }
  }

  #withdraw(): void {
    const { withdrawals, requests } = this.#pool.notes;
    for (const station of withdrawals.splice(0)) {
      const waiting = requests.indexOf(station);
      if (waiting >= 0) requests.splice(waiting, 1);
      else this.#dispatcher.withdraw(station);
    }
  }

  // ── the conductor

  #createConductor(impossible: (what: string) => void): Actor<CompiledLogic<ConductorMachine>> {
    const later = (work: () => void) => () => void this.#todo.push(work);
    let stall: TimerId | undefined;
    const logic = conductorLogic().provide({
      actions: {
        begin: later(() => {
          this.#startedAt = this.#instant = this.#clock.now();
          this.#emit({ type: 'run.started', steps: this.#program.steps.length });
        }),
        squash: later(() => this.#squash()),
        watch: later(() => {
          const waiting = this.#whoWaits();
          this.#emit({ type: 'run.stalled', waiting });
          stall = this.#clock.setTimeout(
            () => this.#conduct('STALL_TIMEOUT'),
            this.#options.stallMs ?? 30_000,
          );
        }),
        unwatch: later(() => stall !== undefined && this.#clock.clearTimeout(stall)),
        deadlock: later(() => this.#errors.push(new errors.DeadlockError(this.#whoWaits()))),
        finish: later(() => {
          if (stall !== undefined) this.#clock.clearTimeout(stall);
          this.#finish();
        }),
        impossible: ({ event }) => impossible(`conductor: ${event.type}`),
      },
    });
    return createActor(logic, { parent: this.#host, id: 'conductor' }).start();
  }

  #conduct(type: ConductorEvent['type']): void {
    this.#conductor.send({ type });
    this.#wake();
  }
  #perform(): void {
    for (const work of this.#todo.splice(0)) work();
  }
  #isPerforming(): boolean {
    const { value } = this.#conductor.getSnapshot();
    return value === 'performing' || value === 'stalled';
  }

  /** Ends the performance early. The first reason counts. */
  #stop(error: Error): void {
    if (this.#ended || this.#conductor.getSnapshot().value === 'closing') return;
    this.#errors.push(error);
    this.#conduct('CAESURA');
  }

  #squash(): void {
    for (const station of this.#pool.held()) {
      station.actor.send(SQUASH);
      this.#withdraw(); // one by one: a queue must not order by a step that is gone
    }
    const reason = this.#errors.at(-1) as Error;
    for (const station of this.#pool.notes.aborts.splice(0)) this.#abort(station, reason);
  }

  /** After each round: is it over, or does everybody wait? */
  #takeStock(): void {
    const { steps } = this.#program;
    const idle = this.#pool.busy === 0;
    const value = this.#conductor.getSnapshot().value;
    if (value === 'closing' ? idle : idle && this.#settled === steps.length && value !== 'silent')
      return this.#conduct('SETTLED');
    const { requests, writes } = this.#pool.notes;
    const moving =
      this.#running + this.#timers.size + requests.length + writes.length > 0 || this.#holds.willExpire;
    if (value === 'performing' && !moving && !this.#writing()) this.#conduct('STALL');
    else if (value === 'stalled' && moving) this.#conduct('PROGRESS');
  }
  /** Whether some broadcast is on its way on a bus that answers later. */
  #writing(): boolean {
    return this.#pool.held().some(({ actor }) => ['writing', 'poisoned'].includes(actor.getSnapshot().value));
  }

  #whoWaits(): errors.Waiting[] {
    return this.#pool.held().map((station) => {
      const step = this.#stepOf(station);
      const { value } = station.actor.getSnapshot();
      const missing = this.#timeline
        .waitedFor(station.step)
        .filter((id) => this.#pool.held().some((s) => this.#stepOf(s).id === id));
      const waitsFor =
        value === 'held'
          ? 'a cue'
          : value === 'ready'
            ? `a unit of '${step.agent.name}'`
            : missing.map((id) => `'${id}'`).join(', ');
      return { stepId: step.id, waitsFor };
    });
  }

  #finish(): void {
    this.#ended = true;
    for (const undo of this.#onset.splice(0)) undo();
    for (const timer of this.#timers) this.#clock.clearTimeout(timer);
    this.#holds.close();
    const outputs = this.#outputs();
    const status = this.#errors.length === 0 ? 'completed' : this.#cancelled ? 'cancelled' : 'failed';
    for (let step = 0; step < this.#program.steps.length; step++) {
      if (this.#tags.isPending(step)) this.#timeline.ended(step, this.#now(), 'cancelled');
    }
    this.#emit({ type: 'run.ended', status });
    if (this.#options.inspect !== undefined) {
      this.#pool.stop();
      this.#dispatcher.stop();
      this.#host.stop?.();
    }
    if (this.#options.bus === undefined) void this.bus.close();
    const usage = { calls: this.#calls, retries: this.#retries, stalls: this.#stalls };
    this.#resolve({ status, outputs, errors: this.#errors, timeline: this.#timeline, usage });
  }

  #outputs(): Record<string, unknown> {
    for (const { tag } of this.#program.outputs.values()) {
      if (tag !== INPUT && this.#tags.isFaulty(tag)) this.#blame(this.#tags.fault(tag));
    }
    try {
      return outputsOf(this.#program, this.#tags, this.#options.input);
    } catch (error) {
      this.#errors.push(asError(error));
      return {};
    }
  }
  /** A fault that nobody absorbs. Each root cause is named once. */
  #blame(fault: errors.StepError): void {
    const known = this.#errors.some(
      (error) => error instanceof errors.StepError && error.cause === fault.cause,
    );
    if (!known) this.#errors.push(fault);
  }

  // ── small things

  /** A timer that ends with the performance. */
  #later(ms: number, callback: () => void): void {
    const timer = this.#clock.setTimeout(() => {
      this.#timers.delete(timer);
      callback();
    }, ms);
    this.#timers.add(timer);
  }

  readonly #dropOperands = (index: number): void => {
    const { firstEdge, source } = this.#program;
    for (let edge = firstEdge[index]!; edge < firstEdge[index + 1]!; edge++) {
      const tag = source[edge]!;
      if (tag !== INPUT) this.#tags.drop(tag);
    }
  };
  #toHolder(index: number, event: typeof RESUME | typeof FAILED_FOR_GOOD, what?: 'step.resumed'): void {
    const station = this.#pool.holding(index);
    if (station === undefined || this.#ended) return;
    if (what !== undefined) this.#emitStep(what, index);
    station.actor.send(event);
    this.#wake();
  }
  #expire(index: number, limitMs: number): void {
    const station = this.#pool.holding(index);
    if (station === undefined) return;
    const { id } = this.#stepOf(station);
    station.fault = new errors.StepError(id, new errors.HoldError(id, limitMs));
    this.#toHolder(index, FAILED_FOR_GOOD);
  }
  readonly #namesOf = (index: number): readonly [string, string] => {
    const { id, agent } = this.#program.steps[index]!;
    return [id, agent.name];
  };
  #meant(signal: HctSignal, index: number): boolean {
    const [id, agent] = this.#namesOf(index);
    return signal.targets.includes(id) || signal.targets.includes(agent);
  }
  #eachAgent(signal: HctSignal, act: (agent: AgentPlan) => void): void {
    const agents = new Map(this.#program.steps.map(({ agent }) => [agent.name, agent]));
    const everybody = signal.targets.includes('*');
    for (const [name, agent] of agents) if (everybody || signal.targets.includes(name)) act(agent);
  }
  #stepOf(station: Station): StepPlan {
    return this.#program.steps[station.step]!;
  }
  #fallback(index: number): unknown {
    return this.#program.steps[index]!.fallback?.value;
  }
  #retriesOf(step: StepPlan): number {
    const policy = step.retry ?? this.#options.retry;
    return policy === undefined || (step.effects === 'external' && !policy.repeatsEffect)
      ? 0
      : policy.attempts - 1;
  }
  #now(): number {
    return this.#instant - this.#startedAt;
  }
  #emitStep(type: 'step.issued' | 'step.ready' | 'step.held' | 'step.resumed', index: number): void {
    if (this.#listener !== undefined) this.#emit({ type, stepId: this.#program.steps[index]!.id });
  }
  #emit(body: RunEventBody): void {
    if (this.#listener === undefined) return;
    try {
      this.#listener({ runId: this.runId, seq: ++this.#eventSeq, timestamp: this.#clock.now(), ...body });
    } catch (error) {
      console.error('tutti: an event listener threw:', error);
    }
  }
}

const isFinal = (error: unknown): boolean =>
  error instanceof errors.BudgetError ||
  error instanceof OperandError ||
  error instanceof errors.CancelledError;
const isThenable = (value: unknown): value is PromiseLike<unknown> =>
  typeof value === 'object' && value !== null && typeof (value as { then?: unknown }).then === 'function';
const asError = (error: unknown): Error => (error instanceof Error ? error : new Error(String(error)));
const addresses = (signal: HctSignal, runId: string): boolean =>
  signal.targets.length === 0 || signal.targets.includes('*') || signal.targets.includes(runId);

function delayBefore(
  attempt: number,
  { delayMs = 1_000, factor = 2, maxDelayMs = 60_000 }: RetryPolicy,
): number {
  return Math.min(maxDelayMs, delayMs * factor ** (attempt - 2));
}

/** The fermata that a score writes on a step. */
function holdSignal({ id, fermata: plan = {} }: StepPlan) {
  const { holdType = 'human', timeoutMs = 30_000, onTimeout = 'fail' } = plan;
  return fermata({ source: 'score', targets: [id], holdType, timeoutMs, onTimeout });
}
