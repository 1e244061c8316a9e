/** What a call is booked as: the usage that its provider reports where that can be true, else all that was set aside. */
import type { LanguageModelV4GenerateResult } from '@ai-sdk/provider';
import type { Reservation } from '../budget/budget.ts';
import type { PriceList, TokenUsage } from '../budget/prices.ts';
import type { WireFailure } from './failure.ts';
import type { CallReport } from '../budget/call-report.ts';

interface Booking {
  readonly runId: string;
  readonly stepId: string;
  /** `provider:name`. */
  readonly model: string;
  /** A cost of NaN is one that is not known. */
  readonly prices: PriceList | undefined;
  readonly onCall: (report: CallReport) => void;
}

/** Books one call: exactly one of its methods is called, once. */
export class Booker {
  readonly #reservation: Reservation;
  readonly #to: Booking;

  constructor(reservation: Reservation, to: Booking) {
    this.#reservation = reservation;
    this.#to = to;
  }
  /** The model answered. */
  answered({ usage, content }: Pick<LanguageModelV4GenerateResult, 'usage' | 'content'>): void {
    const believed = believable(usage, content.length > 0);
    if (believed === undefined) this.#bound();
    else this.#used(believed);
  }
  /** The model gave no answer. What may have been billed all the same counts in full. */
  failed(failure: WireFailure): void {
    if (failure.billed) this.#bound(failure);
    else this.#used(NOTHING, failure);
  }
  /** An abort says nothing of what was used, so all that was set aside counts. */
  aborted(): void {
    this.#bound(undefined, true);
  }
  /** Nothing was sent. */
  cancel(): void {
    this.#reservation.cancel();
  }

  #bound(failure?: WireFailure, failed = failure !== undefined): void {
    const { bound } = this.#reservation;
    this.#reservation.settle(bound);
    const { model, prices } = this.#to;
    // Where the price is not known, neither is the cost.
    const usd = prices === undefined || Number.isNaN(prices.cost(model, UNKNOWN)) ? undefined : bound.usd;
    this.#report({ usage: UNKNOWN, tokens: bound.tokens, usd, estimated: true, failed }, failure);
  }
  #used(usage: TokenUsage, failure?: WireFailure): void {
    const { model, prices } = this.#to;
    const tokens = usage.inputTokens.total! + usage.outputTokens.total!;
    const cost = prices?.cost(model, usage);
    const usd = Number.isNaN(cost) ? undefined : cost;
    this.#reservation.settle({ calls: 1, tokens, usd: usd ?? 0 });
    this.#report({ usage, tokens, usd, estimated: false, failed: failure !== undefined }, failure);
  }
  #report(
    used: Pick<CallReport, 'usage' | 'tokens' | 'usd' | 'estimated' | 'failed'>,
    failure?: WireFailure,
  ) {
    const { runId, stepId, model, onCall } = this.#to;
    const { failure: kind, problem, remedy, statusCode } = failure ?? {};
    const told =
      kind === undefined ? {} : { failure: { kind, problem: problem!, remedy: remedy!, statusCode } };
    onCall({ runId, stepId, model, ...used, ...told });
  }
}

const usageOf = (total: 0 | undefined): TokenUsage => ({
  inputTokens: { total, noCache: 0, cacheRead: 0, cacheWrite: 0 },
  outputTokens: { total, text: 0, reasoning: 0 },
});
const NOTHING = usageOf(0);
const UNKNOWN = usageOf(undefined);

const isCount = (value: number | null | undefined): value is number =>
  Number.isSafeInteger(value) && value! >= 0;

/**
 * What a provider reports, if it can be true. Rejected are counts that are missing, null, NaN, negative or broken, a
 * request of no tokens, and an answer with content but without tokens, because some servers write zeros where they do
 * not count. A total above input and output is thinking that is in neither, so it belongs to the output.
 */
function believable(usage: TokenUsage | undefined, hasContent: boolean): TokenUsage | undefined {
  const { inputTokens, outputTokens } = usage ?? {};
  const [input, output] = [inputTokens?.total, outputTokens?.total];
  if (!isCount(input) || !isCount(output) || input === 0 || (output === 0 && hasContent)) return undefined;
  const parts = [inputTokens!.noCache, inputTokens!.cacheRead, inputTokens!.cacheWrite];
  if (parts.some((part) => part != null && !isCount(part))) return undefined;
  const { raw } = usage as { raw?: { total_tokens?: unknown } };
  const total = raw?.total_tokens as number | undefined;
  const uncounted = isCount(total) ? Math.max(0, total - input - output) : 0;
  return {
    ...usage!,
    inputTokens: orUndefined(inputTokens!),
    outputTokens: { ...orUndefined(outputTokens!), total: output + uncounted },
  };
}

/** A provider's null means "not reported". */
function orUndefined<Parts extends Readonly<Record<string, number | undefined>>>(parts: Parts): Parts {
  return Object.fromEntries(Object.entries(parts).map(([key, value]) => [key, value ?? undefined])) as Parts;
}
