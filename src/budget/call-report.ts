/** What a request to a model cost, and why it had no answer: what an account of a performance has to know. */
import type { TokenUsage } from './prices.ts';

/** Why a call failed. */
export type ModelFailure =
  | 'rate-limit' //  429 to the end of the retries, or longer to wait than the policy allows
  | 'quota' //       the account's quota, credit or spending limit is used up; never retried
  | 'server' //      5xx to the end of the retries
  | 'refused' //     another status: the request, the key or the model is not accepted
  | 'network' //     no answer: the connection failed or was lost
  | 'cut' //         the answer broke off
  | 'malformed' //   the answer is not what the protocol says
  | 'timeout' //     longer than `timeoutMs`
  | 'output' //      the answer does not fit the output schema
  | 'length' //      the answer was cut at `maxOutputTokens`
  | 'filtered' //    the provider withheld the answer
  | 'steps'; //      tools were still being called at `maxSteps`

/** A model that gave no answer, so that the next of `models` was asked. */
export interface FailedModel {
  /** `provider:name`. */
  readonly model: string;
  readonly failure: ModelFailure;
  readonly problem: string;
  /** Requests to this model, 1 or more. */
  readonly attempts: number;
  readonly statusCode?: number | undefined;
}

/** One request to a model; a retry or a fallback is another one. */
export interface CallReport {
  readonly runId: string;
  readonly stepId: string;
  /** `provider:name`. */
  readonly model: string;
  readonly usage: TokenUsage;
  /** In and out, as booked: reported, or the upper bound that was set aside. */
  readonly tokens?: number | undefined;
  /** US dollars; undefined where no prices are known. */
  readonly usd: number | undefined;
  /** The provider reported nothing that can be true, so what was set aside is booked as used. */
  readonly estimated: boolean;
  readonly failed: boolean;
  /** Why there was no answer; absent where there was one, and where the call was aborted. */
  readonly failure?: CallFailure | undefined;
}

/** Why a request had no answer, without anything secret. */
export interface CallFailure {
  readonly kind: ModelFailure;
  readonly problem: string;
  readonly remedy: string;
  readonly statusCode?: number | undefined;
}
