/** When a request to a model is repeated: bounded by attempts and by the time that is waited. */
import { milliseconds, inRange, checkTypes } from '../score/limits.ts';
import { ScoreError } from '../../actors/tomasulo/program.ts';
import type { WireFailure } from './failure.ts';

/** When a request is repeated. The limits hold for one request to one model: each round of tools and each fallback
 *  model begins again. */
export interface CallRetry {
  /** Requests in all, 1 to 20. A provider cannot raise it. Default 3. */
  readonly attempts?: number | undefined;
  /** Milliseconds before the second request. Default 1,000. */
  readonly delayMs?: number | undefined;
  /** Each further delay is so many times longer, 1 to 10. Default 2. */
  readonly factor?: number | undefined;
  /** The longest wait that a provider may ask for by Retry-After; a longer one ends the attempts. A wait that is
   *  shorter than our own delay does not shorten the delay. Default 60,000 ms. */
  readonly maxRetryAfterMs?: number | undefined;
  /** How long the waits may be together, own delays included. Default 300,000 ms. */
  readonly maxWaitMs?: number | undefined;
  /** What to do with an answer that broke off. Default retry. */
  readonly onCut?: 'retry' | 'fail' | undefined;
  /** What to do with an answer that is not what the protocol says. Default retry. */
  readonly onMalformed?: 'retry' | 'fail' | undefined;
}

/** @throws ScoreError for a key that does not exist, a value of another type, a number out of range */
export function checkCallRetry(retry: CallRetry, where: string): void {
  checkTypes(where, retry, {
    attempts: 'number',
    delayMs: 'number',
    factor: 'number',
    maxRetryAfterMs: 'number',
    maxWaitMs: 'number',
    onCut: 'string',
    onMalformed: 'string',
  });
  inRange(`${where}.attempts`, retry.attempts, 1, 20, true);
  inRange(`${where}.factor`, retry.factor, 1, 10, false);
  milliseconds(`${where}.delayMs`, retry.delayMs);
  milliseconds(`${where}.maxRetryAfterMs`, retry.maxRetryAfterMs);
  milliseconds(`${where}.maxWaitMs`, retry.maxWaitMs);
  for (const key of ['onCut', 'onMalformed'] as const)
    if (!['retry', 'fail', undefined].includes(retry[key]))
      throw new ScoreError(`${where}.${key}`, `must be 'retry' or 'fail', not '${retry[key]}'.`);
}

/** Whether there is another attempt: the milliseconds to wait before it, or what to do instead. */
export type NextAttempt = { readonly waitMs: number } | { readonly remedy: string };

/** Counts the attempts and the waits of one request. */
export class RetrySchedule {
  readonly #policy: CallRetry;
  #attempt = 1;
  #waitedMs = 0;

  constructor(policy: CallRetry) {
    this.#policy = policy;
  }
  /** The attempt that is being made, from 1. */
  get attempt(): number {
    return this.#attempt;
  }
  /** Decides after a failure; where there is another attempt, it counts from here on. */
  next(failure: WireFailure): NextAttempt {
    const { attempts = 3, delayMs = 1_000, factor = 2 } = this.#policy;
    const { maxRetryAfterMs = 60_000, maxWaitMs = 300_000 } = this.#policy;
    const { retryAfterMs: askedMs = 0, remedy } = failure;
    if (!failure.retryable || this.#stopsAt(failure)) return { remedy };
    if (askedMs > maxRetryAfterMs)
      return {
        remedy: `Wait ${Math.ceil(askedMs / 1_000)} s as the provider asks, or raise retry.maxRetryAfterMs.`,
      };
    if (this.#attempt >= attempts) return { remedy };
    // A time in the past is no wait, and a short one must not use up all attempts at once.
    const waitMs = Math.max(askedMs, delayMs * factor ** (this.#attempt - 1));
    if (this.#waitedMs + waitMs > maxWaitMs)
      return { remedy: `${remedy} The waits would exceed retry.maxWaitMs (${maxWaitMs} ms).` };
    this.#attempt++;
    this.#waitedMs += waitMs;
    return { waitMs };
  }
  #stopsAt({ failure }: WireFailure): boolean {
    const { onCut, onMalformed } = this.#policy;
    return (failure === 'cut' && onCut === 'fail') || (failure === 'malformed' && onMalformed === 'fail');
  }
}
