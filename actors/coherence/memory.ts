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
import { Cell, remember } from './cell.ts';
import { depart, hasLeft, type Departed } from './departed.ts';
import type { Entry, PublishEntry, Result, Write } from './entry.ts';
import type { Faults } from './faults.ts';
import { refusalOf } from './publish.ts';
import {
  forgetAgents,
  restoreAgents,
  restoreCell,
  snapshotOf,
  type MemorySnapshot,
  type SettledEntries,
} from './snapshot.ts';
import { Waits } from './waits.ts';

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

export interface MemoryOptions {
  /** Every key with its initial value. */
  readonly initial: Iterable<readonly [key: string, value: unknown]>;
  readonly readers?: ReaderPolicy;
  /** Changes kept per key, for deltas and conflicts. */
  readonly history?: number;
  readonly faults?: Faults;
}

/** Agents of this process are given the value itself. One that another process sent, or that a checkpoint has as JSON, is
 *  not frozen yet. */
const unchangeable = (value: unknown): unknown => (Object.isFrozen(value) ? value : freeze(value));

const NOTHING: Result = Object.freeze({ outcome: 'nothing', version: 0 });

export class Memory {
  readonly cells = new Map<string, Cell>();
  /** By key: the index of its cell. */
  readonly places = new Map<string, number>();
  /** Requests for ownership and decisions to take it back. */
  readonly counts = { getm: 0, reclaim: 0 };
  readonly agents = new Map<string, SettledEntries>();
  readonly departed: Departed = new Map();
  readonly waits = new Waits();
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
    let agent = this.agents.get(entry.agent);
    if (agent === undefined) {
      if (this.departed.size > 0 && hasLeft(this.departed, entry.agent)) return NOTHING;
      this.agents.set(entry.agent, (agent = { floor: 0, results: new Map() }));
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
    if (entry.floor > 0 && !this.agents.has(entry.agent)) return !hasLeft(this.departed, entry.agent);
    if (entry.op !== 'put') return false;
    const cell = this.cells.get(entry.key);
    return cell !== undefined && entry.base > cell.version;
  }

  snapshot(): MemorySnapshot {
    return snapshotOf(this);
  }
  restore(snapshot: MemorySnapshot): void {
    this.cells.clear();
    this.places.clear();
    for (const cell of snapshot.cells) restoreCell(this.#add(cell.key, cell.value), cell, this.#history);
    restoreAgents(this, snapshot);
  }
  /** Keeps values, versions and epochs, and forgets the agents: those of an old log do not exist on a new one. */
  rebase(): void {
    forgetAgents(this);
  }

  #perform(entry: Entry, sink: Sink): Result {
    if (entry.op === 'publish') return this.#publish(entry, sink);
    if (entry.op === 'leave') {
      this.agents.delete(entry.agent);
      return depart(this.departed, entry.agent) ? { outcome: 'released', version: 0 } : NOTHING;
    }
    const cell = this.cells.get(entry.key);
    if (entry.op === 'define') {
      if (cell !== undefined) return result('nothing', cell);
      return result('accepted', this.#add(entry.key, entry.value));
    }
    if (cell === undefined) return { outcome: 'unknown', key: entry.key, version: 0 };
    return this.#performOn(cell, entry, sink);
  }

  #performOn(cell: Cell, entry: CellEntry, sink: Sink): Result {
    const { agent } = entry;
    switch (entry.op) {
      case 'gets':
        return this.#read(cell, agent, entry.waits === true, sink);
      case 'wait':
        return cell.readers.includes(agent) ? this.#queued(cell, agent) : result('nothing', cell);
      case 'getm':
        return this.#own(cell, agent, sink);
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
        this.#evict(cell, agent, sink);
        return result('released', cell);
    }
  }

  #read(cell: Cell, agent: string, waits: boolean, sink: Sink): Result {
    if (cell.held && cell.owner !== agent && this.#wait) {
      cell.readers.push(agent);
      sink.held(cell);
      return waits ? this.#queued(cell, agent) : result('queued', cell);
    }
    this.#share(cell, agent, sink);
    return result('granted', cell);
  }

  #own(cell: Cell, agent: string, sink: Sink): Result {
    this.counts.getm++;
    if (cell.held && cell.owner !== agent && this.#faults.noHold !== true) {
      cell.queue.push(agent);
      sink.held(cell);
      return this.#queued(cell, agent);
    }
    this.#grant(cell, agent, sink);
    return result('granted', cell);
  }

  #evict(cell: Cell, agent: string, sink: Sink): void {
    cell.sharers.delete(agent);
    this.#unqueue(cell, 'readers', agent);
    if (cell.owner !== agent) return;
    cell.owner = undefined;
    this.#endHold(cell, sink);
    this.#next(cell, sink);
  }

  /** The agent waits for the end of a hold, unless that closes a circle: then it has to give up. */
  #queued(cell: Cell, agent: string): Result {
    const circle = this.waits.circle(agent, cell);
    if (circle !== undefined) return { ...result('queued', cell), circle };
    this.waits.note(agent, cell);
    return result('queued', cell);
  }

  #share(cell: Cell, agent: string, sink: Sink): void {
    sink.others(agent, cell, 'SNOOP_GETS');
    if (!cell.held) cell.owner = undefined;
    cell.sharers.add(agent);
    if (cell.sharers.size === 1 && !cell.held) {
      cell.owner = agent;
      cell.epoch++;
      sink.own(agent, cell, 'GRANT_E');
    } else {
      sink.own(agent, cell, 'GRANT_S');
    }
  }

  #grant(cell: Cell, agent: string, sink: Sink): void {
    cell.owner = agent;
    cell.epoch++;
    cell.held = true;
    sink.others(agent, cell, 'SNOOP_GETM'); // before the sharers are forgotten
    if (this.#wait) cell.sharers.clear();
    cell.sharers.add(agent);
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
    sink.others(agent, cell, 'SNOOP_PUT'); // before the sharers are forgotten
    cell.sharers.clear();
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
      for (const reader of readers) this.waits.forget(reader, cell);
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
    this.waits.forget(next, cell);
    this.#grant(cell, next, sink);
  }

  /** All or nothing, with the whole read set validated: validating the write set alone would admit write skew. */
  #publish({ agent, reads, writes }: PublishEntry, sink: Sink): Result {
    const refusal = refusalOf(
      this.cells,
      this.#faults.ignoreReadSet === true ? [] : reads,
      writes,
      (cell, base) => this.#conflict(cell, agent, base),
    );
    if (refusal !== undefined) return refusal;
    for (const write of writes) {
      const cell = this.cells.get(write.key) as Cell;
      this.#commit(cell, agent, write, cell.owner === agent && cell.held, sink);
    }
    return { outcome: 'accepted', version: 0 };
  }
  #unqueue(cell: Cell, list: 'queue' | 'readers', agent: string): boolean {
    const place = cell[list].indexOf(agent);
    if (place < 0) return false;
    cell[list].splice(place, 1);
    this.waits.forget(agent, cell);
    return true;
  }
}

/** An entry about one key that is there. */
type CellEntry = Exclude<Entry, { readonly op: 'publish' | 'leave' | 'define' }>;

const result = (outcome: Result['outcome'], cell: Cell): Result => ({ outcome, version: cell.version });
