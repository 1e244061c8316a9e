/** Scopes: maps, sub-scores and loops. A scope's step is a station like any other; its work is other steps.
 *
 *  Owns:     the scopes that are under way, what of them is not yet issued, and the results of their elements.
 *  Receives: scopes that have their operands, and which steps have settled.
 *  Sends:    answers of scopes, as agents send theirs; which steps to refuse.
 *
 *  A scope is in program order where its step stands. {@link Scopes.root} is the score itself; its children are the scopes
 *  that may still issue steps, oldest first. `docs/decisions/0043` says why nothing can lock up. */
import { freeze } from '../bus/freeze.ts';
import type { AddedSteps } from './dynamic-program.ts';
import * as errors from './errors.ts';
import { outputsOf } from './operands.ts';
import { PendingJoin } from './joins.ts';
import { INPUT, ScoreError, type ScopePlan } from './program.ts';
import type { Join } from '../../machines/tomasulo/join.ts';
import type { RunContext } from './run.ts';
import type { Station } from './station-pool.ts';

/** An element that is under way. */
interface Element {
  /** Steps of it that have not settled. */
  left: number;
  settled: number;
  /** The first fault that none of its steps absorbs. */
  fault: errors.StepError | undefined;
}

export class ScopeStep {
  readonly tag: number;
  readonly parent: ScopeStep | undefined;
  /** Scopes in it that may still issue steps, oldest first. */
  readonly children: ScopeStep[] = [];
  /** The steps that are issued now: for the score itself all, for a loop those of a round. */
  from = 0;
  to = 0;
  /** Steps of one element. */
  size = 1;
  /** The next step to issue. */
  cursor = 0;
  concurrency = Infinity;
  station: Station | undefined;
  /** No step will follow. */
  closed = false;
  /** It has given its answer. */
  decided = false;
  operands: Readonly<Record<string, unknown>> = {};
  expansion: AddedSteps | undefined;
  /** Elements that have begun and not ended. */
  active = 0;
  ended = 0;
  /** Of a map: whether its elements make a result. */
  join: PendingJoin | undefined;
  /** Of elements of more than one step, and of those alone. */
  readonly elements = new Map<number, Element>();
  /** By element: its result, or the fault in its place. */
  readonly results: unknown[] = [];
  readonly faults = new Map<number, errors.StepError>();
  round = 1;

  constructor(tag: number, parent: ScopeStep | undefined) {
    this.tag = tag;
    this.parent = parent;
  }
  /** Whether the next step may be issued, as far as this scope has a say. */
  get mayGoOn(): boolean {
    if (this.closed || this.cursor >= this.to) return false;
    return this.active < this.concurrency || (this.cursor - this.from) % this.size !== 0;
  }
  get isExhausted(): boolean {
    return this.closed || (this.expansion !== undefined && this.cursor >= this.to && !this.mayRepeat);
  }
  mayRepeat = false;
}

export class Scopes {
  readonly #run: RunContext;
  readonly #answer: (station: Station, ok: boolean, value: unknown) => void;
  readonly #refuse: (step: number, reason: Error) => void;
  readonly #opened: (expansion: AddedSteps) => void;
  readonly root = new ScopeStep(INPUT, undefined);
  /** By the tag of a scope's step. */
  readonly #scopes = new Map<number, ScopeStep>();
  /** By expansion. */
  readonly #byExpansion = new Map<AddedSteps, ScopeStep>();
  /** Steps that will never be issued. */
  #forgone = 0;
  /** Something can be issued that could not be before. */
  hasNews = false;

  /** @param opened is called when steps have been added. */
  constructor(
    run: RunContext,
    answer: (station: Station, ok: boolean, value: unknown) => void,
    refuse: (step: number, reason: Error) => void,
    opened: (expansion: AddedSteps) => void,
  ) {
    this.#run = run;
    this.#answer = answer;
    this.#refuse = refuse;
    this.#opened = opened;
    this.root.to = run.program.fixed;
  }
  get forgone(): number {
    return this.#forgone;
  }

  /** A scope's step has been issued. */
  issued(tag: number, parent: ScopeStep): void {
    const scope = new ScopeStep(tag, parent);
    this.#scopes.set(tag, scope);
    parent.children.push(scope);
  }
  /** The step of a scope has its operands: its steps may be issued. */
  open(station: Station): void {
    const scope = this.#scopes.get(station.step)!;
    scope.station = station;
    const plan = this.#planOf(scope);
    try {
      const operands = this.#run.operandsOf(scope.tag);
      scope.operands = operands;
      if (plan.kind === 'map') this.#openMap(scope, plan);
      else this.#openBody(scope, plan, operands, plan.kind === 'repeat' ? '#1' : '');
    } catch (error) {
      this.#decide(scope, false, error);
    }
  }
  #planOf(scope: ScopeStep): ScopePlan {
    return this.#run.program.steps[scope.tag]!.scope!;
  }

  #openMap(scope: ScopeStep, plan: ScopePlan & { kind: 'map' }): void {
    const { [plan.as]: list, ...others } = scope.operands;
    const id = this.#run.program.idOf(scope.tag);
    if (!Array.isArray(list))
      throw new errors.MapError(
        `'${id}' maps over ${kindOf(list)}, which is no list; let \`over\` name a list, or make one in a step before.`,
      );
    const { join = 'all' } = plan;
    if (typeof join === 'object' && join.quorum > list.length)
      throw new errors.MapError(
        `'${id}' needs ${join.quorum} successes, and its list has ${list.length} elements; lower \`join.quorum\`, or lengthen the list.`,
      );
    if (list.length === 0 && (join === 'any' || join === 'first'))
      throw new errors.MapError(
        `'${id}' waits for one element of an empty list; give it a \`default\`, or skip it with \`when\`.`,
      );
    const { as, index, accept } = plan;
    const element = (i: number): Record<string, unknown> => {
      const operands: Record<string, unknown> = { ...others, [as]: list[i] as unknown };
      if (index !== undefined) operands[index] = i;
      return operands;
    };
    // An input that has been checked is kept: the check may change it, and a body reads it more than once.
    const checked: unknown[] | undefined =
      accept && list.map((_, i) => accepted(() => accept(element(i)), `${id}[${i}]`));
    scope.concurrency = plan.concurrency ?? Infinity;
    this.#begin(scope, {
      scope: scope.tag,
      body: plan.body,
      elements: list.length,
      inputOf: checked === undefined ? element : (i) => checked[i],
      suffix: (i) => `[${i}]`,
      flat: plan.flat,
    });
    scope.join = new PendingJoin({
      ...{ join, parts: list.length, eager: this.#run.options.onFailure === 'cancel' },
      ...{ parent: this.#run.host, id, impossible: this.#run.impossible },
    });
    if (scope.join.decided === true) this.#decide(scope, true, freeze([]));
  }
  #openBody(scope: ScopeStep, { body, accept, kind }: ScopePlan, given: unknown, suffix: string): void {
    const id = this.#run.program.idOf(scope.tag) + suffix;
    const input = accept === undefined ? given : accepted(() => accept(given), id);
    scope.mayRepeat = kind === 'repeat';
    this.#begin(scope, {
      scope: scope.tag,
      body,
      elements: 1,
      inputOf: () => input,
      suffix: () => suffix,
      flat: false,
    });
  }
  #begin(scope: ScopeStep, given: Omit<AddedSteps, 'base' | 'firstEdge'>): void {
    const expansion = this.#run.expand(given);
    scope.expansion = expansion;
    scope.size = given.body.steps.length;
    scope.from = scope.cursor = expansion.base;
    scope.to = expansion.base + given.elements * scope.size;
    this.#byExpansion.set(expansion, scope);
    this.hasNews = true;
    this.#opened(expansion);
  }

  /** A step of a scope is about to be issued. */
  beginStep(scope: ScopeStep, tag: number): void {
    if (scope.expansion === undefined || (tag - scope.from) % scope.size !== 0) return;
    scope.active++;
    if (!scope.expansion.flat)
      scope.elements.set((tag - scope.from) / scope.size, { left: scope.size, settled: 0, fault: undefined });
  }
  /** How many steps before this one have settled, and have to for a downbeat: in its element, or in the score. */
  hasSettledBefore(scope: ScopeStep, tag: number, settledOfScore: number): boolean {
    if (scope.expansion === undefined) return settledOfScore >= tag;
    const place = (tag - scope.from) % scope.size;
    return place === 0 || scope.elements.get((tag - scope.from - place) / scope.size)!.settled >= place;
  }

  /** A step has settled. */
  settled(tag: number, fault: errors.StepError | undefined): void {
    const { program } = this.#run;
    if (program.steps[tag]!.scope !== undefined) this.#forget(tag);
    const expansion = program.ownerOf(tag);
    if (expansion === undefined) return;
    const scope = this.#byExpansion.get(expansion);
    if (scope === undefined) return;
    const element = Math.floor((tag - expansion.base) / scope.size);
    if (expansion.flat) {
      const result = fault === undefined ? this.#run.tags.value(tag) : undefined;
      this.#run.tags.drop(tag);
      return this.#endElement(scope, element, fault, result);
    }
    const state = scope.elements.get(element)!;
    state.settled++;
    if (fault !== undefined && !program.isAbsorbed(tag) && !fault.isAbsence) state.fault ??= fault;
    if (--state.left > 0) return;
    scope.elements.delete(element);
    this.#endBody(scope, expansion, element, state.fault);
  }
  /** All steps of a body have settled. */
  #endBody(
    scope: ScopeStep,
    expansion: AddedSteps,
    element: number,
    given: errors.StepError | undefined,
  ): void {
    const { program, tags } = this.#run;
    const { body } = expansion;
    const first = expansion.base + element * scope.size;
    let fault = given;
    for (const { tag } of body.outputs.values())
      if (tag !== INPUT && tags.isFaulty(first + tag) && !tags.fault(first + tag).isAbsence)
        fault ??= tags.fault(first + tag);
    let outputs: unknown;
    try {
      if (fault === undefined)
        outputs = outputsOf(program, tags, expansion.inputOf(element), body.outputs, first);
    } catch (error) {
      fault = new errors.StepError(program.elementId(expansion, element), error);
    }
    for (const { tag } of body.outputs.values()) if (tag !== INPUT) tags.drop(first + tag);
    this.#endElement(scope, element, fault, outputs);
  }

  #endElement(scope: ScopeStep, element: number, fault: errors.StepError | undefined, result: unknown): void {
    scope.active--;
    scope.ended++;
    if (scope.decided) return;
    const plan = this.#planOf(scope);
    if (fault !== undefined) scope.faults.set(element, fault);
    else if (plan.kind === 'map') scope.results[element] = result;
    if (plan.kind === 'map') this.#judgeMap(scope, plan.join ?? 'all', element, fault);
    else if (fault !== undefined) this.#decide(scope, false, fault);
    else if (plan.kind === 'score') this.#decide(scope, true, result);
    else this.#judgeRound(scope, plan, result as Record<string, unknown>);
  }

  /** Whether a map has its result now. */
  #judgeMap(scope: ScopeStep, join: Join, element: number, fault: errors.StepError | undefined): void {
    const pending = scope.join!;
    if (!pending.ended(fault === undefined)) return;
    const { results, faults } = scope;
    const met = pending.decided === true;
    if (join === 'all' || join === 'allSettled')
      this.#decide(scope, met, met ? listOf(scope, join) : firstOf(faults));
    else if (met)
      this.#decide(scope, true, typeof join === 'string' ? results[element] : freeze(Object.values(results)));
    else if (join === 'first') this.#decide(scope, false, fault);
    else
      this.#decide(scope, false, tooFew(faults, join === 'any' ? 1 : join.quorum, scope.expansion!.elements));
  }

  #judgeRound(
    scope: ScopeStep,
    plan: ScopePlan & { kind: 'repeat' },
    outputs: Record<string, unknown>,
  ): void {
    const { round } = scope;
    const frozen = freeze(outputs);
    try {
      if (plan.until(frozen, round)) return this.#decide(scope, true, frozen);
      if (round >= plan.max) {
        if (plan.onCap === 'accept') return this.#decide(scope, true, frozen);
        throw new errors.VampError(plan.max, 'max');
      }
      scope.round++;
      this.#byExpansion.delete(scope.expansion!);
      this.#openBody(scope, plan, { ...scope.operands, ...frozen }, `#${round + 1}`);
    } catch (error) {
      this.#decide(scope, false, error);
    }
  }

  /** The scope has its result or its fault. What of it still runs is refused. */
  #decide(scope: ScopeStep, ok: boolean, value: unknown): void {
    scope.decided = true;
    const { station, expansion } = scope;
    const { program } = this.#run;
    if (expansion !== undefined && (scope.cursor < scope.to || scope.active > 0)) {
      const id = program.idOf(scope.tag);
      this.#stopRest(scope, new errors.CancelledError(undefined, `the rest of '${id}'`));
    }
    this.#close(scope);
    this.#answer(station!, ok, value);
  }
  /** Its station is to stop: a signal, a time-out. The scope answers when its steps have been told. */
  cancel(station: Station, reason: Error): void {
    const scope = this.#scopes.get(station.step);
    if (scope === undefined || scope.decided) return;
    scope.decided = true;
    scope.join?.cancel();
    this.#stopRest(scope, reason);
    this.#close(scope);
    this.#answer(station, false, reason);
  }
  #stopRest(scope: ScopeStep, reason: Error): void {
    const { tags, timeline, pool } = this.#run;
    const { from, to, cursor } = scope;
    scope.closed = true;
    for (let tag = from; tag < cursor; tag++) if (tags.isPending(tag)) this.#refuse(tag, reason);
    for (let tag = cursor; tag < to; tag++) {
      if (pool.holding(tag) !== undefined) continue;
      timeline.ended(tag, this.#run.now(), 'cancelled');
      tags.forgo(tag);
      this.#forgone++;
    }
  }
  #close(scope: ScopeStep): void {
    if (this.#run.options.inspect !== undefined) scope.join?.stop();
    scope.closed = true;
    scope.mayRepeat = false;
    this.#leave(scope);
  }
  /** Its step has settled, or no step of it will follow. */
  #leave(scope: ScopeStep | undefined): void {
    if (scope === undefined) return;
    scope.closed = true;
    const siblings = scope.parent!.children;
    const place = siblings.indexOf(scope);
    if (place >= 0) siblings.splice(place, 1);
  }
  /** The step of a scope has settled. */
  #forget(tag: number): void {
    const scope = this.#scopes.get(tag);
    if (scope === undefined) return; // it was silent
    this.#leave(scope);
    this.#scopes.delete(tag);
    if (scope.expansion === undefined) return;
    this.#byExpansion.delete(scope.expansion);
    if (scope.active === 0) scope.expansion.inputOf = () => undefined; // the list may be large
  }
  /** Takes scopes out of the order of issue that will issue no more steps. */
  prune(scope: ScopeStep): void {
    for (let i = scope.children.length - 1; i >= 0; i--) {
      const child = scope.children[i]!;
      if (child.isExhausted && child.children.length === 0) scope.children.splice(i, 1);
    }
  }
}

const kindOf = (value: unknown): string =>
  value === null || value === undefined
    ? String(value)
    : typeof value === 'object'
      ? 'an object'
      : `a ${typeof value}`;

function accepted(check: () => unknown, id: string): unknown {
  const value = check();
  if (value instanceof Promise) {
    value.catch(() => {});
    throw new ScoreError(id, 'the schema of its input is asynchronous; check such values in a step instead.');
  }
  return value;
}

/** The results of a map in the order of its list. */
function listOf({ results, faults, expansion }: ScopeStep, join: 'all' | 'allSettled'): unknown {
  if (join === 'all') return freeze(results);
  const all = Array.from({ length: expansion!.elements }, (_, i) => {
    const reason = faults.get(i);
    return reason === undefined ? { status: 'fulfilled', value: results[i] } : { status: 'rejected', reason };
  });
  return freeze(all);
}
/** The fault of the first element that has one. Not `Math.min(...)`: a call takes only some 100,000 arguments. */
function firstOf(faults: ScopeStep['faults']): errors.StepError {
  let first = Infinity;
  for (const element of faults.keys()) first = Math.min(first, element);
  return faults.get(first)!;
}

function tooFew(faults: ScopeStep['faults'], quorum: number, elements: number): Error {
  const [first] = faults.values();
  const needed = quorum === 1 ? 'one success is needed' : `${quorum} successes are needed`;
  return new errors.MapError(
    `${needed}, and ${faults.size} of ${elements} elements failed; the first: ${errors.messageOf(first?.cause)}`,
    { cause: first },
  );
}
