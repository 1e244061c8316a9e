/** Memory's side of one key: the value, and who may do what with it (coherence-protocol, rules 6 to 10). */
import type { Patch } from './entry.ts';
import { Sharers } from './sharers.ts';

/** One version, as a reader that has an older one needs it. */
export interface Change {
  readonly version: number;
  readonly agent: string;
  /** `undefined`: the whole value was replaced. */
  readonly patches: readonly Patch[] | undefined;
}
/** A change as a cell remembers it: a chain, since a list of each cell's own is memory that has to be fetched. */
interface Remembered extends Change {
  before: Remembered | undefined;
}

/** One empty list for all cells: a list of each cell's own is memory that has to be fetched. */
export const NOBODY: readonly string[] = Object.freeze([]);

/** The fields stand in the order in which an entry needs them: an object of this size is several fetches from memory. */
export class Cell {
  readonly key: string;
  readonly index: number;
  /** The owner is at work: others queue. */
  held = false;
  owner: string | undefined = undefined;
  /** Who may have a copy. */
  sharers = Sharers.none;
  value: unknown;
  /** Counts accepted writes; 0 is the initial value. */
  version = 0;
  /** Counts grants of ownership. What bears an older epoch comes from an owner of the past. */
  epoch = 0;
  /** Who waits for ownership, first in, first out. */
  queue: readonly string[] = NOBODY;
  /** Who waits for a copy until the hold ends (`readers: 'wait'`). */
  readers: readonly string[] = NOBODY;
  /** The latest change, and by it those before. */
  latest: Remembered | undefined = undefined;
  /** The latest change whose version divides by what memory keeps; before it nothing is needed soon. */
  mark: Remembered | undefined = undefined;

  constructor(key: string, index: number, value: unknown) {
    this.key = key;
    this.index = index;
    this.value = value;
  }
}

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

/** Remembers a change: at least the latest `history`, at most twice as many; of 0, who made the last ones. */
export function remember(cell: Cell, { version, agent, patches }: Change, history: number): void {
  const { latest: before, mark } = cell;
  const change = { version, agent, patches: history === 0 ? undefined : patches, before };
  cell.latest = change;
  if (mark === undefined) cell.mark = change;
  else if (history === 0 || version % history === 0) {
    mark.before = undefined;
    cell.mark = change;
  }
}
/** What is remembered, oldest first. */
function changesOf(cell: Cell): Change[] {
  const changes: Change[] = [];
  for (let change = cell.latest; change !== undefined; change = change.before) {
    const { version, agent, patches } = change;
    changes.push({ version, agent, patches });
  }
  return changes.reverse();
}

/** The same cell as JSON. Sharers are sorted, so that equal cells have equal snapshots. */
export function snapshotCell(cell: Cell): CellSnapshot {
  const { key, value, version, epoch, owner, held } = cell;
  const [queue, readers, changes] = [[...cell.queue], [...cell.readers], changesOf(cell)];
  return {
    key,
    value,
    version,
    epoch,
    owner,
    held,
    queue,
    readers,
    sharers: [...cell.sharers.agents].sort(),
    changes,
  };
}

/** Makes a new cell what a snapshot says. */
export function restoreCell<C extends Cell>(cell: C, snapshot: CellSnapshot, history: number): C {
  const { version, epoch, owner, held, queue, readers, sharers } = snapshot;
  Object.assign(cell, { version, epoch, owner: owner ?? undefined, held });
  cell.queue = [...queue];
  cell.readers = [...readers];
  cell.sharers = Sharers.of(sharers);
  for (const change of snapshot.changes) remember(cell, change, history);
  return cell;
}

/** What changed from a version to a later one, as one list of patches; `undefined` when memory no longer
 *  knows, or when a whole value came in between. A place that is replaced twice is listed once. */
export function patchesSince(cell: Cell, version: number, to = cell.version): readonly Patch[] | undefined {
  if (to <= version) return [];
  const recent: (readonly Patch[])[] = [];
  for (let change = cell.latest; recent.length < to - version; change = change.before) {
    if (change === undefined) return undefined;
    if (change.version > to) continue;
    if (change.patches === undefined) return undefined;
    recent.push(change.patches);
  }
  const all = recent.reverse().flat();
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
