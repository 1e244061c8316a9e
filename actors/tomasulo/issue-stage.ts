/** Issue: steps enter stations in program order, until the window is full or a downbeat waits.
 *
 *  Hardware: the issue stage of Tomasulo 1967. An operand that is on its way is waited for by its tag; one that has
 *  passed is in the tag table. A step that finds no station stalls all behind it (a structural hazard). */
import type { StationEvent } from '../../machines/tomasulo/reservation-station.ts';
import { fermata, type Tag } from '../../machines/hct/signal.ts';
import type { Restored } from './journal.ts';
import { INPUT, type StepPlan } from './program.ts';
import type { RunContext } from './run.ts';
import type { Station } from './station-pool.ts';
import type { WriteStage } from './write-stage.ts';

export class IssueStage {
  readonly #run: RunContext;
  readonly #write: WriteStage;
  readonly #refuse: (step: number, reason: Error) => void;
  readonly #resume: (step: number) => void;
  /** The next step to issue. */
  #cursor = 0;
  /** Times that no station was free. */
  #stalls = 0;
  #growing = false;

  /** @param refuse refuses a step that a signal named before the step was issued
   *  @param resume lets a step go on whose rest is over */
  constructor(
    run: RunContext,
    write: WriteStage,
    refuse: (step: number, reason: Error) => void,
    resume: (step: number) => void,
  ) {
    this.#run = run;
    this.#write = write;
    this.#refuse = refuse;
    this.#resume = resume;
  }
  get stalls(): number {
    return this.#stalls;
  }
  /** Whether the tag is that of an issued step whose result has not been on the bus. */
  awaits(tag: Tag): boolean {
    return typeof tag === 'number' && tag >= 0 && tag < this.#cursor && this.#run.tags.isPending(tag);
  }

  /** Issues what can be issued now. */
  issue(): void {
    const { program, pool, isPerforming } = this.#run;
    const { steps } = program;
    while (this.#cursor < steps.length && isPerforming()) {
      const index = this.#cursor;
      const step = steps[index] as StepPlan;
      if (step.downbeat && this.#write.settled < index) return;
      const restored = this.#run.journal?.restored(index);
      if (restored?.end !== undefined) {
        this.#cursor++;
        this.#write.restore(index, restored);
        continue;
      }
      if (!step.tacet && !pool.hasRoom) return this.#stall();
      this.#cursor++; // first: a silent step is on the bus before the call returns
      if (step.tacet) this.#skipSilent(index);
      else this.#issueStep(index, step, restored);
    }
  }

  /** The pool grows only if no station is free even when what settles at once has settled. */
  #stall(): void {
    const { pool, clock, wake } = this.#run;
    if (pool.atWindow) this.#stalls++;
    else if (!this.#growing) {
      this.#growing = true;
      clock.afterThisTurn(() => {
        this.#growing = false;
        if (!pool.hasRoom && pool.grow()) wake();
      });
    }
  }

  #issueStep(index: number, step: StepPlan, restored: Restored | undefined): void {
    const { program, tags, timeline, events, pool } = this.#run;
    const { firstEdge, source } = program;
    let missing = 0;
    let faults = 0;
    for (let edge = firstEdge[index]!; edge < firstEdge[index + 1]!; edge++) {
      const tag = source[edge]!;
      if (tag === INPUT) continue;
      if (tags.isPending(tag)) tags.wait(edge, tag);
      else if (tags.isFaulty(tag)) faults++;
      else continue;
      missing++;
    }
    timeline.issued(index, this.#run.now());
    events.tellStep('step.issued', index);
    const station = pool.issue(index, this.#event(index, step, missing, restored));
    if (restored !== undefined) this.#goOn(station, index, restored);
    if (faults > 0) this.#captureFaults(station, index);
    const refusal = this.#run.orders.refused.get(index);
    if (refusal !== undefined) this.#refuse(index, refusal);
  }

  /** A step that an earlier life has begun. */
  #goOn(station: Station, index: number, restored: Restored): void {
    const { attempts, failures, previous, restMs, inDoubt } = restored;
    this.#run.timeline.restore(index, attempts);
    station.failures = failures;
    station.result = previous;
    station.retrying = restMs !== undefined;
    if (restMs !== undefined) this.#run.setTimerOf(index, restMs, () => this.#resume(index));
    if (inDoubt) this.#run.events.tellStep('step.doubtful', index);
  }

  #event(index: number, step: StepPlan, missing: number, restored?: Restored): StationEvent {
    let holds = this.#holdsAtIssue(index, step, restored); // joins them
    if (restored?.restMs !== undefined) holds++;
    if (restored?.inDoubt === true) holds++;
    const ordered = this.#run.orders.vamps.get(index);
    const plain =
      holds === 0 &&
      restored === undefined &&
      step.retry === undefined &&
      step.fallback === undefined &&
      step.join !== 'allSettled' &&
      step.vamp === undefined &&
      ordered === undefined &&
      this.#run.options.retry === undefined;
    if (plain) return { type: 'ISSUE', tag: index, missing };
    return {
      type: 'ISSUE',
      tag: index,
      missing,
      holds,
      retries: Math.max(0, this.#retriesOf(step) - (restored?.retries ?? 0)),
      repeats: Math.max(0, (ordered?.rounds ?? step.vamp?.max ?? 1) - 1 - (restored?.rounds ?? 0)),
      tolerant: step.join === 'allSettled',
      fallback: step.fallback !== undefined,
    };
  }

  /** Operands that were faulty before this step was issued. */
  #captureFaults(station: Station, index: number): void {
    const { program, tags } = this.#run;
    const { firstEdge, source } = program;
    for (let edge = firstEdge[index]!; edge < firstEdge[index + 1]!; edge++) {
      const tag = source[edge]!;
      if (tag !== INPUT && tags.isFaulty(tag)) this.#write.captureFault(station, tags.fault(tag));
    }
  }

  #holdsAtIssue(index: number, step: StepPlan, restored: Restored | undefined): number {
    const { holds, events, journal } = this.#run;
    if (step.fermata === undefined && holds.none) return 0;
    let count = 0;
    // A step that has been started was released before.
    const begun = restored !== undefined && restored.attempts > 0;
    if (step.fermata !== undefined && !begun && !this.#run.orders.released.has(index)) {
      const hold = holds.begin(holdSignal(step), `fermata:${index}`, true, restored?.heldSince);
      if (restored?.heldSince === undefined) journal?.held(index, hold);
    }
    for (const hold of holds.over(step.id, step.agent.name)) {
      holds.join(hold.id, index);
      count++;
    }
    if (count > 0) events.tellStep('step.held', index);
    return count;
  }

  #skipSilent(index: number): void {
    this.#run.timeline.issued(index, this.#run.now());
    this.#run.dropOperands(index);
    this.#write.send({ type: 'pulse', tag: index, value: this.#run.fallback(index), source: this.#run.id });
  }

  #retriesOf(step: StepPlan): number {
    const policy = step.retry ?? this.#run.options.retry;
    return policy === undefined || (step.effects === 'external' && !policy.repeatsEffect)
      ? 0
      : policy.attempts - 1;
  }
}

/** The fermata that a score writes on a step. */
function holdSignal({ id, fermata: plan = {} }: StepPlan) {
  const { holdType = 'human', timeoutMs = 30_000, onTimeout = 'fail' } = plan;
  return fermata({ source: 'score', targets: [id], holdType, timeoutMs, onTimeout });
}
