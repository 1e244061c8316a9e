/** The replicated state: memory, and the arbiter of every key. A pure state machine: the same entries in the same order
 *  make the same state on every replica, independently of the clock.
 *
 *  Owns:     the cells, and the results by (agent, number).
 *  Receives: entries, in bus order.
 *  Sends:    what each entry means for the lines, to a {@link Sink}.
 *
 *  The rules were settled by exploration (docs/decisions/0010 to 0012): a GETM holds the key or queues first in, first
 *  out; a PUT needs the current owner, epoch and version; a RECLAIM of an old epoch does nothing; every entry is applied
 *  once. `Faults` exist so that a test can seed each mistake and see it caught. */
import type { LineEvent, ReaderPolicy } from '../../machines/coherence/cache-line.ts';
import { freeze } from '../bus/freeze.ts';
import { Cell, remember, restoreCell, snapshotCell, type CellSnapshot } from './cell.ts';
import { sessionOf, type Entry, type PublishEntry, type Result, type Write } from './entry.ts';

/** Receives what an entry did. */
export interface Sink {
  /** To one agent's line. */
  own(agent: string, cell: Cell, event: LineEvent['type']): void;
  /** To every line of this key but that agent's. */
  others(agent: string, cell: Cell, event: 'SNOOP_GETS' | 'SNOOP_GETM' | 'SNOOP_PUT'): void;
  /** A hold began, was renewed or ended, or an agent began to wait for its end. */
  held(cell: Cell): void;
  /** The entry's result, once. */
  settled(entry: Entry, result: Result): void;
}

/** Mistakes to make on purpose. */
export interface Faults {
  readonly ignoreEpoch?: boolean;
  readonly ignoreVersion?: boolean;
  readonly ignoreHoldInCas?: boolean;
  readonly ignoreReadSet?: boolean;
  readonly applyDuplicates?: boolean;
  readonly reclaimStale?: boolean;
  readonly noHold?: boolean;
  readonly leaveReaders?: boolean;
  readonly invalidateRequester?: boolean;
}

export interface MemoryOptions {
  /** Every key with its initial value. */
  readonly initial: Iterable<readonly [key: string, value: unknown]>;
  readonly readers?: ReaderPolicy;
  /** Changes kept per key, for deltas and conflicts. */
  readonly history?: number;
  readonly faults?: Faults;
}

/** Results that an agent may still ask for by a duplicate: those from `floor` on. */
interface Settled {
  floor: number;
  readonly results: Map<number, Result>;
}
/** Ordinals from `first` to `last`, both included. */
type Range = [first: number, last: number];

/** Everything that a newcomer needs, as JSON. */
export interface MemorySnapshot {
  readonly cells: readonly CellSnapshot[];
  readonly agents: readonly (readonly [
    agent: string,
    floor: number,
    results: readonly (readonly [number, Result])[],
  ])[];
  /** By session: the ordinals of agents that have left. */
  readonly left: readonly (readonly [session: string, ranges: readonly Readonly<Range>[]])[];
}

/** Agents of this process are given the value itself. One that another process sent, or that a checkpoint has as JSON, is
 *  not frozen yet. */
const unchangeable = (value: unknown): unknown => (Object.isFrozen(value) ? value : freeze(value));

const NOTHING: Result = Object.freeze({ outcome: 'nothing', version: 0 });

/** Agents that wait for each other. */
export interface Circle {
  readonly keys: readonly string[];
  /** Those of them that wait for a copy, and for which. */
  readonly readers: readonly { readonly agent: string; readonly cell: Cell }[];
}

export class Memory {
  readonly cells = new Map<string, Cell>();
  /** By key: the index of its cell. */
  readonly places = new Map<string, number>();
  /** Requests for ownership and decisions to take it back. */
  readonly counts = { getm: 0, reclaim: 0 };
  readonly #agents = new Map<string, Settled>();
  readonly #left = new Map<string, Range[]>();
  /** By agent: the cells that it waits for. */
  readonly #waits = new Map<string, Set<Cell>>();
  readonly #wait: boolean;
  readonly #history: number;
  readonly #faults: Faults;

  constructor({ initial, readers = 'wait', history = 64, faults = {} }: MemoryOptions) {
    this.#wait = readers === 'wait';
    this.#history = history;
    this.#faults = faults;
    for (const [key, value] of initial) this.#add(key, value);
  }
  #add(key: string, value: unknown): Cell {
    const cell = new Cell(key, this.cells.size, unchangeable(value));
    this.cells.set(key, cell);
    this.places.set(key, cell.index);
    return cell;
  }

  /** Applies the next entry of the log.
   *  @returns its result; of a duplicate, the result of the first. */
  apply(entry: Entry, sink: Sink): Result {
    const { number } = entry;
    let agent = this.#agents.get(entry.agent);
    if (agent === undefined) {
      if (this.#hasLeft(entry.agent)) return NOTHING;
      this.#agents.set(entry.agent, (agent = { floor: 0, results: new Map() }));
    }
    if (this.#faults.applyDuplicates !== true) {
      if (number < agent.floor) return NOTHING;
      const known = agent.results.get(number);
      if (known !== undefined) return known;
    }
    const result = this.#perform(entry, sink);
    agent.results.set(number, result);
    for (; agent.floor < entry.floor; agent.floor++) agent.results.delete(agent.floor);
    sink.settled(entry, result);
    return result;
  }

  /** Whether an entry shows that there was history that this memory has not applied: its sender was settled before this
   *  memory met it, or it changes a version that is not here yet. */
  missed(entry: Entry): boolean {
    if (entry.floor > 0 && !this.#agents.has(entry.agent)) return !this.#hasLeft(entry.agent);
    if (entry.op !== 'put') return false;
    const cell = this.cells.get(entry.key);
    return cell !== undefined && entry.base > cell.version;
  }

  /** The circle of waits that `agent` would close by waiting for `cell`: the cell's owner waits for a key whose owner
   *  waits … for a key that `agent` owns. The log does not say whether a copy was asked for in advance, which is no wait.
   *  @param reads whether an agent that has asked for a copy really waits for it; false where that is not known */
  deadlock(agent: string, cell: Cell, reads: (agent: string, cell: Cell) => boolean): Circle | undefined {
    const seen = new Set<string>();
    const search = (from: Cell): Circle | undefined => {
      const { owner } = from;
      if (owner === undefined || !from.held || seen.has(owner)) return undefined;
      if (owner === agent) return { keys: [from.key], readers: [] };
      seen.add(owner);
      for (const next of this.#waits.get(owner) ?? []) {
        const isReader = !next.queue.includes(owner);
        if (isReader && !reads(owner, next)) continue;
        const rest = search(next);
        if (rest === undefined) continue;
        const readers = isReader ? [{ agent: owner, cell: next }, ...rest.readers] : rest.readers;
        return { keys: [from.key, ...rest.keys], readers };
      }
      return undefined;
    };
    return cell.owner === agent ? undefined : search(cell);
  }

  snapshot(): MemorySnapshot {
    return {
      cells: [...this.cells.values()].map(snapshotCell),
      agents: [...this.#agents].map(([agent, { floor, results }]) => [agent, floor, [...results]]),
      left: [...this.#left].map(([session, ranges]) => [session, ranges.map((range) => [...range] as Range)]),
    };
  }
  restore(snapshot: MemorySnapshot): void {
    this.#clear();
    for (const cell of snapshot.cells) restoreCell(this.#add(cell.key, cell.value), cell, this.#history);
    for (const cell of this.cells.values())
      for (const agent of [...cell.queue, ...cell.readers]) this.#noteWait(agent, cell);
    for (const [agent, floor, results] of snapshot.agents)
      this.#agents.set(agent, { floor, results: new Map(results) });
    for (const [session, ranges] of snapshot.left)
      this.#left.set(
        session,
        ranges.map((range) => [...range] as Range),
      );
  }
  /** Keeps values, versions and epochs, and forgets the agents: those of an old log do not exist on a new one. */
  rebase(): void {
    this.#agents.clear();
    this.#left.clear();
    this.#waits.clear();
    for (const cell of this.cells.values()) {
      Object.assign(cell, { owner: undefined, held: false, queue: [], readers: [] });
      cell.sharers.clear();
    }
  }
  #clear(): void {
    this.cells.clear();
    this.places.clear();
    this.#agents.clear();
    this.#left.clear();
    this.#waits.clear();
  }

  #perform(entry: Entry, sink: Sink): Result {
    if (entry.op === 'publish') return this.#publish(entry, sink);
    if (entry.op === 'leave') return this.#leave(entry.agent);
    const cell = this.cells.get(entry.key);
    if (entry.op === 'define') {
      if (cell !== undefined) return result('nothing', cell);
      return result('accepted', this.#add(entry.key, entry.value));
    }
    if (cell === undefined) return { outcome: 'unknown', key: entry.key, version: 0 };
    const { agent } = entry;
    switch (entry.op) {
      case 'gets':
        return result(this.#share(cell, agent, sink), cell);
      case 'getm':
        this.counts.getm++;
        if (cell.held && cell.owner !== agent && this.#faults.noHold !== true) {
          cell.queue.push(agent);
          this.#noteWait(agent, cell);
          sink.held(cell);
          return result('queued', cell);
        }
        this.#grant(cell, agent, sink);
        return result('granted', cell);
      case 'put': {
        const refusal = this.#refusal(cell, agent, entry.epoch, entry.base);
        if (refusal === undefined) this.#commit(cell, agent, entry, true, sink);
        else sink.own(agent, cell, 'REFUSED');
        return result(refusal ?? 'accepted', cell);
      }
      case 'cas': {
        const refusal = this.#conflict(cell, agent, entry.base);
        if (refusal === undefined) this.#commit(cell, agent, entry, cell.owner === agent && cell.held, sink);
        return result(refusal ?? 'accepted', cell);
      }
      case 'release':
        return result(this.#release(cell, agent, sink) ? 'released' : 'nothing', cell);
      case 'renew':
        if (cell.owner !== agent || cell.epoch !== entry.epoch || !cell.held) return result('fenced', cell);
        sink.held(cell);
        return result('granted', cell);
      case 'reclaim':
        return result(this.#reclaim(cell, entry.epoch, sink) ? 'released' : 'nothing', cell);
      case 'evict':
        cell.sharers.delete(agent);
        this.#unqueue(cell, 'readers', agent);
        if (cell.owner === agent) {
          cell.owner = undefined;
          this.#endHold(cell, sink);
          this.#next(cell, sink);
        }
        return result('released', cell);
    }
  }

  /** GETS: a copy now, or when the hold ends. */
  #share(cell: Cell, agent: string, sink: Sink): Result['outcome'] {
    if (cell.held && cell.owner !== agent && this.#wait) {
      cell.readers.push(agent);
      this.#noteWait(agent, cell);
      sink.held(cell);
      return 'queued';
    }
    if (!cell.held) cell.owner = undefined;
    cell.sharers.add(agent);
    sink.others(agent, cell, 'SNOOP_GETS');
    if (cell.sharers.size === 1 && !cell.held) {
      cell.owner = agent;
      cell.epoch++;
      sink.own(agent, cell, 'GRANT_E');
    } else {
      sink.own(agent, cell, 'GRANT_S');
    }
    return 'granted';
  }

  #grant(cell: Cell, agent: string, sink: Sink): void {
    cell.owner = agent;
    cell.epoch++;
    cell.held = true;
    if (this.#wait) cell.sharers.clear();
    cell.sharers.add(agent);
    sink.others(agent, cell, 'SNOOP_GETM');
    if (this.#faults.invalidateRequester === true) sink.own(agent, cell, 'SNOOP_GETM');
    sink.own(agent, cell, 'GRANT_M');
    sink.held(cell);
  }

  #refusal(cell: Cell, agent: string, epoch: number, base: number): 'fenced' | 'conflict' | undefined {
    if ((cell.owner !== agent || cell.epoch !== epoch) && this.#faults.ignoreEpoch !== true) return 'fenced';
    return cell.version !== base && this.#faults.ignoreVersion !== true ? 'conflict' : undefined;
  }

  /** Why a write without ownership is refused: it would lose an update, or starve the holder of the key. */
  #conflict(cell: Cell, agent: string, base: number): 'held' | 'conflict' | undefined {
    if (cell.version !== base && this.#faults.ignoreVersion !== true) return 'conflict';
    return cell.held && cell.owner !== agent && this.#faults.ignoreHoldInCas !== true ? 'held' : undefined;
  }

  /** A new version. An agent that owned the key by its line keeps it, without the hold; otherwise no agent has a copy. */
  #commit(cell: Cell, agent: string, write: Write, byLine: boolean, sink: Sink): void {
    cell.version++;
    cell.value = unchangeable(write.value);
    cell.answer = undefined;
    remember(cell, { version: cell.version, agent, patches: write.patches }, this.#history);
    cell.sharers.clear();
    sink.others(agent, cell, 'SNOOP_PUT');
    if (byLine) {
      cell.sharers.add(agent);
      this.#endHold(cell, sink);
      sink.own(agent, cell, 'ACCEPTED');
      this.#next(cell, sink);
    } else {
      sink.own(agent, cell, 'SNOOP_PUT');
      if (!cell.held) cell.owner = undefined;
    }
  }

  #release(cell: Cell, agent: string, sink: Sink): boolean {
    if (this.#unqueue(cell, 'queue', agent)) {
      sink.own(agent, cell, 'RELEASED');
      return true;
    }
    if (cell.owner !== agent || !cell.held) return false;
    this.#endHold(cell, sink);
    sink.own(agent, cell, 'RELEASED');
    this.#next(cell, sink);
    return true;
  }

  #reclaim(cell: Cell, epoch: number, sink: Sink): boolean {
    this.counts.reclaim++;
    const { owner } = cell;
    const stale = cell.epoch !== epoch && this.#faults.reclaimStale !== true;
    if (owner === undefined || stale) return false;
    cell.owner = undefined;
    this.#endHold(cell, sink);
    sink.own(owner, cell, 'RECLAIMED');
    this.#next(cell, sink);
    return true;
  }

  #endHold(cell: Cell, sink: Sink): void {
    if (!cell.held) return;
    cell.held = false;
    sink.held(cell);
  }

  /** After a hold: every waiting reader gets its copy, then the next writer has its turn. */
  #next(cell: Cell, sink: Sink): void {
    const { readers, owner } = cell;
    if (readers.length > 0) {
      cell.readers = [];
      for (const reader of readers) this.#forgetWait(reader, cell);
      for (const reader of this.#faults.leaveReaders === true ? [] : readers) {
        cell.sharers.add(reader);
        sink.own(reader, cell, 'GRANT_S');
      }
    }
    if (owner !== undefined && !(cell.sharers.size === 1 && cell.sharers.has(owner))) {
      cell.owner = undefined;
      sink.own(owner, cell, 'SNOOP_GETS');
    }
    const next = cell.queue.shift();
    if (next === undefined) return;
    this.#forgetWait(next, cell);
    this.#grant(cell, next, sink);
  }

  /** All or nothing, with the whole read set validated: validating the write set alone would admit write skew. */
  #publish(entry: PublishEntry, sink: Sink): Result {
    const { agent } = entry;
    for (const { key, version } of this.#faults.ignoreReadSet === true ? [] : entry.reads) {
      const cell = this.cells.get(key);
      if (cell === undefined) return { outcome: 'unknown', key, version: 0 };
      if (cell.version !== version) return { outcome: 'conflict', key, version: cell.version };
    }
    for (const { key, base } of entry.writes) {
      const cell = this.cells.get(key);
      if (cell === undefined) return { outcome: 'unknown', key, version: 0 };
      const refusal = this.#conflict(cell, agent, base);
      if (refusal !== undefined) return { outcome: refusal, key, version: cell.version };
    }
    for (const write of entry.writes) {
      const cell = this.cells.get(write.key) as Cell;
      this.#commit(cell, agent, write, cell.owner === agent && cell.held, sink);
    }
    return { outcome: 'accepted', version: 0 };
  }

  // ── agents that wait, and agents that have left
  #noteWait(agent: string, cell: Cell): void {
    const cells = this.#waits.get(agent);
    if (cells === undefined) this.#waits.set(agent, new Set([cell]));
    else cells.add(cell);
  }
  #forgetWait(agent: string, cell: Cell): void {
    if (cell.queue.includes(agent) || cell.readers.includes(agent)) return;
    const cells = this.#waits.get(agent);
    if (cells?.delete(cell) === true && cells.size === 0) this.#waits.delete(agent);
  }
  #unqueue(cell: Cell, list: 'queue' | 'readers', agent: string): boolean {
    const place = cell[list].indexOf(agent);
    if (place < 0) return false;
    cell[list].splice(place, 1);
    this.#forgetWait(agent, cell);
    return true;
  }
  /** Agents leave by the hundred thousand: ranges of their ordinals are all that is kept, so that a duplicate that comes
   *  late is recognised. */
  #leave(agent: string): Result {
    this.#agents.delete(agent);
    const id = sessionOf(agent);
    if (id === undefined) return NOTHING;
    const ranges = this.#left.get(id.session);
    if (ranges === undefined) this.#left.set(id.session, [[id.ordinal, id.ordinal]]);
    else insert(ranges, id.ordinal);
    return { outcome: 'released', version: 0 };
  }
  #hasLeft(agent: string): boolean {
    if (this.#left.size === 0) return false;
    const id = sessionOf(agent);
    const ranges = id && this.#left.get(id.session);
    return ranges?.some(([first, last]) => first <= id!.ordinal && id!.ordinal <= last) ?? false;
  }
}

/** Adds a number to sorted ranges. */
function insert(ranges: Range[], number: number): void {
  let at = ranges.length;
  while (at > 0 && ranges[at - 1]![0] > number) at--;
  const [before, after] = [ranges[at - 1], ranges[at]];
  if (before !== undefined && number <= before[1]) return;
  const [joinsBefore, joinsAfter] = [before?.[1] === number - 1, after?.[0] === number + 1];
  if (joinsBefore && joinsAfter) {
    before![1] = after![1];
    ranges.splice(at, 1);
  } else if (joinsBefore) before![1] = number;
  else if (joinsAfter) after![0] = number;
  else ranges.splice(at, 0, [number, number]);
}

const result = (outcome: Result['outcome'], cell: Cell): Result => ({ outcome, version: cell.version });
