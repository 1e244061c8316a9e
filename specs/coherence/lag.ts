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
interface Place {
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
  readonly places: readonly Place[];
}
/** Memory after some entries, and its answers to the last of them, by agent. */
interface Prefix {
  readonly version: number;
  readonly epoch: number;
  readonly owner: string | undefined;
  readonly held: boolean;
  readonly told: readonly (readonly { event: string; version: number; epoch: number }[])[];
}

export function exploreLag({ agents, readers, entries, skips = false }: LagOptions): Lagged {
  const table = new LineTable(cacheLine, readers);
  const prefixes = new Map<string, Prefix>();
  const nameOf = (state: number): string => table.states[state] as string;
  const prefix = (log: readonly string[]): Prefix => {
    const key = log.join(' ');
    const known = prefixes.get(key);
    if (known !== undefined) return known;
    const found = applied(log, agents, readers);
    prefixes.set(key, found);
    return found;
  };
  const line: Line = { ...table.start, version: 0, epoch: 0 };
  const start: World = {
    log: [],
    places: Array.from({ length: agents }, () => ({ applied: 0, line, said: [], leaving: false })),
  };
  const worlds = [start];
  const seen = new Set([JSON.stringify(start)]);
  const ways: (readonly [from: number, message: Message])[] = [[-1, { from: '', text: '' }]];
  let transitions = 0;
  let wrong: string | undefined;

  /** A line receives an event, according to its own replica. */
  const hear = (
    by: number,
    { line, ...place }: Place,
    event: string,
    memory: { version: number; epoch: number },
  ): Place => {
    const { target, copy, words } = table.at(line.state, LINE_EVENTS.indexOf(event as 'LOAD'), line.copy);
    let { version, epoch } = line;
    let said = place.said;
    for (const word of words) {
      if (word === 'fill' || word === 'done') ({ version, epoch } = memory);
      else if (word === 'granted') epoch = memory.epoch;
      else if (word === 'impossible')
        wrong ??= `${agentName(by)} receives ${event} in ${nameOf(line.state)}, which is impossible`;
      else if (word === 'put') said = [...said, `put${by}:${version}:${epoch}`];
      else if (SAYS[word] !== undefined) said = [...said, `${SAYS[word]}${by}`];
    }
    const leaving = (place.leaving || event === 'RELEASE') && !SETTLED.has(nameOf(target));
    return { ...place, said, leaving, line: { state: target, copy, version, epoch } };
  };
  const check = ({ log, places }: World): string | undefined => {
    for (const [i, { applied, line }] of places.entries()) {
      const memory = prefix(log.slice(0, applied));
      const [name, state] = [agentName(i), nameOf(line.state)];
      const owns = memory.owner === name;
      if (table.readable(line.state, line.copy) && line.version !== memory.version)
        return `${name} reads version ${line.version} where its replica has ${memory.version}`;
      if (state === 'M' && !(owns && memory.held && line.epoch === memory.epoch))
        return `${name} is M without a hold`;
      if (state === 'E' && !(owns && !memory.held)) return `${name} is E and does not own x`;
      // Two replicas at the same entry: one writer, or any number of readers.
      if (state !== 'M' && state !== 'E') continue;
      for (const [j, other] of places.entries()) {
        if (j === i || other.applied !== applied || nameOf(other.line.state) === 'MP') continue;
        if (state === 'M' && readers === 'committed') continue;
        if (table.readable(other.line.state, other.line.copy))
          return `${name} owns x, and ${agentName(j)} reads it`;
      }
    }
    return undefined;
  };

  for (let at = 0; at < worlds.length; at++) {
    const world = worlds[at] as World;
    const { log, places } = world;
    const go = (next: World, message: Message): Lagged | undefined => {
      transitions++;
      wrong ??= check(next);
      const key = JSON.stringify(next);
      if (!seen.has(key)) {
        seen.add(key);
        worlds.push(next);
        ways.push([at, message]);
      }
      if (wrong === undefined) return undefined;
      const transcript: Message[] = [message, { from: 'memory', text: `wrong: ${wrong}` }];
      for (let back = at; back > 0; back = ways[back]![0]) transcript.unshift(ways[back]![1]);
      return { states: worlds.length, transitions, violation: { what: wrong, transcript } };
    };
    const put = (i: number, place: Place): readonly Place[] => places.with(i, place);
    for (const [i, place] of places.entries()) {
      const from = agentName(i);
      const memory = prefix(log.slice(0, place.applied));
      // The replica receives the next entry.
      for (const step of skips ? [1, 2] : [1]) {
        if (place.applied + step > log.length) continue;
        const until = place.applied + step;
        const heard = prefix(log.slice(0, until)).told[i]!;
        let next: Place = { ...place, applied: until };
        for (const { event, ...known } of heard) next = hear(i, next, event, known);
        const failed = go(
          { log, places: put(i, next) },
          { from: 'bus', to: from, text: spoken(log[until - 1]!) },
        );
        if (failed !== undefined) return failed;
      }
      // The agent does something; nothing behind a release.
      for (const event of OFFERS[nameOf(place.line.state)] ?? []) {
        if (place.leaving) continue;
        const failed = go(
          { log, places: put(i, hear(i, place, event, memory)) },
          { from, text: `${event} x` },
        );
        if (failed !== undefined) return failed;
      }
      // The bus takes its oldest word; or that of its replica's manager, whose leases run by the state of that replica.
      if (log.length === entries) continue;
      const words = place.said.length > 0 ? [place.said[0]!] : [];
      for (const word of memory.held ? [...words, `reclaim:${memory.epoch}`] : words) {
        const own = !word.startsWith('reclaim');
        const next = own ? put(i, { ...place, said: place.said.slice(1) }) : places;
        const failed = go(
          { log: [...log, word], places: next },
          { from: own ? from : 'manager', to: 'bus', text: spoken(word) },
        );
        if (failed !== undefined) return failed;
      }
    }
  }
  return { states: worlds.length, transitions };
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
