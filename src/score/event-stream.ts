/** Events for `for await`: kept for each reader from its first iteration on, bounded, and free without readers.
 *
 *  Text comes in many small parts. While a reader is busy, the text of a step is merged into one event, so a slow reader
 *  has at most one waiting text event for each step that is writing. */
import type { RunEvent } from '../../actors/tomasulo/run-events.ts';

/** More events than this wait for a reader that does not read: it is cut off, the performance goes on. */
const LIMIT = 1 << 20;
/** A reader with more waiting characters of text than this is cut off, too. */
const TEXT_LIMIT = 1 << 24;

/** A reader of `run.events` was too slow. */
export class EventOverflowError extends Error {
  override name = 'EventOverflowError';
  constructor() {
    super(
      `${LIMIT} events, or ${TEXT_LIMIT} characters of text, waited to be read; read faster, or use \`onEvent\`.`,
    );
  }
}

type Text = RunEvent & { readonly type: 'step.text' };

interface Reader {
  waiting: RunEvent[];
  /** Text that waits, by step, to which more of the same step may be added. */
  texts: Map<string, { -readonly [K in keyof Text]: Text[K] }>;
  /** Characters of text that wait. */
  characters: number;
  wake: () => void;
  overflowed: boolean;
}

export class EventStream implements AsyncIterable<RunEvent> {
  readonly #readers = new Set<Reader>();
  readonly #wanted: () => void;
  #ended = false;

  /** @param wanted called when the first reader starts to iterate. */
  constructor(wanted: () => void) {
    this.#wanted = wanted;
  }
  push(event: RunEvent): void {
    for (const reader of this.#readers) {
      if (reader.overflowed || reader.waiting.length >= LIMIT) reader.overflowed = true;
      else if (event.type === 'step.text') keepText(reader, event);
      else {
        if ('stepId' in event) reader.texts.delete(event.stepId);
        reader.waiting.push(event);
      }
      reader.wake();
    }
  }
  end(): void {
    this.#ended = true;
    for (const reader of this.#readers) reader.wake();
  }
  [Symbol.asyncIterator](): AsyncGenerator<RunEvent> {
    const reader: Reader = {
      waiting: [],
      texts: new Map(),
      characters: 0,
      wake: () => {},
      overflowed: false,
    };
    this.#readers.add(reader);
    this.#wanted();
    return this.#read(reader);
  }

  async *#read(reader: Reader): AsyncGenerator<RunEvent> {
    try {
      for (;;) {
        const batch = reader.waiting;
        reader.waiting = [];
        reader.texts.clear();
        reader.characters = 0;
        yield* batch;
        if (reader.waiting.length > 0) continue;
        if (reader.overflowed) throw new EventOverflowError();
        if (this.#ended) return;
        await new Promise<void>((resolve) => (reader.wake = resolve));
      }
    } finally {
      this.#readers.delete(reader);
    }
  }
}

/** Adds text to the waiting text event of the same step. Text with `again` replaces it. */
function keepText(reader: Reader, event: Text): void {
  const before = reader.texts.get(event.stepId);
  if (before === undefined) {
    const kept = { ...event };
    reader.texts.set(event.stepId, kept);
    reader.waiting.push(kept);
  } else if (event.again) {
    reader.characters -= before.delta.length;
    before.delta = event.delta;
    before.again = true;
  } else before.delta += event.delta;
  reader.characters += event.delta.length;
  if (reader.characters > TEXT_LIMIT) reader.overflowed = true;
}
