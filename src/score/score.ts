/** Scores: programs for agents. Steps are written in order, read and write names, and may write a name again. */
import {
  rename,
  ScoreError,
  type AgentPlan,
  type ConditionPlan,
  type HedgePlan,
  type HoldPlan,
  type Program,
  type RetryPolicy,
  type ScopePlan,
  type StepPlan,
  type VampPlan,
} from '../../actors/tomasulo/program.ts';
import type { Join } from '../../machines/tomasulo/join.ts';
import type { Settled } from '../../actors/tomasulo/operands.ts';
import { planOf, type Agent, type AgentSpec } from './agent.ts';
import { frozenCopy } from '../../actors/bus/freeze.ts';
import {
  checkStep,
  ELEMENT_OPTIONS,
  knownKeys,
  MAP_OPTIONS,
  notAnAgent,
  shown,
  STEP_OPTIONS,
  SUB_SCORE_OPTIONS,
} from './limits.ts';
import type { Schemas } from '../coherence/coherence.ts';
import { validate, type Infer, type Schema } from './schema.ts';
import type { SharedState } from '../coherence/shared.ts';

type Names = Record<string, unknown>;

/** Names, and properties of their values one level down, whose value fits `T`. */
type ReadsOf<N extends Names, T> = {
  [K in keyof N & string]:
    | (N[K] extends T ? K : never)
    | (N[K] extends readonly unknown[] | Function
        ? never
        : N[K] extends object
          ? { [P in keyof N[K] & string]: N[K][P] extends T ? `${K}.${P}` : never }[keyof N[K] & string]
          : never);
}[keyof N & string];

/** What a step may read for an operand of type `T`: a name, or for an array a list of names. */
type ReadFor<N extends Names, T> =
  ReadsOf<N, T> | (T extends readonly (infer Item)[] ? readonly ReadsOf<N, Item>[] : never);

type Unsettled<T> = T extends { status: 'fulfilled'; value: infer V } ? V : never;
type SettledReadFor<N extends Names, T> =
  | ReadsOf<N, Unsettled<T>>
  | (T extends readonly (infer Item)[] ? readonly ReadsOf<N, Unsettled<Item>>[] : never);

/** `previous` is what a vamp hands back; no step reads it. */
type Reads<N extends Names, Operands, J> = {
  readonly [K in keyof Omit<Operands, 'previous'>]: J extends 'allSettled'
    ? SettledReadFor<N, NonNullable<Operands[K & keyof Operands]>>
    : ReadFor<N, Exclude<Operands[K & keyof Operands], undefined>>;
};

/** The agent's operands: its name for each, and what is read for it. May be left out when it needs none. */
type ReadsOption<N extends Names, Operands, J> =
  {} extends Omit<Operands, 'previous'>
    ? { readonly reads?: Reads<N, Operands, J> }
    : { readonly reads: Reads<N, Operands, J> };

/** When a step or a scope is performed. */
interface Conditional<Operands> {
  /** Perform it only if this holds of its operands. Otherwise the name that it writes keeps its earlier value, or else gets
   *  the `default`, or else is absent: steps that read it are skipped, too. */
  readonly when?: (operands: Operands) => boolean;
  /** Perform it only if the step above was skipped by its condition. */
  readonly otherwise?: boolean;
}

/** What maps, sub-scores and loops have in common. */
interface ScopeSettings<N extends Names, Operands, Result, W extends string> extends Conditional<Operands> {
  /** Names that have to be written before, though nothing of them is read. */
  readonly after?: readonly (keyof N & string)[];
  /** The name that the result is written to. Default: the id. */
  readonly writes?: W;
  /** Stands in for the result when there is none. */
  readonly default?: Result;
  readonly urgency?: number;
  readonly cost?: number;
  readonly fermata?: HoldPlan;
  readonly tacet?: boolean;
  readonly attacca?: boolean;
}

/** A score as a step: its input is what is read, its result is what it returns, by name. */
export type SubScoreOptions<N extends Names, In, Out extends Names, W extends string> = ScopeSettings<
  N,
  In,
  Out,
  W
> & {
  readonly score: Score<In, Out & { input: In }> | Score<In, Out>;
  /** For all of it, in milliseconds. */
  readonly timeoutMs?: number;
} & ReadsOption<N, In, 'all'>;

/** A score that is repeated. Each round reads what is read here, overwritten by the outputs of the round before. */
export type RepeatOptions<N extends Names, In, Out extends Names, W extends string> = SubScoreOptions<
  N,
  In,
  Out,
  W
> & {
  /** Whether the outputs are good enough; rounds count from 1. */
  readonly until: (outputs: Omit<Out, 'input'>, round: number) => boolean;
  /** The most rounds, 1 … 1,000. */
  readonly max: number;
  /** What happens when the last round is not good enough: `fail` (default) or `accept` its outputs. */
  readonly onCap?: 'fail' | 'accept';
};

type ListsOf<N extends Names, Item> = ReadsOf<N, readonly NoInfer<Item>[]>;

/** What a map returns. */
type Mapped<Result, J> = J extends 'allSettled'
  ? Settled<Awaited<Result>>[]
  : J extends 'any' | 'first'
    ? Awaited<Result>
    : Awaited<Result>[];

/** An agent, or a score, for each element of a list. */
export type MapOptions<
  N extends Names,
  Operands,
  Result,
  W extends string,
  As extends string,
  Index extends string,
  J extends Join,
> = Omit<ScopeSettings<N, any, Mapped<Result, J>, W>, 'when'> & {
  /** The list: a name, or a property of one. */
  readonly over: ListsOf<N, As extends keyof Operands ? Operands[As] : unknown>;
  /** The operand of an element. Default `item`. */
  readonly as?: As;
  /** The operand of its place, from 0, if it is wanted. */
  readonly index?: Index;
  /** How many elements may be under way at once, 1 … Default: no limit. */
  readonly concurrency?: number;
  /** `all` (default): a list of results in the order of the list. `allSettled`: each as `{ status, value }` or
   *  `{ status, reason }`. `any`: the first success. `first`: the first that ends. `{ quorum: n }`: the first n successes;
   *  what still runs is cancelled. */
  readonly join?: J;
  readonly when?: (operands: any) => boolean;
} & ReadsOption<N, NoInfer<Omit<Operands, As | Index>>, 'all'>;

/** What is done for each element by an agent; each element is a step. Durations in milliseconds. */
interface ElementSettings<Operands, Result> {
  readonly agent: Agent<Operands, Result>;
  readonly retry?: RetryPolicy;
  readonly timeoutMs?: number;
  /** An attempt that is silent for so long is given up; see `context.beat`. */
  readonly idleMs?: number;
  readonly effects?: 'none' | 'idempotent' | 'external';
  readonly hedge?: HedgePlan;
}

/** One step of a score. Durations in milliseconds. */
export type StepOptions<N extends Names, Operands, Result, W extends string, J extends Join> = StepSettings<
  N,
  Operands,
  Result,
  W,
  J
> &
  ReadsOption<N, Operands, J>;

interface StepSettings<
  N extends Names,
  Operands,
  Result,
  W extends string,
  J extends Join,
> extends Conditional<Operands> {
  readonly agent: Agent<Operands, Result>;
  /** Names that have to be written before this step starts, though nothing of them is read. */
  readonly after?: readonly (keyof N & string)[];
  /** The name that the result is written to. Default: the step's id. */
  readonly writes?: W;
  /** What of its reads it waits for. `allSettled`: a faulty operand arrives as `{status: 'rejected', reason}` instead of
   *  failing the step. `any`: the first success; `first`: the first that ends; `{ quorum: n }`: n successes. With these
   *  three the other operands are left out, so declare them optional; steps that only serve them are cancelled. */
  readonly join?: J;
  readonly retry?: RetryPolicy;
  readonly timeoutMs?: number;
  /** How long the agent may be silent: it calls `context.beat()` while it works. */
  readonly idleMs?: number;
  /** Starts a second attempt when the first has not ended after `afterMs`. The first success counts, and the other attempt
   *  is aborted; the try has failed when both have. The second needs a free place of the agent's unit at that moment, else
   *  there is none. `effects` has to be said, `none` or `idempotent`. */
  readonly hedge?: HedgePlan;
  /** Stands in for the result when the step cannot produce one. */
  readonly default?: Result;
  /** 1 … 10, default 5: who goes first among equally long remaining paths. */
  readonly urgency?: number;
  /** Expected duration in any unit, default 1: longer remaining paths go first. */
  readonly cost?: number;
  /** An `external` effect is never repeated by a retry unless `retry.repeatsEffect`. Default `none`. */
  readonly effects?: 'none' | 'idempotent' | 'external';
  /** Holds the step until a cue; with a question, until a person has answered it. */
  readonly fermata?: HoldPlan & { readonly answer?: Schema<any, any> };
  readonly vamp?: Omit<VampPlan, 'until'> & {
    until: (result: Result, round: number) => boolean | PromiseLike<boolean>;
  };
  /** Silent in this performance: does not run; `default` stands in. */
  readonly tacet?: boolean;
  /** Before all others as soon as it is ready. */
  readonly attacca?: boolean;
}

type Written<N extends Names, W extends string, Result> = {
  [K in keyof N | W]: K extends W ? Awaited<Result> : N[K & keyof N];
};

/** A program of steps. Immutable: every method returns a new score. */
export class Score<Input = undefined, N extends Names = {}> {
  readonly name: string;
  readonly inputSchema: Schema<any, Input> | undefined;
  /** Only for the types: what the performance returns when no outputs are named. */
  declare readonly names: Omit<N, 'input'>;
  readonly #last: Link | undefined;
  readonly #downbeat: boolean;
  readonly #outputs: Readonly<Record<string, string>> | undefined;
  /** What the steps share. */
  readonly state: SharedState | undefined;
  #program: Program | undefined;

  constructor(
    name: string,
    inputSchema?: Schema<any, Input>,
    last?: Link,
    downbeat = false,
    outputs?: Readonly<Record<string, string>>,
    state?: SharedState,
  ) {
    this.name = name;
    this.inputSchema = inputSchema;
    this.#last = last;
    this.#downbeat = downbeat;
    this.#outputs = outputs;
    this.state = state;
  }

  /** Declares the input of the performance, and checks it; steps read it as `input` or `input.property`. */
  input<S extends Schema<any, any>>(schema: S): Score<Infer<S>, N & { input: Infer<S> }> {
    return new Score<Infer<S>, N & { input: Infer<S> }>(
      this.name,
      schema,
      this.#last,
      this.#downbeat,
      this.#outputs,
      this.state,
    );
  }

  /** Adds a score as a step. It shares the window, the units, the budget, the clock and the signals of this one; its
   *  steps are `id/…`. */
  step<Id extends string, In, Out extends Names, W extends string = Id>(
    id: Id,
    options: SubScoreOptions<N, In, Out, W>,
  ): Score<Input, Written<N, W, Omit<Out, 'input'>>>;
  /** Adds a step.
   *  @param id unique in the score; also the name that it writes, unless `writes` says another. */
  step<Id extends string, Operands, Result, W extends string = Id, const J extends Join = 'all'>(
    id: Id,
    options: StepOptions<N, Operands, Result, W, J>,
  ): Score<Input, Written<N, W, Result>>;
  step(id: string, options: object): Score<Input, any> {
    const downbeat = this.#downbeat;
    const isScore = typeof options === 'object' && options !== null && 'score' in options;
    return this.#with(isScore ? planSubScore(id, options, downbeat) : planStep(id, options, downbeat));
  }

  /** Adds a score for each element of a list. Its steps are `id[3]/…`. */
  map<
    Id extends string,
    In,
    Out extends Names,
    W extends string = Id,
    As extends string = 'item',
    Index extends string = never,
    const J extends Join = 'all',
  >(
    id: Id,
    options: MapOptions<N, In, Omit<Out, 'input'>, W, As, Index, J> & { readonly score: Score<In, Out> },
  ): Score<Input, Written<N, W, Mapped<Omit<Out, 'input'>, J>>>;
  /** Adds an agent for each element of a list. The list may be known only when the performance has come this far; its
   *  elements are the steps `id[0]`, `id[1]`, …, in one window with all others. */
  map<
    Id extends string,
    Operands,
    Result,
    W extends string = Id,
    As extends string = 'item',
    Index extends string = never,
    const J extends Join = 'all',
  >(
    id: Id,
    options: MapOptions<N, Operands, Result, W, As, Index, J> & ElementSettings<Operands, Result>,
  ): Score<Input, Written<N, W, Mapped<Result, J>>>;
  map(id: string, options: object): Score<Input, any> {
    return this.#with(planMap(id, options, this.#downbeat));
  }

  /** Adds a loop: a score that is repeated until its outputs are good enough. Its steps are `id#1/…`, `id#2/…`. */
  repeat<Id extends string, In, Out extends Names, W extends string = Id>(
    id: Id,
    options: RepeatOptions<N, In, Out, W>,
  ): Score<Input, Written<N, W, Omit<Out, 'input'>>> {
    return this.#with(planRepeat(id, options, this.#downbeat));
  }

  #with(plan: StepPlan): Score<Input, any> {
    const link: Link = { plan, before: this.#last };
    return new Score<Input, any>(this.name, this.inputSchema, link, false, this.#outputs, this.state);
  }

  /** A point that all steps reach together: nothing below starts before everything above has settled. */
  downbeat(): Score<Input, N> {
    return new Score(this.name, this.inputSchema, this.#last, true, this.#outputs, this.state);
  }

  /** Declares what the steps share: each has its own coherent view of it, `sharedOf(context)`.
   *  @param schema a Standard Schema for each key.
   *  @param options initial values and strategies, as `coherence` takes them. */
  shared<S extends Schemas>(schema: S, options: Omit<SharedState<S>, 'schema'> = {}): Score<Input, N> {
    const state = { ...options, schema } as SharedState;
    return new Score(this.name, this.inputSchema, this.#last, this.#downbeat, this.#outputs, state);
  }

  /** Names what the performance returns. Default: the last value of every name. */
  outputs<const O extends Readonly<Record<string, string>>>(
    outputs: O,
  ): Score<Input, { [K in keyof O]: OutputOf<N, O[K]> }> {
    return new Score<Input, any>(
      this.name,
      this.inputSchema,
      this.#last,
      this.#downbeat,
      outputs,
      this.state,
    );
  }

  /** The steps with their names renamed to tags.
   *  @throws {ScoreError} when the score cannot be performed. */
  get program(): Program {
    if (this.#program === undefined) {
      const steps: StepPlan[] = [];
      for (let link = this.#last; link !== undefined; link = link.before) steps.push(link.plan);
      this.#program = assemble(steps.reverse(), this.#outputs);
    }
    return this.#program;
  }
}

type OutputOf<N extends Names, R extends string> = R extends keyof N
  ? N[R]
  : R extends `${infer Name}.${infer Property}`
    ? Name extends keyof N
      ? Property extends keyof N[Name]
        ? N[Name][Property]
        : unknown
      : unknown
    : unknown;

interface Link {
  readonly plan: StepPlan;
  readonly before: Link | undefined;
}

/** Begins a score.
 *  @example
 *  ```ts
 *  const greeting = score('greeting')
 *    .input(z.object({ name: z.string() }))
 *    .step('hello', { agent: ({ name }: { name: string }) => `Hello ${name}`, reads: { name: 'input.name' } })
 *    .step('shout', { agent: ({ text }: { text: string }) => text.toUpperCase(), reads: { text: 'hello' } });
 *  const { outputs } = await perform(greeting, { input: { name: 'Ada' } }).result;
 *  outputs.shout; // 'HELLO ADA'
 *  ``` */
export function score(name: string): Score {
  if (typeof name !== 'string' || name === '')
    throw new ScoreError('score', `needs a name, such as score('review'); not ${shown(name)}.`);
  return new Score(name);
}

/** A score from plans, without the builder's types: for generated programs and score files. */
export function scoreOf(
  name: string,
  steps: readonly StepPlan[],
  options: {
    input?: Schema<any, any> | undefined;
    outputs?: Readonly<Record<string, string>> | undefined;
    state?: SharedState | undefined;
  } = {},
): Score<any, any> {
  knownKeys('scoreOf', options, ['input', 'outputs', 'state']);
  let last: Link | undefined;
  for (const plan of steps) last = { plan, before: last };
  const built = new Score<any, any>(name, options.input, last, false, options.outputs, options.state);
  return built;
}

/** A condition, as plans have it. */
const conditionOf = (
  when: ((operands: any) => boolean) | ConditionPlan | undefined,
): { readonly when?: ConditionPlan } =>
  when === undefined ? {} : { when: typeof when === 'function' ? { test: when } : when };

function planStep(id: string, given: object, downbeat: boolean): StepPlan {
  const at = `step '${id}'`;
  knownKeys(at, given, STEP_OPTIONS, id);
  const { agent, default: fallback, when, ...rest } = given as StepOptions<any, any, any, any, any>;
  const options = rest;
  if (typeof agent !== 'function' && typeof agent?.plan?.run !== 'function')
    throw new ScoreError(`${at}.agent`, notAnAgent(agent), id);
  const defaults: Partial<AgentSpec> = typeof agent === 'function' ? {} : agent;
  return {
    ...rest,
    id,
    agent: planOf(agent, id),
    // Only undefined leaves the agent's default in place: null is a mistake, which the check of the step names.
    retry: options.retry === undefined ? defaults.retry : options.retry,
    timeoutMs: options.timeoutMs === undefined ? defaults.timeoutMs : options.timeoutMs,
    idleMs: options.idleMs === undefined ? defaults.idleMs : options.idleMs,
    effects: options.effects === undefined ? defaults.effects : options.effects,
    ...(fallback === undefined ? {} : { fallback: { value: frozenCopy(fallback) as unknown } }),
    ...(downbeat ? { downbeat } : {}),
    ...conditionOf(when),
  };
}

/** The step of a scope. */
export function planScope(
  id: string,
  options: Readonly<Record<string, any>>,
  scope: ScopePlan,
  downbeat = false,
): StepPlan {
  const { default: fallback, when, ...rest } = options;
  return {
    ...rest,
    id,
    agent: SCOPE_AGENTS[scope.kind],
    scope,
    ...(fallback === undefined ? {} : { fallback: { value: frozenCopy(fallback) as unknown } }),
    ...(downbeat ? { downbeat } : {}),
    ...conditionOf(when),
  };
}
/** What reports name as the agent of a scope; it is never called. */
const scopeAgent = (kind: string): AgentPlan => ({
  name: `(${kind})`,
  run: () => {
    throw new TypeError(`a ${kind} has steps, and no agent`);
  },
});
const SCOPE_AGENTS = {
  map: scopeAgent('map'),
  score: scopeAgent('score'),
  repeat: scopeAgent('repeat'),
} as const;

/** What a scope needs of a score. @throws {ScoreError} when the score cannot be one of a scope. */
export function bodyOf(score: unknown, at: string, id: string): Pick<ScopePlan, 'body' | 'accept'> {
  if (!(score instanceof Score))
    throw new ScoreError(
      `${at}.score`,
      `must be a score, as score('name').step(…) makes it; not ${shown(score)}.`,
      id,
    );
  if (score.state !== undefined)
    throw new ScoreError(
      `${at}.score`,
      `'${score.name}' shares state; say \`shared\` in the outermost score.`,
      id,
    );
  const body = score.program;
  if (body.steps.length === 0) throw new ScoreError(`${at}.score`, `'${score.name}' has no steps.`, id);
  const { inputSchema } = score;
  return inputSchema === undefined
    ? { body }
    : { body, accept: (input) => validate(inputSchema, input, `the input of '${score.name}'`) };
}

function planSubScore(id: string, options: Readonly<Record<string, any>>, downbeat: boolean): StepPlan {
  const at = `step '${id}'`;
  knownKeys(at, options, SUB_SCORE_OPTIONS, id);
  const { score: inner, ...rest } = options;
  return planScope(id, rest, { kind: 'score', ...bodyOf(inner, at, id) }, downbeat);
}

function planRepeat(id: string, options: Readonly<Record<string, any>>, downbeat: boolean): StepPlan {
  const at = `step '${id}'`;
  knownKeys(at, options, [...SUB_SCORE_OPTIONS, 'until', 'max', 'onCap'], id);
  const { score: inner, until, max, onCap, ...rest } = options;
  return planScope(id, rest, { kind: 'repeat', ...bodyOf(inner, at, id), until, max, onCap }, downbeat);
}

function planMap(id: string, options: Readonly<Record<string, any>>, downbeat: boolean): StepPlan {
  const at = `step '${id}'`;
  const ofAgent = typeof options !== 'object' || options === null || !('score' in options);
  knownKeys(at, options, [...MAP_OPTIONS, ...(ofAgent ? ELEMENT_OPTIONS : ['score'])], id);
  const {
    score: inner,
    agent,
    retry,
    timeoutMs,
    idleMs,
    effects,
    hedge,
    over,
    as = 'item',
    index,
    concurrency,
    join,
    ...rest
  } = options;
  if (typeof over !== 'string' || over === '')
    throw new ScoreError(`${at}.over`, `must be the name of a list, not ${shown(over)}.`, id);
  const body = ofAgent
    ? {
        body: elementBody(planStep(id, said({ agent, retry, timeoutMs, idleMs, effects, hedge }), false)),
        flat: true,
      }
    : { ...bodyOf(inner, at, id), flat: false };
  if (Object.hasOwn(rest['reads'] ?? {}, as))
    throw new ScoreError(
      `${at}.reads.${as}`,
      `'${as}' is the operand of the element; rename one of them.`,
      id,
    );
  const reads = { ...rest['reads'], [as]: over };
  return planScope(id, { ...rest, reads }, { kind: 'map', ...body, as, index, concurrency, join }, downbeat);
}
/** The body of a map that is one step; it is checked as any step is. */
export function elementBody(step: StepPlan): Program {
  const plan = { ...step, spread: true };
  checkStep(plan, `step '${step.id}'`);
  return rename([plan]);
}
const said = (options: Readonly<Record<string, unknown>>): object =>
  Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));

/** Checks what no type can: limits, and one capacity per agent name. */
function assemble(
  steps: readonly StepPlan[],
  outputs: Readonly<Record<string, string>> | undefined,
): Program {
  const agents = new Map<string, StepPlan>();
  const note = (step: StepPlan, at: string): void => {
    const known = agents.get(step.agent.name);
    if (known === undefined) agents.set(step.agent.name, step);
    else if (known.agent !== step.agent && known.agent.capacity !== step.agent.capacity) {
      const problem = `two agents are named '${step.agent.name}' with different capacities (here and in step '${known.id}')`;
      throw new ScoreError(`${at}.agent`, `${problem}; give one of them another name.`, step.id);
    }
    for (const inner of step.scope?.body.steps ?? []) note(inner, at);
  };
  steps.forEach((step, index) => {
    checkStep(step, `steps[${index}]`);
    note(step, `steps[${index}]`);
  });
  return rename(steps, outputs);
}

export type { Settled };
