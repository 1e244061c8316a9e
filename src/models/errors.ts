/** What can go wrong with a model, in words for people and without anything secret. */
import type { ModelFailure, FailedModel } from '../budget/call-report.ts';

export interface ModelErrorDetails {
  readonly failure: ModelFailure;
  /** `provider:name`. */
  readonly model: string;
  readonly problem: string;
  readonly remedy: string;
  /** Requests to this model for this answer, 1 or more. */
  readonly attempts: number;
  readonly statusCode?: number | undefined;
  /** Milliseconds that the provider asked to wait. */
  readonly retryAfterMs?: number | undefined;
  /** US dollars that the answer cost although it is of no use; 0 where no prices are known. */
  readonly usd?: number | undefined;
  /** Models that were asked before this one, in order, and failed as well. */
  readonly earlier?: readonly FailedModel[] | undefined;
}

/** A model did not give a usable answer. The provider's own error is not attached: it may hold the request. */
export class ModelError extends Error implements ModelErrorDetails {
  override name = 'ModelError';
  readonly failure: ModelFailure;
  readonly model: string;
  readonly problem: string;
  readonly remedy: string;
  readonly attempts: number;
  readonly statusCode: number | undefined;
  readonly retryAfterMs: number | undefined;
  readonly usd: number;
  readonly earlier: readonly FailedModel[];

  constructor(details: ModelErrorDetails) {
    const { failure, model, problem, remedy, attempts, statusCode, retryAfterMs } = details;
    const { usd = 0, earlier = [] } = details;
    const tried = attempts > 1 ? ` (after ${attempts} attempts)` : '';
    const before = earlier.map((one) => ` Before it, model '${one.model}': ${one.problem}.`);
    super(`model '${model}': ${problem}${tried}. ${remedy}${before.join('')}`);
    this.failure = failure;
    this.model = model;
    this.problem = problem;
    this.remedy = remedy;
    this.attempts = attempts;
    this.statusCode = statusCode;
    this.retryAfterMs = retryAfterMs;
    this.usd = usd;
    this.earlier = earlier;
  }
}

/** A package that is needed and not installed. */
export class MissingPackageError extends Error {
  override name = 'MissingPackageError';
  readonly packageName: string;
  constructor(packageName: string, purpose: string) {
    super(
      `${purpose} needs the package '${packageName}', which is not installed. Install it: npm install ${packageName}`,
    );
    this.packageName = packageName;
  }
}

/** A name that no registered model or provider bears, or a model that cannot be used. */
export class UnknownModelError extends Error {
  override name = 'UnknownModelError';
}
