/** A counter-example as a sequence diagram in plain text: the messages with sender and receiver, from top to bottom. */
import type { Counterexample, Message } from './claim.ts';
import { whole } from './plain.ts';

/** A counter-example; for one that repeats indefinitely, the message with which the circle begins. */
export type Drawable = Counterexample & { readonly loopsFrom?: number };

/** Below this a name or a text has no room between two lines; then it is a list. */
const NARROWEST = 9;

/** Draws it; where there are more participants than there is room for, it lists the messages.
 *  @param options `width`: columns, 20 … 400. Default 60. A character counts as one column.
 *  @throws {RangeError} for another width.
 *  @example
 *  ```ts
 *  sequenceText({ what: 'Too early.', transcript: [{ from: 'a', to: 'b', text: 'GO' }] }, { width: 20 }).split('\n')[3]; // '     ├─GO─────▶│'
 *  ``` */
export function sequenceText(drawn: Drawable, options: { readonly width?: number } = {}): string {
  const { width = 60 } = options;
  whole('width', width, 20, 400);
  const { what, seed, transcript, loopsFrom } = drawn;
  const names = participants(transcript);
  const pitch = Math.floor(width / Math.max(1, names.length));
  const diagram = pitch < NARROWEST ? new List(width) : new Lifelines(names, pitch, width);
  const lines = [
    ...wrap(plain(what), width),
    ...(seed === undefined ? [] : [`seed ${seed}`]),
    ...diagram.head(),
  ];
  for (const [i, message] of transcript.entries()) {
    if (i === loopsFrom) lines.push(...wrap('· from here on, again and again:', width));
    lines.push(...diagram.message(message, i));
  }
  if (loopsFrom !== undefined && loopsFrom < transcript.length)
    lines.push(...wrap('· and so on, indefinitely.', width));
  return `${lines.map((line) => line.trimEnd()).join('\n')}\n`;
}

/** All senders and receivers, in the order in which they first appear. */
export const participants = (transcript: readonly Message[]): string[] => [
  ...new Set(transcript.flatMap(({ from, to }) => (to === undefined ? [from] : [from, to]))),
];

interface Diagram {
  head(): string[];
  message(message: Message, index: number): string[];
}

/** A column for each participant. */
class Lifelines implements Diagram {
  readonly #names: readonly string[];
  readonly #pitch: number;
  readonly #width: number;

  constructor(names: readonly string[], pitch: number, width: number) {
    this.#names = names;
    this.#pitch = pitch;
    this.#width = width;
  }

  head(): string[] {
    if (this.#names.length === 0) return [];
    const name = (text: string) => {
      const short = cut(plain(text), this.#pitch - 1);
      const middle = Math.floor(this.#pitch / 2);
      return short.padStart(middle + Math.ceil(short.length / 2)).padEnd(this.#pitch);
    };
    return [this.#names.map(name).join(''), this.#lines()];
  }

  message({ from, to, text }: Message): string[] {
    const said = plain(text);
    const [here, there] = [this.#column(from), this.#column(to ?? from)];
    if (to === undefined || here === there) return this.#beside(here, to === undefined ? said : `⟲ ${said}`);
    const [left, right] = here < there ? [here, there] : [there, here];
    const room = right - left - 4;
    const fits = said.length <= room;
    const middle = fits ? said : '';
    const dashes = right - left - 2 - middle.length;
    const [before, after] = here < there ? [1, dashes - 1] : [dashes - 1, 1];
    const shaft = `${'─'.repeat(before)}${middle}${'─'.repeat(after)}`;
    const arrow = here < there ? `├${shaft}▶` : `◀${shaft}┤`;
    const line = this.#lines();
    const drawn =
      here < there
        ? `${line.slice(0, left)}${arrow}${line.slice(right)}`
        : `${line.slice(0, left + 1)}${arrow}${line.slice(right + 1)}`;
    return fits ? [drawn] : [...this.#beside(left, said), drawn];
  }

  #column(name: string): number {
    return Math.floor(this.#pitch / 2) + this.#names.indexOf(name) * this.#pitch;
  }

  #lines(): string {
    const line = Array.from({ length: this.#names.length * this.#pitch }, () => ' ');
    for (const name of this.#names) line[this.#column(name)] = '│';
    return line.join('');
  }

  /** A text at the right of a line, or at its left where there is more room; it covers other lines. */
  #beside(column: number, text: string): string[] {
    const right = this.#width - column - 2;
    const least = Math.min(text.length, 24);
    const at = right >= least ? column + 2 : Math.max(0, column - 1 - Math.min(text.length, column - 1));
    const room = right >= least ? right : column - 1 - at;
    const line = this.#lines();
    return wrap(text, room).map((part) => {
      const start = right >= least ? at : column - 1 - part.length;
      return `${line.slice(0, start).padEnd(start)}${part}${line.slice(start + part.length)}`;
    });
  }
}

/** A numbered line for each message. */
class List implements Diagram {
  readonly #width: number;
  constructor(width: number) {
    this.#width = width;
  }
  head(): string[] {
    return [];
  }
  message({ from, to, text }: Message, index: number): string[] {
    return wrap(
      `${index + 1}. ${plain(from)}${to === undefined ? '' : ` → ${plain(to)}`}: ${plain(text)}`,
      this.#width,
    );
  }
}

/** One line, without what a terminal would take for a command. */
export const plain = (text: string): string => text.replaceAll(/[\p{Cc}\p{Cf}\u2028\u2029]+/gu, ' ');

const cut = (text: string, room: number): string =>
  text.length <= room ? text : `${text.slice(0, room - 1)}…`;

/** Breaks at spaces, and within a word only where the word alone is too long. */
export function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  let line = '';
  for (let word of text.split(' ')) {
    while (word.length > width) {
      const room = line === '' ? width : width - line.length - 1;
      if (room > 0) line = `${line}${line === '' ? '' : ' '}${word.slice(0, room)}`;
      word = word.slice(Math.max(0, room));
      lines.push(line);
      line = '';
    }
    if (line !== '' && line.length + 1 + word.length > width) {
      lines.push(line);
      line = '';
    }
    line = line === '' ? word : `${line} ${word}`;
  }
  return line === '' && lines.length > 0 ? lines : [...lines, line];
}
