/** Scores: programs for agents. Steps are written in order, read and write names, and may write a name again. */
import {
  rename,
  ScoreError,
  type HoldPlan,
  type Program,
  type RetryPolicy,
  type StepPlan,
  type VampPlan,
} from '../../actors/tomasulo/program.ts';
import type { Settled } from '../../actors/tomasulo/operands.ts';
import { planOf, type Agent, type AgentSpec } from './agent.ts';
import { frozenCopy } from '../../actors/bus/freeze.ts';
import { checkStep, knownKeys, notAnAgent, shown, STEP_OPTIONS } from './limits.ts';
import type { Schemas } from '../coherence/coherence.ts';
import type { Infer, Schema } from './schema.ts';
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
type Reads<N extends Names, Operands, Join> = {
  readonly [K in keyof Omit<Operands, 'previous'>]: Join extends 'allSettled'
    ? SettledReadFor<N, NonNullable<Operands[K & keyof Operands]>>
    : ReadFor<N, Exclude<Operands[K & keyof Operands], undefined>>;
};

/** The agent's operands: its name for each, and what is read for it. May be left out when it needs none. */
type ReadsOption<N extends Names, Operands, Join> =
  {} extends Omit<Operands, 'previous'>
    ? { readonly reads?: Reads<N, Operands, Join> }
    : { readonly reads: Reads<N, Operands, Join> };

/** One step of a score. Durations in milliseconds. */
export type StepOptions<
  N extends Names,
  Operands,
  Result,
  W extends string,
  Join extends 'all' | 'allSettled',
> = StepSettings<N, Operands, Result, W, Join> & ReadsOption<N, Operands, Join>;

interface StepSettings<
  N extends Names,
  Operands,
  Result,
  W extends string,
  Join extends 'all' | 'allSettled',
> {
  readonly agent: Agent<Operands, Result>;
  /** Names that have to be written before this step starts, though nothing of them is read. */
  readonly after?: readonly (keyof N & string)[];
  /** The name that the result is written to. Default: the step's id. */
  readonly writes?: W;
  /** `allSettled`: a faulty operand arrives as `{status: 'rejected', reason}` instead of failing the step. */
  readonly join?: Join;
  readonly retry?: RetryPolicy;
  readonly timeoutMs?: number;
  /** How long the agent may be silent: it calls `context.beat()` while it works. */
  readonly idleMs?: number;
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

  /** Adds a step.
   *  @param id unique in the score; also the name that it writes, unless `writes` says another. */
  step<Id extends string, Operands, Result, W extends string = Id, Join extends 'all' | 'allSettled' = 'all'>(
    id: Id,
    options: StepOptions<N, Operands, Result, W, Join>,
  ): Score<Input, Written<N, W, Result>> {
    const plan = planStep(id, options as StepOptions<any, any, any, any, any>, this.#downbeat);
    const link: Link = { plan, before: this.#last };
    return new Score<Input, Written<N, W, Result>>(
      this.name,
      this.inputSchema,
      link,
      false,
      this.#outputs,
      this.state,
    );
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

function planStep(id: string, options: StepOptions<any, any, any, any, any>, downbeat: boolean): StepPlan {
  const at = `step '${id}'`;
  knownKeys(at, options, STEP_OPTIONS, id);
  const { agent, default: fallback, ...rest } = options;
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
  } as StepPlan;
}

/** Checks what no type can: limits, and one capacity per agent name. */
function assemble(
  steps: readonly StepPlan[],
  outputs: Readonly<Record<string, string>> | undefined,
): Program {
  const agents = new Map<string, StepPlan>();
  steps.forEach((step, index) => {
    checkStep(step, `steps[${index}]`);
    const known = agents.get(step.agent.name);
    if (known === undefined) agents.set(step.agent.name, step);
    else if (known.agent !== step.agent && known.agent.capacity !== step.agent.capacity) {
      const problem = `two agents are named '${step.agent.name}' with different capacities (here and in step '${known.id}')`;
      throw new ScoreError(`steps[${index}].agent`, `${problem}; give one of them another name.`, step.id);
    }
  });
  return rename(steps, outputs);
}

export type { Settled };
