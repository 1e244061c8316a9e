/** Memory's side of one key: the value, and which agents may do what with it. */
import type { Patch } from './entry.ts';

/** One version, as a reader that has an older one needs it. */
export interface Change {
  readonly version: number;
  readonly agent: string;
  /** `undefined`: the whole value was replaced. */
  readonly patches: readonly Patch[] | undefined;
}

export class Cell {
  readonly key: string;
  /** The cell's place among all cells of its memory. */
  readonly index: number;
  value: unknown;
  /** A promise of the value, made at its first read: one for all agents. */
  answer: Promise<unknown> | undefined = undefined;
  /** Counts accepted writes; 0 is the initial value. */
  version = 0;
  /** Counts grants of ownership. An entry with an older epoch comes from a former owner. */
  epoch = 0;
  owner: string | undefined = undefined;
  /** The owner is at work: other writers queue. */
  held = false;
  /** Agents that may have a copy. */
  readonly sharers = new Set<string>();
  /** Agents that wait for ownership, first in, first out. */
  queue: string[] = [];
  /** Agents that wait for a copy until the hold ends (`readers: 'wait'`). */
  readers: string[] = [];
  /** The latest changes, oldest first. */
  changes: Change[] = [];

  constructor(key: string, index: number, value: unknown) {
    this.key = key;
    this.index = index;
    this.value = value;
  }
}

/** Remembers a change: at least the latest `history`, at most twice as many. With 0 only the author of the last
 *  change is remembered. */
export function remember(cell: Cell, change: Change, history: number): void {
  if (history === 0) cell.changes = [{ ...change, patches: undefined }];
  else if (cell.changes.push(change) >= 2 * history) cell.changes = cell.changes.slice(-history);
}
