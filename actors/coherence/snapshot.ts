/** Memory as JSON: what a newcomer needs. */
import { remember, type Cell, type Change } from './cell.ts';
import type { Departed, Range } from './departed.ts';
import type { Waits } from './waits.ts';
import type { Patch, Result } from './entry.ts';

/** Results that an agent may still ask for by a duplicate: those from `floor` on. */
export interface SettledEntries {
  floor: number;
  readonly results: Map<number, Result>;
}

/** What memory has. */
interface MemoryParts {
  readonly cells: ReadonlyMap<string, Cell>;
  readonly agents: Map<string, SettledEntries>;
  readonly departed: Departed;
  readonly waits: Waits;
}

/** Everything that a newcomer needs. */
export interface MemorySnapshot {
  readonly cells: readonly CellSnapshot[];
  readonly agents: readonly (readonly [
    agent: string,
    floor: number,
    results: readonly (readonly [number, Result])[],
  ])[];
  /** Readers whose copy was only asked for in advance, with the key. */
  readonly prefetching?: readonly (readonly [agent: string, key: string])[];
  /** By session: the ordinals of agents that have left. */
  readonly left: readonly (readonly [session: string, ranges: readonly Readonly<Range>[]])[];
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

export function snapshotOf({ cells, agents, departed, waits }: MemoryParts): MemorySnapshot {
  const prefetching = [...cells.values()].flatMap((cell) =>
    cell.readers.filter((agent) => !waits.has(agent, cell)).map((agent) => [agent, cell.key] as const),
  );
  return {
    cells: [...cells.values()].map(snapshotCell),
    ...(prefetching.length > 0 && { prefetching }),
    agents: [...agents].map(([agent, { floor, results }]) => [agent, floor, [...results]]),
    left: [...departed].map(([session, ranges]) => [session, ranges.map((range) => [...range] as Range)]),
  };
}

/** Takes the agents of a snapshot, and what they wait for. */
export function restoreAgents(
  { cells, agents, departed, waits }: MemoryParts,
  snapshot: MemorySnapshot,
): void {
  agents.clear();
  departed.clear();
  waits.clear();
  const inAdvance = new Set(snapshot.prefetching?.map((pair) => pair.join()));
  for (const cell of cells.values())
    for (const agent of [...cell.queue, ...cell.readers])
      if (!inAdvance.has(`${agent},${cell.key}`)) waits.note(agent, cell);
  for (const [agent, floor, results] of snapshot.agents)
    agents.set(agent, { floor, results: new Map(results) });
  for (const [session, ranges] of snapshot.left)
    departed.set(
      session,
      ranges.map((range) => [...range] as Range),
    );
}

export function forgetAgents({ cells, agents, departed, waits }: MemoryParts): void {
  agents.clear();
  departed.clear();
  waits.clear();
  for (const cell of cells.values()) {
    Object.assign(cell, { owner: undefined, held: false, queue: [], readers: [] });
    cell.sharers.clear();
  }
}
