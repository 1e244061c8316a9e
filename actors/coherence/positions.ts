/** Who waits until a replica has applied the bus up to a position. */
import type { Seq } from '../bus/bus.ts';

export class Positions {
  readonly #replica: { readonly applied: Seq; readonly left: Error | undefined };
  #waiting: { seq: Seq; resolve: () => void; reject: (why: Error) => void }[] = [];

  constructor(replica: { readonly applied: Seq; readonly left: Error | undefined }) {
    this.#replica = replica;
  }
  /** @returns at once where nothing has to be waited for. */
  reached(seq: Seq): Promise<void> | undefined {
    const { applied, left } = this.#replica;
    if (applied >= seq) return undefined;
    if (left !== undefined) return Promise.reject(left);
    this.awaited = true;
    return new Promise((resolve, reject) => this.#waiting.push({ seq, resolve, reject }));
  }
  /** Whether there is anything to settle. */
  awaited = false;

  settle(): void {
    const { applied } = this.#replica;
    const due = this.#waiting.filter(({ seq }) => seq <= applied);
    this.#waiting = this.#waiting.filter(({ seq }) => seq > applied);
    this.awaited = this.#waiting.length > 0;
    for (const { resolve } of due) resolve();
  }
  fail(why: Error): void {
    for (const { reject } of this.#waiting.splice(0)) reject(why);
  }
}
