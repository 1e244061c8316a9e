/** A score, decoded for issue: the steps in program order, their names renamed to tags.
 *
 *  Hardware: the register status table and register renaming of Tomasulo 1967. A read is bound to the
 *  *latest earlier* write of its name, so write-after-read and write-after-write hazards vanish and only the
 *  true dependences remain. The tag of a result is the index of the step that produces it.
 *
 *  Dependences are kept as compressed rows (two integers per edge), so that a score of 100,000 steps costs
 *  a few dozen bytes a step. */
import type { Join } from '../../machines/tomasulo/join.ts';
import type { PoolState } from '../governor/governor.ts';

/** What runs a step. The orchestrator calls it and does not inspect it. */
export interface AgentPlan {
  readonly name: string;
  run(operands: Record<string, unknown>, context: AgentContext): unknown;
  /** How many steps of this agent may run at once; 1 … Number.MAX_SAFE_INTEGER. Default: no limit. */
  readonly capacity?: number | undefined;
  /** Called when the number of its steps that run or wait has changed. Needs a `capacity`: a pool without one is never
   *  full. See `UnitGovernor.observe`. */
  readonly observe?: ((pool: PoolState) => void) | undefined;
  /** Pays for what it does from the performance's account: its steps share what is left there. */
  readonly spends?: boolean | undefined;
  /** It gives `context.effectKey` to the receiver of its effect, which does nothing twice under one key. So an external
   *  attempt of a durable performance that a crash has cut off may run again. */
  readonly usesEffectKey?: boolean | undefined;
  /** Finds out whether the effect of a key took place, after a crash: `{ value }` if it did, with the step's result;
   *  undefined if it did not. When it throws, a person is asked. */
  readonly reconcile?: Reconcile | undefined;
  /** What its author says has changed; see `resume`. Code cannot be compared. */
  readonly version?: string | undefined;
}

/** See {@link AgentPlan.reconcile}. */
export type Reconcile = (
  effectKey: string,
  signal: AbortSignal,
) => Promise<{ readonly value: unknown } | undefined> | { readonly value: unknown } | undefined;

/** What an agent receives in addition to its operands. It sees nothing of the rest of the performance. */
export interface AgentContext {
  readonly runId: string;
  readonly stepId: string;
  /** 1 at the first try. */
  readonly attempt: number;
  /** Names the effect of this step, in a vamp of this round: the same in every try, also after a crash and a restart. A
   *  receiver that honours it as an idempotency key does the effect once. */
  readonly effectKey: string;
  /** Whether this is the second attempt of a try that is hedged: ask another server. Both have the same `attempt` and
   *  `effectKey`. */
  readonly hedged?: boolean | undefined;
  /** Why the try before this one failed; undefined at the first try, and after a round of a vamp that succeeded. */
  readonly lastError?: unknown;
  /** What a person has answered, where the step was held for an answer. */
  readonly answer?: unknown;
  /** What belongs to the whole performance, for agents that meter themselves; see `PerformOptions.budget`. */
  readonly account?: object | undefined;
  /** The step's own view of what the performance shares, if its score shares anything. */
  readonly shared?: SharedView | undefined;
  /** Sends a part of the text that the agent is writing to the performance's listeners; undefined while there are none.
   *  `again` takes back all text that this try has sent before. */
  readonly say?: ((delta: string, again?: boolean) => void) | undefined;
  /** Says that the agent still works, where its step has `idleMs`. Text that it sends says so, too. */
  beat(): void;
  /** Aborted on time-out, silence, cancellation and caesura. */
  readonly signal: AbortSignal;
  /** Milliseconds on the performance's clock. */
  now(): number;
  /** Sleeps on the performance's clock, real or virtual; any number of milliseconds from 0. Rejects when `signal`
   *  aborts. A sleep that is still pending when the agent has answered never ends, and keeps nothing alive. */
  sleep(ms: number): Promise<void>;
}

/** What one attempt of a step has of the shared state. */
export interface SharedView {
  /** Called when the agent has succeeded, before its result is written. A rejection fails the attempt. */
  commit?(): unknown;
  /** Called once, when the attempt is over. Discards what was not committed. */
  close(): unknown;
}

/** Makes one attempt's view of the shared state.
 *  @param waiting takes every promise of the view that another step may have to settle, and returns it: while an attempt
 *  waits, virtual time passes */
export type Share = (stepId: string, waiting: <T>(work: Promise<T>) => Promise<T>) => SharedView;

export interface RetryPolicy {
  /** Tries in all, 1 … 100. */
  readonly attempts: number;
  /** Milliseconds before the second try. Default 1,000. */
  readonly delayMs?: number | undefined;
  /** Each further delay is this many times longer, 1 … 10. Default 2. */
  readonly factor?: number | undefined;
  /** No delay is longer. Default 60,000. */
  readonly maxDelayMs?: number | undefined;
  /** By how much of itself a delay may be shorter, drawn at random, 0 … 1. Default 0. See `PerformOptions.seed`. */
  readonly jitter?: number | undefined;
  /** Which errors are retried: a predicate over the error and the try that failed (from 1), or names and codes of errors,
   *  such as `['TimeoutError', 'ECONNRESET']`; those of an error's causes count. Default: all but mistakes in the code
   *  (TypeError, ReferenceError) and errors whose `retryable` is false, such as SchemaError. NonRetryableError, a spent
   *  budget and a cancellation are never retried. */
  readonly on?: readonly string[] | ((error: unknown, attempt: number) => boolean) | undefined;
  /** An external effect may be repeated, because the agent makes repeats harmless (an idempotency key). */
  readonly repeatsEffect?: boolean | undefined;
}

/** HCT's vamp: repeat a step until it is satisfied. The agent finds its last result under the operand `previous`. */
export interface VampPlan {
  /** The most rounds, 1 … 1,000. A vamp always has a limit. */
  readonly max: number;
  /** Whether a result is good enough; rounds count from 1. May be asynchronous. */
  readonly until: (result: unknown, round: number) => boolean | PromiseLike<boolean>;
  /** What happens when the last round is not good enough: `fail` (default) or `accept` its result. */
  readonly onCap?: 'fail' | 'accept' | undefined;
}

export interface HoldPlan {
  readonly holdType?: 'human' | 'governance' | 'resource' | 'quality' | undefined;
  /** Milliseconds until the hold ends by itself. Default 30,000 (HCT's). */
  readonly timeoutMs?: number | undefined;
  /** What happens then. Default `fail`. */
  readonly onTimeout?: 'fail' | 'resume' | undefined;
  /** What the person is asked. With a question or an answer, time counts from the moment that the operands are there. */
  readonly question?: string | undefined;
  /** A Standard Schema for the answer. The hold is lifted only by an answer that fits; `context.answer` has it. */
  readonly answer?: object | undefined;
  /** Milliseconds between reminders while the step is held. Default: none. */
  readonly remindMs?: number | undefined;
  /** Who decides when the time is over, and for how many milliseconds more; then `onTimeout` counts. */
  readonly escalate?: { readonly to: string; readonly timeoutMs?: number | undefined } | undefined;
}

/** A condition of a step: it is asked when the operands are there. */
export interface ConditionPlan {
  readonly test: (operands: Readonly<Record<string, unknown>>) => boolean;
  /** The condition in words, for reports. */
  readonly text?: string | undefined;
}

interface ScopeOf {
  /** The steps that the scope adds while the performance runs. */
  readonly body: Program;
  /** Checks what a body reads as `input`. Throws for what does not fit. */
  readonly accept?: ((input: unknown) => unknown) | undefined;
}
/** The body once for each element of a list. */
export interface MapPlan extends ScopeOf {
  readonly kind: 'map';
  /** The operand of the element, and that of its place if it has one. */
  readonly as: string;
  readonly index?: string | undefined;
  /** How many elements may be under way at once. Default: no limit. */
  readonly concurrency?: number | undefined;
  readonly join?: Join | undefined;
  /** The body is one step, and its result is that of the element. */
  readonly flat: boolean;
}
/** The body once. */
export interface SubScorePlan extends ScopeOf {
  readonly kind: 'score';
}
/** The body until its outputs are good enough. Each round reads the operands, overwritten by the outputs before. */
export interface RepeatPlan extends ScopeOf {
  readonly kind: 'repeat';
  /** The most rounds, 1 … 1,000. */
  readonly max: number;
  readonly until: (outputs: Readonly<Record<string, unknown>>, round: number) => boolean;
  /** What happens when the last round is not good enough: `fail` (default) or `accept` its outputs. */
  readonly onCap?: 'fail' | 'accept' | undefined;
}
/** A step whose work is other steps. */
export type ScopePlan = MapPlan | SubScorePlan | RepeatPlan;

/** What may be read: `name`, `name.property`, `input`, `input.property`, or a list of these. */
export type Read = string | readonly string[];

/** A second attempt of a step that is late. */
export interface HedgePlan {
  /** How long the first attempt may take before the second one is started, in milliseconds. */
  readonly afterMs: number;
}

export interface StepPlan {
  readonly id: string;
  readonly agent: AgentPlan;
  readonly reads?: Readonly<Record<string, Read>> | undefined;
  /** Steps (by the names they write) that have to be done before, though nothing of them is read. */
  readonly after?: readonly string[] | undefined;
  /** The name that this step writes. Default: its id. */
  readonly writes?: string | undefined;
  /** What of its reads it waits for. `all` (default); `allSettled`: a faulty operand arrives as
   *  `{status: 'rejected', reason}`; `any`: the first success; `first`: the first that ends; a quorum: so many successes.
   *  With the last three the other operands are left out. */
  readonly join?: Join | undefined;
  readonly retry?: RetryPolicy | undefined;
  readonly timeoutMs?: number | undefined;
  /** How long the agent may be silent, in milliseconds, before its try is given up; see `AgentContext.beat`. */
  readonly idleMs?: number | undefined;
  /** Start a second attempt when the first is late; its effects have to be `none` or `idempotent`. */
  readonly hedge?: HedgePlan | undefined;
  /** The value that stands in when the step cannot produce one. */
  readonly fallback?: { readonly value: unknown } | undefined;
  /** 1 … 10; breaks ties between equally long remaining paths. Default 5. */
  readonly urgency?: number | undefined;
  /** Expected duration in any unit, for the longest remaining path. Default 1. */
  readonly cost?: number | undefined;
  readonly effects?: 'none' | 'idempotent' | 'external' | undefined;
  readonly vamp?: VampPlan | undefined;
  /** Hold this step until a cue. */
  readonly fermata?: HoldPlan | undefined;
  /** This step is silent: it does not run, and its `fallback` stands in. */
  readonly tacet?: boolean | undefined;
  /** Before all others, as soon as it is ready. */
  readonly attacca?: boolean | undefined;
  /** Nothing from here on is issued before everything above has settled. */
  readonly downbeat?: boolean | undefined;
  /** Perform this step only if the condition holds. Otherwise the name that it writes keeps its earlier value, or else
   *  gets the step's `fallback`, or else is absent. */
  readonly when?: ConditionPlan | undefined;
  /** Perform this step only if the step above was skipped by its condition. */
  readonly otherwise?: boolean | undefined;
  /** The work of this step is other steps; its agent is not called. */
  readonly scope?: ScopePlan | undefined;
  /** All of the input's properties are operands. For the one step of a map's body. */
  readonly spread?: boolean | undefined;
}

/** Whether a step waits for some of its reads, and not for all. */
export const joinsSome = ({ join, scope }: StepPlan): boolean =>
  join !== undefined && join !== 'all' && join !== 'allSettled' && scope === undefined;
/** How many edges of a step are its reads; they come first. */
export const readsOf = ({ reads }: StepPlan): number => Object.values(reads ?? {}).flat().length;

/** A score that cannot be performed: what, in which step, and what to do. */
export class ScoreError extends Error {
  override name = 'ScoreError';
  readonly stepId: string | undefined;
  /** Where in the score: a path such as `steps[3].reads.draft`. */
  readonly at: string;
  constructor(at: string, message: string, stepId?: string) {
    super(`${at}: ${message}`);
    this.at = at;
    this.stepId = stepId;
  }
}

export interface OutputPlan {
  readonly tag: number;
  readonly path: readonly string[] | undefined;
}

export interface Program {
  readonly steps: readonly StepPlan[];
  /** Edges of step i are `firstEdge[i] … firstEdge[i + 1] − 1`, in the order of its reads, then `after`. */
  readonly firstEdge: Int32Array;
  /** Per edge: the tag that it reads, or `INPUT`. */
  readonly source: Int32Array;
  /** Per edge: the step that reads. */
  readonly reader: Int32Array;
  /** Per step: how many edges and outputs read its result. */
  readonly readers: Int32Array;
  /** Steps whose fault no step or output has in its place. That a condition below asks for such a step is no reading. */
  readonly unabsorbed: ReadonlySet<number>;
  /** Properties to follow in the value that was read; only edges that have some. */
  readonly paths: ReadonlyMap<number, readonly string[]>;
  /** Per step: the longest remaining path through it, in units of `cost`. */
  readonly remaining: Float64Array;
  /** By step with a condition: its edges that are no operands. `kept` leads to the earlier value of the name that it
   *  writes; `above` to the step whose condition decides. */
  readonly guards: ReadonlyMap<number, { readonly kept?: number; readonly above?: number }>;
  /** What the performance returns, by name. */
  readonly outputs: ReadonlyMap<string, OutputPlan>;
}

/** The tag of the performance's input. */
export const INPUT = -1;

/** Renames a list of steps.
 *  @param outputs what to return, by name: a read. Default: the last value of every name.
 *  @throws {ScoreError} for a duplicate id, a read of a name that nothing above writes, or the name `input`. */
export function rename(steps: readonly StepPlan[], outputs?: Readonly<Record<string, string>>): Program {
  const latest = new Map<string, number>([['input', INPUT]]);
  const ids = new Set<string>();
  const firstEdge = new Int32Array(steps.length + 1);
  const source: number[] = [];
  const paths = new Map<number, readonly string[]>(); // by edge; the edge to come is source.length
  const guards = new Map<number, { readonly kept?: number; readonly above?: number }>();
  const bind = (reference: string, at: (index: number) => string, index: number): number => {
    const whole = latest.get(reference);
    if (whole !== undefined) return whole;
    const [name, ...path] = reference.split('.') as [string, ...string[]];
    const tag = latest.get(name);
    if (tag === undefined) throw unknownName(at(index), name, latest, steps, index);
    paths.set(source.length, path);
    return tag;
  };
  for (let i = 0; i < steps.length; i++) {
    const { id, reads, after, writes, when, otherwise } = steps[i] as StepPlan;
    firstEdge[i] = source.length;
    if (ids.has(id)) throw new ScoreError(`steps[${i}].id`, `'${id}' is used twice; ids are unique.`, id);
    ids.add(id);
    if (reads !== undefined) {
      for (const local in reads) {
        const reference = reads[local] as Read;
        if (typeof reference === 'string')
          source.push(bind(reference, (k) => `steps[${k}].reads.${local}`, i));
        else for (const item of reference) source.push(bind(item, (k) => `steps[${k}].reads.${local}`, i));
      }
    }
    if (after !== undefined) for (const name of after) source.push(bind(name, (k) => `steps[${k}].after`, i));
    if ((writes ?? id) === 'input')
      throw new ScoreError(
        `steps[${i}].${writes === undefined ? 'id' : 'writes'}`,
        "nothing may write 'input'; choose another name.",
        id,
      );
    if (when !== undefined || otherwise === true)
      guards.set(i, guardOf(steps, i, latest.get(writes ?? id), source));
    latest.set(writes ?? id, i);
  }
  firstEdge[steps.length] = source.length;
  const outputPlans = new Map<string, OutputPlan>();
  latest.delete('input');
  if (outputs === undefined) {
    for (const [name, tag] of latest) outputPlans.set(name, { tag, path: undefined });
  } else {
    latest.set('input', INPUT);
    for (const [name, reference] of Object.entries(outputs)) {
      const tag = bind(reference, () => `outputs.${name}`, steps.length);
      outputPlans.set(name, { tag, path: paths.get(source.length) });
      paths.delete(source.length);
    }
  }
  const sources = Int32Array.from(source);
  const counts = new Int32Array(steps.length);
  for (const tag of sources) if (tag !== INPUT) counts[tag]!++;
  for (const { tag } of outputPlans.values()) if (tag !== INPUT) counts[tag]!++;
  return {
    steps,
    firstEdge,
    source: sources,
    reader: readerOfEdges(firstEdge, sources.length),
    readers: counts,
    unabsorbed: unabsorbedIn(steps, sources, guards, counts),
    paths,
    guards,
    remaining: longestRemaining(steps, firstEdge, sources),
    outputs: outputPlans,
  };
}

/** Adds a condition's edges, which are no operands. */
function guardOf(
  steps: readonly StepPlan[],
  i: number,
  before: number | undefined,
  source: number[],
): { readonly kept?: number; readonly above?: number } {
  const { id, otherwise } = steps[i] as StepPlan;
  const guard: { kept?: number; above?: number } = {};
  if (before !== undefined) {
    guard.kept = source.length;
    source.push(before);
  }
  if (otherwise === true) {
    if (i === 0 || (steps[i - 1] as StepPlan).when === undefined)
      throw new ScoreError(`steps[${i}].otherwise`, OTHERWISE, id);
    guard.above = source.length;
    source.push(i - 1);
  }
  return guard;
}

/** A guard takes a fault only if its step has a default, and would otherwise pass on the earlier value. */
function unabsorbedIn(
  steps: readonly StepPlan[],
  sources: Int32Array,
  guards: Program['guards'],
  readers: Int32Array,
): Set<number> {
  const left = Int32Array.from(readers);
  for (const [step, { kept, above }] of guards) {
    if (above !== undefined) left[sources[above]!]!--;
    if (kept !== undefined && steps[step]!.fallback === undefined) left[sources[kept]!]!--;
  }
  return new Set([...left.keys()].filter((step) => left[step] === 0));
}

const OTHERWISE =
  'needs a step with a condition (`when`) right above it; move it there, or write its own `when`.';

function readerOfEdges(firstEdge: Int32Array, edges: number): Int32Array {
  const reader = new Int32Array(edges);
  for (let i = 0; i + 1 < firstEdge.length; i++) reader.fill(i, firstEdge[i], firstEdge[i + 1]);
  return reader;
}

/** One reverse pass: every reader comes later in program order than what it reads. */
function longestRemaining(
  steps: readonly StepPlan[],
  firstEdge: Int32Array,
  source: Int32Array,
): Float64Array {
  const remaining = new Float64Array(steps.length);
  for (let i = steps.length - 1; i >= 0; i--) {
    const path = (remaining[i] as number) + ((steps[i] as StepPlan).cost ?? 1);
    remaining[i] = path;
    for (let edge = firstEdge[i] as number; edge < (firstEdge[i + 1] as number); edge++) {
      const tag = source[edge] as number;
      if (tag !== INPUT && (remaining[tag] as number) < path) remaining[tag] = path;
    }
  }
  return remaining;
}

function unknownName(
  at: string,
  name: string,
  known: ReadonlyMap<string, number>,
  steps: readonly StepPlan[],
  index: number,
): ScoreError {
  const id = steps[index]?.id;
  const say = (message: string) => new ScoreError(at, message, id);
  const later = steps.find((step, k) => k >= index && (step.writes ?? step.id) === name);
  if (later !== undefined && later.id === id)
    return say(`'${name}' is what this step itself writes; read what a step above writes.`);
  if (later !== undefined)
    return say(`'${name}' is written only further down, by step '${later.id}'; move that step up.`);
  const names = [...known.keys()];
  return say(
    `no step above writes '${name}'.${didYouMean(name, names)} Known here: ${names.slice(0, 12).join(', ')}${names.length > 12 ? ', …' : ''}.`,
  );
}

/** A hint at the nearest valid name, ` Did you mean 'x'?`, or the empty string when none is near. */
export function didYouMean(name: string, names: Iterable<string>): string {
  const near = nearest(name, names);
  return near === undefined ? '' : ` Did you mean '${near}'?`;
}

/** The name that a misspelt one probably means: at most two letters away, or a third of a long name. */
export function nearest(name: string, known: Iterable<string>): string | undefined {
  let best: string | undefined;
  let least = Math.max(2, Math.floor(name.length / 3)) + 1;
  for (const candidate of known) {
    if (Math.abs(candidate.length - name.length) >= least) continue;
    const off = distance(name, candidate);
    if (off < least) [best, least] = [candidate, off];
  }
  return best;
}

/** Levenshtein's distance. */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const substitution = (row[j - 1] as number) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(substitution, (row[j] as number) + 1, (next[j - 1] as number) + 1));
    }
    row = next;
  }
  return row[b.length] as number;
}
