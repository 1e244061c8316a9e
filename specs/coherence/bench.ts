/** The workbench: lines by their machine's table, memory by its own code, set up as some world, and changed by one
 *  step.
 *
 *  Owns nothing between two steps: `load` sets up a packed world, `take` moves it, `save` packs the result. A broken
 *  rule is stored in `problem`; each message goes to `tell`, if a transcript is wanted. */
import type { Entry } from '../../actors/index.ts';
import type { Cell } from '../../actors/coherence/cell.ts';
import type { Sink } from '../../actors/coherence/memory.ts';
import { sessionEntry, sessionText, wordEntry, wordText } from './entries.ts';
import {
  Problem,
  writeSkew,
  wrongNow,
  wrongStep,
  type MemoryBefore,
  type ObservedLine,
  type MemoryRule,
} from './rules.ts';
import { WorldState, type WorldOptions } from './world-state.ts';
import { LINE_EVENTS } from './table.ts';
import type { Utterance } from './utterance.ts';
import {
  agentName,
  keyName,
  type Lanes,
  type Op,
  type SessionWrite,
  type WorldStep,
  type QueuedEntry,
} from './world.ts';

const EVENT = Object.fromEntries(LINE_EVENTS.map((event, i) => [event, i])) as Record<string, number>;
const SAID: Readonly<Record<string, Op>> = {
  requestShared: 'gets',
  requestModified: 'getm',
  put: 'put',
  release: 'release',
  evict: 'evict',
};

export class Bench extends WorldState implements Sink {
  problem: Problem | undefined;
  /** `state * events + event`: the cells of the table that occurred. */
  readonly visited: Uint8Array;
  /** The answer that the first agent's line received for the first key in this step. */
  readonly first = { filled: false, done: false };
  tell: ((utterance: Utterance) => void) | undefined;

  readonly #numbers: number[];
  readonly #forgive: readonly MemoryRule[];
  readonly #looked: ObservedLine[];
  readonly #ones: readonly number[];
  /** The agent that receives the answer to its own entry, and that entry's number. */
  #applying: { readonly by: number; readonly op: Op | 'session' } | undefined;
  #unheardBy = -1;

  constructor(options: WorldOptions, lanes?: Lanes) {
    super(options, lanes);
    this.visited = new Uint8Array(this.table.states.length * LINE_EVENTS.length);
    this.#numbers = Array.from({ length: this.agents + 1 }, () => 0);
    this.#forgive = options.forgive ?? [];
    const nothing = { state: '', readable: false, fresh: false, mine: false, dead: false };
    this.#looked = Array.from({ length: this.agents }, () => ({ ...nothing }));
    this.#ones = this.cells.map(() => 1);
    // Number 0 of each sender has been settled, so that a repeated word has an earlier one that it repeats.
    for (const agent of [...this.#numbers.keys()].map(agentName))
      this.memory.apply({ op: 'renew', agent, number: 0, floor: 0, key: keyName(0), epoch: 0 }, this);
  }

  take(step: WorldStep): void {
    const { by, event, key } = step;
    this.problem = undefined;
    this.first.filled = false;
    this.first.done = false;
    const before = this.#before();
    switch (event) {
      case 'APPEND':
        this.#unheardBy = step.unheardBy ?? -1;
        this.missed ||= step.unheardBy !== undefined;
        if (this.#unheardBy >= 0)
          this.tell?.({ what: 'begun', by: this.#unheardBy, text: 'is away, and receives nothing' });
        this.#append(by, false, before);
        this.#unheardBy = -1;
        break;
      case 'REPEAT':
        this.#append(by, true, before);
        break;
      case 'SAY':
        this.#publish(by, before);
        break;
      case 'RECLAIM':
        this.#say(by, 'reclaim', key, 0, this.cells[key]!.epoch);
        break;
      case 'CAS':
      case 'BOTH':
      case 'OFF':
        this.sessions[by] = { form: event.toLowerCase() as SessionWrite['form'], key, seen: this.#ones };
        if (this.atomic) this.tell?.({ what: 'begun', by, text: sessionText(this.sessions[by]) });
        else this.#say(by, 'session', 0, 0, 0);
        break;
      case 'CRASH':
      case 'VANISH':
        this.dead[by] = true;
        if (event === 'VANISH' || this.atomic) this.sessions[by] = undefined;
        if (event === 'VANISH') this.said[by] = this.lanes.decode(0);
        this.tell?.({ what: 'begun', by, text: event === 'VANISH' ? 'ends; what it sent is lost' : 'ends' });
        break;
      default:
        this.#hear(by, key, event);
    }
    if (this.atomic) this.#drain();
    if (this.problem === undefined) this.#look();
  }
  #before(): MemoryBefore[] {
    return this.cells.map(({ owner, held, queue }) => ({ owner, held, queue: [...queue] }));
  }
  /** The bus takes every word of the lines before anything else happens. */
  #drain(): void {
    for (let words = 0; this.problem === undefined; words++) {
      const by = this.said.findIndex(({ length }) => length > 0);
      if (by < 0) return;
      if (words > 50) this.#wrong(new Problem('silence', 'the lines never fall silent'));
      this.#settle();
      this.#append(by, false, this.#before());
    }
  }
  /** What is current becomes 1 again, so that the next entry is judged by itself. */
  #settle(): void {
    for (const [k, cell] of this.cells.entries()) {
      if (cell.version === 1 && cell.epoch === 1) continue;
      const [version, epoch] = [cell.version, cell.epoch];
      [cell.version, cell.epoch] = [1, 1];
      for (let line = k; line < this.state.length; line += this.keys) {
        this.version[line] = this.version[line] === version ? 1 : 0;
        this.epoch[line] = this.epoch[line] === epoch ? 1 : 0;
      }
      this.said.forEach((words, by) => {
        this.said[by] = words.map((word) =>
          word.key === k
            ? { ...word, version: word.version === version ? 1 : 0, epoch: word.epoch === epoch ? 1 : 0 }
            : word,
        );
      });
      this.sessions.forEach((session, by) => {
        if (session === undefined) return;
        const seen = session.seen.map((one, other) => (other === k ? (one === version ? 1 : 0) : one));
        this.sessions[by] = { ...session, seen };
      });
    }
  }
  #append(by: number, keep: boolean, before: readonly MemoryBefore[]): void {
    const lane = this.said[by] as readonly QueuedEntry[];
    const word = lane[0] as QueuedEntry;
    if (word.op === 'session') {
      this.said[by] = lane.slice(1);
      return this.#publish(by, before);
    }
    this.said[by] = keep ? [{ ...word, again: true }, ...lane.slice(1)] : lane.slice(1);
    // A word that was ordered before keeps its number; a new one has the next.
    const number = word.again ? (this.#numbers[by] as number) : ++this.#numbers[by]!;
    const signed = { agent: agentName(by), number, floor: number };
    this.#apply(by, wordEntry(signed, word), word, undefined, before);
  }
  #publish(by: number, before: readonly MemoryBefore[]): void {
    const session = this.sessions[by] as SessionWrite;
    this.sessions[by] = undefined;
    const number = ++this.#numbers[by]!;
    const signed = { agent: agentName(by), number, floor: number };
    this.#apply(by, sessionEntry(signed, session, this.keys), undefined, session, before);
  }
  #apply(
    by: number,
    entry: Entry,
    word: QueuedEntry | undefined,
    session: SessionWrite | undefined,
    before: readonly MemoryBefore[],
  ): void {
    this.#applying = { by, op: word?.op ?? 'session' };
    const heard: Utterance[] = [];
    const tell = this.tell;
    if (tell !== undefined) this.tell = (one) => void heard.push(one);
    const result = this.memory.apply(entry, this);
    this.tell = tell;
    if (tell !== undefined) {
      const text = session === undefined ? this.#text(word as QueuedEntry, by) : sessionText(session);
      tell({ what: 'ordered', by, text, outcome: result.outcome });
      for (const one of heard) tell(one);
    }
    this.#applying = undefined;
    // A repeated word must not change anything, for any request in it.
    const applied = { agent: entry.agent, word: word?.again ? undefined : word, session, result };
    for (let k = 0; k < this.keys && this.problem === undefined; k++)
      this.#wrong(wrongStep(before[k] as MemoryBefore, this.cells[k] as Cell, applied));
  }

  // ── memory's answers
  own(agent: string, cell: Cell, event: string): void {
    const applying = this.#applying;
    if (applying !== undefined && applying.op !== 'session' && agent === agentName(applying.by))
      if (event === 'SNOOP_GETM' || (event === 'SNOOP_PUT' && applying.op === 'put'))
        this.#wrong(
          new Problem('invalidation', `${agent} is invalidated by its own request for ${cell.key}`),
        );
    this.#hear(agent.charCodeAt(1) - 48, cell.index, event);
  }
  others(agent: string, cell: Cell, event: string): void {
    const but = agent.charCodeAt(1) - 48;
    for (let a = 0; a < this.agents; a++) if (a !== but) this.#hear(a, cell.index, event);
  }
  held(): void {}
  settled(): void {}

  // ── lines
  #hear(agent: number, key: number, event: string): void {
    if (agent >= this.agents || this.dead[agent] || agent === this.#unheardBy) return;
    const line = agent * this.keys + key;
    const from = this.state[line] as number;
    const number = EVENT[event] as number;
    this.visited[from * LINE_EVENTS.length + number] = 1;
    const { target, copy, words } = this.table.at(from, number, this.copy[line] as boolean);
    this.state[line] = target;
    this.copy[line] = copy;
    const own = this.#applying === undefined;
    const states = this.table.states;
    this.tell?.({ what: 'heard', agent, key, event, from: states[from]!, to: states[target]!, words, own });
    const cell = this.cells[key] as Cell;
    for (let i = 0; i < words.length; i++) {
      const word = words[i] as string;
      if (word === 'fill' || word === 'done') {
        this.version[line] = cell.version;
        this.epoch[line] = cell.epoch;
        if (line === 0) this.first[word === 'done' ? 'done' : 'filled'] = true;
      } else if (word === 'granted') this.epoch[line] = cell.epoch;
      else if (word === 'impossible')
        this.#wrong(
          new Problem(
            'table',
            `${agentName(agent)} receives ${event} in ${states[from]}, which is impossible`,
          ),
        );
      const op = SAID[word];
      if (op !== undefined)
        this.#say(agent, op, key, this.version[line] as number, this.epoch[line] as number);
    }
    if (line === 0 && this.table.readable(target, copy)) this.first.filled = true;
  }
  #say(by: number, op: Op, key: number, version: number, epoch: number): void {
    const word: QueuedEntry = { op, key, version, epoch, again: false };
    this.said[by] = [...(this.said[by] as readonly QueuedEntry[]), word];
    this.tell?.({ what: 'said', by, text: this.#text(word, by) });
  }

  #text(word: QueuedEntry, by: number): string {
    return word.op === 'session' ? sessionText(this.sessions[by] as SessionWrite) : wordText(word);
  }

  // ── rules
  #look(): void {
    for (let k = 0; k < this.keys && this.problem === undefined; k++) {
      const cell = this.cells[k] as Cell;
      for (let a = 0; a < this.agents; a++) {
        const line = a * this.keys + k;
        const looked = this.#looked[a] as { -readonly [P in keyof ObservedLine]: ObservedLine[P] };
        const state = this.state[line] as number;
        looked.state = this.table.states[state] as string;
        looked.readable = this.table.readable(state, this.copy[line] as boolean);
        looked.fresh = this.version[line] === cell.version;
        looked.mine = this.epoch[line] === cell.epoch;
        looked.dead = this.dead[a] as boolean;
      }
      this.#wrong(wrongNow(cell, this.#looked, this.readers));
    }
    this.#wrong(writeSkew(this.cells));
  }
  #wrong(problem: Problem | undefined): void {
    if (problem !== undefined && !this.#forgive.includes(problem.rule)) this.problem ??= problem;
  }
}
