/** The orchestrator: Tomasulo's algorithm with agents for functional units (design §5).
 *
 *  Owns    the conductor, and the order of the stages: issue, execute, write result; besides them the stand, where
 *          signals from outside are obeyed.
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
import type { Envelope } from '../machines/signal.ts';
import type { Bus } from './bus.ts';
import type { Clock, TimerId } from './clock.ts';
import type { Dispatch } from './dispatcher.ts';
import * as errors from './errors.ts';
import { ExecuteStage } from './execute-stage.ts';
import { IssueStage } from './issue-stage.ts';
import { outputsOf } from './operands.ts';
import { INPUT, type Program, type RetryPolicy, type View } from './program.ts';
import { Run } from './run.ts';
import type { Outcome, RunEvent } from './run-events.ts';
import { Stand } from './stand.ts';
import { WriteStage } from './write-stage.ts';

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
  /** Called before each start of an agent. Returns the error of the step if a budget does not allow the start. */
  readonly charge?: (() => Error | undefined) | undefined;
  /** Handed to every agent as `context.account`. */
  readonly account?: object | undefined;
  /** Makes `context.shared` when a step asks for it. */
  readonly share?: ((stepId: string) => View) | undefined;
  /** How long an aborted agent may take to settle before it is left behind. Default 1,000 ms. */
  readonly graceMs?: number | undefined;
  /** How long everybody may wait for a cue that no timer will send. Default 30,000 ms. */
  readonly stallMs?: number | undefined;
  /** XState's inspection: reaches every station, unit and the conductor. Free when absent. */
  readonly inspect?: Observer<InspectionEvent> | ((event: InspectionEvent) => void) | undefined;
}

const SQUASH = Object.freeze({ type: 'SQUASH' } as const);

const host = fromCallback(() => {});
let compiled: CompiledLogic<ConductorMachine> | undefined;
/** Compiled when first needed, and once. */
const conductorLogic = () => (compiled ??= compile(conductor));

export class Orchestrator {
  readonly runId: string;
  readonly bus: Bus;
  readonly outcome: Promise<Outcome>;

  readonly #run: Run;
  readonly #host: AnyActorRef;
  readonly #conductor: Actor<CompiledLogic<ConductorMachine>>;
  readonly #issue: IssueStage;
  readonly #execute: ExecuteStage;
  readonly #write: WriteStage;
  readonly #stand: Stand;
  readonly #resolve: (outcome: Outcome) => void;

  #scheduled = false;
  #cancelled = false;
  #todo: (() => void)[] = [];
  #onset: (() => void)[] = []; // to be undone at the end

  constructor(program: Program, options: OrchestratorOptions) {
    this.runId = options.runId;
    const { promise, resolve } = Promise.withResolvers<Outcome>();
    this.outcome = promise;
    this.#resolve = resolve;
    const { inspect } = options;
    this.#host = createActor(host, { id: options.runId, ...(inspect ? { inspect } : {}) }).start();
    this.#run = new Run(program, options, {
      host: this.#host,
      answered: (station, ok, value) => this.#execute.answer(station, ok, value),
      resumed: (step) => this.#execute.resume(step),
      expired: (step, limitMs) => this.#execute.expire(step, limitMs),
      wake: this.#wake,
      stop: this.#stop,
      next: (work) => void this.#todo.push(work),
      isPerforming: () => this.#isPerforming,
    });
    this.bus = this.#run.bus;
    this.#write = new WriteStage(this.#run);
    this.#issue = new IssueStage(this.#run, this.#write);
    this.#execute = new ExecuteStage(this.#run, () => this.#scheduled || this.#pump());
    this.#stand = new Stand(this.#run, this.#execute, (reason) => this.cancel(reason));
    this.#conductor = this.#createConductor();
  }

  /** Has what happens told, in order, from now on. What does not listen costs nothing. */
  listen(listener: (event: RunEvent) => void): void {
    this.#run.events.listen(listener);
  }

  /** Begins at the end of this instant, so that the caller can still listen. */
  start(): void {
    const { options, clock } = this.#run;
    const { signal, timeout } = options;
    const hearing = this.bus.signals.subscribe(this.#hear);
    this.#onset.push(() => hearing.unsubscribe());
    if (signal !== undefined) {
      const abort = () => this.cancel(signal.reason);
      if (signal.aborted) clock.atEndOfInstant(abort);
      else signal.addEventListener('abort', abort, { once: true });
      this.#onset.push(() => signal.removeEventListener('abort', abort));
    }
    if (timeout?.totalMs !== undefined) {
      const { totalMs } = timeout;
      const tooLate = () => this.#stop(new errors.TimeoutError('the performance', totalMs));
      const timer = clock.setTimeout(tooLate, totalMs);
      this.#onset.push(() => clock.clearTimeout(timer));
    }
    clock.atEndOfInstant(() => this.#conduct('DOWNBEAT'));
  }

  /** A caesura: aborts what runs, discards what waits. The outcome is `cancelled`. */
  cancel(reason?: unknown): void {
    if (this.#run.ended) return;
    this.#cancelled = true;
    this.#stop(new errors.CancelledError(reason));
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
      this.#rounds();
      run.inRound = false;
      if (!run.ended) this.#takeStock();
    } catch (error) {
      // A fault of ours must not leave the caller waiting for ever.
      run.errors.push(new errors.InvariantError(errors.messageOf(error), { cause: error }));
      this.#execute.abandon(errors.asError(error));
      this.#finish();
    }
  };

  #rounds(): void {
    const { clock, pool } = this.#run;
    const { notes } = pool;
    const issue = this.#issue;
    const execute = this.#execute;
    const write = this.#write;
    do {
      this.#run.instant = clock.now();
      if (this.#todo.length > 0) for (const work of this.#todo.splice(0)) work();
      if (execute.hasAnswers) execute.settle();
      if (notes.writes.length > 0) write.publish();
      issue.issue();
      execute.grant();
      if (notes.starts.length > 0) execute.startAgents();
      if (notes.rests.length > 0) execute.backOff();
    } while (execute.hasAnswers || notes.writes.length + this.#todo.length > 0 || execute.hasWork);
  }

  readonly #hear = ({ runId, signal, seq }: Envelope): void => {
    if (runId !== this.runId || this.#run.ended) return;
    if (!this.#run.inRound) this.#run.instant = this.#run.clock.now(); // the bus took its time
    if (signal.type !== 'pulse') this.#stand.obey(signal, seq);
    else if (this.#issue.awaits(signal.tag)) this.#write.capture(signal);
    this.#wake();
  };

  // ── the conductor

  #createConductor(): Actor<CompiledLogic<ConductorMachine>> {
    const run = this.#run;
    const later = (work: () => void) => () => void this.#todo.push(work);
    let stall: TimerId | undefined;
    const logic = conductorLogic().provide({
      actions: {
        begin: later(() => {
          run.startedAt = run.instant = run.clock.now();
          run.events.tell({ type: 'run.started', steps: run.program.steps.length });
        }),
        squash: later(() => this.#squash()),
        watch: later(() => {
          run.events.tell({ type: 'run.stalled', waiting: this.#whoWaits() });
          const limitMs = run.options.stallMs ?? 30_000;
          stall = run.clock.setTimeout(() => this.#conduct('STALL_TIMEOUT'), limitMs);
        }),
        unwatch: later(() => stall !== undefined && run.clock.clearTimeout(stall)),
        deadlock: later(() => run.errors.push(new errors.DeadlockError(this.#whoWaits()))),
        finish: later(() => {
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

  /** Ends the performance early. The first reason counts. */
  readonly #stop = (error: Error): void => {
    if (this.#run.ended || this.#conductor.getSnapshot().value === 'closing') return;
    this.#run.errors.push(error);
    this.#conduct('CAESURA');
  };

  #squash(): void {
    const { pool } = this.#run;
    for (const station of pool.held()) {
      station.actor.send(SQUASH);
      this.#stand.withdraw(); // one by one: a queue must not order by a step that is gone
    }
    const reason = this.#run.errors.at(-1) as Error;
    for (const station of pool.notes.aborts.splice(0)) this.#execute.abort(station, reason);
  }

  /** After each round: is it over, or does everybody wait? */
  #takeStock(): void {
    const { program, pool } = this.#run;
    const idle = pool.busy === 0;
    const value = this.#conductor.getSnapshot().value;
    const over = idle && this.#write.settled === program.steps.length && value !== 'silent';
    if (value === 'closing' ? idle : over) return this.#conduct('SETTLED');
    const { requests, writes } = pool.notes;
    const moving = this.#execute.running + requests.length + writes.length > 0 || this.#run.willGoOn;
    if (value === 'performing' && !moving && !pool.writing) this.#conduct('STALL');
    else if (value === 'stalled' && moving) this.#conduct('PROGRESS');
  }

  #whoWaits(): errors.Waiting[] {
    const { pool, timeline } = this.#run;
    const held = pool.held();
    const unsettled = new Set(held.map((station) => this.#run.stepOf(station).id));
    return held.map((station) => {
      const { id, agent } = this.#run.stepOf(station);
      const { value } = station.actor.getSnapshot();
      const missing = timeline.waitedFor(station.step).filter((other) => unsettled.has(other));
      const waitsFor =
        value === 'held'
          ? 'a cue'
          : value === 'ready'
            ? `a unit of '${agent.name}'`
            : missing.map((other) => `'${other}'`).join(', ');
      return { stepId: id, waitsFor };
    });
  }

  #finish(): void {
    const { pool, dispatcher, tags, timeline, events, program, options, errors: reasons } = this.#run;
    this.#run.end();
    for (const undo of this.#onset.splice(0)) undo();
    const outputs = this.#outputs();
    const status = reasons.length === 0 ? 'completed' : this.#cancelled ? 'cancelled' : 'failed';
    for (let step = 0; step < program.steps.length; step++) {
      if (tags.isPending(step)) timeline.ended(step, this.#run.now(), 'cancelled');
    }
    events.tell({ type: 'run.ended', status });
    if (options.inspect !== undefined) {
      pool.stop();
      dispatcher.stop();
      this.#host.stop?.();
    }
    if (options.bus === undefined) void this.bus.close();
    const { calls, retries } = this.#execute;
    const usage = { calls, retries, stalls: this.#issue.stalls };
    this.#resolve({ status, outputs, errors: reasons, timeline, usage });
  }

  #outputs(): Record<string, unknown> {
    const { program, tags, options } = this.#run;
    for (const { tag } of program.outputs.values()) {
      if (tag !== INPUT && tags.isFaulty(tag)) this.#run.blame(tags.fault(tag));
    }
    try {
      return outputsOf(program, tags, options.input);
    } catch (error) {
      this.#run.errors.push(errors.asError(error));
      return {};
    }
  }
}
