/** Whether a step that failed is tried again, and how long it rests before. */
import {
  BudgetError,
  CancelledError,
  messageOf,
  NonRetryableError,
  NotJsonError,
  RefusedError,
  UntilError,
} from './errors.ts';
import { LogError } from '../bus/log-errors.ts';
import { OperandError } from './operands.ts';
import type { RetryPolicy } from './program.ts';

/** Errors that no policy retries: the next try would fail in the same way, or must not be made. */
const FINAL = [
  ...[BudgetError, CancelledError, NonRetryableError, NotJsonError, OperandError, RefusedError, UntilError],
  LogError,
];

/** Whether an error may be followed by another try. It may not after an error whose `retryable` is false. A policy's `on`
 *  decides about all others. Without one, mistakes in the code are not retried.
 *  @param attempt the try that failed, from 1
 *  @throws what `on` throws */
export function isRetryable(error: unknown, policy: RetryPolicy | undefined, attempt: number): boolean {
  if (FINAL.some((kind) => error instanceof kind)) return false;
  const { on } = policy ?? {};
  if (typeof on === 'function') return on(error, attempt) === true;
  if (on !== undefined) return on.some((name) => namesOf(error).includes(name));
  return !isMistake(error) && !refusesRetry(error);
}

/** Errors that JavaScript throws for a mistake in the code. `fetch` reports a lost connection as a TypeError, with the
 *  connection's error as its cause. */
function isMistake(error: unknown): boolean {
  return error instanceof ReferenceError || (error instanceof TypeError && error.cause === undefined);
}
const refusesRetry = (error: unknown): boolean =>
  typeof error === 'object' && error !== null && (error as { retryable?: unknown }).retryable === false;

/** What `retry.on` may call an error: its name, its code, and those of its causes. */
function namesOf(error: unknown): unknown[] {
  const names: unknown[] = [];
  let cause = error;
  for (let depth = 0; depth < 8 && typeof cause === 'object' && cause !== null; depth++) {
    const { name, code, status, cause: next } = cause as Record<string, unknown>;
    names.push(name, code, String(status));
    cause = next;
  }
  return names;
}

/** Milliseconds of rest before the next try.
 *  @param failures failures in a row, from 1
 *  @param drawn a random number, 0 (included) to 1 (excluded) */
export function delayAfter(
  failures: number,
  { delayMs = 1_000, factor = 2, maxDelayMs = 60_000, jitter = 0 }: RetryPolicy,
  drawn: number,
): number {
  const whole = Math.min(maxDelayMs, delayMs * factor ** (failures - 1));
  return whole * (1 - jitter * drawn);
}

/** A random number, 0 (included) to 1 (excluded), that depends on nothing but the numbers given: the order in which steps
 *  fail does not change what is drawn. Source: the finaliser of MurmurHash3 (Austin Appleby, public domain). */
export function drawFrom(...numbers: readonly number[]): number {
  let hash = 0x9747b28c;
  for (const number of numbers) {
    hash = Math.imul(hash ^ number, 0x85ebca6b);
    hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
    hash ^= hash >>> 16;
  }
  return (hash >>> 0) / 2 ** 32;
}

/** An error of a predicate, in words. */
export const predicateFailed = (stepId: string, thrown: unknown): NonRetryableError =>
  new NonRetryableError(`retry.on of step '${stepId}' threw: ${messageOf(thrown)}`, { cause: thrown });
