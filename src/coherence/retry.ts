/** Retry, with a bound: for work that has to be computed again when another agent wrote first. */
import { realClock, type Clock } from '../../actors/bus/clock.ts';
import { abortable } from './abort.ts';
import { ConflictError, RetryError, UsageError } from './errors.ts';

export interface RetryOptions {
  /** How often to try, the first time included: 1 … 1,000. Default 5. */
  readonly attempts?: number;
  /** The pause before the second attempt, ms; it doubles, up to a second. Default 0 after a version conflict, 10
   *  after a hold. */
  readonly delayMs?: number;
  readonly signal?: AbortSignal;
  readonly clock?: Clock;
}

/** Runs an attempt again while it ends in a {@link ConflictError}. Other errors pass through.
 *  @throws {RetryError} when the bound is reached, with the last conflict as its cause.
 *  @example
 *  ```ts
 *  await retry(async () => {
 *    const { value, version } = await writer.copy('n');
 *    return writer.compareAndSet('n', version, await compute(value));
 *  });
 *  ``` */
export async function retry<T>(
  attempt: (count: number) => Promise<T>,
  options: RetryOptions = {},
): Promise<T> {
  const { attempts = 5, signal, clock = realClock, delayMs } = options;
  if (!Number.isInteger(attempts) || attempts < 1 || attempts > 1_000) {
    throw new UsageError(`retry: attempts must be a whole number from 1 to 1000, not ${attempts}.`);
  }
  for (let count = 1; ; count++) {
    signal?.throwIfAborted();
    try {
      return await attempt(count);
    } catch (error) {
      if (!(error instanceof ConflictError)) throw error;
      if (count === attempts) throw new RetryError(attempts, error);
      const first = delayMs ?? (error.reason === 'held' ? 10 : 0);
      if (first > 0) await pause(clock, Math.min(1_000, first * 2 ** (count - 1)), signal);
    }
  }
}

function pause(clock: Clock, ms: number, signal: AbortSignal | undefined): Promise<void> {
  return abortable(new Promise<void>((resolve) => void clock.setTimeout(resolve, ms)), signal);
}
