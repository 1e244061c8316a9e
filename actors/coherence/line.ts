/** One line: the actor, and what it must remember between two events.
 *
 *  Owns the copy. Hears what the bus did to its key, and its agent. Says entries, through the replica.
 *  Decisions are the machine's; this file only gives its words a meaning. */
import type { Actor } from 'xstate';
import type { CompiledLogic } from '../../machines/compile.ts';
import type { CacheLineMachine, LineEvent } from '../../machines/cache-line.ts';
import type { Cell } from './cell.ts';
import type { Patch } from './entry.ts';
import type { Sender } from './sender.ts';

export type LineActor = Actor<CompiledLogic<CacheLineMachine>>;
export type LineState = 'I' | 'S' | 'E' | 'M' | 'IS' | 'IM' | 'SM' | 'MP';

/** What a line says to whoever reads and writes through it. */
export interface LineClient {
  /** The copy is there, or is another one now; `own` when the agent wrote it itself. */
  filled(line: Line, own: boolean): void;
  /** A copy went stale because another agent wrote, or is about to. */
  dropped(line: Line): void;
}

/** A write, or a hold, that waits for the line. At most one at a time. */
export interface LineWork {
  granted(line: Line): void;
  /** The own write was applied. */
  done(line: Line): void;
  /** The own write was refused; ownership has been asked for again. */
  refused(line: Line): void;
  lost(line: Line): void;
  released(line: Line): void;
}

/** A write on its way to memory. */
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

export class Line {
  readonly index: number;
  readonly agent: string;
  readonly cell: Cell;
  readonly sender: Sender;
  actor!: LineActor;
  client: LineClient | undefined;
  work: LineWork | undefined;
  /** The copy, while the state is a readable one. */
  value: unknown = undefined;
  version = -1;
  /** The epoch of this line's ownership, as its replica applied it. */
  epoch = -1;
  /** What a STORE puts. */
  pending: Pending | undefined;
  reads: Filling[] = [];

  constructor(index: number, sender: Sender, cell: Cell) {
    this.index = index;
    this.agent = sender.agent;
    this.sender = sender;
    this.cell = cell;
  }

  /** The actor's state, as of its last event. Kept here because an actor is far away in memory. */
  state: LineState = 'I';
  /** Whether the agent may use the copy. */
  get readable(): boolean {
    return READABLE[this.state] ?? this.actor.getSnapshot().context.copy;
  }
  /** Waits for a copy; resolved at the very entry that brings it, were it gone with the next. */
  whenFilled(): Filling {
    const filling = new Filling();
    this.reads.push(filling);
    return filling;
  }

  // ── the machine's words
  fill(own = false): void {
    const { cell } = this;
    this.value = cell.value;
    this.version = cell.version;
    this.epoch = cell.epoch;
    if (this.reads.length > 0) {
      const reads = this.reads;
      this.reads = [];
      const copy = { value: this.value, version: this.version };
      for (const filling of reads) filling.settle(copy);
    }
    this.client?.filled(this, own);
  }
  drop(): void {
    this.client?.dropped(this);
  }
  granted(): void {
    this.epoch = this.cell.epoch;
    this.work?.granted(this);
  }
  done(): void {
    this.pending = undefined;
    this.fill(true);
    this.work?.done(this);
  }
  lost(): void {
    this.work?.lost(this);
  }
}

/** By state: whether reads hit. MP depends on the copy. */
const READABLE: Readonly<Record<LineState, boolean | undefined>> = {
  I: false,
  S: true,
  E: true,
  M: true,
  IS: false,
  IM: false,
  SM: true,
  MP: undefined,
};

/** One frozen object per event, shared by all lines. */
export const LINE_EVENTS = Object.freeze(
  Object.fromEntries(
    (
      [
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
      ] as const
    ).map((type) => [type, Object.freeze({ type })]),
  ),
) as Readonly<Record<LineEvent['type'], LineEvent>>;
