/**
 * A metered model: sets the budget aside before each call, tries again by policy, books what was used.
 *
 * It wraps one call of a model and not the loop of tool calls around it, so that a retry never runs a tool again: the
 * SDK's loop sees one answer per step, however many calls it took. Hence the SDK's own retries are switched off.
 */
import type {
  LanguageModelV4,
  LanguageModelV4CallOptions,
  LanguageModelV4GenerateResult,
} from '@ai-sdk/provider';
import { BudgetError } from '../../actors/errors.ts';
import type { Reservation } from '../routing/ledger.ts';
import type { PriceList, TokenUsage } from '../routing/prices.ts';
import type { Purse } from '../routing/run-account.ts';
import { collect } from './collect.ts';
import { ModelError } from './errors.ts';
import { CallTimeoutError, readFailure, type WireFailure } from './failure.ts';
import type { Redact } from './redact.ts';
import { nameOf, type Model, type Sdk } from './sdk.ts';
import type { CallReport } from './usage.ts';

/** When a call is tried again. */
export interface CallRetry {
  /** Calls in all, 1 to 20. Default 3. Waits that a provider asked for by Retry-After do not count. */
  readonly attempts?: number | undefined;
  /** Milliseconds before the second. Default 1,000. */
  readonly delayMs?: number | undefined;
  /** Each further delay is so many times longer. Default 2. */
  readonly factor?: number | undefined;
  /** How long a call waits in all because its provider asked for it by Retry-After; a longer wait fails the call. So
   *  many calls at once get through a rate limit. Default 60,000 ms. */
  readonly maxRetryAfterMs?: number | undefined;
  /** What to do with an answer that broke off. Default retry. */
  readonly onCut?: 'retry' | 'fail' | undefined;
  /** What to do with an answer that is not what the protocol says. Default retry. */
  readonly onMalformed?: 'retry' | 'fail' | undefined;
}

/** What happens in a call. A `restarted` takes back every delta since the last `started`. */
export type CallEvent =
  | { readonly type: 'started' | 'restarted'; readonly model: string; readonly attempt: number }
  | { readonly type: 'delta'; readonly kind: 'text' | 'reasoning'; readonly delta: string }
  | { readonly type: 'waiting'; readonly model: string; readonly delayMs: number; readonly failure: string }
  | { readonly type: 'warning'; readonly model: string; readonly warning: string };

export interface MeterOptions {
  readonly runId: string;
  readonly stepId: string;
  readonly stream: boolean;
  readonly retry: CallRetry;
  readonly ledger: Purse;
  /** A cost of NaN is one that is not known. */
  readonly prices: PriceList | undefined;
  readonly redact: Redact;
  /** Tokens that an answer may have where the call does not say. */
  readonly maxOutputTokens: number;
  readonly timeoutMs: number | undefined;
  readonly sleep: (ms: number) => Promise<void>;
  readonly onEvent: (event: CallEvent) => void;
  readonly onCall: (report: CallReport) => void;
}

/** What a file can cost does not follow from its bytes: a picture is charged by its pixels, and anything else (a PDF of
 *  many pages, an address of who knows what) may fill the largest window there is. */
const FILE_TOKENS = { picture: 16_384, other: 2 ** 20 };
function fileBound({ prompt }: LanguageModelV4CallOptions): number {
  const parts = prompt.flatMap(({ content }): readonly { type: string }[] =>
    typeof content === 'string' ? [] : content,
  );
  return parts
    .filter(({ type }) => type === 'file')
    .reduce((sum, part) => {
      const { mediaType = '' } = part as { mediaType?: string };
      return sum + (mediaType.startsWith('image') ? FILE_TOKENS.picture : FILE_TOKENS.other);
    }, 0);
}

/** The most input tokens that a request can be: no token of text is shorter than a byte; 64 for each message's frame. */
export function inputBound(request: LanguageModelV4CallOptions): number {
  const { prompt, tools, responseFormat } = request;
  const text = JSON.stringify([prompt, tools, responseFormat], (_key, value: unknown) =>
    value instanceof Uint8Array ? '.'.repeat(Math.ceil((value.length * 4) / 3)) : value,
  );
  const frames = 64 * (prompt.length + (tools?.length ?? 0) + 1);
  return new TextEncoder().encode(text).length + frames + fileBound(request);
}

/** Wraps a model of specification V3 or V4. */
export function meter(sdk: Sdk, model: Model, options: MeterOptions): LanguageModelV4 {
  const name = nameOf(model);
  return sdk.wrapLanguageModel({
    model,
    middleware: {
      specificationVersion: 'v4',
      wrapGenerate: ({ model: inner, params }) => callWithRetries(inner, name, params, options),
    },
  });
}

async function callWithRetries(
  model: LanguageModelV4,
  name: string,
  given: LanguageModelV4CallOptions,
  options: MeterOptions,
): Promise<LanguageModelV4GenerateResult> {
  const {
    attempts = 3,
    delayMs = 1_000,
    factor = 2,
    maxRetryAfterMs = 60_000,
    onCut = 'retry',
    onMalformed = 'retry',
  } = options.retry;
  const params = { ...given, maxOutputTokens: given.maxOutputTokens ?? options.maxOutputTokens };
  const inputTokens = inputBound(params);
  const tokens = inputTokens + params.maxOutputTokens;
  const usd = options.prices?.bound(name, inputTokens, params.maxOutputTokens) ?? 0;
  let [asked, waited] = [0, 0]; // waits that the provider asked for
  for (let attempt = 1; ; attempt++) {
    const reservation = await options.ledger.acquire({ calls: 1, tokens, usd }, params.abortSignal);
    const book = booker(reservation, name, options);
    try {
      options.onEvent({ type: attempt === 1 ? 'started' : 'restarted', model: name, attempt });
      const answer = await callOnce(model, params, options);
      for (const warning of answer.warnings)
        options.onEvent({ type: 'warning', model: name, warning: options.redact(JSON.stringify(warning)) });
      book(answer.usage, false);
      return { ...answer, warnings: [] };
    } catch (error) {
      // An abort tells nothing of what was used, so all that was set aside counts.
      if (params.abortSignal?.aborted) {
        book(undefined, true);
        throw params.abortSignal.reason;
      }
      if (error instanceof BudgetError || isMiss(error)) {
        reservation.cancel();
        throw error;
      }
      const failure = readFailure(error);
      if (failure.billed) book(undefined, true);
      else book({ inputTokens: ZERO_IN, outputTokens: ZERO_OUT }, true);
      const policy =
        failure.failure === 'cut' ? onCut : failure.failure === 'malformed' ? onMalformed : 'retry';
      // A time in the past is no wait: a clock that is late must not use up all attempts at once.
      const told = (failure.retryAfterMs ?? 0) > 0 ? failure.retryAfterMs! : undefined;
      const wait = told ?? delayMs * factor ** (attempt - asked - 1);
      const tooLong = told !== undefined && waited + told > maxRetryAfterMs;
      if (!failure.retryable || policy === 'fail' || tooLong)
        throw modelError(name, failure, attempt, tooLong, options.redact);
      if (told !== undefined) [asked, waited] = [asked + 1, waited + told];
      else if (attempt - asked >= attempts) throw modelError(name, failure, attempt, tooLong, options.redact);
      options.onEvent({ type: 'waiting', model: name, delayMs: wait, failure: failure.failure });
      await options.sleep(wait);
    }
  }
}

const ZERO_IN = { total: 0, noCache: 0, cacheRead: 0, cacheWrite: 0 } as const;
const ZERO_OUT = { total: 0, text: 0, reasoning: 0 } as const;

/** A scripted or replayed model that was asked for what it does not have is a fault of the test, never of the wire. */
const isMiss = (error: unknown): boolean => error instanceof Error && 'isModelMiss' in error;

async function callOnce(
  model: LanguageModelV4,
  params: LanguageModelV4CallOptions,
  { stream, timeoutMs, onEvent }: MeterOptions,
): Promise<LanguageModelV4GenerateResult> {
  const controller = new AbortController();
  const forward = () => controller.abort(params.abortSignal!.reason);
  params.abortSignal?.throwIfAborted();
  params.abortSignal?.addEventListener('abort', forward, { once: true });
  const late = timeoutMs === undefined ? undefined : new CallTimeoutError(timeoutMs);
  const timer = late && setTimeout(() => controller.abort(late), late.limitMs);
  const call = { ...params, abortSignal: controller.signal };
  try {
    if (!stream) return await model.doGenerate(call);
    const { stream: parts } = await model.doStream(call);
    return await collect(parts, (kind, delta) => onEvent({ type: 'delta', kind, delta }));
  } catch (error) {
    throw late !== undefined && controller.signal.reason === late ? late : error;
  } finally {
    clearTimeout(timer);
    params.abortSignal?.removeEventListener('abort', forward);
  }
}

/** Books a call once. Without a report of usage, what was set aside is taken as used: late is not free. */
function booker(reservation: Reservation, model: string, { prices, runId, stepId, onCall }: MeterOptions) {
  return (reported: TokenUsage | undefined, failed: boolean): void => {
    const { inputTokens, outputTokens } = reported ?? {};
    // A count that is none, such as -5, is no report.
    const isCount = (value: number | undefined): value is number =>
      Number.isSafeInteger(value) && value! >= 0;
    const [input, output] = [inputTokens?.total, outputTokens?.total];
    const known = isCount(input) && isCount(output);
    const { bound } = reservation;
    if (!known) {
      reservation.settle(bound);
      const usage = {
        inputTokens: { ...ZERO_IN, total: undefined },
        outputTokens: { ...ZERO_OUT, total: undefined },
      };
      // Where the price is not known, neither is the cost.
      const usd = prices === undefined || Number.isNaN(prices.cost(model, usage)) ? undefined : bound.usd;
      onCall({ runId, stepId, model, usage, tokens: bound.tokens, usd, estimated: true, failed });
      return;
    }
    const usage = reported as TokenUsage;
    const cost = prices?.cost(model, usage);
    const usd = Number.isNaN(cost) ? undefined : cost;
    reservation.settle({ calls: 1, tokens: input + output, usd: usd ?? 0 });
    onCall({ runId, stepId, model, usage, tokens: input + output, usd, estimated: false, failed });
  };
}

/** A server may answer with a page. */
const clip = (text: string): string => (text.length <= 500 ? text : `${text.slice(0, 500)}…`);

function modelError(
  model: string,
  { failure, problem, remedy, statusCode, retryAfterMs }: WireFailure,
  attempts: number,
  tooLong: boolean,
  redact: Redact,
): ModelError {
  const wait = tooLong
    ? `Wait ${Math.ceil(retryAfterMs! / 1_000)} s as the provider asks, or raise retry.maxRetryAfterMs.`
    : remedy;
  return new ModelError({
    failure,
    model,
    attempts,
    problem: clip(redact(problem)),
    remedy: wait,
    statusCode,
    retryAfterMs,
  });
}
