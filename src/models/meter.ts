/**
 * A metered model: sets the budget aside before each request, repeats it by policy, asks the next model where one fails,
 * and books what was used.
 *
 * It wraps one call of a model and not the loop of tool calls around it, so that a retry never runs a tool again: the
 * SDK's loop sees one answer per round, however many requests it took. So the SDK's own retries are switched off.
 */
import type {
  LanguageModelV4,
  LanguageModelV4CallOptions,
  LanguageModelV4GenerateResult,
} from '@ai-sdk/provider';
import { realClock } from '../../actors/bus/clock.ts';
import { BudgetError } from '../../actors/tomasulo/errors.ts';
import type { PriceList } from '../budget/prices.ts';
import type { Purse } from '../budget/run-account.ts';
import { Booker } from './booking.ts';
import { collect } from './collect.ts';
import { ModelError } from './errors.ts';
import type { FailedModel } from '../budget/call-report.ts';
import { CallTimeoutError, readFailure, type WireFailure } from './failure.ts';
import type { Redact } from './redact.ts';
import { RetrySchedule, type CallRetry } from './retry.ts';
import { modelName, type SdkModel, type Sdk } from './sdk.ts';
import type { CallReport } from '../budget/call-report.ts';

/** What happens in a call. A `restarted` takes back every delta since the last `started`; it may name another model. */
export type CallEvent =
  | { readonly type: 'started' | 'restarted'; readonly model: string; readonly attempt: number }
  | { readonly type: 'delta'; readonly kind: 'text' | 'reasoning'; readonly delta: string }
  | { readonly type: 'waiting'; readonly model: string; readonly delayMs: number; readonly failure: string }
  | {
      readonly type: 'fallback';
      readonly model: string;
      readonly failed: FailedModel;
    }
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
  /** Milliseconds that one request may take. */
  readonly timeoutMs: number;
  readonly sleep: (ms: number) => Promise<void>;
  readonly onEvent: (event: CallEvent) => void;
  readonly onCall: (report: CallReport) => void;
  /** Called when a model has failed and there is another one to ask. */
  readonly onFailedModel: (failed: FailedModel) => void;
}

/** What a file can cost does not follow from its bytes: a picture is charged by its pixels, and anything else (a PDF of
 *  many pages, a remote address) may fill the largest window there is. */
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

/**
 * Wraps models of specification V3 or V4 into one that asks them in order. A model that has failed is not asked again:
 * the rounds of tools that follow go to the one that answered.
 *
 * @param models - at least one
 */
export function meter(sdk: Sdk, models: readonly SdkModel[], options: MeterOptions): LanguageModelV4 {
  const failed: FailedModel[] = [];
  const metered = models.map((model) =>
    sdk.wrapLanguageModel({
      model,
      middleware: {
        specificationVersion: 'v4',
        wrapGenerate: ({ model: inner, params }) =>
          callWithRetries(inner, modelName(model), params, options, failed),
      },
    }),
  );
  const [first] = metered;
  if (metered.length === 1) return first!;
  const inOrder = async (params: LanguageModelV4CallOptions): Promise<LanguageModelV4GenerateResult> => {
    for (;;) {
      try {
        return await metered[failed.length]!.doGenerate(params);
      } catch (error) {
        const next = models[failed.length + 1];
        if (!(error instanceof ModelError) || next === undefined) throw error;
        const { model, failure, problem, attempts, statusCode } = error;
        failed.push({ model, failure, problem, attempts, statusCode });
        options.onFailedModel(failed.at(-1)!);
        options.onEvent({ type: 'fallback', model: modelName(next), failed: failed.at(-1)! });
      }
    }
  };
  return sdk.wrapLanguageModel({
    model: first!,
    middleware: {
      specificationVersion: 'v4',
      overrideSupportedUrls: () => ({}), // which addresses the next model can read is not known here
      wrapGenerate: ({ params }) => inOrder(params),
    },
  });
}

async function callWithRetries(
  model: LanguageModelV4,
  name: string,
  given: LanguageModelV4CallOptions,
  options: MeterOptions,
  earlier: readonly FailedModel[],
): Promise<LanguageModelV4GenerateResult> {
  const { runId, stepId, prices, redact, onCall, onEvent } = options;
  const params = { ...given, maxOutputTokens: given.maxOutputTokens ?? options.maxOutputTokens };
  const inputTokens = inputBound(params);
  const tokens = inputTokens + params.maxOutputTokens;
  const usd = prices?.bound(name, inputTokens, params.maxOutputTokens) ?? 0;
  const schedule = new RetrySchedule(options.retry);
  for (;;) {
    const { attempt } = schedule;
    const reservation = await options.ledger.acquire({ calls: 1, tokens, usd }, params.abortSignal);
    const booker = new Booker(reservation, { runId, stepId, model: name, prices, onCall });
    if (params.abortSignal?.aborted) {
      booker.cancel();
      throw params.abortSignal.reason;
    }
    onEvent({ type: attempt === 1 && earlier.length === 0 ? 'started' : 'restarted', model: name, attempt });
    const asked = await callOnce(model, params, options).then(
      (answer) => ({ answer }),
      (error: unknown) => ({ error }),
    );
    if ('answer' in asked) {
      booker.answered(asked.answer);
      for (const warning of asked.answer.warnings)
        onEvent({ type: 'warning', model: name, warning: redact(JSON.stringify(warning)) });
      return { ...asked.answer, warnings: [] };
    }
    if (params.abortSignal?.aborted) {
      booker.aborted();
      throw params.abortSignal.reason;
    }
    if (asked.error instanceof BudgetError || isMiss(asked.error)) {
      booker.cancel();
      throw asked.error;
    }
    const found = readFailure(asked.error);
    const failure: WireFailure = { ...found, problem: clip(redact(found.problem)) };
    booker.failed(failure);
    const next = schedule.next(failure);
    if ('remedy' in next)
      throw new ModelError({ ...failure, model: name, attempts: attempt, remedy: next.remedy, earlier });
    onEvent({ type: 'waiting', model: name, delayMs: next.waitMs, failure: failure.failure });
    await options.sleep(next.waitMs);
  }
}

/** A scripted or replayed model that was asked for what it does not have is a fault of the test, never of the wire. */
const isMiss = (error: unknown): boolean => error instanceof Error && 'isModelMiss' in error;

/** One request. It ends when the answer is there, when it is aborted or when its time is over, whether or not the model
 *  heeds the abort. */
async function callOnce(
  model: LanguageModelV4,
  params: LanguageModelV4CallOptions,
  { stream, timeoutMs, onEvent }: MeterOptions,
): Promise<LanguageModelV4GenerateResult> {
  const controller = new AbortController();
  const { signal } = controller;
  const forward = () => controller.abort(params.abortSignal!.reason);
  params.abortSignal?.addEventListener('abort', forward, { once: true });
  const timer = realClock.setTimeout(() => controller.abort(new CallTimeoutError(timeoutMs)), timeoutMs);
  const aborted = new Promise<never>((_resolve, reject) =>
    signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true }),
  );
  const call = { ...params, abortSignal: signal };
  const work = async (): Promise<LanguageModelV4GenerateResult> => {
    if (!stream) return model.doGenerate(call);
    const { stream: parts } = await model.doStream(call);
    return collect(parts, signal, (kind, delta) => onEvent({ type: 'delta', kind, delta }));
  };
  try {
    return await Promise.race([work(), aborted]);
  } catch (error) {
    throw signal.aborted ? signal.reason : error;
  } finally {
    realClock.clearTimeout(timer);
    params.abortSignal?.removeEventListener('abort', forward);
  }
}

/** A server may answer with a page. */
const clip = (text: string): string => (text.length <= 500 ? text : `${text.slice(0, 500)}…`);
