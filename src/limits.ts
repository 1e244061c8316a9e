/** Limits that a score or its caller may set: refused, with the place and the remedy, when they make no sense. */
import { ScoreError, type StepPlan } from '../actors/program.ts';

/** Longer than this, a timer of the platform would fire at once: 2^31 − 1 ms, nearly 25 days. */
const LONGEST_MS = 2 ** 31 - 1;

/** @throws {ScoreError} naming the field, the range and what was found. */
export function inRange(
  at: string,
  value: number | undefined,
  least: number,
  most: number,
  whole: boolean,
  stepId?: string,
): void {
  if (value === undefined) return;
  if (typeof value === 'number' && value >= least && value <= most && (!whole || Number.isInteger(value)))
    return;
  throw new ScoreError(
    at,
    `must be ${whole ? 'a whole number' : 'a number'} from ${least} to ${most}, not ${value}.`,
    stepId,
  );
}

export function milliseconds(at: string, value: number | undefined, stepId?: string): void {
  inRange(at, value, 0, LONGEST_MS, false, stepId);
}

/** Checks every number of a step, and what excludes what. */
export function checkLimits(step: StepPlan, at: string): void {
  const { id, retry, vamp, fermata } = step;
  const range = (field: string, value: number | undefined, least: number, most: number, whole = false) =>
    inRange(`${at}.${field}`, value, least, most, whole, id);
  if (typeof id !== 'string' || id === '') throw new ScoreError(`${at}.id`, 'a step needs an id.');
  milliseconds(`${at}.timeoutMs`, step.timeoutMs, id);
  range('urgency', step.urgency, 1, 10);
  range('cost', step.cost, 0, Number.MAX_VALUE);
  if (retry !== undefined) {
    range('retry.attempts', retry.attempts, 1, 100, true);
    milliseconds(`${at}.retry.delayMs`, retry.delayMs, id);
    milliseconds(`${at}.retry.maxDelayMs`, retry.maxDelayMs, id);
    range('retry.factor', retry.factor, 1, 10);
    if (step.effects === 'external' && retry.attempts > 1 && !retry.repeatsEffect) {
      const remedy = 'drop the retry, or say retry.repeatsEffect: true when the agent makes repeats harmless';
      throw new ScoreError(`${at}.retry`, `an external effect is not repeated by a retry; ${remedy}.`, id);
    }
  }
  if (vamp !== undefined) range('vamp.max', vamp.max, 1, 1_000, true);
  if (vamp !== undefined && vamp.max === undefined)
    throw new ScoreError(`${at}.vamp.max`, 'a vamp needs a cap.', id);
  if (fermata !== undefined) milliseconds(`${at}.fermata.timeoutMs`, fermata.timeoutMs, id);
}
