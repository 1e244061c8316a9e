/** How a model is asked, and what of it makes no sense. */
import type { ToolSet } from 'ai';
import { inRange, milliseconds } from '../limits.ts';
import type { Budget, Ledger } from '../routing/ledger.ts';
import type { PriceList } from '../routing/prices.ts';
import type { Schema } from '../schema.ts';
import type { CallEvent, CallRetry } from './meter.ts';
import type { PromptSource } from './prompt.ts';
import type { Sdk } from './sdk.ts';
import type { UsageMeter } from './usage.ts';

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
  /** Whether those who watch the performance are told of text as it comes, in `step.text` events. Default true. */
  readonly tell?: boolean | undefined;
  /** Values that must never be shown, beside what the environment holds. */
  readonly secrets?: readonly string[] | undefined;
  /** How the package `ai` is loaded; for tests. */
  readonly sdk?: (() => Promise<Sdk>) | undefined;
}

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
  'tell',
  'secrets',
  'sdk',
];
const RETRY_KEYS = ['attempts', 'delayMs', 'factor', 'maxRetryAfterMs', 'onCut', 'onMalformed'];

/** @throws TypeError for an option that does not exist; ScoreError for a number out of range. */
export function checkCallOptions(options: ModelCallOptions<any, any>): void {
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
