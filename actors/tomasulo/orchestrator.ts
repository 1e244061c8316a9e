/** The orchestrator: Tomasulo's algorithm with agents for functional units (design §5).
 *
 *  Owns: the conductor, and the order of the stages: issue, execute, write result; and the signal handler. Receives:
 *  pulses and HCT's signals on the bus, agents' answers, timers. Sends: pulses on the bus. It executes nothing itself.
 *
 *  Machines change only in `#pump`, which repeats until nothing is left to do: settle the agents' answers, publish,
 *  issue in order, grant, start. Machines only write notes ("ask for a unit"), because sending to another actor from
 *  inside a transition nests, and overflows at a depth of a thousand.
 *
 *  A performance always ends. A caesura gives agents and bus `graceMs` of real time. A bus that refuses, loses or
 *  closes ends the performance. Rounds that go on without a pause yield to the event loop, so that timers and aborts
 *  count. */
import type { OrchestratorOptions } from './orchestrator-options.ts';
import { createActor, fromCallback, type Actor, type AnyActorRef } from 'xstate';
import { compile, type CompiledLogic } from '../../machines/table/compile.ts';
import { conductor, type ConductorEvent, type ConductorMachine } from '../../machines/tomasulo/conductor.ts';
import type { Envelope } from '../../machines/hct/signal.ts';
import { attemptAround } from './attempt.ts';
import { BusClosedError, busError, UnavailableError, type Bus } from '../bus/bus.ts';
import { realClock, type TimerId } from '../bus/clock.ts';
import * as errors from './errors.ts';
import { ExecuteStage } from './execute-stage.ts';
import { IssueStage } from './issue-stage.ts';
import { leftOf } from './holds.ts';
import { outputsOf } from './operands.ts';
import { INPUT, type Program, type StepPlan } from './program.ts';
import { heldSteps, type HeldStep } from './questions.ts';
import { RunContext } from './run.ts';
import type { RunOutcome, RunEvent, RunStatus } from './run-events.ts';
import { Scopes } from './scopes.ts';
import { SignalHandler } from './signal-handler.ts';
import type { StepStatus } from './timeline.ts';
import type { Station } from './station-pool.ts';
import { WriteStage } from './write-stage.ts';

/** Rounds yield to the event loop after so many milliseconds of real time; in virtual time after so many starts, since a
 *  simulation has to give the same result on any machine. */
const SLICE_MS = 10;
const SLICE_STARTS = 4_096;

const isOpen = ({ actor }: Station): boolean => actor.getSnapshot().value === 'executing';

const SQUASH = Object.freeze({ type: 'SQUASH' } as const);

const host = fromCallback(() => {});
let compiled: CompiledLogic<ConductorMachine> | undefined;
/** Compiled when first needed, and once. */
const conductorLogic = () => (compiled ??= compile(conductor));

/** Where a step stands. */
interface Standing {
  readonly plan: StepPlan;
  readonly status: StepStatus;
  /** Whether a person has answered its question. */
  readonly answered: boolean;
}

export class Orchestrator {
  readonly runId: string;
  readonly bus: Bus;
  readonly outcome: Promise<RunOutcome>;

  readonly #run: RunContext;
  readonly #host: AnyActorRef;
  readonly #conductor: Actor<CompiledLogic<ConductorMachine>>;
  readonly #issue: IssueStage;
  readonly #execute: ExecuteStage;
  readonly #write: WriteStage;
  readonly #scopes: Scopes;
  readonly #signals: SignalHandler;
  readonly #resolve: (outcome: RunOutcome) => void;

  #begun = false;
  #scheduled = false;
  #cancelled = false;
  /** When the performance has to be over, on its clock. */
  #deadline = Infinity;
  #delivery: TimerId | undefined;
  /** How many pulses had been delivered when {@link #delivery} was set. */
  #settledBefore = 0;
  #grace: TimerId | undefined;
  /** Runs while the performance only waits for a person. */
  #leaving: TimerId | undefined;
  #todo: (() => void)[] = [];
  #teardowns: (() => void)[] = [];

  /** Creates a performance that receives signals from now on. Nothing runs before {@link start}. */
  constructor(program: Program, options: OrchestratorOptions) {
    this.runId = options.runId;
    const { promise, resolve } = Promise.withResolvers<RunOutcome>();
    this.outcome = promise;
    this.#resolve = resolve;
    const { inspect } = options;
    this.#host = createActor(host, { id: options.runId, ...(inspect ? { inspect } : {}) }).start();
    this.#run = new RunContext(program, options, {
      host: this.#host,
      answered: (station, ok, value) => this.#execute.answer(station, ok, value),
      resumed: (step) => this.#execute.resume(step),
      expired: (step, limitMs) => this.#execute.expire(step, limitMs),
      ofScope: (tag, fault) => this.#run.program.hasScopes && this.#scopes.settled(tag, fault),
      refuse: (step, reason) => this.#execute.refuse(step, reason),
      wake: this.#wake,
      stop: this.#stop,
      next: (work) => void this.#todo.push(work),
      isPerforming: () => this.#isPerforming,
    });
    this.bus = this.#run.bus;
    this.#write = new WriteStage(this.#run);
    this.#scopes = new Scopes(
      this.#run,
      (station, ok, value) => this.#execute.answer(station, ok, value),
      (step, reason) => this.#execute.refuse(step, reason),
      (added) => this.#signals.applyEarly(added),
    );
    this.#execute = new ExecuteStage(this.#run, this.#scopes, () => this.#scheduled || this.#pump());
    this.#issue = new IssueStage(
      this.#run,
      this.#write,
      this.#scopes,
      (step, reason) => this.#execute.refuse(step, reason),
      (step) => this.#execute.goOn(step),
    );
    this.#signals = new SignalHandler(this.#run, this.#execute, (reason) => this.cancel(reason));
    this.#conductor = this.#createConductor();
    this.#open();
  }

  /** Calls the listener for every event from now on, in order. */
  listen(listener: (event: RunEvent) => void): void {
    this.#run.events.listen(listener);
  }

  /** Steps that are held now. */
  get holds(): readonly HeldStep[] {
    return heldSteps(this.#run);
  }
  /** Where a step stands. @returns undefined for an id that the score does not have */
  standing(stepId: string): Standing | undefined {
    const { program, timeline, orders } = this.#run;
    const step = program.steps.findIndex((_, i) => program.idOf(i) === stepId);
    const plan = program.steps[step];
    return (
      plan && {
        plan: { ...plan, id: stepId },
        status: timeline.status(step),
        answered: orders.answers.has(step),
      }
    );
  }

  /** Listens to the bus and to the caller's signal, and stops virtual time until the input is there. */
  #open(): void {
    const { options, clock } = this.#run;
    const { signal } = options;
    const around = attemptAround(clock); // an agent that performs on its own clock waits for this performance
    around?.pause();
    clock.work();
    this.#teardowns.push(
      () => around?.goOn(),
      () => this.#begun || clock.rest(),
    );
    const subscription = this.bus.signals.subscribe({
      next: this.#receive,
      error: (error: unknown) => this.loseBus(error),
      complete: () => this.loseBus(new BusClosedError()),
    });
    this.#teardowns.push(() => subscription.unsubscribe());
    if (signal === undefined) return;
    const abort = () =>
      options.journal === undefined ? this.cancel(signal.reason) : this.interrupt(signal.reason);
    if (signal.aborted) clock.atEndOfInstant(abort);
    else signal.addEventListener('abort', abort, { once: true });
    this.#teardowns.push(() => signal.removeEventListener('abort', abort));
  }

  /** Begins at the end of this instant, so that the caller can still listen.
   *  @param input what the score reads as `input` */
  start(input?: unknown): void {
    const run = this.#run;
    const { options, clock } = run;
    if (run.ended || this.#begun) return;
    this.#begun = true;
    run.input = input;
    const totalMs = options.timeout?.totalMs;
    if (totalMs !== undefined) {
      const now = clock.now();
      const leftMs = leftOf(totalMs, options.journal?.startedAt ?? now, now);
      this.#deadline = now + leftMs;
      const timer = clock.setTimeout(this.#stopLate, leftMs);
      this.#teardowns.push(() => clock.clearTimeout(timer));
    }
    this.#beginSlice();
    clock.atEndOfInstant(() => this.#conduct('DOWNBEAT'));
    clock.rest();
  }
  readonly #stopLate = (): void => {
    this.#deadline = Infinity;
    this.#stop(new errors.TimeoutError('the performance', this.#run.options.timeout?.totalMs ?? 0));
  };

  /** A caesura: aborts what runs, discards what waits. The outcome is `cancelled`, unless the performance is already
   *  stopping for another reason. */
  cancel(reason?: unknown): void {
    if (this.#run.ended || this.#isClosing) return;
    this.#cancelled = true;
    this.#stop(new errors.CancelledError(reason));
  }
  /** Ends this life of a durable performance: what runs is aborted, and a later process may go on. */
  interrupt(reason?: unknown): void {
    if (this.#run.ended || this.#isClosing) return;
    this.#cancelled = true;
    this.#stop(new errors.InterruptedError(reason));
  }
  /** Acts again after the journal has become whole, or a decision about a step in doubt. */
  wake(): void {
    this.#wake();
  }
  /** A person has decided about a step in doubt. */
  decided(step: number): void {
    this.#execute.goOn(step);
  }
  /** Ends the performance as failed. */
  fail(error: Error): void {
    this.#stop(error);
  }

  // ── the pump

  readonly #wake = (): void => {
    if (this.#scheduled || this.#run.inRound || this.#run.ended) return;
    this.#scheduled = true;
    this.#run.clock.atEndOfInstant(this.#pump);
  };

  readonly #pump = (): void => {
    this.#scheduled = false;
    const run = this.#run;
    if (run.inRound || run.ended) return;
    run.inRound = true;
    try {
      const pauses = this.#rounds();
      run.inRound = false;
      if (run.ended) return;
      if (pauses) this.#yield();
      else this.#takeStock();
    } catch (error) {
      // A fault in this code must not leave the caller waiting.
      run.errors.push(new errors.InvariantError(errors.messageOf(error), { cause: error }));
      this.#execute.abandon(errors.asError(error));
      this.#finish();
    }
  };

  /** @returns whether the rounds have to pause. */
  #rounds(): boolean {
    const run = this.#run;
    const { clock, pool } = run;
    const { notes } = pool;
    const issue = this.#issue;
    const execute = this.#execute;
    const write = this.#write;
    do {
      run.instant = clock.now();
      if (run.instant >= this.#deadline) this.#stopLate();
      else if (run.instant >= run.pauseAt || run.startsLeft <= 0) return true;
      if (this.#todo.length > 0) for (const work of this.#todo.splice(0)) work();
      if (run.ended) return false;
      if (notes.aborts.length > 0) execute.stopAgents();
      if (execute.hasAnswers) execute.settle();
      if (notes.writes.length > 0) write.publish();
      issue.issue();
      execute.grant();
      if (notes.starts.length > 0) execute.startAgents();
      if (notes.rests.length > 0) execute.backOff();
    } while (
      execute.hasAnswers ||
      this.#scopes.hasNews ||
      notes.aborts.length + this.#todo.length > 0 ||
      (notes.writes.length + notes.starts.length > 0 && run.journal?.isWhole !== false) ||
      execute.hasWork
    );
    return false;
  }

  /** Goes on after the event loop has had its turn. */
  #yield(): void {
    this.#scheduled = true;
    this.#run.clock.afterThisTurn(() => {
      this.#beginSlice();
      this.#pump();
    });
  }
  #beginSlice(): void {
    const run = this.#run;
    if (run.clock.isVirtual) run.startsLeft = SLICE_STARTS;
    else run.pauseAt = run.clock.now() + SLICE_MS;
  }

  readonly #receive = ({ runId, signal, seq }: Envelope): void => {
    const run = this.#run;
    if (run.ended) return;
    const own = runId === this.runId;
    // A signal that belongs to no performance is for every performance on the bus that it addresses.
    if (!own && (runId !== this.bus.runId || signal.type === 'pulse')) return;
    if (!run.inRound) run.instant = run.clock.now(); // the bus took its time
    // A signal from inside a round, such as from an event listener, waits for the next one: stages are not re-entrant.
    if (signal.type !== 'pulse') {
      if (run.inRound) this.#todo.push(() => this.#signals.handle(signal, seq));
      else this.#signals.handle(signal, seq);
    } else if (this.#issue.awaits(signal.tag) && this.#write.isOwn(signal)) this.#write.capture(signal);
    else return;
    this.#wake();
  };

  /** The bus has closed or failed: the performance ends, since no pulse will arrive. */
  loseBus(thrown: unknown): void {
    if (this.#run.ended) return;
    this.#stop(busError(thrown));
    this.#todo.push(() => this.#write.unsendAll());
    this.#wake();
  }

  /** Limits how long the bus may take to deliver the next pulse, in real time: a bus does not run in virtual time. */
  #watchDelivery(): void {
    const { settled } = this.#write;
    if (this.#delivery !== undefined) {
      if (settled === this.#settledBefore && this.#write.outstanding > 0) return;
      realClock.clearTimeout(this.#delivery);
    }
    this.#settledBefore = settled;
    this.#delivery = undefined;
    if (this.#write.outstanding === 0) return;
    const { deliveryMs, graceMs = 1_000 } = this.#run.options;
    const limitMs = deliveryMs ?? graceMs;
    this.#delivery = realClock.setTimeout(() => {
      const what = `it has delivered no result within ${limitMs / 1_000} s; raise \`deliveryMs\` if it may be slower.`;
      this.loseBus(new UnavailableError(what, { inDoubt: true }));
    }, limitMs);
  }

  // ── the conductor

  #createConductor(): Actor<CompiledLogic<ConductorMachine>> {
    const run = this.#run;
    const nextRound = (work: () => void) => () => void this.#todo.push(work);
    let stall: TimerId | undefined;
    const logic = conductorLogic().provide({
      actions: {
        begin: nextRound(() => {
          run.instant = run.clock.now();
          run.startedAt = run.journal?.startedAt ?? run.instant;
          run.events.tell({ type: 'run.started', steps: run.program.fixed });
          run.journal?.signals.forEach(({ signal, at }, i) =>
            this.#signals.handle(signal, `earlier:${i}`, at),
          );
        }),
        squash: nextRound(() => this.#squash()),
        watch: nextRound(() => {
          run.events.tell({ type: 'run.stalled', waiting: this.#waitingSteps() });
          const limitMs = run.options.stallMs ?? 30_000;
          stall = run.clock.setTimeout(() => this.#conduct('STALL_TIMEOUT'), limitMs);
        }),
        unwatch: nextRound(() => stall !== undefined && run.clock.clearTimeout(stall)),
        deadlock: nextRound(() => run.errors.push(this.#deadlock())),
        finish: nextRound(() => {
          if (stall !== undefined) run.clock.clearTimeout(stall);
          this.#finish();
        }),
        impossible: ({ event }) => run.impossible(`conductor: ${event.type}`),
      },
    });
    return createActor(logic, { parent: this.#host, id: 'conductor' }).start();
  }

  #conduct(type: ConductorEvent['type']): void {
    this.#conductor.send({ type });
    this.#wake();
  }
  get #isPerforming(): boolean {
    const { value } = this.#conductor.getSnapshot();
    return value === 'performing' || value === 'stalled';
  }

  get #isClosing(): boolean {
    return this.#conductor.getSnapshot().value === 'closing';
  }

  /** Ends the performance early. The first reason counts. */
  readonly #stop = (error: Error): void => {
    if (this.#run.ended || this.#isClosing) return;
    this.#run.errors.push(error);
    this.#conduct('CAESURA');
  };

  #squash(): void {
    const { pool, options } = this.#run;
    const reason = this.#run.errors.at(-1) as Error;
    for (const station of pool.held()) {
      station.stopReason = reason;
      station.actor.send(SQUASH);
      this.#execute.withdraw(); // one by one: a queue must not order by a step that is gone
    }
    this.#execute.stopAgents();
    this.#grace = realClock.setTimeout(() => this.#conduct('GRACE_OVER'), options.graceMs ?? 1_000);
  }

  /** After each round: is the performance over, or do all steps wait? */
  #takeStock(): void {
    const { program, pool } = this.#run;
    const { running } = this.#execute;
    const idle = pool.busy === 0;
    const value = this.#conductor.getSnapshot().value;
    if (value === 'closing') return idle ? this.#conduct('SETTLED') : undefined;
    if (this.#write.outstanding > 0 || this.#delivery !== undefined) this.#watchDelivery();
    if (value === 'silent') return;
    const over = idle && this.#write.settled + this.#scopes.forgone === program.steps.length;
    const { writes, starts } = pool.notes;
    const working = running + writes.length + starts.length > 0 || this.#execute.hasWork;
    const moving = over || working || this.#run.willGoOn;
    const rests = over || working || this.#run.rests || this.#write.outstanding > 0;
    this.#watchHolds(!rests && pool.held().some(isHeldStation));
    if (value === 'stalled' && moving) this.#conduct('PROGRESS');
    if (over) this.#conduct('SETTLED');
    else if (value === 'performing' && !moving && this.#write.outstanding === 0) this.#conduct('STALL');
  }

  /** Nothing will go on by itself: a fault of the score, or a performance that can wait for its person elsewhere. */
  #deadlock(): Error {
    const waiting = this.#waitingSteps();
    const isHeld = this.#run.journal !== undefined && this.#run.pool.held().some(isHeldStation);
    return isHeld ? new errors.HeldError(waiting) : new errors.DeadlockError(waiting);
  }

  /** Arms, or takes back, the timer after which a performance that only waits for a person ends as `held`. */
  #watchHolds(onlyHolds: boolean): void {
    const { heldMs, journal } = this.#run.options;
    if (journal === undefined || heldMs === undefined) return;
    if (onlyHolds === (this.#leaving !== undefined)) return;
    if (this.#leaving !== undefined) realClock.clearTimeout(this.#leaving);
    this.#leaving = onlyHolds
      ? realClock.setTimeout(() => this.#stop(new errors.HeldError(this.#waitingSteps())), heldMs)
      : undefined;
  }

  #waitingSteps(): errors.WaitingStep[] {
    const { pool, timeline } = this.#run;
    // A scope that is open waits for its own steps, which are listed.
    const held = pool.held().filter((station) => !station.isScope || !isOpen(station));
    const unsettled = new Set(held.map((station) => this.#run.idOf(station)));
    return held.map((station) => {
      const { agent } = this.#run.stepOf(station);
      const { value } = station.actor.getSnapshot();
      const missing = timeline.waitedFor(station.step).filter((other) => unsettled.has(other));
      const waitsFor =
        value === 'held'
          ? this.#run.journal?.restored(station.step)?.inDoubt === true
            ? 'a decision: its effect may have taken place'
            : 'a cue'
          : value === 'ready'
            ? `a unit of '${agent.name}'`
            : missing.map((other) => `'${other}'`).join(', ');
      return { stepId: this.#run.idOf(station), waitsFor };
    });
  }

  /** What has happened so far, earlier lives included. */
  get summary(): Pick<RunOutcome, 'timeline' | 'usage'> {
    const { timeline, journal } = this.#run;
    const { calls, retries } = this.#execute;
    const { earlier = { calls: 0, retries: 0 } } = journal ?? {};
    const stalls = this.#issue.stalls;
    return { timeline, usage: { calls: calls + earlier.calls, retries: retries + earlier.retries, stalls } };
  }

  #finish(): void {
    const { pool, dispatcher, tags, events, program, options, errors: reasons, timeline } = this.#run;
    this.#run.end();
    this.#execute.abandon(reasons.at(-1));
    for (const timer of [this.#delivery, this.#grace, this.#leaving])
      if (timer !== undefined) realClock.clearTimeout(timer);
    for (const tearDown of this.#teardowns.splice(0)) tearDown();
    const outputs = this.#outputs();
    const isHeld = reasons[0] instanceof errors.HeldError;
    const status =
      reasons.length === 0 ? 'completed' : isHeld ? 'held' : this.#cancelled ? 'cancelled' : 'failed';
    for (let step = 0; step < program.steps.length; step++) {
      if (tags.isPending(step)) timeline.ended(step, this.#run.now(), 'cancelled');
    }
    const unkept = this.#keep(status, reasons);
    events.tell({ type: 'run.ended', status: unkept ? 'failed' : status });
    if (options.inspect !== undefined) {
      pool.stop();
      dispatcher.stop();
      this.#host.stop?.();
    }
    if (options.bus === undefined) void this.bus.close();
    this.#resolve({ status: unkept ? 'failed' : status, outputs, errors: reasons, ...this.summary });
  }

  /** Notes the end. @returns whether the log has refused it */
  #keep(status: RunStatus, reasons: Error[]): boolean {
    try {
      this.#run.journal?.over(status, reasons);
      return false;
    } catch (error) {
      reasons.push(busError(error));
      return true;
    }
  }

  #outputs(): Record<string, unknown> {
    const { program, tags } = this.#run;
    for (const { tag } of program.outputs.values()) {
      if (tag !== INPUT && tags.isFaulty(tag)) this.#run.blame(tags.fault(tag));
    }
    try {
      return outputsOf(program, tags, this.#run.input);
    } catch (error) {
      this.#run.errors.push(errors.asError(error));
      return {};
    }
  }
}

const isHeldStation = ({ actor }: Station): boolean => actor.getSnapshot().value === 'held';
