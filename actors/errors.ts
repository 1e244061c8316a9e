/** What can go wrong in a performance, in words for people. */

/** Why a step has no result: the root cause, and the path that the fault took to get here. Each fault links to
 *  the one before it, so that a long chain of dependents costs one link a step. */
export class StepError extends Error {
  override name = 'StepError';
  /** The step that failed first. */
  readonly stepId: string;
  /** The step that has no result because of it. */
  readonly at: string;
  readonly #from: StepError | undefined;

  constructor(at: string, cause: unknown, from?: StepError) {
    const stepId = from?.stepId ?? at;
    super(`step '${stepId}' failed: ${messageOf(cause)}`, { cause });
    this.stepId = stepId;
    this.at = at;
    this.#from = from;
  }
  /** The same fault, one step further. */
  through(stepId: string): StepError {
    return new StepError(stepId, this.cause, this);
  }
  /** Ids from the step that failed first to the one that reports it. */
  get path(): string[] {
    const path: string[] = [];
    for (let fault: StepError | undefined = this; fault !== undefined; fault = fault.#from)
      path.push(fault.at);
    return path.reverse();
  }
}

/** A step, or the whole performance, took too long. */
export class TimeoutError extends Error {
  override name = 'TimeoutError';
  readonly limitMs: number;
  constructor(what: string, limitMs: number) {
    super(`${what} did not finish within ${limitMs / 1_000} s; raise its timeout, or make it faster.`);
    this.limitMs = limitMs;
  }
}

/** A hold ran out before anybody lifted it. */
export class HoldError extends Error {
  override name = 'HoldError';
  constructor(stepId: string, limitMs: number) {
    super(
      `the fermata on '${stepId}' was not lifted within ${limitMs / 1_000} s; send a cue, or give it a longer timeout.`,
    );
  }
}

/** A vamp was not satisfied in as many rounds as it may have. */
export class VampError extends Error {
  override name = 'VampError';
  constructor(max: number) {
    super(
      `not good enough after ${max} rounds; raise \`vamp.max\`, or say onCap: 'accept' to take the last result.`,
    );
  }
}

/** The next call would exceed the budget. */
export class BudgetError extends Error {
  override name = 'BudgetError';
  constructor(what: string, limit: number) {
    super(`the budget of ${limit} ${what} is spent; raise \`budget.${what}\`.`);
  }
}

/** Work is left, and nobody will ever do it. */
export class DeadlockError extends Error {
  override name = 'DeadlockError';
  /** Per step: what it waits for. */
  readonly waiting: readonly Waiting[];
  constructor(waiting: readonly Waiting[]) {
    const list = waiting.slice(0, 8).map(({ stepId, waitsFor }) => `'${stepId}' waits for ${waitsFor}`);
    super(`dead-lock: ${list.join('; ')}${waiting.length > 8 ? `; and ${waiting.length - 8} more` : ''}.`);
    this.waiting = waiting;
  }
}
export interface Waiting {
  readonly stepId: string;
  readonly waitsFor: string;
}

/** Somebody cancelled the performance. */
export class CancelledError extends Error {
  override name = 'CancelledError';
  constructor(reason?: unknown) {
    super(
      reason === undefined
        ? 'the performance was cancelled.'
        : `the performance was cancelled: ${messageOf(reason)}`,
      {
        cause: reason,
      },
    );
  }
}

/** Something happened that the machines say cannot happen: a fault of tutti, not of the score. */
export class InvariantError extends Error {
  override name = 'InvariantError';
  constructor(what: string, options?: ErrorOptions) {
    super(`this cannot happen: ${what}; please report it as a bug of tutti.`, options);
  }
}

export const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
export const asError = (error: unknown): Error => (error instanceof Error ? error : new Error(String(error)));
