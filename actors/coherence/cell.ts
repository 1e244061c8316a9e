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

/** A cell as JSON. A key without a value has no `value`. */
export interface CellSnapshot {
  readonly key: string;
  readonly value?: unknown;
  readonly version: number;
  readonly epoch: number;
  readonly owner: string | null;
  readonly held: boolean;
  readonly queue: readonly string[];
  readonly readers: readonly string[];
  readonly sharers: readonly string[];
  readonly changes: readonly Change[];
}

/** Remembers a change: at least the latest `history`, at most twice as many. With 0 only the author of the last
 *  change is remembered. */
export function remember(cell: Cell, change: Change, history: number): void {
  if (history === 0) cell.changes = [{ ...change, patches: undefined }];
  else if (cell.changes.push(change) >= 2 * history) cell.changes = cell.changes.slice(-history);
}

/** Sharers are sorted, so that equal cells have equal snapshots. */
export function snapshotCell(cell: Cell): CellSnapshot {
  const { key, value, version, epoch, owner, held, queue, readers, sharers, changes } = cell;
  return {
    key,
    ...(value === undefined ? {} : { value }),
    version,
    epoch,
    owner: owner ?? null,
    held,
    queue: [...queue],
    readers: [...readers],
    sharers: [...sharers].sort(),
    changes: changes.map(({ version, agent, patches }) => ({
      version,
      agent,
      ...((patches === undefined ? {} : { patches }) as { patches: readonly Patch[] }),
    })),
  };
}

/** Fills a new cell from a snapshot. */
export function restoreCell(cell: Cell, snapshot: CellSnapshot, history: number): Cell {
  const { version, epoch, owner, held, queue, readers, sharers, changes } = snapshot;
  Object.assign(cell, { version, epoch, owner: owner ?? undefined, held });
  cell.queue = [...queue];
  cell.readers = [...readers];
  for (const agent of sharers) cell.sharers.add(agent);
  for (const change of changes) remember(cell, change, history);
  return cell;
}

/** What changed from a version to a later one, as one list of patches; `undefined` when memory no longer has it, or
 *  when a whole value came in between. A place that is replaced twice is listed once. */
export function patchesSince(cell: Cell, version: number, to = cell.version): readonly Patch[] | undefined {
  if (to <= version) return [];
  const first = cell.changes.length - (cell.version - version);
  if (first < 0) return undefined;
  const all: Patch[] = [];
  for (const { patches } of cell.changes.slice(first, first + to - version)) {
    if (patches === undefined) return undefined;
    all.push(...patches);
  }
  // With nothing but replacements, one is superfluous when its place, or what contains it, is replaced later.
  if (all.some(({ op }) => op !== 'replace')) return all;
  const later = new Set<string>();
  const needed = all.toReversed().filter(({ path }) => {
    for (let length = 0; length <= path.length; length++)
      if (later.has(JSON.stringify(path.slice(0, length)))) return false;
    later.add(JSON.stringify(path));
    return true;
  });
  return needed.reverse();
}
