/** Agents: what runs a step. Any function is one; `agent()` adds a name, schemas and limits. */
import {
  ScoreError,
  type AgentContext,
  type AgentPlan,
  type RetryPolicy,
} from '../../actors/tomasulo/program.ts';
import { checkRetry, EFFECTS, knownKeys, milliseconds, oneOf, shown } from './limits.ts';
import { validate, type Schema } from './schema.ts';

/** A function that turns operands into a result. It sees its operands and nothing else. */
export type AgentFunction<Operands = any, Result = unknown> = (
  operands: Operands,
  context: AgentContext,
) => Result | Promise<Result>;

export interface AgentOptions<Operands, Result> {
  /** Agents of one name share one unit. */
  readonly name: string;
  readonly run: AgentFunction<Operands, Result>;
  /** Checked before `run`; what does not fit fails the step. */
  readonly input?: Schema<any, Operands> | undefined;
  /** Checked after `run`; what does not fit fails the step. */
  readonly output?: Schema<any, Result> | undefined;
  /** How many steps of this agent may run at once, 1 … 2^53 − 1. Default: no limit. */
  readonly capacity?: number | undefined;
  /** Defaults for steps that have none. */
  readonly retry?: RetryPolicy | undefined;
  readonly timeoutMs?: number | undefined;
  readonly idleMs?: number | undefined;
  readonly effects?: 'none' | 'idempotent' | 'external' | undefined;
  /** Called when the number of this agent's steps that run or wait has changed; needs a `capacity`. */
  readonly observe?: AgentPlan['observe'];
  /** Pays from the performance's budget of tokens and money; model agents do. */
  readonly spends?: boolean | undefined;
  /** It gives `context.effectKey` to the receiver of its external effect, which does nothing twice under one key: an
   *  attempt that a crash has cut off may run again. */
  readonly usesEffectKey?: boolean | undefined;
  /** Finds out after a crash whether the effect of a key took place: `{ value }` with the step's result if it did;
   *  undefined if it did not. When it throws, a person is asked. */
  readonly reconcile?: AgentPlan['reconcile'];
  /** Change it when the code has changed so that a run that has begun must not go on with it. */
  readonly version?: string | undefined;
}

/** An agent with a name, schemas and limits, as made by {@link agent}. */
export interface AgentSpec<Operands = any, Result = unknown> extends AgentOptions<Operands, Result> {
  readonly plan: AgentPlan;
}

export type Agent<Operands = any, Result = unknown> =
  AgentFunction<Operands, Result> | AgentSpec<Operands, Result>;

const AGENT_OPTIONS = [
  ...['name', 'run', 'input', 'output', 'capacity', 'retry', 'timeoutMs', 'idleMs', 'effects', 'observe'],
  ...['spends', 'usesEffectKey', 'reconcile', 'version'],
];

/** Describes an agent.
 *  @throws {ScoreError} for an option that is not known, and for a name or a function that is missing.
 *  @throws {RangeError} when `capacity` is not a whole number of at least 1.
 *  @example
 *  ```ts
 *  const search = agent({
 *    name: 'search',
 *    capacity: 4, // at most four searches at once
 *    input: z.object({ query: z.string() }),
 *    run: async ({ query }, { signal }) => (await fetch(`https://example.org/?q=${query}`, { signal })).text(),
 *  });
 *  ``` */
export function agent<Operands, Result>(
  options: AgentOptions<Operands, Result>,
): AgentSpec<Operands, Result> {
  knownKeys('agent', options, AGENT_OPTIONS);
  const { name, capacity, input, output, run, observe, spends } = options;
  if (typeof name !== 'string' || name === '')
    throw new ScoreError('agent.name', `must be a name, not ${shown(name)}.`);
  if (typeof run !== 'function')
    throw new ScoreError(`agent '${name}'.run`, `must be a function of the operands, not ${shown(run)}.`);
  milliseconds(`agent '${name}'.timeoutMs`, options.timeoutMs);
  milliseconds(`agent '${name}'.idleMs`, options.idleMs);
  oneOf(`agent '${name}'.effects`, options.effects, EFFECTS);
  checkRetry(`agent '${name}'.retry`, options.retry);
  if (capacity !== undefined && !(Number.isSafeInteger(capacity) && capacity >= 1)) {
    throw new RangeError(`agent '${name}': capacity must be a whole number of at least 1, not ${capacity}.`);
  }
  const checked: AgentFunction<Operands, Result> =
    input === undefined && output === undefined
      ? run
      : async (operands, context) => {
          const given = input ? await validate(input, operands, `what '${context.stepId}' reads`) : operands;
          const result = await run(given, context);
          return output ? validate(output, result, `the result of '${context.stepId}'`) : result;
        };
  const { usesEffectKey, reconcile, version } = options;
  const plan = { name, capacity, run: checked as AgentPlan['run'], observe, spends };
  return { ...options, plan: { ...plan, usesEffectKey, reconcile, version } };
}

const plans = new WeakMap<AgentFunction, AgentPlan>();

/** The plan of any agent. A function without its own name is named after the step: JavaScript names every function that
 *  is written as `agent: () => …` "agent". */
export function planOf(given: Agent, stepId: string): AgentPlan {
  if (typeof given !== 'function') return given.plan;
  const known = plans.get(given);
  if (known !== undefined) return known;
  const named = given.name !== '' && given.name !== 'agent';
  const plan: AgentPlan = { name: named ? given.name : stepId, run: given as AgentPlan['run'] };
  if (named) plans.set(given, plan);
  return plan;
}
