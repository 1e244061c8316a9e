/** Model agents: a model as the agent of a step. */
import type { AgentContext } from '../../actors/program.ts';
import type { OperatingPoint } from '../../machines/operating-point.ts';
import { agent, type AgentSpec } from '../agent.ts';
import { ROLES, verifierFor } from '../routing/roles.ts';
import type { Schema } from '../schema.ts';
import type { Governed, ModelChoice, ModelChooser } from './choose.ts';
import { escalate, type Escalated, type Verifier } from './escalate.ts';
import { modelCall, type ModelCallOptions } from './model-call.ts';
import { checkModel, type Model } from './sdk.ts';

export interface ModelAgentOptions<Operands, Result> extends ModelCallOptions<Operands, Result> {
  readonly name: string;
  /** A model, or what chooses one at dispatch; see `governed`. */
  readonly model: Model | ModelChooser;
  /** Checked before the model is asked. */
  readonly input?: Schema<any, Operands> | undefined;
  /** How many steps of this agent may run at once. */
  readonly capacity?: number | undefined;
}

/**
 * An agent that asks a model.
 *
 * @throws TypeError, ScoreError, RangeError, RoutingConfigError at once, for options that make no sense
 * @example
 * ```ts
 * const reviewer = modelAgent({
 *   name: 'reviewer',
 *   model: governed({ governor, router, models, estimator: builtInEstimator }),
 *   prompt: 'Find security problems in {files}.',
 *   outputSchema: z.object({ findings: z.array(z.string()) }),
 *   budget: { usd: 0.5 },
 * });
 * score('review').step('security', { agent: reviewer, reads: { files: 'files' } });
 * ```
 */
export function modelAgent<Operands = Record<string, unknown>, Result = string>(
  options: ModelAgentOptions<Operands, Result>,
): AgentSpec<Operands, Result> {
  const { name, model, input, capacity, ...rest } = options;
  const choose: ModelChoice | ModelChooser = typeof model === 'function' ? model : { model };
  if (typeof model !== 'function') checkModel(model, `modelAgent '${name}'`);
  const call = modelCall(rest);
  return agent<Operands, Result>({
    name,
    ...(input === undefined ? {} : { input }),
    ...(capacity === undefined ? {} : { capacity }),
    run: observed(
      typeof choose === 'function' && 'options' in choose ? (choose as Governed) : undefined,
      capacity,
      async (operands: Operands, context) => {
        return (await call(operands, context, choose)).output;
      },
    ),
  });
}

/** Shows the governor how full the pool is, at the beginning and the end of each step. A pool without a capacity is
 *  never full, so there is nothing to show. */
function observed<Operands, Result>(
  model: Governed | undefined,
  capacity: number | undefined,
  run: (operands: Operands, context: AgentContext) => Promise<Result>,
): (operands: Operands, context: AgentContext) => Promise<Result> {
  if (model === undefined || capacity === undefined) return run;
  const { governor } = model.options;
  let inUse = 0;
  return async (operands, context) => {
    governor.observe({ inUse: ++inUse, queued: 0, capacity });
    try {
      return await run(operands, context);
    } finally {
      governor.observe({ inUse: --inUse, queued: 0, capacity });
    }
  };
}

export interface EscalatingAgentOptions<Operands, Result> extends Omit<
  ModelAgentOptions<Operands, Result>,
  'model'
> {
  readonly model: Governed;
  /** Made per step, so that a check may look at the operands. Programs run first. */
  readonly verify: (operands: Operands, context: AgentContext) => readonly Verifier<Result>[];
  readonly onExhausted?: 'fail' | 'accept' | undefined;
  readonly maxAttempts?: number | undefined;
  /** Told how each step went: quality and cost together. */
  readonly onEscalated?: ((report: Escalated<Result> & { readonly stepId: string }) => void) | undefined;
}

/** An agent that asks a model, has the answer checked, and on rejection asks again one step up. In its prompt,
 *  `{rejection}` stands for what was wrong with the answer before; it is empty at first. */
export function escalatingAgent<Operands = Record<string, unknown>, Result = string>(
  options: EscalatingAgentOptions<Operands, Result>,
): AgentSpec<Operands, Result> {
  const { name, model, input, capacity, verify, onExhausted, maxAttempts, onEscalated, ...rest } = options;
  const { governor, estimator } = model.options;
  const call = modelCall(rest);
  return agent<Operands, Result>({
    name,
    ...(input === undefined ? {} : { input }),
    ...(capacity === undefined ? {} : { capacity }),
    run: observed(model, capacity, async (operands: Operands, context) => {
      const task =
        typeof rest.prompt === 'string' ? rest.prompt + JSON.stringify(operands) : JSON.stringify(operands);
      const done = await escalate<Result>({
        governor,
        difficulty: estimator?.estimate(task),
        verify: verify(operands, context),
        onExhausted,
        maxAttempts,
        run: async (point, rejection = '') => {
          const { output, usd } = await call({ ...operands, rejection }, context, model.at(point));
          return { value: output, usd };
        },
      });
      onEscalated?.({ ...done, stepId: context.stepId });
      return done.value;
    }),
  });
}

export interface ModelVerifierOptions<T> extends Omit<
  ModelCallOptions<{ result: T }, { accepted: boolean; reason: string }>,
  'outputSchema'
> {
  readonly name: string;
  readonly model: Governed;
  /** `{accepted, reason}`, as your schema library writes it. */
  readonly verdictSchema: Schema<any, { accepted: boolean; reason: string }>;
  /** Where the verifier plays. Default allegro and mf. */
  readonly point?: OperatingPoint | undefined;
  readonly context: AgentContext;
}

/** A verifier that asks a model of another family than the author's. The prompt sees `{result}` and nothing else. */
export function modelVerifier<T>(options: ModelVerifierOptions<T>): Verifier<T> {
  const { name, model, verdictSchema, point = ROLES.verifier, context, ...rest } = options;
  const call = modelCall({ ...rest, outputSchema: verdictSchema });
  return {
    name,
    kind: 'model',
    async check(result, attempt) {
      const { router } = model.options;
      const { output, usd } = await call(
        { result },
        context,
        model.at(verifierFor(router, router.route(attempt.point), point)),
      );
      return { ...output, usd };
    },
  };
}
