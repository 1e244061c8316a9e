/** One log, and views of it that hear of everything some milliseconds later: what a bus on a network looks like to each
 *  of its processes. For examples; it loses what is not yet appended when its process ends. */
import { filter, Subject } from 'rxjs';
import { tagOf, type Bus, type BusFault, type PublishOptions } from 'tutti/actors';
import type { Envelope, Signal, Tag } from 'tutti/machines';

export class Log {
  readonly entries: Envelope[] = [];
  /** Positions by idempotency key. */
  readonly keys = new Map<string, number>();
  readonly views = new Set<LateBus>();
}

export class LateBus implements Bus {
  readonly runId = 'late';
  readonly signals = new Subject<Envelope>();
  readonly faults = new Subject<BusFault>();
  readonly #log: Log;
  readonly #lagMs: number;

  constructor(log: Log, lagMs: number) {
    this.#log = log;
    this.#lagMs = lagMs;
    log.views.add(this);
  }
  get tip(): number {
    return this.#log.entries.length;
  }
  publish(signal: Signal, { key, runId = this.runId }: PublishOptions = {}): Promise<number> {
    return new Promise((resolve) => {
      setTimeout(() => {
        const { entries, keys, views } = this.#log;
        const known = key === undefined ? undefined : keys.get(key);
        if (known !== undefined) return resolve(known);
        // By value, as a network carries it.
        const carried = JSON.parse(JSON.stringify(signal)) as Signal;
        entries.push({ seq: entries.length + 1, runId, signal: carried, timestamp: Date.now() });
        if (key !== undefined) keys.set(key, entries.length);
        for (const view of views) view.#hear(entries.at(-1) as Envelope);
        resolve(entries.length);
      }, this.#lagMs);
    });
  }
  #hear(envelope: Envelope): void {
    // Timers of one length end in the order in which they began.
    setTimeout(() => this.signals.next(envelope), this.#lagMs);
  }
  on(tag: Tag) {
    return this.signals.pipe(filter(({ signal }) => tagOf(signal) === tag));
  }
  async *replay(from: number): AsyncGenerator<Envelope> {
    for (const envelope of this.#log.entries.slice(from - 1)) yield envelope;
  }
  async close(): Promise<void> {
    this.#log.views.delete(this);
    this.signals.complete();
  }
}
