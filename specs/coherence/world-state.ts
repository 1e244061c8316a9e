/** An unpacked world: the packed one as objects, so that steps can be taken, and packed again. */
import type { AnyStateMachine } from 'xstate';
import { Memory } from '../../actors/coherence/memory.ts';
import { type Faults } from '../../actors/coherence/faults.ts';
import type { Cell } from '../../actors/coherence/cell.ts';
import { cacheLine } from '../../machines/index.ts';
import type { ReaderPolicy } from '../../machines/coherence/cache-line.ts';
import type { MemoryRule } from './rules.ts';
import { LineTable } from './table.ts';
import {
  agentName,
  DEAD,
  decodeSession,
  encodeSession,
  keyName,
  Lanes,
  MOST_AGENTS,
  OFF,
  ON,
  PART,
  swapSession,
  type SessionWrite,
  type QueuedEntry,
} from './world.ts';

export interface WorldOptions {
  /** 2 … 7. */
  readonly agents: number;
  /** 1 or 2. */
  readonly keys?: number;
  readonly readers: ReaderPolicy;
  /** On an atomic bus a word of a line is ordered as soon as it is sent; on a queued one it waits. */
  readonly bus: 'atomic' | 'queued';
  /** Rules of memory that are left out. */
  readonly faults?: Faults;
  /** A line's table with a mistake in it. Default: the real one. */
  readonly machine?: AnyStateMachine;
  /** Which agents are interchangeable; default `all`. `others`: the first agent is followed, and stays the first. */
  readonly alike?: 'all' | 'others' | 'none';
  /** Rules that are not checked, so that the effects of breaking them show. Default none. */
  readonly forgive?: readonly MemoryRule[];
}

export class WorldState {
  readonly agents: number;
  readonly keys: number;
  readonly table: LineTable;
  readonly readers: ReaderPolicy;
  readonly atomic: boolean;
  readonly memory: Memory;
  readonly cells: readonly Cell[];
  readonly lanes: Lanes;
  /** By agent and key: `agent * keys + key`. */
  readonly state: number[];
  readonly copy: boolean[];
  readonly version: number[];
  readonly epoch: number[];
  /** What is sent and not ordered: by agent, and last the manager's. */
  readonly said: (readonly QueuedEntry[])[];
  readonly sessions: (SessionWrite | undefined)[];
  readonly dead: boolean[];
  /** An agent has missed an entry: it happens once. */
  missed = false;

  readonly #alike: 'all' | 'others' | 'none';
  readonly #versions: number[];
  readonly #epochs: number[];
  readonly #packed: string[];
  readonly #swapped: string[];
  readonly #lists = new Map<number, readonly string[]>();

  /** @param lanes of another, to understand its worlds. */
  constructor(options: WorldOptions, lanes = new Lanes()) {
    const { agents, keys = 1, readers, bus, faults = {}, machine, alike = 'all' } = options;
    if (agents < 1 || agents > MOST_AGENTS) throw new RangeError(`1 to ${MOST_AGENTS} agents, not ${agents}`);
    if (keys !== 1 && keys !== 2) throw new RangeError(`1 or 2 keys, not ${keys}`);
    this.lanes = lanes;
    this.agents = agents;
    this.keys = keys;
    this.readers = readers;
    this.atomic = bus === 'atomic';
    this.table = new LineTable(machine ?? cacheLine, readers);
    const names = Array.from({ length: keys }, (_, key) => keyName(key));
    this.memory = new Memory({ initial: names.map((key) => [key, ON]), readers, history: 0, faults });
    this.cells = names.map((key) => this.memory.cells.get(key) as Cell);
    const each = <T>(count: number, value: T): T[] => Array.from({ length: count }, () => value);
    this.state = each(agents * keys, this.table.start.state);
    this.copy = each(agents * keys, false);
    this.version = each(agents * keys, 0);
    this.epoch = each(agents * keys, 0);
    this.said = each(agents + 1, lanes.decode(0));
    this.sessions = each(agents, undefined);
    this.dead = each(agents, false);
    this.#alike = alike;
    this.#versions = each(keys, 1);
    this.#epochs = each(keys, 1);
    this.#packed = each(agents, '');
    this.#swapped = each(agents, '');
    for (const cell of this.cells) [cell.version, cell.epoch] = [1, 1];
  }
  /** The name of a line's state. */
  stateOf(agent: number, key: number): string {
    return this.table.states[this.state[agent * this.keys + key] as number] as string;
  }

  load(world: string): void {
    const { agents, keys, cells } = this;
    const wide = keys + 2;
    const globals = world.charCodeAt(agents * wide);
    for (let k = 0; k < keys; k++) {
      const cell = cells[k] as Cell;
      let [owner, sharers, queue, waiting]: [string | undefined, number, number, number] = [
        undefined,
        0,
        0,
        0,
      ];
      for (let a = 0; a < agents; a++) {
        const part = world.charCodeAt(a * wide + k);
        const line = a * keys + k;
        this.state[line] = part & 7;
        this.copy[line] = (part & PART.copy) !== 0;
        this.version[line] = (part & PART.fresh) === 0 ? 0 : 1;
        this.epoch[line] = (part & PART.mine) === 0 ? 0 : 1;
        if ((part & PART.owner) !== 0) owner = agentName(a);
        if ((part & PART.sharer) !== 0) sharers |= 1 << a;
        const [inQueue, inReaders] = [(part >> 8) & 7, (part >> 11) & 7];
        if (inQueue > 0) queue |= (a + 1) << (3 * (inQueue - 1));
        if (inReaders > 0) waiting |= (a + 1) << (3 * (inReaders - 1));
      }
      [cell.version, cell.epoch, cell.owner] = [1, 1, owner];
      cell.held = (globals & (1 << k)) !== 0;
      cell.value = (globals & (4 << k)) === 0 ? ON : OFF;
      cell.sharers.clear();
      for (let a = 0; a < agents; a++) if ((sharers & (1 << a)) !== 0) cell.sharers.add(agentName(a));
      cell.queue = [...this.#names(queue)];
      cell.readers = [...this.#names(waiting)];
    }
    for (let a = 0; a < agents; a++) {
      this.said[a] = this.lanes.decode(world.charCodeAt(a * wide + keys));
      const code = world.charCodeAt(a * wide + keys + 1);
      this.sessions[a] = decodeSession(code);
      this.dead[a] = (code & DEAD) !== 0;
    }
    this.missed = (globals & 16) !== 0;
    this.said[agents] = this.lanes.decode(world.charCodeAt(agents * wide + 1));
  }
  /** A list of names from places of 3 bits; each list is made once. */
  #names(code: number): readonly string[] {
    const known = this.#lists.get(code);
    if (known !== undefined) return known;
    const names: string[] = [];
    for (let rest = code; rest > 0; rest >>= 3) names.push(agentName((rest & 7) - 1));
    this.#lists.set(code, Object.freeze(names));
    return names;
  }
  save(): string {
    const { agents, keys, cells, lanes } = this;
    const versions = this.#versions;
    const epochs = this.#epochs;
    let [globals, swapped] = this.missed ? [16, 16] : [0, 0];
    for (let k = 0; k < keys; k++) {
      const { version, epoch, held, value } = cells[k] as Cell;
      [versions[k], epochs[k]] = [version, epoch];
      globals |= (held ? 1 << k : 0) | (value === OFF ? 4 << k : 0);
      swapped |= (held ? 2 >> k : 0) | (value === OFF ? 8 >> k : 0);
    }
    const two = keys === 2 && this.#alike === 'all';
    for (let a = 0; a < agents; a++) {
      const lane = this.said[a] as readonly QueuedEntry[];
      const id = lane.length === 0 ? 0 : lanes.encode(lane, versions, epochs);
      const open = this.sessions[a];
      const session = (open === undefined ? 0 : encodeSession(open, versions)) | (this.dead[a] ? DEAD : 0);
      const part = this.#part(a, 0);
      if (keys === 1) {
        this.#packed[a] = String.fromCharCode(part, id, session);
        continue;
      }
      const other = this.#part(a, 1);
      this.#packed[a] = String.fromCharCode(part, other, id, session);
      if (two) this.#swapped[a] = String.fromCharCode(other, part, lanes.swapped(id), swapSession(session));
    }
    const words = this.said[agents] as readonly QueuedEntry[];
    const manager = words.length === 0 ? 0 : lanes.encode(words, versions, epochs);
    const plain = this.#sorted(this.#packed) + String.fromCharCode(globals, manager);
    if (!two) return plain;
    const other = this.#sorted(this.#swapped) + String.fromCharCode(swapped, lanes.swapped(manager));
    return plain <= other ? plain : other;
  }
  #part(a: number, k: number): number {
    const { table } = this;
    const cell = this.cells[k] as Cell;
    const line = a * this.keys + k;
    const name = agentName(a);
    let part = table.start.state;
    if (!this.dead[a]) {
      const state = (part = this.state[line] as number);
      if (this.copy[line] && table.copyMatters[state]) part |= PART.copy;
      if (this.version[line] === cell.version && table.versionMatters[state]) part |= PART.fresh;
      if (this.epoch[line] === cell.epoch && table.epochMatters[state]) part |= PART.mine;
    }
    if (cell.owner === name) part |= PART.owner;
    if (cell.sharers.has(name)) part |= PART.sharer;
    if (cell.queue.length > 0) part |= (cell.queue.indexOf(name) + 1) << 8;
    if (cell.readers.length > 0) part |= (cell.readers.indexOf(name) + 1) << 11;
    return part;
  }
  /** The agents' parts in order, but for those that keep their place. */
  #sorted(packed: string[]): string {
    const least = this.#alike === 'all' ? 0 : this.#alike === 'others' ? 1 : this.agents;
    for (let i = least + 1; i < packed.length; i++) {
      const one = packed[i] as string;
      let j = i;
      for (; j > least && (packed[j - 1] as string) > one; j--) packed[j] = packed[j - 1] as string;
      packed[j] = one;
    }
    return packed.join('');
  }
}
