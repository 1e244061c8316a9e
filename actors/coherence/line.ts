/** One line: which row of the machine's table it is in, and what it must remember between two events.
 *
 *  Owns the copy. Hears what the bus did to its key, and its agent. Says entries, through the replica.
 *  Decisions are the machine's; this file only gives its words a meaning. */
import type { LineEvent } from '../../machines/cache-line.ts';
import type { Patch } from './entry.ts';
import type { Hosted } from './hosted.ts';
import type { LineRow } from './line-table.ts';
import type { Sender } from './sender.ts';

export type LineState = 'I' | 'S' | 'E' | 'M' | 'IS' | 'IM' | 'SM' | 'MP';

/** What a STORE puts. */
export interface Pending {
  readonly value: unknown;
  readonly base: number;
  readonly patches: readonly Patch[] | undefined;
}

export interface Copy {
  readonly value: unknown;
  readonly version: number;
}

/** A read that waits. In process the copy is often there before anybody has asked for a promise. */
export class Filling {
  copy: Copy | undefined;
  #resolve: ((copy: Copy) => void) | undefined;

  settle(copy: Copy): void {
    this.copy = copy;
    this.#resolve?.(copy);
  }
  promise(): Promise<Copy> {
    return new Promise((resolve) => (this.#resolve = resolve));
  }
}

/** The fields stand in the order in which a snoop needs them: an object of this size is several fetches from memory. */
export class Line {
  /** Where the machine is, as of the last event. */
  row: LineRow;
  /** The next line of the key that lives here. */
  sibling: Line | undefined = undefined;
  #reads: Filling[] | undefined = undefined;
  readonly cell: Hosted;
  readonly sender: Sender;
  /** The copy, while it is readable. */
  value: unknown = undefined;
  version = -1;
  /** The epoch of this line's ownership, as its replica applied it. */
  epoch = -1;

  constructor(sender: Sender, cell: Hosted, row: LineRow) {
    this.sender = sender;
    this.cell = cell;
    this.row = row;
  }

  get state(): LineState {
    return this.row.state;
  }
  /** Whether the agent may use the copy. */
  get readable(): boolean {
    return this.row.readable;
  }
  get agent(): string {
    return this.sender.agent;
  }
  /** Waits for a copy; resolved at the very entry that brings it, were it gone with the next. */
  whenFilled(): Filling {
    const filling = new Filling();
    (this.#reads ??= []).push(filling);
    return filling;
  }
  /** Whether somebody waits for a copy. */
  get awaited(): boolean {
    return this.#reads !== undefined;
  }

  // ── the machine's words; whoever reads and writes through a line says what else they mean
  /** The copy is there, or is another one now; `own` when the agent wrote it itself. */
  fill(_own = false): void {
    const { cell } = this;
    this.value = cell.value;
    this.version = cell.version;
    this.epoch = cell.epoch;
    const reads = this.#reads;
    if (reads === undefined) return;
    this.#reads = undefined;
    const copy = { value: this.value, version: this.version };
    for (const filling of reads) filling.settle(copy);
  }
  /** The copy went stale because another agent wrote, or is about to. */
  drop(): void {}
  granted(): void {
    this.epoch = this.cell.epoch;
  }
  /** The own write was applied. */
  done(): void {
    this.fill(true);
  }
  lost(): void {}
  released(): void {}
  /** The own write was refused; ownership has been asked for again. */
  refused(): void {}
}

/** Everything that a line can hear. */
export const LINE_EVENTS = [
  'LOAD',
  'STORE',
  'HOLD',
  'RELEASE',
  'EVICT',
  'SNOOP_GETS',
  'SNOOP_GETM',
  'SNOOP_PUT',
  'GRANT_S',
  'GRANT_E',
  'GRANT_M',
  'ACCEPTED',
  'REFUSED',
  'RELEASED',
  'RECLAIMED',
] as const satisfies readonly LineEvent['type'][];
