/** Leases: an owner that stops answering loses its key, by a decision on the bus.
 *
 *  Only a hold that another agent waits for is watched: a hold that delays no agent is left alone. The owner's replica
 *  renews the hold while its agent is at work, every third of the lease. Every other replica asks for a RECLAIM when it
 *  has seen no sign of the owner for a whole lease. Several replicas may ask: the entry names the epoch, and only the
 *  first one applies. One timer serves all holds. */
import type { Clock, TimerId } from '../bus/clock.ts';
import type { Cell } from './cell.ts';

export interface LeaseOptions {
  readonly clock: Clock;
  readonly leaseMs: number;
  /** Whether the owner is an agent of this replica that is at work. */
  working(cell: Cell): boolean;
  renew(cell: Cell): void;
  reclaim(cell: Cell): void;
}
interface Watched {
  readonly epoch: number;
  /** The last sign of life. */
  seen: number;
  /** The last entry of this replica about it. */
  asked: number;
}

export class Leases {
  readonly #options: LeaseOptions;
  /** Holds that delay an agent. */
  readonly watched = new Map<Cell, Watched>();
  #timer: TimerId | undefined;
  #closed = false;

  constructor(options: LeaseOptions) {
    this.#options = options;
  }

  /** A hold began, was renewed or ended, or an agent began to wait for its end. */
  note(cell: Cell, renewed: boolean): void {
    const known = this.watched.get(cell);
    if (!cell.held || (cell.queue.length === 0 && cell.readers.length === 0)) {
      if (known === undefined) return;
      this.watched.delete(cell);
      if (this.watched.size === 0) this.#disarm();
      return;
    }
    const now = this.#options.clock.now();
    if (known === undefined || known.epoch !== cell.epoch)
      this.watched.set(cell, { epoch: cell.epoch, seen: now, asked: now });
    else if (renewed) known.seen = now;
    this.#arm();
  }
  close(): void {
    this.#closed = true;
    this.watched.clear();
    this.#disarm();
  }

  /** When something is due for a hold: a renewal by its owner's replica, or a reclaim. */
  #due(cell: Cell, { seen, asked }: Watched): number {
    const { leaseMs, working } = this.#options;
    return working(cell) ? asked + leaseMs / 3 : Math.max(seen, asked) + leaseMs;
  }
  #arm(): void {
    if (this.#closed || this.#timer !== undefined || this.watched.size === 0) return;
    const { clock, leaseMs } = this.#options;
    let earliest = clock.now() + leaseMs;
    for (const [cell, watched] of this.watched) earliest = Math.min(earliest, this.#due(cell, watched));
    this.#timer = clock.setTimeout(() => this.#sweep(), Math.max(1, earliest - clock.now()));
  }
  #disarm(): void {
    if (this.#timer !== undefined) this.#options.clock.clearTimeout(this.#timer);
    this.#timer = undefined;
  }
  #sweep(): void {
    this.#timer = undefined;
    const { clock, working, renew, reclaim } = this.#options;
    for (const [cell, watched] of [...this.watched]) {
      if (this.#due(cell, watched) > clock.now()) continue;
      watched.asked = clock.now(); // if the entry is lost, it is sent again after another lease
      if (working(cell)) renew(cell);
      else reclaim(cell);
    }
    this.#arm();
  }
}
