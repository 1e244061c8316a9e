/** The options of a call to a model, and their check. */
import type { ToolSet } from 'ai';
import { ScoreError } from '../../actors/tomasulo/program.ts';
import { checkTypes, inRange, LONGEST_MS } from '../score/limits.ts';
import type { Budget, Ledger } from '../budget/budget.ts';
import type { PriceList } from '../budget/prices.ts';
import type { Schema } from '../score/schema.ts';
import type { CallEvent } from './meter.ts';
import type { PromptSource } from './prompt.ts';
import type { RepairText } from './repair.ts';
import { checkCallRetry, type CallRetry } from './retry.ts';
import type { Sdk } from './sdk.ts';
import type { UsageMeter } from './usage.ts';

export interface ModelCallOptions<Operands, Result> {
  readonly prompt: PromptSource<Operands>;
  /** Instructions to the model, sent before the prompt. */
  readonly instructions?: string | undefined;
  /** Structured output: zod, or any Standard Schema that the AI SDK accepts. Without one the answer is text. */
  readonly outputSchema?: Schema<any, Result> | undefined;
  /** Repairs an answer that does not fit `outputSchema`, once. Default: the one piece of JSON that fits is taken out of
   *  a Markdown fence or of the prose around it. */
  readonly repairText?: RepairText | undefined;
  /** Tools of the AI SDK, made by its `tool()`. */
  readonly tools?: ToolSet | undefined;
  /** Rounds of tool calls, 1 to 100. Default 8. */
  readonly maxSteps?: number | undefined;
  /** Whether answers are streamed. Default true. */
  readonly stream?: boolean | undefined;
  readonly retry?: CallRetry | undefined;
  /** How long one request may take, above 0 to 2^31 − 1 ms; then it is aborted and counts as a failed attempt. A route's
   *  `timeoutMs` goes before. Default 600,000 ms. */
  readonly timeoutMs?: number | undefined;
  /** A budget for this agent alone, or a ledger that several share. Default: no limit. */
  readonly budget?: Budget | Ledger | undefined;
  /** Default: loaded when the budget is in money or `meter` is given. */
  readonly prices?: PriceList | undefined;
  /** Tokens of an answer where the route does not say, 1 or more. Default 4,096. */
  readonly maxOutputTokens?: number | undefined;
  readonly meter?: UsageMeter | undefined;
  readonly onEvent?: ((event: CallEvent & { readonly stepId: string }) => void) | undefined;
  /** Whether the performance sends `step.text` events with the text as it comes. Default true. */
  readonly tell?: boolean | undefined;
  /** Values that must never be shown, in addition to the keys in the environment. */
  readonly secrets?: readonly string[] | undefined;
  /** How the package `ai` is loaded; for tests. */
  readonly sdk?: (() => Promise<Sdk>) | undefined;
}

/** The types of the options, as `checkTypes` reads them. */
export const CALL_OPTIONS: Readonly<Record<keyof ModelCallOptions<any, any>, string>> = {
  prompt: 'string or function',
  instructions: 'string',
  outputSchema: 'object or function',
  repairText: 'function',
  tools: 'object',
  maxSteps: 'number',
  stream: 'boolean',
  retry: 'object',
  timeoutMs: 'number',
  budget: 'object',
  prices: 'object',
  maxOutputTokens: 'number',
  meter: 'object',
  onEvent: 'function',
  tell: 'boolean',
  secrets: 'array',
  sdk: 'function',
};

/** @throws ScoreError for an option that does not exist, a value of another type, a number out of range */
export function checkCallOptions(options: ModelCallOptions<any, any>): void {
  const where = 'modelCall';
  checkTypes(where, options, CALL_OPTIONS);
  if (options.prompt === undefined) throw new ScoreError(where, 'a prompt is needed: a text, or a function.');
  if (options.retry !== undefined) checkCallRetry(options.retry, `${where}: retry`);
  inRange(`${where}: maxSteps`, options.maxSteps, 1, 100, true);
  inRange(`${where}: maxOutputTokens`, options.maxOutputTokens, 1, 10_000_000, true);
  inRange(`${where}: timeoutMs`, options.timeoutMs, 1, LONGEST_MS, false);
  const { outputSchema, secrets = [], meter, prices } = options;
  if (outputSchema !== undefined && !('~standard' in outputSchema))
    throw new ScoreError(`${where}: outputSchema`, 'must be a schema: zod, or any Standard Schema.');
  if (secrets.some((secret) => typeof secret !== 'string'))
    throw new ScoreError(`${where}: secrets`, 'must be texts.');
  if (meter !== undefined && typeof meter.add !== 'function')
    throw new ScoreError(`${where}: meter`, 'must be a UsageMeter.');
  if (prices !== undefined && (typeof prices.cost !== 'function' || typeof prices.bound !== 'function'))
    throw new ScoreError(`${where}: prices`, 'must be what loadPrices() resolves to; await it.');
}
