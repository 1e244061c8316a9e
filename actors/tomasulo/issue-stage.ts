/** Issue: steps enter stations in program order, until the window is full or a downbeat waits.
 *
 *  Hardware: the issue stage of Tomasulo 1967. An operand that is on its way is waited for by its tag; one that has
 *  passed is in the tag table. A step that finds no station stalls all behind it (a structural hazard). */
import type { StationEvent } from '../../machines/tomasulo/reservation-station.ts';
import type { Tag } from '../../machines/hct/signal.ts';
import type { Restored } from './journal.ts';
import { JoinedReads, PendingJoin } from './joins.ts';
import { INPUT, joinsSome, readsOf, type StepPlan } from './program.ts';
import { putQuestion, holdByScore } from './questions.ts';
import type { ScopeStep, Scopes } from './scopes.ts';
import type { RunContext } from './run.ts';
import type { Station } from './station-pool.ts';
import type { WriteStage } from './write-stage.ts';

export class IssueStage {
  readonly #run: RunContext;
  readonly #write: WriteStage;
  readonly #scopes: Scopes;
  readonly #refuse: (step: number, reason: Error) => void;
  readonly #resume: (step: number) => void;
  /** Times that no station was free. */
  #stalls = 0;
  #growing = false;
  /** Whether a scope that comes earlier in the program may still issue steps: it needs a station that it can count on. */
  #reserved = false;

  /** @param refuse refuses a step that a signal named before the step was issued
   *  @param resume lets a step go on whose rest is over */
  constructor(
    run: RunContext,
    write: WriteStage,
    scopes: Scopes,
    refuse: (step: number, reason: Error) => void,
    resume: (step: number) => void,
  ) {
    this.#run = run;
    this.#write = write;
    this.#scopes = scopes;
    this.#refuse = refuse;
    this.#resume = resume;
  }
  get stalls(): number {
    return this.#stalls;
  }
  /** Whether the tag is that of an issued step whose result has not been on the bus. */
  awaits(tag: Tag): boolean {
    const { tags, timeline, program } = this.#run;
    if (typeof tag !== 'number' || !(tag >= 0 && tag < program.steps.length)) return false;
    return tags.isPending(tag) && timeline.isIssued(tag);
  }

  /** Issues what can be issued now: first what scopes have added, from the oldest scope on, then what follows them. */
  issue(): void {
    this.#reserved = false;
    this.#scopes.hasNews = false;
    if (this.#run.isPerforming()) this.#visit(this.#scopes.root);
  }
  /** @returns whether there is still a free station */
  #visit(scope: ScopeStep): boolean {
    if (scope.children.length > 0) {
      for (const child of [...scope.children]) if (!this.#visit(child)) return false;
      this.#scopes.prune(scope);
    }
    const goesOn = this.#issueFrom(scope);
    if (!scope.isExhausted) this.#reserved = true;
    return goesOn;
  }
  #issueFrom(scope: ScopeStep): boolean {
    const { program, pool, isPerforming } = this.#run;
    while (scope.mayGoOn && isPerforming()) {
      const tag = scope.cursor;
      const step = program.steps[tag]!;
      if (step.downbeat && !this.#scopes.hasSettledBefore(scope, tag, this.#write.settledOfScore))
        return true;
      const restored = this.#run.journal?.restored(tag);
      if (restored?.end !== undefined) {
        scope.cursor++;
        this.#scopes.beginStep(scope, tag);
        this.#write.restore(tag, restored);
        continue;
      }
      const isReserved = this.#reserved || scope.children.length > 0;
      if (step.tacet === true) {
        // takes no station
      } else if (step.scope !== undefined) {
        if (isReserved && !pool.hasRoomForScope) return true;
      } else if (pool.room < (isReserved ? 2 : 1)) {
        this.#stall();
        return false;
      }
      scope.cursor++; // first: a silent step is on the bus before the call returns
      this.#scopes.beginStep(scope, tag);
      if (step.scope !== undefined && step.tacet !== true) this.#scopes.issued(tag, scope);
      if (step.tacet) this.#skipSilent(tag);
      else this.#issueStep(tag, step, restored);
    }
    return true;
  }

  /** The pool grows only if no station is free even when what settles at once has settled. */
  #stall(): void {
    const { pool, clock, wake } = this.#run;
    if (pool.atWindow) this.#stalls++;
    else if (!this.#growing) {
      this.#growing = true;
      clock.afterThisTurn(() => {
        this.#growing = false;
        if (pool.room < 2 && pool.grow()) wake();
      });
    }
  }

  #issueStep(index: number, step: StepPlan, restored: Restored | undefined): void {
    const { program, tags, timeline, events, pool } = this.#run;
    const { firstEdge, source } = program;
    let missing = 0;
    let faults = 0;
    const joined = program.hasJoins && joinsSome(step) ? this.#joinReads(index, step) : undefined;
    if (joined !== undefined && joined.join.decided !== true) missing++;
    for (let edge = joined?.to ?? firstEdge[index]!; edge < firstEdge[index + 1]!; edge++) {
      const tag = source[edge]!;
      if (tag === INPUT) continue;
      if (tags.isPending(tag)) tags.wait(edge, tag);
      else if (tags.isFaulty(tag) && !program.isGuard(edge, index)) faults++;
      else continue;
      missing++;
    }
    timeline.issued(index, this.#run.now());
    events.tellStep('step.issued', index);
    const isScope = step.scope !== undefined;
    const station = pool.issue(index, this.#event(index, step, missing, restored), isScope);
    if (restored !== undefined) this.#goOn(station, index, restored);
    const refusal = this.#run.orders.refused.get(index);
    if (refusal !== undefined) return this.#refuse(index, refusal);
    if (missing === 0 && this.#run.orders.unasked.has(index)) putQuestion(this.#run, index);
    if (faults > 0) this.#captureFaults(station, index, joined?.to ?? firstEdge[index]!);
    if (joined?.join.decided === false) this.#write.captureFault(station, joined.fault!);
    if (joined?.join.decided !== undefined) this.#write.stopUnread(index, joined);
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
      (this.#run.options.retry === undefined || step.scope !== undefined);
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

  /** The reads of a step that waits for some of them. Those that have ended count in the order in which they ended. */
  #joinReads(index: number, step: StepPlan): JoinedReads {
    const { program, tags, timeline, host, impossible, joins } = this.#run;
    const from = program.firstEdge[index]!;
    const parts = readsOf(step);
    const id = program.idOf(index);
    const join = new PendingJoin({ join: step.join!, parts, parent: host, id, impossible });
    const joined = new JoinedReads(from, from + parts, join);
    joins.set(index, joined);
    const ended: { readonly edge: number; readonly tag: number; readonly at: number }[] = [];
    for (let edge = from; edge < joined.to; edge++) {
      const tag = program.source[edge]!;
      if (tag === INPUT) ended.push({ edge, tag, at: -Infinity });
      else if (tags.isPending(tag)) tags.wait(edge, tag);
      else ended.push({ edge, tag, at: timeline.endOf(tag) });
    }
    ended.sort((a, b) => a.at - b.at || a.edge - b.edge);
    for (const { edge, tag } of ended)
      joined.ended(edge, tag !== INPUT && tags.isFaulty(tag) ? tags.fault(tag) : undefined);
    return joined;
  }

  /** Operands that were faulty before this step was issued. */
  #captureFaults(station: Station, index: number, from: number): void {
    const { program, tags } = this.#run;
    const { firstEdge, source } = program;
    for (let edge = from; edge < firstEdge[index + 1]!; edge++) {
      const tag = source[edge]!;
      if (tag !== INPUT && tags.isFaulty(tag) && !program.isGuard(edge, index))
        this.#write.captureFault(station, tags.fault(tag));
    }
  }

  #holdsAtIssue(index: number, step: StepPlan, restored: Restored | undefined): number {
    const { holds, events, program } = this.#run;
    if (step.fermata === undefined && holds.none) return 0;
    let count = 0;
    // A step that has been started was released before.
    const begun = restored?.begun === true;
    if (step.fermata !== undefined && !begun && !this.#run.orders.released.has(index))
      holdByScore(this.#run, index);
    for (const hold of holds.over(...program.namesOf(index))) {
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
    if (step.scope !== undefined) return 0;
    const policy = step.retry ?? this.#run.options.retry;
    return policy === undefined || (step.effects === 'external' && !policy.repeatsEffect)
      ? 0
      : policy.attempts - 1;
  }
}
