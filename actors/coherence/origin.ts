/** Where a replica begins: a fingerprint of the values, and a mark of a position of the log.
 *
 *  The first entry of every sender carries the fingerprint. So replicas that began with different values find out before
 *  either has read or written, and a checkpoint that was restored on a new log is not taken for the old log's. */
import type { Envelope } from '../../machines/hct/signal.ts';

/** A fingerprint of keys with their values and versions: equal for equal JSON, in any order of keys. */
export function fingerprint(cells: Iterable<{ key: string; value: unknown; version: number }>): string {
  const hash = new Hash();
  const sorted = [...cells].sort((a, b) => (a.key < b.key ? -1 : 1));
  for (const { key, value, version } of sorted) {
    hash.text(key);
    hash.number(version);
    hash.json(value);
  }
  return hash.toString();
}

/** Tells one envelope from another at the same position of another log. */
export function markOf({ seq, runId, timestamp, signal }: Envelope): string {
  const { type } = signal;
  const source = type === 'pulse' ? String(signal.tag) : signal.source;
  const entry = (signal as { payload?: { entry?: { number?: unknown } } }).payload?.entry?.number;
  return JSON.stringify([seq, runId, timestamp, type, source, entry ?? null]);
}

/** FNV-1a twice, with different offsets: 64 bits. Not for secrets. */
class Hash {
  #a = 0x811c9dc5;
  #b = 0x01000193;
  /** Long texts that were hashed before: initial values often share them. */
  readonly #long = new Map<string, string>();

  text(text: string): void {
    if (text.length < 256) return this.#raw(text);
    let short = this.#long.get(text);
    if (short === undefined) {
      const inner = new Hash();
      inner.#raw(text);
      this.#long.set(text, (short = inner.toString()));
    }
    this.#raw(short);
  }
  #raw(text: string): void {
    this.number(text.length);
    let [a, b] = [this.#a, this.#b];
    for (let i = 0; i < text.length; i++) {
      const unit = text.charCodeAt(i);
      a = Math.imul(a ^ unit, 0x01000193);
      b = Math.imul(b ^ (unit + i), 0x01000193);
    }
    [this.#a, this.#b] = [a, b];
  }
  number(number: number): void {
    this.#a = Math.imul(this.#a ^ (number | 0), 0x01000193);
    this.#b = Math.imul(this.#b ^ (number | 0) ^ 0x5bd1e995, 0x01000193);
  }
  json(value: unknown): void {
    if (typeof value === 'string') {
      this.number(1);
      this.text(value);
    } else if (typeof value !== 'object' || value === null) {
      this.number(2);
      this.text(String(value));
    } else if (Array.isArray(value)) {
      this.number(3);
      this.number(value.length);
      for (const item of value) this.json(item);
    } else {
      const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
      this.number(4);
      this.number(entries.length);
      for (const [key, item] of entries) {
        this.text(key);
        this.json(item);
      }
    }
  }
  toString(): string {
    const hex = (part: number) => (part >>> 0).toString(16).padStart(8, '0');
    return hex(this.#a) + hex(this.#b);
  }
}
