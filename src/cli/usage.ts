/** Bad usage: what was wrong, and what to do. Exit code 2. */
export class UsageError extends Error {
  override name = 'UsageError';
}

/** A whole number from an option.
 *  @throws {UsageError} naming the option and its range. */
export const wholeNumber =
  (option: string, least: number, most: number) =>
  (text: string): number => {
    const value = Number(text);
    if (text.trim() !== '' && Number.isInteger(value) && value >= least && value <= most) return value;
    throw new UsageError(`${option} takes a whole number from ${least} to ${most}, not '${text}'.`);
  };

/** Seconds from an option, as milliseconds. */
export const seconds =
  (option: string) =>
  (text: string): number => {
    const value = Number(text);
    if (text.trim() !== '' && value > 0 && value <= 2_000_000) return value * 1_000;
    throw new UsageError(`${option} takes seconds, more than 0 and at most 2000000, not '${text}'.`);
  };

/** A number from 0 to 1. */
export const fraction =
  (option: string) =>
  (text: string): number => {
    const value = Number(text);
    if (text.trim() !== '' && value >= 0 && value <= 1) return value;
    throw new UsageError(`${option} takes a number from 0 to 1, not '${text}'.`);
  };

/** One of a few words. */
export const oneOf =
  <const T extends string>(option: string, words: readonly T[]) =>
  (text: string): T => {
    const word = words.find((candidate) => candidate === text);
    if (word !== undefined) return word;
    throw new UsageError(`${option} takes ${words.join(', ')}; not '${text}'.`);
  };
