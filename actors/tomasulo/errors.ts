/** What can go wrong in a performance, in words for people. */

/** Absent outside V8, and fixed where the intrinsics are frozen. */
const canLimitStacks = Object.getOwnPropertyDescriptor(Error, 'stackTraceLimit')?.writable === true;

/** Why a step has no result: the root cause, and the path that the fault took to get here. Each fault links to
 *  the one before it, so that a long chain of dependents costs one link a step. */
export class StepError extends Error {
  override name = 'StepError';
  /** The step that failed first. */
  readonly stepId: string;
  /** The step that has no result because of it. */
  readonly at: string;
  readonly #from: StepError | undefined;
  /** The first error of the path. */
  readonly #root: StepError;
  #blamed = false;

  constructor(at: string, cause: unknown, from?: StepError) {
    const stepId = from?.stepId ?? at;
    // The cause has the stack trace that matters; taking one here costs more than all else of a failing step.
    const limit = Error.stackTraceLimit;
    if (canLimitStacks) Error.stackTraceLimit = 0;
    super(from?.message ?? `step '${stepId}' failed: ${messageOf(cause)}`, { cause });
    if (canLimitStacks) Error.stackTraceLimit = limit;
    this.stepId = stepId;
    this.at = at;
    this.#from = from;
    this.#root = from === undefined ? this : from.#root;
  }
  /** Notes that the performance blames the step that failed first.
   *  @returns whether it had not been blamed before */
  blame(): boolean {
    const isNew = !this.#root.#blamed;
    this.#root.#blamed = true;
    return isNew;
  }
  /** Whether nothing has failed: a condition did not hold. */
  get isAbsence(): boolean {
    return this.cause instanceof SkippedError;
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

/** A step was silent for too long: it sent no beat, no text and no chunk. */
export class IdleError extends Error {
  override name = 'IdleError';
  readonly limitMs: number;
  constructor(stepId: string, limitMs: number) {
    super(
      `step '${stepId}' was silent for ${limitMs / 1_000} s; call context.beat() while it works, or raise its idleMs.`,
    );
    this.limitMs = limitMs;
  }
}

/** Throw it in an agent to say that no further try makes sense.
 *  @example
 *  ```ts
 *  if (response.status === 401) throw new NonRetryableError('the key is not accepted');
 *  ``` */
export class NonRetryableError extends Error {
  override name = 'NonRetryableError';
  readonly retryable = false;
}

/** What `until` of a vamp threw: a vamp that cannot be judged is not tried again. */
export class UntilError extends Error {}

/** A person refused the step. */
export class RefusedError extends Error {
  override name = 'RefusedError';
  constructor(stepId: string, reason: string | undefined) {
    super(`step '${stepId}' was refused${reason === undefined ? '.' : `: ${reason}`}`);
  }
}

/** A hold ran out before a cue lifted it. */
export class HoldError extends Error {
  override name = 'HoldError';
  constructor(stepId: string, limitMs: number) {
    super(
      `the fermata on '${stepId}' was not lifted within ${limitMs / 1_000} s; send a cue, or give it a longer timeout.`,
    );
  }
}

/** A step was not performed because its condition does not hold, and nothing stands in for its result. Steps that read it
 *  are skipped, too. This is no failure. */
export class SkippedError extends Error {
  override name = 'SkippedError';
}

/** A map cannot have its result. */
export class MapError extends Error {
  override name = 'MapError';
}

/** A vamp was not satisfied in as many rounds as it may have. */
export class VampError extends Error {
  override name = 'VampError';
  /** @param option where the cap is written. */
  constructor(max: number, option = 'vamp.max') {
    super(
      `not good enough after ${max} rounds; raise \`${option}\`, or say onCap: 'accept' to take the last result.`,
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

/** Steps are left, and nothing will ever start them. */
export class DeadlockError extends Error {
  override name = 'DeadlockError';
  /** Per step: what it waits for. */
  readonly waiting: readonly WaitingStep[];
  constructor(waiting: readonly WaitingStep[]) {
    const list = waiting.slice(0, 8).map(({ stepId, waitsFor }) => `'${stepId}' waits for ${waitsFor}`);
    super(`dead-lock: ${list.join('; ')}${waiting.length > 8 ? `; and ${waiting.length - 8} more` : ''}.`);
    this.waiting = waiting;
  }
}
export interface WaitingStep {
  readonly stepId: string;
  readonly waitsFor: string;
}

/** A durable performance keeps results as JSON, and this one cannot be kept. */
export class NotJsonError extends Error {
  override name = 'NotJsonError';
  constructor(what: string, path: string, problem: string, remedy: string) {
    super(`${what} cannot be kept in the log: ${path}: ${problem}. ${remedy}`);
  }
}

/** A durable performance only waits for a person. It can be resumed. */
export class HeldError extends Error {
  override name = 'HeldError';
  /** Per step: what it waits for. */
  readonly waiting: readonly WaitingStep[];
  constructor(waiting: readonly WaitingStep[]) {
    const list = waiting.slice(0, 8).map(({ stepId, waitsFor }) => `'${stepId}' waits for ${waitsFor}`);
    super(`held: ${list.join('; ')}${waiting.length > 8 ? `; and ${waiting.length - 8} more` : ''}.`);
    this.waiting = waiting;
  }
}

/** The caller's signal ended this life of a durable performance. It can be resumed. */
export class InterruptedError extends Error {
  override name = 'InterruptedError';
  constructor(reason?: unknown) {
    super(`the performance was interrupted${reason === undefined ? '.' : `: ${messageOf(reason)}`}`, {
      cause: reason,
    });
  }
}

/** The performance, or one step of it, was cancelled. */
export class CancelledError extends Error {
  override name = 'CancelledError';
  /** @param what what was cancelled. Default: the performance. */
  constructor(reason?: unknown, what = 'the performance') {
    super(`${what} was cancelled${reason === undefined ? '.' : `: ${messageOf(reason)}`}`, {
      cause: reason,
    });
  }
}

/** Something happened that the machines say cannot happen: a fault of tutti, not of the score. */
export class InvariantError extends Error {
  override name = 'InvariantError';
  constructor(what: string, options?: ErrorOptions) {
    super(`this cannot happen: ${what}; please report it as a bug of tutti.`, options);
  }
}

/** The message of anything that was thrown. Total: agents may throw objects that cannot be converted or read. */
export function messageOf(thrown: unknown): string {
  try {
    if (typeof thrown !== 'object' || thrown === null) return String(thrown);
    const { message, code, status } = thrown as { message?: unknown; code?: unknown; status?: unknown };
    const detail = code ?? status;
    if (typeof message === 'string' && message !== '')
      return thrown instanceof Error || detail === undefined ? message : `${message} (${String(detail)})`;
    return (thrown instanceof Error ? thrown.name : jsonOf(thrown)) ?? String(thrown);
  } catch {
    return 'a value that cannot be shown';
  }
}
/** The content of a thrown object, if it has any that JSON can show. */
function jsonOf(thrown: object): string | undefined {
  const text = JSON.stringify(thrown) as string | undefined;
  if (text === undefined || text === '{}') return undefined;
  return text.length <= 500 ? text : `${text.slice(0, 500)}…`;
}
export const asError = (thrown: unknown): Error =>
  thrown instanceof Error ? thrown : new Error(messageOf(thrown), { cause: thrown });
