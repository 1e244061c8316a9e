/** The journal of one performance in a log: what its stages note, and what earlier lives have noted. */
import { LogError, type LogRecord } from '../../actors/bus/log.ts';
import type { RunLog } from '../../actors/bus/run-store.ts';
import type { Clock } from '../../actors/bus/clock.ts';
import { leftOf } from '../../actors/tomasulo/holds.ts';
import { InterruptedError, InvariantError, NotJsonError, StepError } from '../../actors/tomasulo/errors.ts';
import type { Journal, ProgramOfJournal, Restored, StandIn } from '../../actors/tomasulo/journal.ts';
import type { Program, StepPlan } from '../../actors/tomasulo/program.ts';
import type { RunStatus } from '../../actors/tomasulo/run-events.ts';
import type { StepStatus } from '../../actors/tomasulo/timeline.ts';
import type { FermataHold } from '../../machines/hct/hold.ts';
import type { HctSignal } from '../../machines/hct/signal.ts';
import { jsonFault } from '../../machines/hct/wire/json.ts';
import { BusClosedError, UnavailableError } from '../../actors/bus/bus.ts';
import { FaultReader, faultRecord, type FaultRecord } from './fault-record.ts';
import { printOf } from './score-print.ts';
import { FORMAT, RunRecord, type Decision, type EndRecord, type StepRecord } from './facts.ts';

export class RunJournal implements Journal {
  readonly log: RunLog;
  readonly faults = new FaultReader();
  readonly #score: Program;
  #program: ProgramOfJournal;
  readonly #clock: Clock;
  readonly #record: RunRecord;
  /** By id: the index. Filled when an id has to be found. */
  readonly #places = new Map<string, number>();
  #placed = 0;
  readonly #standIns = new Map<string, StandIn>();
  /** Steps that publish what they have written to shared state, because they have succeeded. */
  readonly #committing = new Set<string>();
  /** Those of them whose writes are in the log, and whose result is not. */
  readonly #unfinished = new Set<string>();
  readonly #whole: (() => void)[] = [];
  #scheduled: ReturnType<typeof setTimeout> | undefined;
  #lost: (error: unknown) => void = () => {};
  #wake: () => void = () => {};
  #startedAt: number | undefined;
  /** Makes the record of the end, once the performance is over. */
  #endOf: (() => Omit<EndRecord, 'status' | 'errors'>) | undefined;

  constructor(log: RunLog, program: Program, clock: Clock, record = new RunRecord()) {
    this.log = log;
    this.#score = program;
    this.#program = { steps: program.steps, idOf: (step) => program.steps[step]!.id };
    this.#clock = clock;
    this.#record = record;
    this.#startedAt = record.begin?.at;
    for (const [id, { decision }] of record.steps) if (decision !== undefined) this.#decided(id, decision);
  }
  /** @param lost called when a commit fails that nothing waits for
   *  @param wake called when the journal is whole again
   *  @param endOf what is noted of the end, in addition to its status */
  connect(
    lost: (error: unknown) => void,
    wake: () => void,
    endOf: () => Omit<EndRecord, 'status' | 'errors'>,
  ): void {
    this.#lost = lost;
    this.#wake = wake;
    this.#endOf = endOf;
  }

  use(program: ProgramOfJournal): void {
    this.#program = program;
  }
  get startedAt(): number {
    return (this.#startedAt ??= this.#clock.now());
  }
  /** What the score reads as `input`. */
  get input(): unknown {
    return valueOf(this.#record.begin?.input);
  }
  get earlier(): { calls: number; retries: number } {
    const sum = { calls: 0, retries: 0 };
    for (const { attempts, hedges, retries, rest } of this.#record.steps.values()) {
      sum.calls += attempts + hedges;
      sum.retries += retries - (rest === undefined ? 0 : 1); // a retry that rests is counted when it starts
    }
    return sum;
  }
  /** Notes the beginning: from here on, the run can be resumed.
   *  @throws {NotJsonError} for an input that JSON cannot keep */
  begin(score: string, input: unknown, options: object & { readonly scoreFile?: string | undefined }): void {
    const fault = input === undefined ? undefined : jsonFault(input);
    if (fault !== undefined)
      throw new NotJsonError('the input', fault.path, fault.problem, fault.remedy.replace('Send', 'Give'));
    const kept = Object.fromEntries(
      Object.entries(options).filter(([name, value]) => KEPT_OPTIONS.includes(name) && value !== undefined),
    );
    const data = { format: FORMAT, score, options: kept, file: options.scoreFile };
    this.append('begin', '', data, textOf(input));
    this.append('score', '', undefined, printOf(this.#score));
    this.commit();
  }
  get signals(): RunRecord['signals'] {
    return this.#record.signals;
  }

  append(kind: string, about: string, data?: unknown, value?: string): void {
    const record: LogRecord = {
      kind,
      about,
      at: this.#clock.now(),
      data: data === undefined ? undefined : JSON.stringify(data),
      value,
    };
    this.log.append(record);
    if (this.#scheduled === undefined) this.#commitSoon();
  }
  /** What nothing waits for is committed soon, so that little is lost; a commit meanwhile has taken it along. */
  #commitSoon(): void {
    const { committed } = this.log;
    this.#scheduled = setTimeout(() => {
      this.#scheduled = undefined;
      if (!this.isWhole || this.log.tip === this.log.committed) return;
      if (this.log.committed > committed) return this.#commitSoon();
      try {
        this.log.commit();
      } catch (error) {
        this.#lost(error);
      }
    }, 1);
  }
  commit(): void {
    this.log.commit();
  }
  get isWhole(): boolean {
    return this.#unfinished.size === 0;
  }
  /** A step has succeeded, and publishes what it has written. */
  committing(stepId: string): void {
    this.#committing.add(stepId);
  }
  /** A write to shared state has been accepted. Of a step that has succeeded, it counts together with its result. */
  wrote(stepId: string): void {
    if (this.#committing.has(stepId)) this.#unfinished.add(stepId);
  }
  /** The step's result has been noted, or its attempt is over without one. */
  #finished(stepId: string): void {
    if (this.#committing.size === 0) return;
    this.#committing.delete(stepId);
    if (!this.#unfinished.delete(stepId) || !this.isWhole) return;
    this.#wake();
    for (const resolve of this.#whole.splice(0)) resolve();
  }
  /** Commits as soon as the log is whole. */
  async commitWhole(): Promise<void> {
    while (!this.isWhole) await new Promise<void>((resolve) => this.#whole.push(resolve));
    this.commit();
  }

  accept(step: number, result: unknown): void {
    const fault = result === undefined ? undefined : jsonFault(result);
    if (fault === undefined) return;
    const { path, problem, remedy } = fault;
    throw new NotJsonError(
      `the result of '${this.#idOf(step)}'`,
      path,
      problem,
      remedy.replace('Send', 'Return'),
    );
  }
  start(step: number, attempt: number, counts: boolean): void {
    this.append('start', this.#idOf(step), counts ? [attempt, 1] : attempt);
  }
  opened(step: number): void {
    if (this.#record.steps.get(this.#idOf(step))?.isOpened !== true) this.append('open', this.#idOf(step));
  }
  hedged(step: number, counts: boolean): void {
    this.append('hedge', this.#idOf(step), counts ? 1 : 0);
  }
  unstarted(step: number): void {
    this.append('unstarted', this.#idOf(step));
  }
  failed(step: number, attempt: number, error: unknown, delayMs: number): void {
    this.append('fail', this.#idOf(step), { attempt, delayMs, error: faultRecord(error) });
    this.#finished(this.#idOf(step));
  }
  round(step: number, round: number, result: unknown): void {
    this.append('round', this.#idOf(step), round, textOf(result));
    this.#finished(this.#idOf(step));
  }
  held(step: number, { since }: FermataHold): void {
    this.append('hold', this.#idOf(step), since);
  }
  signal(signal: HctSignal): void {
    this.append('signal', '', undefined, JSON.stringify(signal));
    if (this.isWhole) this.commit(); // else within this instant
  }
  ended(step: number, status: StepStatus, given: unknown): void {
    const id = this.#idOf(step);
    this.#standIns.delete(id);
    const isFault = given instanceof StepError;
    const data = status === 'done' ? undefined : isFault ? { status, fault: faultRecord(given) } : { status };
    this.append('pulse', id, data, isFault ? undefined : textOf(given));
    this.#finished(id);
  }

  restored(step: number): Restored | undefined {
    const id = this.#idOf(step);
    const record = this.#record.steps.get(id);
    if (record === undefined) return undefined;
    const { attempts, failures, retries, rounds, previous, rest, heldSince, end, isOpened } = record;
    return {
      ...{ failures, retries, rounds, heldSince, begun: attempts > 0 || isOpened },
      // One that goes on opens once more.
      attempts: isOpened && end !== undefined ? 1 : attempts,
      previous: valueOf(previous),
      restMs: rest && leftOf(rest.delayMs, rest.since, this.#clock.now()),
      inDoubt: this.#isInDoubt(step, record),
      end: end && {
        status: end.status,
        value: valueOf(end.value),
        fault: end.fault && (this.faults.read(end.fault) as StepError),
        start: record.firstStart,
        end: end.at,
      },
    };
  }
  /** Whether an external attempt has no outcome, and must not be repeated without a decision. */
  #isInDoubt(step: number, record: StepRecord): boolean {
    if (!record.open || record.decision !== undefined) return false;
    const { effects, retry, agent } = this.#program.steps[step]!;
    return effects === 'external' && retry?.repeatsEffect !== true && agent.usesEffectKey !== true;
  }
  /** Steps in doubt. */
  get inDoubt(): number[] {
    const { steps } = this.#record;
    const found: number[] = [];
    this.#program.steps.forEach((_, step) => {
      const record = steps.get(this.#idOf(step));
      if (record !== undefined && this.#isInDoubt(step, record)) found.push(step);
    });
    return found;
  }
  /** @returns undefined for a step that no scope has added yet */
  planOf(stepId: string): StepPlan | undefined {
    const step = this.#placeOf(stepId);
    return step === undefined ? undefined : this.#program.steps[step];
  }
  isInDoubt(stepId: string): boolean {
    const record = this.#record.steps.get(stepId);
    if (record === undefined) return false;
    const step = this.#placeOf(stepId);
    // Of a step that no scope has added yet only the log is known.
    return step === undefined ? record.open && record.decision === undefined : this.#isInDoubt(step, record);
  }
  /** Notes a decision about a step in doubt. @returns its index, or −1 if no scope has added it yet @throws {LogError} when it is not in doubt */
  decide(stepId: string, decision: Decision): number {
    const step = this.#placeOf(stepId) ?? -1;
    const record = this.#record.steps.get(stepId);
    if (record === undefined || !this.isInDoubt(stepId)) {
      const doubtful = this.inDoubt.map((other) => `'${this.#idOf(other)}'`).join(', ');
      throw new LogError(
        `step '${stepId}' of run '${this.log.runId}' needs no decision: it is not an external step that was cut off. In doubt: ${doubtful || 'none'}.`,
      );
    }
    if ('did' in decision && step >= 0) this.accept(step, decision.did);
    this.append(
      'decide',
      stepId,
      undefined,
      JSON.stringify('did' in decision ? { did: decision.did ?? null } : decision),
    );
    this.commit();
    record.decision = decision;
    this.#decided(stepId, decision);
    return step;
  }
  #decided(stepId: string, decision: Decision): void {
    if ('redo' in decision) return;
    this.#standIns.set(
      stepId,
      'did' in decision
        ? { ok: true, value: decision.did }
        : { ok: false, error: new Error(`given up by a person: ${decision.fail}`) },
    );
  }
  standIn(step: number): StandIn | undefined {
    return this.#standIns.size === 0 ? undefined : this.#standIns.get(this.#idOf(step));
  }

  over(status: RunStatus, reasons: readonly Error[]): void {
    if (reasons.some(isLost)) return clearTimeout(this.#scheduled);
    if (status !== 'held' && !reasons.some((reason) => reason instanceof InterruptedError)) {
      const errors: FaultRecord[] = reasons.map(faultRecord);
      const end: EndRecord = { status, errors, ...this.#endOf!() };
      this.append('end', '', undefined, JSON.stringify(end));
      this.log.ended(status);
    }
    this.#unfinished.clear();
    clearTimeout(this.#scheduled);
    this.commit();
  }

  #idOf(step: number): string {
    return this.#program.idOf(step);
  }
  #placeOf(id: string): number | undefined {
    const known = this.#places.get(id);
    if (known !== undefined) return known;
    for (; this.#placed < this.#program.steps.length; this.#placed++)
      this.#places.set(this.#idOf(this.#placed), this.#placed);
    return this.#places.get(id);
  }
}

/** Options of `perform` that a later life goes on with. */
const KEPT_OPTIONS = [
  ...['maxConcurrency', 'window', 'timeout', 'retry', 'budget', 'dispatch', 'priority', 'patience'],
  ...['graceMs', 'deliveryMs', 'stallMs', 'seed'],
];

/** Whether this process cannot say how the performance went: then nothing is noted, and another may go on. */
const isLost = (error: unknown): boolean =>
  error instanceof LogError ||
  error instanceof BusClosedError ||
  error instanceof UnavailableError ||
  error instanceof InvariantError;

const textOf = (value: unknown): string | undefined =>
  value === undefined ? undefined : JSON.stringify(value);
const valueOf = (text: string | undefined): unknown => (text === undefined ? undefined : JSON.parse(text));
