/** Messages with sender and receiver: the arrows of a sequence diagram, from signals of the bus or events of actors. */
import { bytes, countUpTo, ints, NameTable } from './columns.ts';

export interface MessageRow {
  readonly row: number;
  readonly from: string;
  /** Without one it is a note at `from`. */
  readonly to: string | undefined;
  readonly text: string;
  /** The key of shared state or the tag that it is about; empty for neither. */
  readonly about: string;
  /** An effect of a signal. It comes before the signal in the trace, because lines move before other listeners run. */
  readonly effect?: boolean;
}

export class MessageTable {
  readonly #names = new NameTable();
  readonly #rows = ints();
  readonly #from = ints();
  readonly #to = ints();
  readonly #text = ints();
  readonly #about = ints();
  readonly #effect = bytes();
  readonly #places = new Map<string, number[]>();

  add({ row, from, to, text, about, effect }: MessageRow): void {
    const place = this.length;
    this.#rows.push(row);
    this.#from.push(this.#names.number(from));
    this.#to.push(to === undefined ? -1 : this.#names.number(to));
    this.#text.push(this.#names.number(text));
    this.#about.push(this.#names.number(about));
    this.#effect.push(effect === true ? 1 : 0);
    if (about === '') return;
    const known = this.#places.get(about);
    if (known === undefined) this.#places.set(about, [place]);
    else known.push(place);
  }
  get length(): number {
    return this.#rows.length;
  }
  at(place: number): MessageRow {
    const to = this.#to.at(place);
    return {
      row: this.#rows.at(place),
      from: this.#names.name(this.#from.at(place)),
      to: to < 0 ? undefined : this.#names.name(to),
      text: this.#names.name(this.#text.at(place)),
      about: this.#names.name(this.#about.at(place)),
      effect: this.#effect.at(place) === 1,
    };
  }
  /** What messages are about: keys and tags. */
  get subjects(): string[] {
    return [...this.#places.keys()];
  }
  /** The last `most` messages up to `cursor`, of one subject or of all. */
  upTo(cursor: number, most: number, about = ''): MessageRow[] {
    const places = about === '' ? undefined : (this.#places.get(about) ?? []);
    const place = (index: number) => (places === undefined ? index : (places[index] as number));
    const end = countUpTo(places?.length ?? this.length, (index) => this.#rows.at(place(index)), cursor);
    const found: MessageRow[] = [];
    for (let index = Math.max(0, end - most); index < end; index++) found.push(this.at(place(index)));
    return causesFirst(found);
  }
}

/** Puts each signal before what it did: the effects since the signal before it. */
function causesFirst(messages: readonly MessageRow[]): MessageRow[] {
  const ordered: MessageRow[] = [];
  let effects = 0;
  for (const message of messages) {
    const mine = message.effect === true && (effects === 0 || ordered.at(-1)?.about === message.about);
    if (mine) ordered.push(message);
    else if (message.about !== '' && ordered.at(-1)?.about === message.about)
      ordered.splice(ordered.length - effects, 0, message);
    else ordered.push(message);
    effects = message.effect === true ? (mine ? effects + 1 : 1) : 0;
  }
  return ordered;
}
