/** Limits that a score or its caller may set: refused, with the place and the remedy, when they make no sense. */
import { ScoreError, type StepPlan } from '../actors/program.ts';

/** Longer than this, a timer of the platform would fire at once: 2^31 − 1 ms, nearly 25 days. */
export const LONGEST_MS = 2 ** 31 - 1;

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

/**
 * Refuses keys that an object of options does not have.
 *
 * @param where - what the options are for, such as `modelAgent 'critic'`
 * @throws {ScoreError} for anything but an object, and for an unknown key, with the nearest valid name.
 */
export function knownKeys(where: string, value: object, keys: readonly string[]): void {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new ScoreError(where, `must be an object with ${keys.join(', ')}, not ${kindOf(value)}.`);
  const unknown = Object.keys(value).find((key) => !keys.includes(key));
  if (unknown !== undefined)
    throw new ScoreError(where, `unknown option '${unknown}'; ${suggest(unknown, keys)}.`);
}

/**
 * Refuses keys that an object of options does not have, and values of another type.
 *
 * @param types - by key, the types that `typeof` names, joined by ` or `; `array` means an array, `any` any value
 * @throws {ScoreError} naming the option, the types that it takes and what was found.
 */
export function checkTypes(where: string, value: object, types: Readonly<Record<string, string>>): void {
  knownKeys(where, value, Object.keys(types));
  for (const [key, given] of Object.entries(value)) {
    const allowed = types[key]!.split(' or ');
    if (given === undefined || allowed.includes('any') || allowed.includes(kindOf(given))) continue;
    throw new ScoreError(`${where}: ${key}`, `must be ${types[key]}, not ${kindOf(given)}.`);
  }
}
const kindOf = (value: unknown): string =>
  value === null ? 'null' : Array.isArray(value) ? 'array' : typeof value;

/** The nearest valid name, if one is near, and all of them. */
export function suggest(key: string, keys: readonly string[]): string {
  const [near] = keys
    .map((known) => ({ known, edits: editsBetween(key.toLowerCase(), known.toLowerCase()) }))
    .filter(({ known, edits }) => edits <= Math.max(2, known.length / 3))
    .sort((a, b) => a.edits - b.edits);
  return `${near === undefined ? '' : `did you mean '${near.known}'? `}use ${keys.join(', ')}`;
}

/** Levenshtein's distance: characters to insert, remove or replace. */
function editsBetween(from: string, to: string): number {
  let row = Array.from({ length: to.length + 1 }, (_, i) => i);
  for (let i = 1; i <= from.length; i++) {
    const next = [i];
    for (let j = 1; j <= to.length; j++)
      next.push(Math.min(row[j]! + 1, next[j - 1]! + 1, row[j - 1]! + (from[i - 1] === to[j - 1] ? 0 : 1)));
    row = next;
  }
  return row[to.length]!;
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
