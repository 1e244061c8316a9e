/** One answer of a model: a prompt, perhaps tools, perhaps a schema; metered, retried, redacted. */
import type { ModelMessage, ToolSet } from 'ai';
import { BudgetError } from '../../actors/errors.ts';
import type { AgentContext } from '../../actors/program.ts';
import { inRange, milliseconds } from '../limits.ts';
import { RoutingConfigError } from '../routing/config-error.ts';
import { Ledger, type Budget } from '../routing/ledger.ts';
import { loadPrices, type PriceList } from '../routing/prices.ts';
import { bothOf, RunAccount } from '../routing/run-account.ts';
import type { Schema } from '../schema.ts';
import type { ModelChoice } from './choose.ts';
import { ModelError } from './errors.ts';
import { meter, type CallEvent, type CallRetry } from './meter.ts';
import { redactor } from './redact.ts';
import { checkModel, loadSdk, nameOf, type Sdk } from './sdk.ts';
import { addUsage, NO_USAGE, type CallReport, type UsageMeter } from './usage.ts';
import type { TokenUsage } from '../routing/prices.ts';

/** What a model is asked, made from a step's operands. In a text, `{operand}` stands for an operand. */
export type PromptSource<Operands> =
  string | ((operands: Operands, context: AgentContext) => string | readonly ModelMessage[]);

export interface ModelCallOptions<Operands, Result> {
  readonly prompt: PromptSource<Operands>;
  /** What the model is told before the prompt. */
  readonly instructions?: string | undefined;
  /** Structured output: zod, or any Standard Schema that the AI SDK accepts. Without one the answer is text. */
  readonly outputSchema?: Schema<any, Result> | undefined;
  /** Tools of the AI SDK, made by its `tool()`. */
  readonly tools?: ToolSet | undefined;
  /** Rounds of tool calls, 1 to 100. Default 8. */
  readonly maxSteps?: number | undefined;
  /** Whether answers are streamed. Default true. */
  readonly stream?: boolean | undefined;
  readonly retry?: CallRetry | undefined;
  /** A budget for this agent alone, or a ledger that several share. Default: no limit. */
  readonly budget?: Budget | Ledger | undefined;
  /** Default: loaded when the budget is in money or `meter` is given. */
  readonly prices?: PriceList | undefined;
  /** Tokens of an answer where the route does not say, 1 or more. Default 4,096. */
  readonly maxOutputTokens?: number | undefined;
  readonly meter?: UsageMeter | undefined;
  readonly onEvent?: ((event: CallEvent & { readonly stepId: string }) => void) | undefined;
  /** Values that must never be shown, beside what the environment holds. */
  readonly secrets?: readonly string[] | undefined;
  /** How the package `ai` is loaded; for tests. */
  readonly sdk?: (() => Promise<Sdk>) | undefined;
}

/** An answer, and what it cost. */
export interface ModelAnswer<Result> {
  readonly output: Result;
  /** `provider:name`. */
  readonly model: string;
  readonly usage: TokenUsage;
  /** US dollars; 0 where no prices are known. */
  readonly usd: number;
  /** Calls, retries included. */
  readonly calls: number;
}
export type ModelCall<Operands, Result> = (
  operands: Operands,
  context: AgentContext,
  choice: ModelChoice | ((task: string) => ModelChoice),
) => Promise<ModelAnswer<Result>>;

const KEYS = [
  'prompt',
  'instructions',
  'outputSchema',
  'tools',
  'maxSteps',
  'stream',
  'retry',
  'budget',
  'prices',
  'maxOutputTokens',
  'meter',
  'onEvent',
  'secrets',
  'sdk',
];
const RETRY_KEYS = ['attempts', 'delayMs', 'factor', 'maxRetryAfterMs', 'onCut', 'onMalformed'];

/** @throws ScoreError for a number out of range or an option that does not exist; RoutingConfigError for the budget */
export function modelCall<Operands = Record<string, unknown>, Result = string>(
  options: ModelCallOptions<Operands, Result>,
): ModelCall<Operands, Result> {
  check(options);
  const { budget, retry = {}, outputSchema, tools, maxSteps = 8 } = options;
  const ledger = budget instanceof Ledger ? budget : new Ledger(budget);
  const redact = redactor(options.secrets);
  let prices: Promise<PriceList | undefined> | undefined;
  return async (operands, context, choose) => {
    context.signal.throwIfAborted();
    const sdk = await loadSdk(options.sdk);
    const asked = ask(options.prompt, operands, context);
    const { model, route } = typeof choose === 'function' ? choose(textOf(asked)) : choose;
    checkModel(model, `step '${context.stepId}'`);
    const account = context.account instanceof RunAccount ? context.account : undefined;
    const inMoney = ledger.limits.usd !== undefined || account?.ledger.limits.usd !== undefined;
    const list = options.prices ?? (await (prices ??= pricesFor(inMoney || options.meter !== undefined)));
    const calls: CallReport[] = [];
    const metered = meter(sdk, model, {
      runId: context.runId,
      stepId: context.stepId,
      stream: options.stream ?? true,
      retry,
      ledger: account === undefined ? ledger : bothOf(ledger, account.ledger),
      prices: !inMoney && list !== undefined ? lenient(list) : list,
      redact,
      maxOutputTokens: options.maxOutputTokens ?? 4_096,
      timeoutMs: route?.timeoutMs,
      sleep: (ms) => context.sleep(ms),
      onEvent: (event) => options.onEvent?.({ ...event, stepId: context.stepId }),
      onCall: (report) => {
        calls.push(report);
        options.meter?.add(report);
        account?.add(report);
      },
    });
    const fail = (failure: 'output' | 'length' | 'filtered' | 'steps', problem: string, remedy: string) =>
      new ModelError({
        failure,
        model: nameOf(model),
        problem: redact(problem),
        remedy,
        attempts: calls.length,
      });
    try {
      const result = await sdk.generateText({
        model: metered,
        ...(typeof asked === 'string' ? { prompt: asked } : { messages: [...asked] }),
        ...(options.instructions === undefined ? {} : { instructions: options.instructions }),
        ...(tools === undefined ? {} : { tools }),
        ...(outputSchema === undefined
          ? {}
          : { output: sdk.Output.object({ schema: outputSchema as never }) }),
        ...(route?.maxOutputTokens === undefined ? {} : { maxOutputTokens: route.maxOutputTokens }),
        ...(route?.temperature === undefined ? {} : { temperature: route.temperature }),
        ...(route?.reasoning === undefined ? {} : { reasoning: route.reasoning }),
        stopWhen: sdk.isStepCount(maxSteps),
        maxRetries: 0, // the meter retries single calls; the loop must not run tools again
        abortSignal: context.signal,
        telemetry: { isEnabled: false },
      });
      if (result.finishReason === 'length')
        throw fail('length', 'the answer was cut at its limit', 'Raise maxOutputTokens.');
      if (result.finishReason === 'content-filter')
        throw fail(
          'filtered',
          'the provider withheld the answer',
          'Change the prompt, or take another model.',
        );
      if (result.finishReason === 'tool-calls')
        throw fail(
          'steps',
          `tools were still being called after ${maxSteps} rounds`,
          'Raise maxSteps, or give simpler tools.',
        );
      const output = (outputSchema === undefined ? result.text : result.output) as Result;
      const usage = calls.reduce((sum, call) => addUsage(sum, call.usage), NO_USAGE);
      return {
        output,
        model: nameOf(model),
        usage,
        usd: calls.reduce((sum, call) => sum + (call.usd ?? 0), 0),
        calls: calls.length,
      };
    } catch (error) {
      throw known(error, context) ? error : translate(error, fail, sdk);
    }
  };
}

/** Without a limit in money an unknown price only means that the cost is not known. */
const lenient = (list: PriceList): PriceList => {
  const or0 = (price: () => number): number => {
    try {
      return price();
    } catch {
      return 0;
    }
  };
  return {
    cost: (model, usage) => or0(() => list.cost(model, usage)),
    bound: (model, input, output) => or0(() => list.bound(model, input, output)),
  };
};

const known = (error: unknown, { signal }: AgentContext): boolean =>
  signal.aborted ||
  error instanceof ModelError ||
  error instanceof BudgetError ||
  error instanceof RoutingConfigError ||
  (error instanceof Error && 'isModelMiss' in error);

function translate(
  error: unknown,
  fail: (failure: 'output', problem: string, remedy: string) => ModelError,
  sdk: Sdk,
): unknown {
  if (sdk.NoObjectGeneratedError.isInstance(error)) {
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

function ask<Operands>(
  source: PromptSource<Operands>,
  operands: Operands,
  context: AgentContext,
): string | readonly ModelMessage[] {
  if (typeof source === 'function') return source(operands, context);
  const given = operands as Record<string, unknown>;
  return source.replace(/\{([A-Za-z_][\w-]*)\}/g, (whole, key: string) => {
    if (!Object.hasOwn(given, key)) return whole;
    const value = given[key];
    return typeof value === 'string' ? value : JSON.stringify(value);
  });
}

/** What the estimator reads: the prompt, or the texts of the messages. */
function textOf(asked: string | readonly ModelMessage[]): string {
  if (typeof asked === 'string') return asked;
  return asked
    .flatMap(({ content }) =>
      typeof content === 'string' ? [content] : content.map((part) => ('text' in part ? part.text : '')),
    )
    .join('\n');
}

function check(options: ModelCallOptions<any, any>): void {
  const unknown = Object.keys(options).find((key) => !KEYS.includes(key));
  if (unknown !== undefined)
    throw new TypeError(`modelAgent: unknown option '${unknown}'; use ${KEYS.join(', ')}.`);
  const { retry = {} } = options;
  const badRetry = Object.keys(retry).find((key) => !RETRY_KEYS.includes(key));
  if (badRetry !== undefined)
    throw new TypeError(`modelAgent: unknown option 'retry.${badRetry}'; use ${RETRY_KEYS.join(', ')}.`);
  inRange('maxSteps', options.maxSteps, 1, 100, true);
  inRange('maxOutputTokens', options.maxOutputTokens, 1, 10_000_000, true);
  inRange('retry.attempts', retry.attempts, 1, 20, true);
  inRange('retry.factor', retry.factor, 1, 10, false);
  milliseconds('retry.delayMs', retry.delayMs);
  milliseconds('retry.maxRetryAfterMs', retry.maxRetryAfterMs);
}

/** Without a need for prices, a performance whose price package is not installed says no money, and goes on. */
const pricesFor = (needed: boolean): Promise<PriceList | undefined> =>
  needed ? loadPrices() : loadPrices().catch(() => undefined);
