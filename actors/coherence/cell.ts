/** Memory's side of one key: the value, and who may do what with it (coherence-protocol, rules 6 to 10). */
import type { Patch } from './entry.ts';

/** One version, as a reader that has an older one needs it. */
export interface Change {
  readonly version: number;
  readonly agent: string;
  /** `undefined`: the whole value was replaced. */
  readonly patches: readonly Patch[] | undefined;
}

export interface Cell {
  readonly key: string;
  readonly index: number;
  value: unknown;
  /** Counts accepted writes; 0 is the initial value. */
  version: number;
  /** Counts grants of ownership. What bears an older epoch comes from an owner of the past. */
  epoch: number;
  owner: string | undefined;
  /** The owner is at work: others queue. */
  held: boolean;
  /** Who waits for ownership, first in, first out. */
  queue: readonly string[];
  /** Who waits for a copy until the hold ends (`readers: 'wait'`). */
  readers: readonly string[];
  /** Who may have a copy. Replaced as a whole, never changed: most keys have none, one, or all of a few. */
  sharers: readonly string[];
  /** The latest changes, oldest first, at most as many as memory keeps. */
  readonly changes: Change[];
}
/** One empty list for all cells: a list of each cell's own is memory that has to be fetched. */
export const NOBODY: readonly string[] = Object.freeze([]);

export interface CellSnapshot {
  readonly key: string;
  readonly value: unknown;
  readonly version: number;
  readonly epoch: number;
  readonly owner: string | undefined;
  readonly held: boolean;
  readonly queue: readonly string[];
  readonly readers: readonly string[];
  readonly sharers: readonly string[];
  readonly changes: readonly Change[];
}

export function createCell(key: string, index: number, value: unknown): Cell {
  return {
    key,
    index,
    value,
    version: 0,
    epoch: 0,
    owner: undefined,
    held: false,
    queue: NOBODY,
    readers: NOBODY,
    sharers: NOBODY,
    changes: [],
  };
}

/** The same cell as JSON. Sharers are sorted, so that equal cells have equal snapshots. */
export function snapshotCell(cell: Cell): CellSnapshot {
  const { key, value, version, epoch, owner, held } = cell;
  const [queue, readers, changes] = [[...cell.queue], [...cell.readers], [...cell.changes]];
  return {
    key,
    value,
    version,
    epoch,
    owner,
    held,
    queue,
    readers,
    sharers: [...cell.sharers].sort(),
    changes,
  };
}

export function restoreCell(snapshot: CellSnapshot, index: number): Cell {
  return {
    ...snapshot,
    index,
    owner: snapshot.owner ?? undefined,
    queue: [...snapshot.queue],
    readers: [...snapshot.readers],
    sharers: [...snapshot.sharers],
    changes: [...snapshot.changes],
  };
}

/** What changed from a version to a later one, as one list of patches; `undefined` when memory no longer
 *  knows, or when a whole value came in between. A place that is replaced twice is listed once. */
export function patchesSince(cell: Cell, version: number, to = cell.version): readonly Patch[] | undefined {
  if (to <= version) return [];
  const recent = cell.changes.filter((change) => change.version > version && change.version <= to);
  if (recent.length < to - version) return undefined;
  if (recent.some(({ patches }) => patches === undefined)) return undefined;
  const all = recent.flatMap(({ patches }) => patches as readonly Patch[]);
  // With nothing but replacements, one is superfluous when its place, or what contains it, is replaced later.
  if (all.some(({ op }) => op !== 'replace')) return all;
  const later = new Set<string>();
  const kept = all.toReversed().filter(({ path }) => {
    for (let length = 0; length <= path.length; length++)
      if (later.has(JSON.stringify(path.slice(0, length)))) return false;
    later.add(JSON.stringify(path));
    return true;
  });
  return kept.reverse();
}
