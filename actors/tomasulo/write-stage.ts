/** Write result: what a station has written goes over the bus to the stations that wait for it.
 *
 *  Hardware: the common data bus of Tomasulo 1967. Every listener receives every pulse; a station that waits for its tag
 *  captures the value, and the station that wrote it is free again. */
import type { Pulse } from '../../machines/hct/signal.ts';
import { busError } from '../bus/bus.ts';
import { clear } from './clear.ts';
import * as errors from './errors.ts';
import { unread, type JoinedReads } from './joins.ts';
import type { Restored } from './journal.ts';
import { outputTags } from './operands.ts';
import type { StepPlan } from './program.ts';
import type { RunContext } from './run.ts';
import { putQuestion } from './questions.ts';
import { isWriting, type Station } from './station-pool.ts';
import type { StepStatus } from './timeline.ts';

const OPERAND = Object.freeze({ type: 'OPERAND' } as const);
const FAULT = Object.freeze({ type: 'FAULT' } as const);
const WRITTEN = Object.freeze({ type: 'WRITTEN' } as const);
const UNSENT = Object.freeze({ type: 'UNSENT' } as const);

export class WriteStage {
  readonly #run: RunContext;
  readonly #publishOptions: { readonly runId: string };
  #settled = 0;
  #settledOfScore = 0;
  #outstanding = 0;
  #outputs: ReadonlySet<number> | undefined;

  constructor(run: RunContext) {
    this.#run = run;
    this.#publishOptions = { runId: run.id };
  }
  /** Steps whose result or fault has been on the bus. */
  get settled(): number {
    return this.#settled;
  }

  /** Those of them that are steps of the score itself. */
  get settledOfScore(): number {
    return this.#settledOfScore;
  }

  /** Puts on the bus what stations have written. The bus answers through {@link capture}, at once or later. */
  publish(): void {
    const { writes } = this.#run.pool.notes;
    if (this.#run.journal === undefined) {
      for (let i = 0; i < writes.length; i++) this.#publish(writes[i]!);
      return clear(writes);
    }
    // A fault makes the steps that read it write, too: they are committed before they are sent.
    while (writes.length > 0 && this.#note(writes))
      for (const station of writes.splice(0)) this.#publish(station);
  }
  #publish({ step: tag, written, fault, result }: Station): void {
    this.#run.timeline.wrote(tag, this.#run.now());
    this.send(
      written === 'fault'
        ? { type: 'pulse', tag, fault: fault as errors.StepError, source: this.#run.id }
        : {
            type: 'pulse',
            tag,
            value: written === 'value' ? result : this.#run.fallback(tag),
            source: this.#run.id,
          },
    );
  }

  /** Commits results before any other step has them.
   *  @returns whether they may be sent: not while the journal waits, and not when it has failed */
  #note(writes: Station[]): boolean {
    const { journal, stop } = this.#run;
    try {
      for (const station of writes) {
        if (station.noted) continue;
        station.noted = true;
        const { step, written, result } = station;
        const fault = written === 'fault' ? station.fault : undefined;
        const given = written === 'value' ? result : (fault ?? this.#run.fallback(step));
        journal!.ended(step, this.#statusOf(step, station, fault), given);
      }
      if (!journal!.isWhole) return false;
      journal!.commit();
      return true;
    } catch (error) {
      stop(busError(error));
      for (const station of writes) station.actor.send(UNSENT);
      clear(writes);
      return false;
    }
  }

  /** A step that ended in an earlier life: its dependents have its result, and nothing goes over the bus again. */
  restore(tag: number, { attempts, end }: Restored): void {
    const { tags, program, timeline, events } = this.#run;
    const { status, value, fault, start, end: at } = end!;
    const since = (time: number | undefined) => time && time - this.#run.startedAt;
    timeline.issued(tag, since(start ?? at)!);
    timeline.restore(tag, attempts, since(start), since(at), status);
    this.#run.dropOperands(tag);
    if (fault === undefined) tags.write(tag, value);
    else tags.poison(tag, fault);
    this.#settled++;
    if (tag < program.fixed) this.#settledOfScore++;
    if (fault !== undefined && tag < program.fixed && this.#isUnabsorbed(tag)) this.#run.blame(fault);
    if (events.heard) {
      const stepId = program.idOf(tag);
      events.tell({ type: 'step.ended', stepId, status, restored: true, ...(fault ? { error: fault } : {}) });
    }
    this.#run.settled(tag);
    this.#run.ofScope(tag, fault);
  }

  send(pulse: Pulse): void {
    const { bus } = this.#run;
    const tag = pulse.tag as number;
    this.#outstanding++;
    try {
      const published: unknown = bus.publish(pulse, this.#publishOptions);
      if (published instanceof Promise) published.catch((error: unknown) => this.#refused(tag, error));
    } catch (error) {
      this.#refused(tag, error);
    }
  }

  /** The bus has refused a pulse: the performance cannot go on. */
  #refused(tag: number, error: unknown): void {
    const { stop, next, pool, wake } = this.#run;
    next(() => {
      stop(busError(error));
      const station = pool.holding(tag);
      if (station !== undefined && isWriting(station)) this.#unsend(station);
    });
    wake();
  }
  /** Nothing more will come from the bus: stations whose pulse is on its way are free. */
  unsendAll(): void {
    clear(this.#run.pool.notes.writes);
    for (const station of this.#run.pool.writing()) this.#unsend(station);
    this.#outstanding = 0;
  }
  #unsend(station: Station): void {
    this.#outstanding--;
    station.actor.send(UNSENT);
  }
  /** Pulses that the bus has not delivered. */
  get outstanding(): number {
    return this.#outstanding;
  }

  /** Whether a pulse is what this performance has published for the tag, and no other program's. */
  isOwn({ tag, source }: Pulse): boolean {
    const { id, pool, program } = this.#run;
    if (source !== id) return false;
    const station = pool.holding(tag as number);
    return station === undefined ? program.steps[tag as number]!.tacet === true : isWriting(station);
  }

  /** A result or fault of an issued step passes on the bus. */
  capture(pulse: Pulse): void {
    const { tags, pool, program, joins } = this.#run;
    const tag = pulse.tag as number;
    const writer = pool.holding(tag);
    const fault = pulse.fault as errors.StepError | undefined;
    if (fault === undefined) tags.write(tag, pulse.value);
    else tags.poison(tag, fault);
    this.#settled++;
    if (tag < program.fixed) this.#settledOfScore++;
    this.#outstanding--;
    this.#noteEnd(tag, writer, fault);
    this.#run.settled(tag);
    for (let edge = tags.firstWaiter(tag); edge >= 0; edge = tags.nextWaiter(edge)) {
      const station = pool.holding(program.reader[edge]!);
      if (station === undefined) continue; // it has settled without this operand
      const joined = joins.size === 0 ? undefined : joins.get(station.step);
      if (joined?.has(edge) === true) {
        if (joined.ended(edge, fault)) this.#decided(station, joined);
      } else if (fault === undefined || program.isGuard(edge, program.reader[edge]!)) {
        this.#captureOperand(station);
        if (this.#run.orders.unasked.size > 0) this.#askWhenComplete(station);
      } else this.captureFault(station, fault);
    }
    writer?.actor.send(WRITTEN);
    this.#run.ofScope(tag, fault);
  }

  /** A step that waits for some of its reads has what it waits for, or will not have it. */
  #decided(station: Station, joined: JoinedReads): void {
    if (joined.join.decided === false) this.captureFault(station, joined.fault!);
    else {
      this.#captureOperand(station);
      if (this.#run.orders.unasked.size > 0) this.#askWhenComplete(station);
    }
    this.stopUnread(station.step, joined);
  }
  /** Refuses steps that only a decided join would have read. */
  stopUnread(step: number, joined: JoinedReads): void {
    const { program, tags, refuse } = this.#run;
    for (const tag of unread(program, tags, step, joined))
      refuse(
        tag,
        new errors.CancelledError(`'${program.idOf(step)}' needs it no more`, `step '${program.idOf(tag)}'`),
      );
  }

  #captureOperand(station: Station): void {
    if (station.absence !== undefined && missingOf(station) === 1)
      this.captureFault(station, station.absence);
    else station.actor.send(OPERAND);
  }
  /** An operand is faulty, or absent. A step with an absent operand is skipped when its last operand is there: a fault that
   *  arrives meanwhile is not to be lost. */
  captureFault(station: Station, fault: errors.StepError): void {
    if (fault.isAbsence && missingOf(station) > 1) {
      station.absence ??= fault;
      station.actor.send(OPERAND);
    } else {
      station.fault ??= fault.through(this.#run.idOf(station));
      station.actor.send(FAULT);
    }
    if (this.#run.orders.unasked.size > 0) this.#askWhenComplete(station);
  }
  /** A step that is held for an answer has its last operand. */
  #askWhenComplete({ step, actor }: Station): void {
    const { value, context } = actor.getSnapshot();
    if (value === 'held' && context.missing === 0 && this.#run.orders.unasked.has(step))
      putQuestion(this.#run, step);
  }

  #noteEnd(tag: number, writer: Station | undefined, fault: errors.StepError | undefined): void {
    const { timeline, program, events } = this.#run;
    const status = this.#statusOf(tag, writer, fault);
    timeline.ended(tag, this.#run.now(), status);
    if (status === 'skipped') this.#noteReason(tag, writer, fault);
    if (fault !== undefined && tag < program.fixed && this.#isUnabsorbed(tag)) this.#run.blame(fault);
    if (!events.heard) return;
    const error = fault?.isAbsence
      ? undefined
      : (fault ?? (status === 'defaulted' ? writer?.fault : undefined));
    const reason = timeline.reasonOf(tag);
    const stepId = program.idOf(tag);
    events.tell({
      type: 'step.ended',
      stepId,
      status,
      ...(error ? { error } : {}),
      ...(reason === undefined ? {} : { reason }),
    });
  }

  /** Whether no step stands between a fault and the caller. What an output reads is blamed at the end, since an order of
   *  blame that depends on time would make two equal runs differ; with `onFailure: 'cancel'` it is the end. */
  #isUnabsorbed(tag: number): boolean {
    const { program, options } = this.#run;
    if (!program.isAbsorbed(tag)) return true;
    return options.onFailure === 'cancel' && (this.#outputs ??= outputTags(program.outputs)).has(tag);
  }
  #noteReason(tag: number, writer: Station | undefined, fault: errors.StepError | undefined): void {
    const { timeline, program } = this.#run;
    if (writer?.condition === 'fails') timeline.because(tag, conditionOf(program.steps[tag]!));
    else if (fault !== undefined)
      timeline.because(tag, `'${fault.stepId}' ${fault.isAbsence ? 'was skipped' : 'failed'}`);
  }

  #statusOf(tag: number, writer: Station | undefined, fault: errors.StepError | undefined): StepStatus {
    if (writer?.condition === 'fails') return 'skipped';
    if (fault !== undefined) {
      const ran = this.#run.timeline.attempts(tag) > 0;
      if (fault.stepId !== fault.at) return ran ? 'failed' : 'skipped';
      return fault.cause instanceof errors.CancelledError ? 'cancelled' : 'failed';
    }
    if (writer === undefined) return 'tacet';
    return writer.written === 'default' ? 'defaulted' : 'done';
  }
}

const missingOf = ({ actor }: Station): number => actor.getSnapshot().context.missing;

/** Why a condition did not hold, in words. */
const conditionOf = ({ when, otherwise }: StepPlan): string =>
  when === undefined || otherwise === true
    ? 'the step above was performed'
    : `its condition does not hold${when.text === undefined ? '' : `: ${when.text}`}`;
