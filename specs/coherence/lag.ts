/** Replicas that lag, one for each agent: an ordered entry reaches each replica at any later time, and until then its
 *  agent goes on with its older state. Everything is explored up to a length of the log, with versions and epochs as
 *  they are.
 *
 *  `search.ts` does not model lag: an agent that lags acts, in terms of the log, before the entries that it has not
 *  received are ordered, and in `search.ts` a word may wait for any time. Here lag is explored directly, so that this
 *  argument is checked. */
import { type Entry } from '../../actors/index.ts';
import { Memory, type Sink } from '../../actors/coherence/memory.ts';
import { cacheLine } from '../../machines/index.ts';
import type { ReaderPolicy } from '../../machines/coherence/cache-line.ts';

import { BreadthFirst } from '../harness/breadth-first.ts';
import type { Message } from '../harness/claim.ts';
import { LINE_EVENTS, LineTable } from './table.ts';
import { agentName } from './world.ts';

export interface LagOptions {
  readonly agents: number;
  readonly readers: ReaderPolicy;
  /** How many entries are ordered at most. */
  readonly entries: number;
  /** Whether a replica may pass over an entry, as behind a bus without replay. For a test that has to fail. */
  readonly skips?: boolean;
}
export interface Lagged {
  readonly states: number;
  readonly transitions: number;
  readonly violation?: { readonly what: string; readonly transcript: readonly Message[] };
}

interface Line {
  readonly state: number;
  readonly copy: boolean;
  readonly version: number;
  readonly epoch: number;
}
interface LaggingAgent {
  /** How far its replica has got. */
  readonly applied: number;
  readonly line: Line;
  /** Sent, and not yet ordered: entries without their numbers. */
  readonly said: readonly string[];
  /** Gives its hold or its turn back, and does nothing before that is settled. */
  readonly leaving: boolean;
}
interface World {
  readonly log: readonly string[];
  readonly agents: readonly LaggingAgent[];
}
/** Memory after some entries, and its answers to the last of them, by agent. */
interface Prefix {
  readonly version: number;
  readonly epoch: number;
  readonly owner: string | undefined;
  readonly held: boolean;
  readonly told: readonly (readonly { event: string; version: number; epoch: number }[])[];
}

export function exploreLag(options: LagOptions): Lagged {
  const replicas = new Replicas(options);
  const { start } = replicas;
  const found = new BreadthFirst<World, Message>();
  found.reach(JSON.stringify(start), start);
  let transitions = 0;
  for (let at = 0; at < found.worlds.length; at++) {
    for (const [next, message] of replicas.steps(found.worlds[at]!)) {
      transitions++;
      found.reach(JSON.stringify(next), next, [message, at]);
      const what = replicas.impossible ?? replicas.wrong(next);
      if (what === undefined) continue;
      const transcript = [...found.pathTo(at), message, { from: 'memory', text: `wrong: ${what}` }];
      return { states: found.worlds.length, transitions, violation: { what, transcript } };
    }
  }
  return { states: found.worlds.length, transitions };
}

/** What replicas that lag may do, and what has to hold of them. */
class Replicas {
  readonly start: World;
  /** Set when a line receives an event that its table calls impossible. */
  impossible: string | undefined;
  readonly #options: LagOptions;
  readonly #table: LineTable;
  readonly #prefixes = new Map<string, Prefix>();

  constructor(options: LagOptions) {
    this.#options = options;
    this.#table = new LineTable(cacheLine, options.readers);
    const line: Line = { ...this.#table.start, version: 0, epoch: 0 };
    const agent: LaggingAgent = { applied: 0, line, said: [], leaving: false };
    this.start = { log: [], agents: Array.from({ length: options.agents }, () => agent) };
  }

  *steps(world: World): Generator<readonly [next: World, message: Message]> {
    for (let i = 0; i < world.agents.length; i++) {
      yield* this.#received(world, i);
      yield* this.#begun(world, i);
      yield* this.#ordered(world, i);
    }
  }

  wrong({ log, agents }: World): string | undefined {
    for (const [i, agent] of agents.entries()) {
      const { applied, line } = agent;
      const memory = this.#prefix(log.slice(0, applied));
      const [name, state] = [agentName(i), this.#nameOf(line.state)];
      const owns = memory.owner === name;
      if (this.#table.readable(line.state, line.copy) && line.version !== memory.version)
        return `${name} reads version ${line.version} where its replica has ${memory.version}`;
      if (state === 'M' && !(owns && memory.held && line.epoch === memory.epoch))
        return `${name} is M without a hold`;
      if (state === 'E' && !(owns && !memory.held)) return `${name} is E and does not own x`;
      if (state !== 'M' && state !== 'E') continue;
      if (state === 'M' && this.#options.readers === 'committed') continue;
      const reader = agents.findIndex((other, j) => j !== i && this.#readsBeside(other, agent));
      if (reader >= 0) return `${name} owns x, and ${agentName(reader)} reads it`;
    }
    return undefined;
  }

  /** Two replicas at the same entry: one writer, or any number of readers. */
  #readsBeside({ applied, line }: LaggingAgent, owner: LaggingAgent): boolean {
    if (applied !== owner.applied || this.#nameOf(line.state) === 'MP') return false;
    return this.#table.readable(line.state, line.copy);
  }

  /** A replica receives the next entry. */
  *#received({ log, agents }: World, i: number): Generator<readonly [World, Message]> {
    const agent = agents[i]!;
    for (const step of this.#options.skips === true ? [1, 2] : [1]) {
      if (agent.applied + step > log.length) continue;
      const until = agent.applied + step;
      let next: LaggingAgent = { ...agent, applied: until };
      for (const { event, ...known } of this.#prefix(log.slice(0, until)).told[i]!)
        next = this.#react(i, next, event, known);
      yield [
        { log, agents: agents.with(i, next) },
        { from: 'bus', to: agentName(i), text: spoken(log[until - 1]!) },
      ];
    }
  }

  /** An agent does something; nothing behind a release. */
  *#begun({ log, agents }: World, i: number): Generator<readonly [World, Message]> {
    const agent = agents[i]!;
    if (agent.leaving) return;
    const memory = this.#prefix(log.slice(0, agent.applied));
    for (const event of OFFERS[this.#nameOf(agent.line.state)] ?? [])
      yield [
        { log, agents: agents.with(i, this.#react(i, agent, event, memory)) },
        { from: agentName(i), text: `${event} x` },
      ];
  }

  /** The bus takes an agent's oldest word; or that of its replica's manager, whose leases run by the state of that
   *  replica. */
  *#ordered({ log, agents }: World, i: number): Generator<readonly [World, Message]> {
    if (log.length === this.#options.entries) return;
    const agent = agents[i]!;
    const memory = this.#prefix(log.slice(0, agent.applied));
    const words = agent.said.slice(0, 1);
    for (const word of memory.held ? [...words, `reclaim:${memory.epoch}`] : words) {
      const own = !word.startsWith('reclaim');
      const next = own ? agents.with(i, { ...agent, said: agent.said.slice(1) }) : agents;
      yield [
        { log: [...log, word], agents: next },
        { from: own ? agentName(i) : 'manager', to: 'bus', text: spoken(word) },
      ];
    }
  }

  /** A line receives an event, according to its own replica. */
  #react(
    by: number,
    { line, ...agent }: LaggingAgent,
    event: string,
    memory: { version: number; epoch: number },
  ): LaggingAgent {
    const cell = this.#table.at(line.state, LINE_EVENTS.indexOf(event as 'LOAD'), line.copy);
    let { version, epoch } = line;
    let { said } = agent;
    for (const word of cell.words) {
      if (word === 'fill' || word === 'done') ({ version, epoch } = memory);
      else if (word === 'granted') epoch = memory.epoch;
      else if (word === 'impossible')
        this.impossible ??= `${agentName(by)} receives ${event} in ${this.#nameOf(line.state)}, which is impossible`;
      else if (word === 'put') said = [...said, `put${by}:${version}:${epoch}`];
      else if (SAYS[word] !== undefined) said = [...said, `${SAYS[word]}${by}`];
    }
    const leaving = (agent.leaving || event === 'RELEASE') && !SETTLED.has(this.#nameOf(cell.target));
    return { ...agent, said, leaving, line: { state: cell.target, copy: cell.copy, version, epoch } };
  }

  #nameOf(state: number): string {
    return this.#table.states[state] as string;
  }

  #prefix(log: readonly string[]): Prefix {
    const key = log.join(' ');
    const known = this.#prefixes.get(key);
    if (known !== undefined) return known;
    const found = applied(log, this.#options.agents, this.#options.readers);
    this.#prefixes.set(key, found);
    return found;
  }
}

/** `put0:1:2` is a PUT of the first agent, of version 1 and by epoch 2. */
const spoken = (word: string): string => {
  const [, op, by] = /^([a-z]+)(\d?)/.exec(word)!;
  return `${op!.toUpperCase()} x${by === '' ? '' : ` of ${agentName(Number(by))}`}`;
};
const SAYS: Readonly<Record<string, string>> = {
  requestShared: 'gets',
  requestModified: 'getm',
  release: 'release',
  evict: 'evict',
};
const SETTLED = new Set(['I', 'S', 'E', 'IS']);
const OFFERS: Readonly<Record<string, readonly string[]>> = {
  I: ['LOAD', 'STORE'],
  S: ['STORE', 'EVICT'],
  E: ['STORE', 'EVICT'],
  M: ['STORE', 'RELEASE'],
  IM: ['RELEASE'],
  SM: ['RELEASE'],
};

/** What memory is after these entries, by its own code. */
function applied(log: readonly string[], agents: number, readers: ReaderPolicy): Prefix {
  const memory = new Memory({ initial: [['x', 0]], readers, history: 0 });
  const cell = memory.cells.get('x')!;
  let told: { event: string; version: number; epoch: number }[][] = [];
  const tell = (agent: number, event: string) =>
    told[agent]?.push({ event, version: cell.version, epoch: cell.epoch });
  const sink: Sink = {
    own: (agent, _, event) => tell(Number(agent.slice(1)), event),
    others: (agent, _, event) => {
      for (let i = 0; i < agents; i++) if (agentName(i) !== agent) tell(i, event);
    },
    held: () => undefined,
    settled: () => undefined,
  };
  for (const [number, text] of log.entries()) {
    told = Array.from({ length: agents }, () => []);
    const [word, ...numbers] = text.split(':');
    const op = word!.replace(/\d/, '');
    const agent = op === 'reclaim' ? 'manager' : `a${word!.slice(op.length)}`;
    const [first, second] = numbers.map(Number);
    const rest = op === 'put' ? { base: first, epoch: second, value: 0 } : { epoch: first };
    memory.apply({ op, agent, number, floor: 0, key: 'x', ...rest } as unknown as Entry, sink);
  }
  const { version, epoch, owner, held } = cell;
  return { version, epoch, owner, held, told };
}
