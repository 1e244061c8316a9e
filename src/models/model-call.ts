/** One answer of a model: a prompt, perhaps tools, perhaps a schema; metered, retried, redacted. */
import type { LanguageModelV4 } from '@ai-sdk/provider';
import type { ModelMessage } from 'ai';
import { BudgetError } from '../../actors/tomasulo/errors.ts';
import type { AgentContext } from '../../actors/tomasulo/program.ts';
import { RoutingConfigError } from '../budget/config-error.ts';
import { Ledger } from '../budget/budget.ts';
import { loadPrices, PriceError, type PriceList, type TokenUsage } from '../budget/prices.ts';
import type { Route } from '../routing/router.ts';
import { accountOf, bothOf } from '../budget/run-account.ts';
import { checkCallOptions, type ModelCallOptions } from './call-options.ts';
import type { Governed, ModelChoice, ModelChooser, Points } from './choose.ts';
import { ModelError } from './errors.ts';
import type { FailedModel } from '../budget/call-report.ts';
import { meter, type CallEvent } from './meter.ts';
import { ask, promptText } from './prompt.ts';
import { redactor, type Redact } from './redact.ts';
import { repairedOutput } from './repair.ts';
import { checkModel, loadSdk, modelName, type Sdk } from './sdk.ts';
import { addUsage, NO_USAGE } from './usage.ts';
import type { CallReport } from '../budget/call-report.ts';

/** An answer, and what it cost. */
export interface ModelAnswer<Result> {
  readonly output: Result;
  /** The model that answered, as `provider:name`. */
  readonly model: string;
  /** Models that were asked before it, in order, and gave no answer. */
  readonly failed: readonly FailedModel[];
  readonly usage: TokenUsage;
  /** US dollars; 0 where no prices are known. */
  readonly usd: number;
  /** Requests to all models, retries included. */
  readonly calls: number;
}
export interface ModelCall<Operands, Result> {
  (
    operands: Operands,
    context: AgentContext,
    choice: ModelChoice | ModelChooser | Governed,
  ): Promise<ModelAnswer<Result>>;
  /** What the estimator reads. */
  taskOf(operands: Operands, context: AgentContext): string;
  /** The points for a step, within what is left of its budgets whenever one is chosen. */
  within(operands: Operands, context: AgentContext, governed: Governed): Promise<Points>;
}

/**
 * A function that asks a model, for agents that do more than ask.
 *
 * @throws ScoreError for an option that does not exist, a value of another type, a number out of range;
 *   RoutingConfigError for the budget
 */
export function modelCall<Operands = Record<string, unknown>, Result = string>(
  options: ModelCallOptions<Operands, Result>,
): ModelCall<Operands, Result> {
  checkCallOptions(options);
  const caller = new Caller(options);
  return Object.assign(
    (operands: Operands, context: AgentContext, choose: ModelChoice | ModelChooser | Governed) =>
      caller.call(operands, context, choose),
    {
      taskOf: (operands: Operands, context: AgentContext) => caller.taskOf(operands, context),
      within: (operands: Operands, context: AgentContext, governed: Governed) =>
        caller.within(operands, context, governed),
    },
  );
}

const DEFAULT_TIMEOUT_MS = 600_000;
const DEFAULT_OUTPUT_TOKENS = 4_096;
/** Rounds of tool calls. */
const MOST_STEPS = 8;

class Caller<Operands, Result> {
  readonly #options: ModelCallOptions<Operands, Result>;
  readonly #ledger: Ledger;
  readonly #redact: Redact;
  #prices: Promise<PriceList | undefined> | undefined;

  constructor(options: ModelCallOptions<Operands, Result>) {
    this.#options = options;
    this.#ledger = options.budget instanceof Ledger ? options.budget : new Ledger(options.budget);
    this.#redact = redactor(options.secrets);
  }
  taskOf(operands: Operands, context: AgentContext): string {
    return promptText(ask(this.#options.prompt, operands, context));
  }

  async within(operands: Operands, context: AgentContext, governed: Governed): Promise<Points> {
    const { instructions, prompt, outputSchema, tools } = this.#options;
    const { account, inMoney, list } = await this.#pay(context);
    const asked = JSON.stringify([instructions, ask(prompt, operands, context)]);
    const ledger = this.#ledger;
    const stepsLeft = () => account?.stepsLeft ?? 1;
    const terms = {
      ledgers: account === undefined ? [ledger] : [ledger, account.ledger],
      stepsLeft,
      spareCall: () => ledger.unspent.calls >= stepsLeft() && (account?.hasSpareCall ?? true),
      remainingMs: () => account?.remainingMs(context.now(), context.stepId),
      // What the meter sets aside is counted exactly; a schema and tools are some 2,000 bytes more.
      inputTokens:
        new TextEncoder().encode(asked).length + 256 + (outputSchema === undefined && !tools ? 0 : 2_048),
      maxOutputTokens: this.#options.maxOutputTokens ?? DEFAULT_OUTPUT_TOKENS,
    };
    try {
      return governed.within({ ...terms, prices: list });
    } catch (error) {
      if (inMoney || !(error instanceof PriceError)) throw error;
      return governed.within(terms); // where a cost is not known, the cost law orders the points
    }
  }

  async call(
    operands: Operands,
    context: AgentContext,
    choose: ModelChoice | ModelChooser | Governed,
  ): Promise<ModelAnswer<Result>> {
    context.signal.throwIfAborted();
    const sdk = await loadSdk(this.#options.sdk);
    const asked = ask(this.#options.prompt, operands, context);
    const points =
      typeof choose === 'function' && 'within' in choose
        ? await this.within(operands, context, choose)
        : undefined;
    const choice = choiceOf(choose, promptText(asked), points);
    const account = accountOf(context);
    const calls: CallReport[] = [];
    const failed: FailedModel[] = [];
    const metered = await this.#metered(sdk, choice, context, calls, failed);
    const usd = () => calls.reduce((sum, call) => sum + (call.usd ?? 0), 0);
    const answering = () => modelName([choice.model, ...(choice.fallbacks ?? [])][failed.length]!);
    const fail: Fail = (failure, problem, remedy) =>
      new ModelError({
        failure,
        model: answering(),
        problem: this.#redact(problem),
        remedy,
        attempts: calls.filter(({ model }) => model === answering()).length,
        usd: usd(),
        earlier: failed,
      });
    const { stepId } = context;
    try {
      const output = await this.#generate(sdk, metered, asked, choice.route, context.signal, fail);
      const usage = calls.reduce((sum, call) => addUsage(sum, call.usage), NO_USAGE);
      const model = answering();
      if (failed.length > 0) account?.fellBack({ stepId, answered: model, failed });
      return { output, model, failed, usage, usd: usd(), calls: calls.length };
    } catch (error) {
      if (failed.length > 0) account?.fellBack({ stepId, answered: undefined, failed });
      throw known(error, context) ? error : translate(error, fail, sdk, this.#options.maxSteps ?? MOST_STEPS);
    }
  }

  /** What the step pays from, and prices: strict where a limit is in money. */
  async #pay(context: AgentContext) {
    const account = accountOf(context);
    const inMoney = this.#ledger.limits.usd !== undefined || account?.ledger.limits.usd !== undefined;
    const { prices, meter } = this.#options;
    const list = prices ?? (await (this.#prices ??= pricesFor(inMoney || meter !== undefined)));
    return { account, inMoney, list };
  }

  async #metered(
    sdk: Sdk,
    { model, fallbacks = [], route }: ModelChoice,
    context: AgentContext,
    calls: CallReport[],
    failed: FailedModel[],
  ): Promise<LanguageModelV4> {
    const { account, inMoney, list } = await this.#pay(context);
    const models = [model, ...fallbacks];
    for (const one of models) {
      checkModel(one, `step '${context.stepId}'`);
      if (inMoney) list?.bound(modelName(one), 1, 1); // one without a price is refused before any is asked
    }
    const { options, ledger } = { options: this.#options, ledger: this.#ledger };
    const tell = options.tell === false ? () => {} : teller(context);
    return meter(sdk, models, {
      runId: context.runId,
      stepId: context.stepId,
      stream: options.stream ?? true,
      retry: options.retry ?? {},
      ledger: account === undefined ? ledger : bothOf(ledger, account.purseOf(context)),
      prices: !inMoney && list !== undefined ? lenient(list) : list,
      redact: this.#redact,
      maxOutputTokens: options.maxOutputTokens ?? DEFAULT_OUTPUT_TOKENS,
      timeoutMs: route?.timeoutMs ?? options.timeoutMs ?? DEFAULT_TIMEOUT_MS,
      sleep: (ms) => context.sleep(ms),
      onEvent: (event) => {
        tell(event);
        options.onEvent?.({ ...event, stepId: context.stepId });
      },
      onCall: (report) => {
        calls.push(report);
        options.meter?.add(report);
        account?.add(report);
      },
      onFailedModel: (one) => void failed.push(one),
    });
  }

  /** The loop of tool calls. @throws what `fail` makes for an answer that cannot be used */
  async #generate(
    sdk: Sdk,
    model: LanguageModelV4,
    asked: string | readonly ModelMessage[],
    route: Route | undefined,
    signal: AbortSignal,
    fail: Fail,
  ): Promise<Result> {
    const { instructions, tools, outputSchema, repairText, maxSteps = MOST_STEPS } = this.#options;
    const { maxOutputTokens, temperature, reasoning } = route ?? {};
    const result = await sdk.generateText({
      model,
      ...(typeof asked === 'string' ? { prompt: asked } : { messages: [...asked] }),
      ...(instructions === undefined ? {} : { instructions }),
      ...(tools === undefined ? {} : { tools }),
      ...(outputSchema === undefined ? {} : { output: repairedOutput(sdk, outputSchema, repairText) }),
      ...(maxOutputTokens === undefined ? {} : { maxOutputTokens }),
      ...(temperature === undefined ? {} : { temperature }),
      ...(reasoning === undefined ? {} : { reasoning }),
      stopWhen: sdk.isStepCount(maxSteps),
      maxRetries: 0, // the meter retries single calls; the loop must not run tools again
      abortSignal: signal,
      telemetry: { isEnabled: false },
    });
    const unusable = whyUnusable(result.finishReason, maxSteps, fail);
    if (unusable !== undefined) throw unusable;
    return (outputSchema === undefined ? result.text : result.output) as Result;
  }
}

type Fail = (
  failure: 'output' | 'length' | 'filtered' | 'steps',
  problem: string,
  remedy: string,
) => ModelError;

function choiceOf(
  choose: ModelChoice | ModelChooser | Governed,
  task: string,
  points: Points | undefined,
): ModelChoice {
  if (typeof choose !== 'function') return choose;
  if (points === undefined || !('within' in choose)) return choose(task);
  return choose.at(points.pointFor(choose.options.estimator?.estimate(task)));
}

/** Sends text as `step.text` events. Each call begins again: what was written before it, for a tool or for an answer that
 *  broke off, is not the answer. */
function teller(context: AgentContext): (event: CallEvent) => void {
  let again = true;
  return (event) => {
    if (event.type === 'started') again = true;
    else if (event.type === 'restarted') context.say?.('', true);
    else if (event.type === 'delta' && event.kind === 'text') {
      context.say?.(event.delta, again);
      again = false;
    }
  };
}

/** Without a limit in money an unknown price only means that the cost is not known. */
const lenient = (list: PriceList): PriceList => {
  const or = (unknown: number, price: () => number): number => {
    try {
      return price();
    } catch {
      return unknown;
    }
  };
  return {
    cost: (model, usage) => or(Number.NaN, () => list.cost(model, usage)),
    bound: (model, input, output) => or(0, () => list.bound(model, input, output)),
  };
};

const known = (error: unknown, { signal }: AgentContext): boolean =>
  signal.aborted ||
  error instanceof ModelError ||
  error instanceof BudgetError ||
  error instanceof RoutingConfigError ||
  (error instanceof Error && 'isModelMiss' in error);

/** Why an answer that ended in this way is of no use. */
function whyUnusable(finishReason: string | undefined, maxSteps: number, fail: Fail): ModelError | undefined {
  switch (finishReason) {
    case 'length':
      return fail('length', 'the answer was cut at its limit', 'Raise maxOutputTokens.');
    case 'content-filter':
      return fail(
        'filtered',
        'the provider withheld the answer',
        'Change the prompt, or take another model.',
      );
    case 'tool-calls':
      return fail(
        'steps',
        `tools were still being called after ${maxSteps} rounds`,
        'Raise maxSteps, or give simpler tools.',
      );
    default:
      return undefined;
  }
}

function translate(error: unknown, fail: Fail, sdk: Sdk, maxSteps: number): unknown {
  if (sdk.NoObjectGeneratedError.isInstance(error)) {
    const unusable = whyUnusable(error.finishReason, maxSteps, fail);
    if (unusable !== undefined) return unusable;
    const cause = error.cause instanceof Error ? `: ${error.cause.message.slice(0, 300)}` : '';
    return fail(
      'output',
      `the answer does not fit the output schema${cause}`,
      'Say in the prompt what is wanted, take a stronger model, or retry the step.',
    );
  }
  const { name, message } = error instanceof Error ? error : { name: 'Error', message: String(error) };
  return fail('output', `${name}: ${message}`, 'See what the model was asked, and its tools.');
}

/** Without a need for prices, a performance without the price package reports no cost, and goes on. */
const pricesFor = (needed: boolean): Promise<PriceList | undefined> =>
  needed ? loadPrices() : loadPrices().catch(() => undefined);
