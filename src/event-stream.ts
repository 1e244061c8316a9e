/** Events for `for await`: kept for each reader from its first look on, bounded, and free while nobody looks. */
import type { RunEvent } from '../actors/run-events.ts';

/** More events than this wait for a reader that does not read: it is cut off, the performance goes on. */
const LIMIT = 1 << 20;

/** A reader of `run.events` was too slow. */
export class EventOverflowError extends Error {
  override name = 'EventOverflowError';
  constructor() {
    super(`${LIMIT} events waited to be read; read faster, or use \`onEvent\`.`);
  }
}

interface Reader {
  waiting: RunEvent[];
  wake: () => void;
  overflowed: boolean;
}

export class EventStream implements AsyncIterable<RunEvent> {
  readonly #readers = new Set<Reader>();
  readonly #wanted: () => void;
  #ended = false;

  /** @param wanted called when somebody looks for the first time. */
  constructor(wanted: () => void) {
    this.#wanted = wanted;
  }
  push(event: RunEvent): void {
    for (const reader of this.#readers) {
      if (reader.waiting.length >= LIMIT) reader.overflowed = true;
      else reader.waiting.push(event);
      reader.wake();
    }
  }
  end(): void {
    this.#ended = true;
    for (const reader of this.#readers) reader.wake();
  }
  [Symbol.asyncIterator](): AsyncGenerator<RunEvent> {
    const reader: Reader = { waiting: [], wake: () => {}, overflowed: false };
    this.#readers.add(reader);
    this.#wanted();
    return this.#read(reader);
  }

  async *#read(reader: Reader): AsyncGenerator<RunEvent> {
    try {
      for (;;) {
        const batch = reader.waiting;
        reader.waiting = [];
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
