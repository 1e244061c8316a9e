/** Model agents: a model as the agent of a step. */
import { ScoreError, type AgentContext, type AgentPlan } from '../../actors/tomasulo/program.ts';
import type { OperatingPoint } from '../../machines/governor/operating-point.ts';
import { agent, type AgentSpec } from '../score/agent.ts';
import { checkTypes, inRange } from '../score/limits.ts';
import type { LearningEstimator } from '../routing/estimator.ts';
import { ROLES, verifierFor } from '../routing/roles.ts';
import { accountOf } from '../budget/run-account.ts';
import type { Schema } from '../score/schema.ts';
import type { Governed, ModelChoice, ModelChooser } from './choose.ts';
import {
  escalate,
  EscalationError,
  type Escalated,
  type EscalationAttempt,
  type Verifier,
} from './escalate.ts';
import { CALL_OPTIONS, type ModelCallOptions } from './call-options.ts';
import { modelCall } from './model-call.ts';
import { checkModel, type SdkModel } from './sdk.ts';

export interface ModelAgentOptions<Operands, Result> extends ModelCallOptions<Operands, Result> {
  readonly name: string;
  /** A model, or what chooses one at dispatch; see `governed`. Give this or `models`. */
  readonly model?: SdkModel | ModelChooser | undefined;
  /**
   * Models in the order in which they are asked. The next one is asked where a model gave no answer: `failure` is
   * rate-limit, quota, server, refused, network, cut, malformed or timeout, after its own retries. An answer that came
   * and cannot be used (output, length, filtered, steps), an abort and a spent budget do not fall through. All pay from
   * the same budget.
   */
  readonly models?: readonly SdkModel[] | undefined;
  /** Checked before the model is asked. */
  readonly input?: Schema<any, Operands> | undefined;
  /** How many steps of this agent may run at once. */
  readonly capacity?: number | undefined;
}

/**
 * An agent that asks a model.
 *
 * @throws ScoreError, RangeError, RoutingConfigError, UnknownModelError at once, for options that make no sense
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
  checkAgentOptions('modelAgent', options, { model: 'any', models: 'array' });
  const { name, model, models, input, capacity, ...rest } = options;
  const choose = choiceFrom(`modelAgent '${name}'`, model, models);
  const call = modelCall(rest);
  return agent<Operands, Result>({
    name,
    ...(input === undefined ? {} : { input }),
    ...(capacity === undefined ? {} : { capacity }),
    ...(typeof choose === 'function' && 'options' in choose ? observes(choose as Governed) : {}),
    spends: true,
    run: spending(async (operands: Operands, context) => (await call(operands, context, choose)).output),
  });
}

/** @throws ScoreError for an option that does not exist, a value of another type, a name that is empty */
function checkAgentOptions(kind: string, options: object, more: Readonly<Record<string, string>>): void {
  const { name } = (options ?? {}) as { name?: unknown };
  const where = typeof name === 'string' ? `${kind} '${name}'` : kind;
  const own = { name: 'string', input: 'object or function', capacity: 'number' };
  checkTypes(where, options, { ...own, ...CALL_OPTIONS, ...more });
  if (typeof name !== 'string' || name === '') throw new ScoreError(kind, 'a name is needed.');
}

/** @throws ScoreError unless exactly one of the two is given; UnknownModelError for anything but models */
function choiceFrom(
  where: string,
  model: SdkModel | ModelChooser | undefined,
  models: readonly SdkModel[] | undefined,
): ModelChoice | ModelChooser {
  if ((model === undefined) === (models === undefined) || models?.length === 0)
    throw new ScoreError(where, 'give either `model`, or `models` with at least one.');
  if (typeof model === 'function') return model;
  const [first, ...fallbacks] = models ?? [model!];
  for (const [i, one] of [first, ...fallbacks].entries())
    checkModel(one, models === undefined ? where : `${where}: models[${i}]`);
  return { model: first!, fallbacks };
}

/** The orchestrator reports how many steps run and wait in the agent's pool; the governor receives it. */
const observes = ({ options }: Governed): Pick<AgentPlan, 'observe'> => ({
  observe: (pool) => options.governor.observe(pool),
});

/** Says when a step begins and ends, so that what is left of a budget is shared among those that still run. */
function spending<Operands, Result>(
  run: (operands: Operands, context: AgentContext) => Promise<Result>,
): (operands: Operands, context: AgentContext) => Promise<Result> {
  return async (operands, context) => {
    const account = accountOf(context);
    account?.begin(context.stepId);
    try {
      return await run(operands, context);
    } finally {
      account?.end(context.stepId);
    }
  };
}

export interface EscalatingAgentOptions<Operands, Result> extends Omit<
  ModelAgentOptions<Operands, Result>,
  'model' | 'models'
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
  checkAgentOptions('escalatingAgent', options, {
    model: 'function',
    verify: 'function',
    onExhausted: 'string',
    maxAttempts: 'number',
    onEscalated: 'function',
  });
  if (options.onExhausted !== undefined && !['fail', 'accept'].includes(options.onExhausted))
    throw new ScoreError(
      'escalatingAgent: onExhausted',
      `must be 'fail' or 'accept', not '${options.onExhausted}'.`,
    );
  inRange('escalatingAgent: maxAttempts', options.maxAttempts, 1, 64, true);
  if (typeof options.model?.within !== 'function')
    throw new ScoreError('escalatingAgent: model', 'must be what governed() returns.');
  const { name, model, input, capacity, verify, onExhausted, maxAttempts, onEscalated, ...rest } = options;
  const { estimator } = model.options;
  const call = modelCall(rest);
  return agent<Operands, Result>({
    name,
    ...(input === undefined ? {} : { input }),
    ...(capacity === undefined ? {} : { capacity }),
    ...observes(model),
    spends: true,
    run: spending(async (operands: Operands, context) => {
      const first = { ...operands, rejection: '' };
      const task = call.taskOf(first, context);
      const { stepId } = context;
      const book = (accepted: boolean, quality: number, usd: number, attempts: number) =>
        accountOf(context)?.check({ stepId, accepted, quality, usd, attempts });
      try {
        const done = await escalate<Result>({
          governor: await call.within(first, context, model),
          difficulty: estimator?.estimate(task),
          verify: verify(operands, context),
          onExhausted,
          maxAttempts,
          onAttempt: teacher(model, task),
          run: async (point, rejection = '') => {
            const { output, usd } = await call({ ...operands, rejection }, context, model.at(point));
            return { value: output, usd };
          },
        });
        book(done.accepted, done.quality, done.usd, done.attempts.length);
        onEscalated?.({ ...done, stepId });
        return done.value;
      } catch (error) {
        if (error instanceof EscalationError)
          book(false, error.attempts.at(-1)?.quality ?? 0, error.usd, error.attempts.length);
        throw error;
      }
    }),
  });
}

/**
 * Passes verdicts on to an estimator that learns. The estimator predicts whether the cheap model is enough. So it gets
 * the verdicts on the bottom model's answer, and rejections of better models except the top one, because the bottom
 * model would have failed, too. It gets at most one verdict for each task.
 */
function teacher({ options, at }: Governed, task: string): (attempt: EscalationAttempt) => void {
  const { governor, estimator } = options;
  if (estimator === undefined || !('learn' in estimator)) return () => {};
  const pupil = estimator as LearningEstimator;
  const { ladder } = governor;
  const [bottom, top] = [at(ladder[0]!).model, at(ladder.at(-1)!).model];
  let taught = bottom === top;
  return ({ point, accepted }) => {
    const { model } = at(point);
    if (taught || model === top || (accepted && model !== bottom)) return;
    taught = true;
    pupil.learn(task, accepted ? 'accepted' : 'rejected');
  };
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
  checkTypes('modelVerifier', options, {
    ...CALL_OPTIONS,
    name: 'string',
    model: 'function',
    verdictSchema: 'object or function',
    point: 'object',
    context: 'object',
  });
  const { name, model, verdictSchema, point = ROLES.verifier, context, ...rest } = options;
  const call = modelCall({ ...rest, outputSchema: verdictSchema, tell: false });
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
