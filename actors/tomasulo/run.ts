/** What the stages of one performance share: the program, its tables, its stations, its time. It decides nothing. */
import type { AnyActorRef } from 'xstate';
import type { Bus } from '../bus/bus.ts';
import { realClock, type Clock, type TimerId } from '../bus/clock.ts';
import { Dispatcher } from './dispatcher.ts';
import * as errors from './errors.ts';
import { Holds, type StepNames } from './holds.ts';
import type { JoinedReads } from './joins.ts';
import type { Journal } from './journal.ts';
import { setOwn } from '../bus/freeze.ts';
import { createBus } from '../bus/in-process-bus.ts';
import { DynamicProgram, type AddedSteps } from './dynamic-program.ts';
import type { OrchestratorOptions } from './orchestrator-options.ts';
import { operandsOf } from './operands.ts';
import { INPUT, type Program, type StepPlan } from './program.ts';
import { RunEvents } from './run-events.ts';
import { StationPool, type Station } from './station-pool.ts';
import { StepOrders } from './step-orders.ts';
import { TagTable } from './tag-table.ts';
import { Timeline } from './timeline.ts';

/** What the shared parts call when something happens to them. */
export interface RunLinks {
  readonly host: AnyActorRef;
  /** An agent has answered. */
  answered(station: Station, ok: boolean, value: unknown): void;
  /** A step has lost one of its holds. */
  resumed(step: number): void;
  /** A step's hold ran out, and its policy is to fail. */
  expired(step: number, limitMs: number): void;
  /** A step's result or fault has been on the bus. */
  ofScope(tag: number, fault: errors.StepError | undefined): void;
  /** Refuses a step that must not run, or must stop running. */
  refuse(step: number, reason: Error): void;
  /** There is something to do at the end of this instant. */
  wake(): void;
  /** Ends the performance early. */
  stop(error: Error): void;
  /** Runs this in the next round. */
  next(work: () => void): void;
  /** Whether the conductor lets steps be issued. */
  isPerforming(): boolean;
}

export class RunContext {
  readonly id: string;
  readonly program: DynamicProgram;
  readonly options: OrchestratorOptions;
  readonly clock: Clock;
  readonly bus: Bus;
  readonly tags: TagTable;
  readonly timeline: Timeline;
  readonly events: RunEvents;
  readonly pool: StationPool;
  readonly holds: Holds;
  readonly dispatcher: Dispatcher;
  readonly ofScope: RunLinks['ofScope'];
  /** The parent of the performance's actors. */
  readonly host: AnyActorRef;
  readonly journal: Journal | undefined;
  readonly refuse: RunLinks['refuse'];
  /** By step that waits for some of its reads: how far that is. */
  readonly joins = new Map<number, JoinedReads>();
  readonly wake: () => void;
  readonly stop: (error: Error) => void;
  readonly next: (work: () => void) => void;
  readonly isPerforming: () => boolean;
  /** Why the performance is not complete. */
  readonly errors: Error[] = [];
  /** What the score reads as `input`. */
  input: unknown;
  /** Steps whose own condition did not hold: what `otherwise` asks. */
  readonly declined = new Set<number>();
  /** Orders of signals to steps, until the steps have ended. */
  readonly orders = new StepOrders();
  startedAt = 0;
  /** The time of this round: reading the clock for every step would cost more than the step. */
  instant = 0;
  /** Inside of a round all happens at one instant. */
  inRound = false;
  ended = false;
  /** The instant from which rounds pause, so that timers, aborts and other work of the process get their turn. */
  pauseAt = Infinity;
  /** How many agents may still start before rounds pause. */
  startsLeft = Infinity;
  readonly #timers = new Set<TimerId>();
  /** Timers after which nothing goes on by itself. */
  readonly #limits = new Set<TimerId>();
  /** By step: its back-off, and the limit of a vamp that a signal asked for. */
  readonly #timersOf = new Map<number, TimerId[]>();

  constructor(score: Program, options: OrchestratorOptions, links: RunLinks) {
    const program = new DynamicProgram(score);
    this.id = options.runId;
    this.program = program;
    this.options = options;
    this.journal = options.journal;
    this.journal?.use(program);
    this.clock = options.clock ?? realClock;
    this.bus = options.bus ?? createBus({ runId: options.runId, clock: this.clock });
    this.tags = new TagTable(program);
    this.timeline = new Timeline(program);
    this.events = new RunEvents(options.runId, program, this.clock);
    this.ofScope = links.ofScope;
    this.host = links.host;
    this.refuse = links.refuse;
    this.wake = links.wake;
    this.stop = links.stop;
    this.next = links.next;
    this.isPerforming = links.isPerforming;
    this.pool = new StationPool({
      steps: program.steps.length,
      window: options.window ?? 1_024,
      grows: !chooses(program, options),
      parent: links.host,
      settle: (index, ok, value) => links.answered(this.pool.at(index), ok, value),
      released: this.dropOperands,
      impossible: this.impossible,
    });
    this.holds = new Holds(this.clock, {
      resume: links.resumed,
      expire: links.expired,
      escalate: (step, to) =>
        this.events.tell({ type: 'step.escalated', stepId: this.program.idOf(step), to }),
    });
    this.dispatcher = new Dispatcher({
      program,
      dispatch: options.dispatch ?? 'reactive',
      priority: options.priority ?? 'path',
      maxConcurrency: options.maxConcurrency,
      patience: options.patience ?? 1_024,
      parent: links.host,
      impossible: this.impossible,
    });
  }

  /** Milliseconds since the downbeat. */
  now(): number {
    return this.instant - this.startedAt;
  }
  stepOf(station: Station): StepPlan {
    return this.program.steps[station.step]!;
  }
  idOf(station: Station): string {
    return this.program.idOf(station.step);
  }
  readonly namesOf = (step: number): StepNames => this.program.namesOf(step);
  /** Adds the steps of a body, once for each element of a scope. */
  expand(given: Omit<AddedSteps, 'base' | 'firstEdge'>): AddedSteps {
    const { program, tags, timeline, pool } = this;
    const expansion = program.expand(given);
    tags.grow(expansion.base, program);
    timeline.grow();
    pool.reach(program.steps.length);
    return expansion;
  }
  /** What a step reads, with what a person has replaced.
   *  @throws {OperandError} when a read follows a property that is not there. */
  operandsOf(step: number): Record<string, unknown> {
    const joined = this.joins.size === 0 ? undefined : this.joins.get(step);
    const operands = operandsOf(this.program, this.tags, this.input, step, joined);
    const edits = this.orders.edits.get(step);
    for (const name in edits) setOwn(operands, name, edits[name]);
    return operands;
  }
  /** The value that stands in for a step's result. */
  fallback(step: number): unknown {
    return this.program.steps[step]!.fallback?.value;
  }
  /** A step reads no more. */
  readonly dropOperands = (step: number): void => {
    const { firstEdge, source } = this.program;
    for (let edge = firstEdge[step]!; edge < firstEdge[step + 1]!; edge++) {
      const tag = source[edge]!;
      if (tag !== INPUT) this.tags.drop(tag);
    }
  };
  /** A machine received an event that its table calls impossible. */
  readonly impossible = (what: string): void => this.next(() => this.stop(new errors.InvariantError(what)));

  /** A fault that no step absorbs. Each step that failed first is named once. */
  blame(fault: errors.StepError): void {
    if (fault.isAbsence || !fault.blame()) return;
    if (this.options.onFailure === 'cancel') this.stop(fault);
    else this.errors.push(fault);
  }

  /** A timer that ends with the performance. */
  setTimer(ms: number, callback: () => void, timers = this.#timers): TimerId {
    const timer = this.clock.setTimeout(() => {
      timers.delete(timer);
      callback();
    }, ms);
    timers.add(timer);
    return timer;
  }
  clearTimer(timer: TimerId): void {
    this.#timers.delete(timer);
    this.#limits.delete(timer);
    this.clock.clearTimeout(timer);
  }
  /** A timer that ends with a step, which goes on afterwards. */
  setTimerOf(step: number, ms: number, callback: () => void): void {
    this.#noteTimerOf(step, this.setTimer(ms, callback));
  }
  /** A timer that ends with a step, and that a step which waits does not wait for. */
  setLimitOf(step: number, ms: number, callback: () => void): void {
    this.#noteTimerOf(step, this.setTimer(ms, callback, this.#limits));
  }
  #noteTimerOf(step: number, timer: TimerId): void {
    const timers = this.#timersOf.get(step);
    if (timers === undefined) this.#timersOf.set(step, [timer]);
    else timers.push(timer);
  }
  #clearTimersOf(step: number): void {
    for (const timer of this.#timersOf.get(step) ?? []) this.clearTimer(timer);
    this.#timersOf.delete(step);
  }
  /** A step has ended: nothing of it is left waiting. */
  settled(step: number): void {
    if (this.#timersOf.size > 0) this.#clearTimersOf(step);
    if (!this.holds.none) this.holds.leave(step);
    this.orders.drop(step);
    if (this.joins.size > 0) this.#dropJoin(step);
  }
  #dropJoin(step: number): void {
    if (this.options.inspect !== undefined) this.joins.get(step)?.join.stop();
    this.joins.delete(step);
  }
  /** Whether something will go on by itself: a retry, the end of a silence or of a hold. */
  get willGoOn(): boolean {
    return this.#timers.size > 0 || this.holds.willExpire;
  }
  /** Whether a back-off or a silence will end, holds aside. */
  get rests(): boolean {
    return this.#timers.size > 0;
  }
  end(): void {
    this.ended = true;
    for (const timer of [...this.#timers, ...this.#limits]) this.clock.clearTimeout(timer);
    this.holds.close();
  }
}

/** Whether ready steps compete for units: then all of the window has to be issued before the choice. */
function chooses(
  program: DynamicProgram,
  { dispatch = 'reactive', maxConcurrency }: OrchestratorOptions,
): boolean {
  if (dispatch !== 'reactive' || maxConcurrency !== undefined) return true;
  for (const { capacity } of program.agents()) if (capacity !== undefined) return true;
  return false;
}
