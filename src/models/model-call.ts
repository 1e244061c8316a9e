/** One answer of a model: a prompt, perhaps tools, perhaps a schema; metered, retried, redacted. */
import { BudgetError } from '../../actors/errors.ts';
import type { AgentContext } from '../../actors/program.ts';
import { RoutingConfigError } from '../routing/config-error.ts';
import { Ledger } from '../routing/ledger.ts';
import { loadPrices, PriceError, type PriceList, type TokenUsage } from '../routing/prices.ts';
import { accountOf, bothOf } from '../routing/run-account.ts';
import { checkCallOptions, type ModelCallOptions } from './call-options.ts';
import type { Governed, ModelChoice, ModelChooser, Points } from './choose.ts';
import { ModelError } from './errors.ts';
import { meter, type CallEvent } from './meter.ts';
import { ask, textOf } from './prompt.ts';
import { redactor } from './redact.ts';
import { checkModel, loadSdk, nameOf, type Sdk } from './sdk.ts';
import { addUsage, NO_USAGE, type CallReport } from './usage.ts';

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

/** @throws ScoreError for a number out of range or an option that does not exist; RoutingConfigError for the budget */
export function modelCall<Operands = Record<string, unknown>, Result = string>(
  options: ModelCallOptions<Operands, Result>,
): ModelCall<Operands, Result> {
  checkCallOptions(options);
  const { budget, retry = {}, outputSchema, tools, maxSteps = 8 } = options;
  const ledger = budget instanceof Ledger ? budget : new Ledger(budget);
  const redact = redactor(options.secrets);
  const maxOutputTokens = options.maxOutputTokens ?? 4_096;
  let prices: Promise<PriceList | undefined> | undefined;
  /** What the step pays from, and prices: strict where a limit is in money. */
  const pay = async (context: AgentContext) => {
    const account = accountOf(context);
    const inMoney = ledger.limits.usd !== undefined || account?.ledger.limits.usd !== undefined;
    const list = options.prices ?? (await (prices ??= pricesFor(inMoney || options.meter !== undefined)));
    return { account, inMoney, list };
  };
  const taskOf = (operands: Operands, context: AgentContext) =>
    textOf(ask(options.prompt, operands, context));
  const within = async (operands: Operands, context: AgentContext, governed: Governed) => {
    const { account, inMoney, list } = await pay(context);
    const asked = JSON.stringify([options.instructions, ask(options.prompt, operands, context)]);
    // What the meter sets aside is counted exactly; a schema and tools are some 2,000 bytes more.
    const inputTokens =
      new TextEncoder().encode(asked).length + 256 + (outputSchema === undefined && !tools ? 0 : 2_048);
    const terms = {
      ledgers: account === undefined ? [ledger] : [ledger, account.ledger],
      stepsLeft: () => account?.stepsLeft ?? 1,
      remainingMs: () => account?.remainingMs(context.now(), context.stepId),
      inputTokens,
      maxOutputTokens,
    };
    try {
      return governed.within({ ...terms, prices: list });
    } catch (error) {
      if (inMoney || !(error instanceof PriceError)) throw error;
      return governed.within(terms); // what costs nobody knows how much is ordered by the cost law
    }
  };
  const call = async (
    operands: Operands,
    context: AgentContext,
    choose: ModelChoice | ModelChooser | Governed,
  ): Promise<ModelAnswer<Result>> => {
    context.signal.throwIfAborted();
    const sdk = await loadSdk(options.sdk);
    const asked = ask(options.prompt, operands, context);
    const { account, inMoney, list } = await pay(context);
    const points =
      typeof choose === 'function' && 'within' in choose
        ? await within(operands, context, choose)
        : undefined;
    const { model, route } = choiceOf(choose, textOf(asked), points);
    checkModel(model, `step '${context.stepId}'`);
    const calls: CallReport[] = [];
    const tell = options.tell === false ? () => {} : teller(context);
    const metered = meter(sdk, model, {
      runId: context.runId,
      stepId: context.stepId,
      stream: options.stream ?? true,
      retry,
      ledger: account === undefined ? ledger : bothOf(ledger, account.ledger),
      prices: !inMoney && list !== undefined ? lenient(list) : list,
      redact,
      maxOutputTokens,
      timeoutMs: route?.timeoutMs,
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
    });
    const fail = (failure: 'output' | 'length' | 'filtered' | 'steps', problem: string, remedy: string) =>
      new ModelError({
        failure,
        model: nameOf(model),
        problem: redact(problem),
        remedy,
        attempts: calls.length,
        usd: calls.reduce((sum, { usd = 0 }) => sum + usd, 0),
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
  return Object.assign(call, { taskOf, within });
}

function choiceOf(
  choose: ModelChoice | ModelChooser | Governed,
  task: string,
  points: Points | undefined,
): ModelChoice {
  if (typeof choose !== 'function') return choose;
  if (points === undefined || !('within' in choose)) return choose(task);
  return choose.at(points.pointFor(choose.options.estimator?.estimate(task)));
}

/** Passes text on to those who watch the performance. Each call begins anew: what was written before it, for a tool or
 *  for an answer that broke off, is not the answer. */
function teller(context: AgentContext): (event: CallEvent) => void {
  let anew = true;
  return (event) => {
    if (event.type === 'started') anew = true;
    else if (event.type === 'restarted') context.say?.('', true);
    else if (event.type === 'delta' && event.kind === 'text') {
      context.say?.(event.delta, anew);
      anew = false;
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

/** Without a need for prices, a performance whose price package is not installed says no money, and goes on. */
const pricesFor = (needed: boolean): Promise<PriceList | undefined> =>
  needed ? loadPrices() : loadPrices().catch(() => undefined);
