/** What waits to be written, in columns, and the writing of it: later, a little at a time, and never too much.
 *
 *  A message costs some nanoseconds when it happens: numbers in a row. Text is made of it after the turn. When many
 *  wait, text is made at once; when the sink has not taken the last text yet, what comes is left out and counted. */
import type { Clock } from '../../actors/bus/clock.ts';
import type { MessageFrame } from './frame.ts';

/** Where a trace goes. */
export interface TraceSink {
  /** Takes whole lines. If it returns a promise, the next call waits until that promise settles. */
  write(text: string): void | PromiseLike<unknown>;
  close?(): void | PromiseLike<unknown>;
}

/** Makes text of the row at `row`: one line or several, each with its line feed. */
export type Render = (waiting: WaitingRows, row: number) => string;

/** Rows that are made text of before others may run. */
const SLICE = 2_048;
/** Messages after which the clock is read again. */
const LOOKS = 16;
/** What happens together is written together. */
const DELAY_MS = 50;
/** Characters that are handed over at once. */
const CHUNK = 1 << 16;
/** Characters of text that may wait, in addition to rows of numbers. */
const MOST_TEXT = 1 << 23;

/** Rows of numbers, each perhaps with a text or a small value. */
export class WaitingRows {
  readonly capacity: number;
  readonly numbers: Int32Array;
  readonly ids: Float64Array;
  readonly times: Float64Array;
  readonly refs: unknown[];
  start = 0;
  end = 0;

  constructor(capacity: number) {
    this.capacity = capacity;
    this.numbers = new Int32Array(capacity * 4);
    this.ids = new Float64Array(capacity);
    this.times = new Float64Array(capacity);
    this.refs = Array.from({ length: capacity }).fill(undefined);
  }
  get length(): number {
    return this.end - this.start;
  }
  /** Moves what waits to the front. */
  compact(): void {
    const { start, end } = this;
    if (start === 0) return;
    this.numbers.copyWithin(0, start * 4, end * 4);
    this.ids.copyWithin(0, start, end);
    this.times.copyWithin(0, start, end);
    this.refs.copyWithin(0, start, end);
    this.refs.fill(undefined, end - start, end);
    this.start = 0;
    this.end = end - start;
  }
}

export class Writer {
  readonly waiting: WaitingRows;
  readonly #clock: Pick<Clock, 'now'>;
  readonly #frame: MessageFrame;
  readonly #sink: TraceSink;
  readonly #render: Render;
  #pending: Promise<void> | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #text = 0;
  #time = 0;
  #looks = 0;
  #lost = 0;
  readonly #onEmpty: (() => void)[] = [];
  /** Messages handed to the sink. */
  written = 0;
  /** Why nothing is written any more. */
  failure: Error | undefined;
  /** Whether time may pass between one message and the next: with a bus that does not deliver at once. */
  late = false;

  constructor(options: {
    sink: TraceSink;
    clock: Pick<Clock, 'now'>;
    rows: number;
    frame: MessageFrame;
    render: Render;
  }) {
    this.#clock = options.clock;
    this.waiting = new WaitingRows(options.rows);
    this.#frame = options.frame;
    this.#sink = options.sink;
    this.#render = options.render;
  }

  /** The time as of a few messages ago: looking at a clock costs as much as all else together. */
  now(): number {
    if (--this.#looks <= 0 || this.late) this.lookAtClock();
    return this.#time;
  }
  lookAtClock(): number {
    this.#looks = LOOKS;
    return (this.#time = this.#clock.now());
  }
  /** A row to fill, or −1 when there is no room and the message is lost. */
  row(): number {
    const { waiting } = this;
    if ((waiting.end === waiting.capacity || this.#text > MOST_TEXT) && !this.#makeRoom()) return -1;
    if (this.#timer === undefined) this.#schedule();
    return waiting.end++;
  }
  /** A text, or what makes it when it is written, as the message with this number.
   *  @returns whether there was room. */
  push(id: number, text: string | (() => string | undefined)): boolean {
    const row = this.row();
    if (row < 0) return false;
    const { numbers, ids, times, refs } = this.waiting;
    numbers[row * 4] = 0;
    ids[row] = id;
    times[row] = this.lookAtClock();
    refs[row] = text;
    if (typeof text === 'string') this.#text += text.length;
    return true;
  }
  /** Whether messages have been lost, and there is room to record that. */
  get hasLost(): boolean {
    return this.#lost > 0 && this.waiting.length * 2 <= this.waiting.capacity;
  }
  /** How many have been lost since this was last asked. */
  takeLost(): number {
    const lost = this.#lost;
    this.#lost = 0;
    return lost;
  }
  /** Calls back when all that waits now has been made text of. */
  after(callback: () => void): void {
    const call = (): undefined => void callback();
    if (!this.push(0, call)) this.#onEmpty.push(callback);
  }
  lose(messages: number): void {
    this.#lost += messages;
  }

  /** Writes all that waits, however long it takes. */
  async drain(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    for (;;) {
      await this.#pending;
      if (this.waiting.length === 0 || this.failure !== undefined) return;
      this.#flush(Infinity);
    }
  }

  #schedule(): void {
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.#flush(SLICE);
      if (this.waiting.length > 0 && this.#pending === undefined) this.#schedule();
    }, DELAY_MS);
  }
  #makeRoom(): boolean {
    this.#flush(Infinity);
    this.waiting.compact();
    return this.waiting.end < this.waiting.capacity && this.#text <= MOST_TEXT;
  }
  /** Hands rows over until that many have been, none is left, or the sink asks for patience. */
  #flush(rows: number): void {
    const { waiting } = this;
    const until = Math.min(waiting.end, waiting.start + rows);
    while (waiting.start < until && this.#pending === undefined) {
      let text = '';
      while (waiting.start < until && text.length < CHUNK) {
        const row = waiting.start++;
        const ref = waiting.refs[row];
        if (waiting.numbers[row * 4] === 0) {
          if (typeof ref === 'string') this.#text -= ref.length;
          const begun = typeof ref === 'function' ? (ref as () => string | undefined)() : (ref as string);
          waiting.refs[row] = undefined;
          if (begun === undefined) continue;
          text += this.#frame.close(begun, waiting.ids[row] as number, waiting.times[row] as number);
          this.written++;
        } else text += this.#render(waiting, row);
        waiting.refs[row] = undefined;
      }
      if (text !== '') this.#write(text);
    }
    if (waiting.start < waiting.end) return;
    waiting.start = waiting.end = 0;
    for (const callback of this.#onEmpty.splice(0)) callback();
  }
  #write(text: string): void {
    if (this.failure !== undefined) return;
    try {
      const taken = this.#sink.write(text);
      if (taken === undefined) return;
      this.#pending = Promise.resolve(taken).then(this.#settled, this.#fail);
    } catch (error) {
      this.#fail(error);
    }
  }
  readonly #settled = (): void => {
    this.#pending = undefined;
    if (this.waiting.length > 0 && this.#timer === undefined) this.#schedule();
  };
  readonly #fail = (error: unknown): void => {
    this.#pending = undefined;
    this.failure ??= error instanceof Error ? error : new Error(String(error));
  };
}
