/** The replicated state: memory, and the arbiter of every key. A pure state machine: the same entries in the
 *  same order make the same state on every replica, whatever the clock says.
 *
 *  Owns the cells and the results by (agent, number). Hears entries. Says what each of them means for the lines,
 *  to a {@link Sink}. The rules are those of facts settled by exploration: a GETM holds or queues first in, first
 *  out; a PUT needs the current owner, epoch and version; a RECLAIM of the past does nothing; every entry is
 *  applied once. `Faults` exist so that a test can seed each mistake and see it caught. */
import type { LineEvent, ReaderPolicy } from '../../machines/cache-line.ts';
import { Cell, NOBODY, remember, restoreCell, snapshotCell, type CellSnapshot } from './cell.ts';
import { Sharers } from './sharers.ts';
import type { Entry, PublishEntry, Result, Write } from './entry.ts';

/** Who is told what an entry did. */
export interface Sink<C extends Cell = Cell> {
  /** To one agent's line. */
  own(agent: string, cell: C, event: LineEvent['type']): void;
  /** To every line of this key but that agent's. */
  others(agent: string, cell: C, event: 'SNOOP_GETS' | 'SNOOP_GETM' | 'SNOOP_PUT'): void;
  /** A hold began, was renewed, or ended. */
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

export interface MemoryOptions<C extends Cell = Cell> {
  /** Every key with its initial value. */
  readonly initial: Iterable<readonly [key: string, value: unknown]>;
  /** What cells are, where whoever hears of them needs them to be more. */
  readonly cell?: new (key: string, index: number, value: unknown) => C;
  readonly readers?: ReaderPolicy;
  /** Changes kept per key, for deltas and conflicts. */
  readonly history?: number;
  readonly faults?: Faults;
}

/** What an agent has been told. The latest result stands by itself: mostly it is the only one. */
interface Settled {
  readonly agent: string;
  floor: number;
  last: number;
  lastResult: Result | undefined;
  readonly results: Map<number, Result>;
}

/** Everything that a newcomer needs, as JSON. */
export interface MemorySnapshot {
  readonly cells: readonly CellSnapshot[];
  readonly agents: readonly (readonly [
    agent: string,
    floor: number,
    results: readonly (readonly [number, Result])[],
  ])[];
}

export class Memory<C extends Cell = Cell> {
  readonly cells = new Map<string, C>();
  /** By key: the index of its cell. Found without touching the cell. */
  readonly places = new Map<string, number>();
  readonly #list: C[] = [];
  readonly #Cell: new (key: string, index: number, value: unknown) => C;
  readonly #agents = new Map<string, Settled>();
  /** Requests for ownership and decisions to take it back. */
  readonly counts = { getm: 0, reclaim: 0 };
  /** What was looked up last: an entry, and often the one after it, asks for the same again. */
  #cell: C | undefined = undefined;
  #agent: Settled | undefined = undefined;
  readonly #wait: boolean;
  readonly #history: number;
  readonly #faults: Faults;

  constructor({ initial, readers = 'wait', history = 64, faults = {}, cell }: MemoryOptions<C>) {
    this.#wait = readers === 'wait';
    this.#history = history;
    this.#faults = faults;
    this.#Cell = cell ?? (Cell as never);
    for (const [key, value] of initial) this.#place(new this.#Cell(key, this.cells.size, value));
  }
  #place(cell: C): void {
    this.cells.set(cell.key, cell);
    this.places.set(cell.key, cell.index);
    this.#list[cell.index] = cell;
  }
  /** The cell of a key, by the map that readers keep warm. */
  #at(key: string): C | undefined {
    if (this.#cell?.key === key) return this.#cell;
    const place = this.places.get(key);
    if (place !== undefined) this.#cell = this.#list[place];
    return place === undefined ? undefined : this.#cell;
  }
  #known(agent: string): Settled | undefined {
    if (this.#agent?.agent === agent) return this.#agent;
    const known = this.#agents.get(agent);
    if (known !== undefined) this.#agent = known;
    return known;
  }

  /** Applies the next entry of the log.
   *  @returns its result; of a duplicate, the result of the first. */
  apply(entry: Entry, sink: Sink<C>): Result {
    const { number } = entry;
    let agent = this.#known(entry.agent);
    if (agent === undefined) this.#agents.set(entry.agent, (agent = settledUpTo(entry.agent, 0)));
    if (this.#faults.applyDuplicates !== true) {
      if (number < agent.floor) return { outcome: 'nothing', version: 0 };
      if (number === agent.last && agent.lastResult !== undefined) return agent.lastResult;
      const known = agent.results.size === 0 ? undefined : agent.results.get(number);
      if (known !== undefined) return known;
    }
    const result = this.#perform(entry, sink);
    if (agent.lastResult !== undefined && agent.last >= entry.floor)
      agent.results.set(agent.last, agent.lastResult);
    agent.last = number;
    agent.lastResult = result;
    if (agent.results.size === 0) agent.floor = Math.max(agent.floor, entry.floor);
    else for (; agent.floor < entry.floor; agent.floor++) agent.results.delete(agent.floor);
    sink.settled(entry, result);
    return result;
  }

  /** Whether an entry shows that there was history that this memory has not applied: its sender was settled before it
   *  was ever heard, or it changes a version that is not here yet. */
  missed(entry: Entry): boolean {
    if (entry.floor > 0 && this.#known(entry.agent) === undefined) return true;
    if (entry.op !== 'put') return false;
    const cell = this.#at(entry.key);
    return cell !== undefined && entry.base > cell.version;
  }

  snapshot(): MemorySnapshot {
    return {
      cells: [...this.cells.values()].map(snapshotCell),
      agents: [...this.#agents].map(([agent, { floor, last, lastResult, results }]) => {
        const latest = lastResult === undefined ? [] : [[last, lastResult] as const];
        return [agent, floor, [...results, ...latest]] as const;
      }),
    };
  }
  restore(snapshot: MemorySnapshot): void {
    this.cells.clear();
    this.places.clear();
    this.#list.length = 0;
    this.#agents.clear();
    this.#cell = undefined;
    this.#agent = undefined;
    for (const cell of snapshot.cells)
      this.#place(restoreCell(new this.#Cell(cell.key, this.cells.size, cell.value), cell, this.#history));
    for (const [agent, floor, results] of snapshot.agents)
      this.#agents.set(agent, { ...settledUpTo(agent, floor), results: new Map(results) });
  }

  #perform(entry: Entry, sink: Sink<C>): Result {
    if (entry.op === 'publish') return this.#publish(entry, sink);
    const cell = this.#at(entry.key);
    if (cell === undefined) return { outcome: 'unknown', key: entry.key, version: 0 };
    const { agent } = entry;
    switch (entry.op) {
      case 'gets':
        return result(this.#share(cell, agent, sink), cell);
      case 'getm':
        this.counts.getm++;
        if (cell.held && cell.owner !== agent && this.#faults.noHold !== true) {
          cell.queue = [...cell.queue, agent];
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
      case 'reclaim': {
        this.counts.reclaim++;
        const { owner } = cell;
        const stale = cell.epoch !== entry.epoch && this.#faults.reclaimStale !== true;
        if (owner === undefined || stale) return result('nothing', cell);
        cell.owner = undefined;
        this.#endHold(cell, sink);
        sink.own(owner, cell, 'RECLAIMED');
        this.#next(cell, sink);
        return result('released', cell);
      }
      case 'evict':
        cell.sharers = cell.sharers.without(agent);
        if (cell.readers.length > 0) cell.readers = cell.readers.filter((reader) => reader !== agent);
        if (cell.owner === agent) {
          cell.owner = undefined;
          this.#endHold(cell, sink);
          this.#next(cell, sink);
        }
        return result('released', cell);
    }
  }

  /** GETS: a copy now, or when the hold ends. */
  #share(cell: C, agent: string, sink: Sink<C>): Result['outcome'] {
    if (cell.held && cell.owner !== agent && this.#wait) {
      cell.readers = [...cell.readers, agent];
      return 'queued';
    }
    if (!cell.held) cell.owner = undefined;
    cell.sharers = cell.sharers.and(agent);
    sink.others(agent, cell, 'SNOOP_GETS');
    if (cell.sharers.only !== undefined && !cell.held) {
      cell.owner = agent;
      cell.epoch++;
      sink.own(agent, cell, 'GRANT_E');
    } else {
      sink.own(agent, cell, 'GRANT_S');
    }
    return 'granted';
  }

  #grant(cell: C, agent: string, sink: Sink<C>): void {
    cell.owner = agent;
    cell.epoch++;
    cell.held = true;
    if (this.#wait) cell.sharers = Sharers.none;
    cell.sharers = cell.sharers.and(agent);
    sink.others(agent, cell, 'SNOOP_GETM');
    if (this.#faults.invalidateRequester === true) sink.own(agent, cell, 'SNOOP_GETM');
    sink.own(agent, cell, 'GRANT_M');
    sink.held(cell);
  }

  #refusal(cell: C, agent: string, epoch: number, base: number): 'fenced' | 'conflict' | undefined {
    if ((cell.owner !== agent || cell.epoch !== epoch) && this.#faults.ignoreEpoch !== true) return 'fenced';
    return cell.version !== base && this.#faults.ignoreVersion !== true ? 'conflict' : undefined;
  }

  /** Why a write without ownership must not be: it would lose an update, or starve whoever holds the key. */
  #conflict(cell: C, agent: string, base: number): 'held' | 'conflict' | undefined {
    if (cell.version !== base && this.#faults.ignoreVersion !== true) return 'conflict';
    return cell.held && cell.owner !== agent && this.#faults.ignoreHoldInCas !== true ? 'held' : undefined;
  }

  /** A new version. Whoever owned the key by its line keeps it, without the hold; else nobody has a copy. */
  #commit(cell: C, agent: string, write: Write, byLine: boolean, sink: Sink<C>): void {
    cell.version++;
    cell.value = write.value;
    remember(cell, { version: cell.version, agent, patches: write.patches }, this.#history);
    cell.sharers = Sharers.none;
    sink.others(agent, cell, 'SNOOP_PUT');
    if (byLine) {
      cell.sharers = cell.sharers.and(agent);
      this.#endHold(cell, sink);
      sink.own(agent, cell, 'ACCEPTED');
      this.#next(cell, sink);
    } else {
      sink.own(agent, cell, 'SNOOP_PUT');
      if (!cell.held) cell.owner = undefined;
    }
  }

  #release(cell: C, agent: string, sink: Sink<C>): boolean {
    const place = cell.queue.indexOf(agent);
    if (place >= 0) {
      cell.queue = cell.queue.filter((_, i) => i !== place);
      sink.own(agent, cell, 'RELEASED');
      return true;
    }
    if (cell.owner !== agent || !cell.held) return false;
    this.#endHold(cell, sink);
    sink.own(agent, cell, 'RELEASED');
    this.#next(cell, sink);
    return true;
  }

  #endHold(cell: C, sink: Sink<C>): void {
    if (!cell.held) return;
    cell.held = false;
    sink.held(cell);
  }

  /** After a hold: whoever waited for a copy gets it, then the next writer has its turn. */
  #next(cell: C, sink: Sink<C>): void {
    const { readers, owner } = cell;
    cell.readers = NOBODY;
    for (const reader of this.#faults.leaveReaders === true ? NOBODY : readers) {
      cell.sharers = cell.sharers.and(reader);
      sink.own(reader, cell, 'GRANT_S');
    }
    if (owner !== undefined && cell.sharers.only !== owner) {
      cell.owner = undefined;
      sink.own(owner, cell, 'SNOOP_GETS');
    }
    const next = cell.queue[0];
    if (next === undefined) return;
    cell.queue = cell.queue.slice(1);
    this.#grant(cell, next, sink);
  }

  /** All or nothing, with the whole read set validated: the write set alone would admit write skew. */
  #publish(entry: PublishEntry, sink: Sink<C>): Result {
    const { agent } = entry;
    for (const { key, version } of this.#faults.ignoreReadSet === true ? [] : entry.reads) {
      const cell = this.#at(key);
      if (cell === undefined) return { outcome: 'unknown', key, version: 0 };
      if (cell.version !== version) return { outcome: 'conflict', key, version: cell.version };
    }
    for (const { key, base } of entry.writes) {
      const cell = this.#at(key);
      if (cell === undefined) return { outcome: 'unknown', key, version: 0 };
      const refusal = this.#conflict(cell, agent, base);
      if (refusal !== undefined) return { outcome: refusal, key, version: cell.version };
    }
    for (const write of entry.writes) {
      const cell = this.#at(write.key) as C;
      this.#commit(cell, agent, write, cell.owner === agent && cell.held, sink);
    }
    return { outcome: 'accepted', version: 0 };
  }
}

const settledUpTo = (agent: string, floor: number): Settled => ({
  agent,
  floor,
  last: -1,
  lastResult: undefined,
  results: new Map(),
});
const result = (outcome: Result['outcome'], cell: Cell): Result => ({ outcome, version: cell.version });
