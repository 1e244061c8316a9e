/** Leases: an owner that stops answering loses its line, by a decision on the bus.
 *
 *  Every replica watches the holds that it has applied and asks for a RECLAIM when one outlasts its lease. That
 *  several ask does no harm: the entry names the epoch, and the second finds it gone. One timer for all holds,
 *  and none at all for a hold that ends within the instant in which it began, as most do. */
import type { Clock, TimerId } from '../clock.ts';
import { clear } from '../clear.ts';
import type { Cell } from './cell.ts';

export class Leases {
  readonly #clock: Clock;
  readonly #leaseMs: number;
  readonly #reclaim: (cell: Cell) => unknown;
  readonly #since = new Map<Cell, { epoch: number; at: number }>();
  #timer: TimerId | undefined;
  /** Holds that began in this instant. */
  readonly #begun: Cell[] = [];
  #closed = false;

  constructor({ clock, leaseMs }: { clock: Clock; leaseMs: number }, reclaim: (cell: Cell) => unknown) {
    this.#clock = clock;
    this.#leaseMs = leaseMs;
    this.#reclaim = reclaim;
  }

  /** A hold began, was renewed, or ended. */
  note(cell: Cell): void {
    if (!cell.held) {
      if (this.#since.size === 0) return;
      this.#since.delete(cell);
      if (this.#since.size === 0) this.#disarm();
      return;
    }
    this.#begun.push(cell);
    if (this.#begun.length === 1) this.#clock.atEndOfInstant(this.#settle);
  }
  readonly #settle = (): void => {
    for (const begun of this.#begun)
      if (begun.held) this.#since.set(begun, { epoch: begun.epoch, at: this.#clock.now() });
    clear(this.#begun);
    this.#arm();
  };
  close(): void {
    this.#closed = true;
    this.#since.clear();
    this.#disarm();
  }

  #arm(): void {
    if (this.#closed || this.#timer !== undefined || this.#since.size === 0) return;
    let earliest = Infinity;
    for (const { at } of this.#since.values()) earliest = Math.min(earliest, at);
    this.#timer = this.#clock.setTimeout(
      () => this.#sweep(),
      Math.max(1, earliest + this.#leaseMs - this.#clock.now()),
    );
  }
  #disarm(): void {
    if (this.#timer !== undefined) this.#clock.clearTimeout(this.#timer);
    this.#timer = undefined;
  }
  #sweep(): void {
    this.#timer = undefined;
    const now = this.#clock.now();
    for (const [cell, lease] of [...this.#since]) {
      if (now - lease.at < this.#leaseMs) continue;
      lease.at = now; // asked; ask again after another lease, should the entry be lost
      if (cell.held && cell.epoch === lease.epoch) this.#reclaim(cell);
    }
    this.#arm();
  }
}
