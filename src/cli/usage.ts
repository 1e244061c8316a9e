/** Bad usage: what was wrong, and what to do. Exit code 2. */
export class CommandLineError extends Error {
  override name = 'UsageError';
}

interface NumberOption {
  /** The least value. Give this or `above`. */
  readonly from?: number;
  /** Greater than this. */
  readonly above?: number;
  /** The greatest value. */
  readonly to: number;
  /** Default true. */
  readonly whole?: boolean;
  /** What is counted, for the message. */
  readonly unit?: string;
  /** Words that stand for a number. */
  readonly words?: Readonly<Record<string, number>>;
}

/** Decimal numbers as people write them: `5`, `-3`, `.5`, `1e6`. */
const DECIMAL = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?$/i;

/** Makes the parser of an option that takes a number. All numeric options are parsed here.
 *  @throws {CommandLineError} when the text is not such a number; it names the option, its range and its words. */
export const number =
  (option: string, { from = -Infinity, above, to, whole = true, unit, words = {} }: NumberOption) =>
  (text: string): number => {
    if (Object.hasOwn(words, text)) return words[text] as number;
    const value = Number(text);
    const fits = value <= to && (above === undefined ? value >= from : value > above);
    if (DECIMAL.test(text) && fits && (!whole || Number.isInteger(value))) return value;
    const what = unit ?? (whole ? 'a whole number' : 'a number');
    const range = above === undefined ? `from ${from} to ${to}` : `more than ${above} and at most ${to}`;
    const others = Object.keys(words).map((word) => `, or ${word}`);
    throw new CommandLineError(`${option} takes ${what} ${range}${others.join('')}; not '${text}'.`);
  };

/** Makes the parser of an option that takes one of a few words.
 *  @throws {CommandLineError} when the text is none of them. */
export const parseChoice =
  <const T extends string>(option: string, words: readonly T[]) =>
  (text: string): T => {
    const word = words.find((candidate) => candidate === text);
    if (word !== undefined) return word;
    throw new CommandLineError(`${option} takes ${words.join(', ')}; not '${text}'.`);
  };
