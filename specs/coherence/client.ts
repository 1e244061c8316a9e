/** What may happen next: everything that an agent of `src/coherence` does, at every time at which it can, and what the
 *  bus and the manager do.
 *
 *  An agent reads at any time, but sends a request only where it has no copy. It writes, holds, releases and evicts one
 *  at a time for each key (its slot's lock), and does nothing while a release is under way. It does not see what is
 *  still on its way: where its line is in `I`, it may send a request again though its eviction has not been ordered. */
import type { Bench } from './bench.ts';
import { ON, writesOf, type WorldStep } from './world.ts';

export interface ClientBehaviour {
  /** Which of the agents' and the manager's events occur; default all. The bus always takes words. */
  readonly events?: readonly string[];
  /** `slot`: as above. `any`: also every event that, by the table, has no effect at that time, or waits. */
  readonly client?: 'slot' | 'any';
  /** One agent may crash, but not the first. */
  readonly crash?: boolean;
  /** The bus may fail after it took a word, so that the word comes twice. */
  readonly repeats?: boolean;
  /** Once, an agent does not receive an entry. No bus of this project does that. */
  readonly deaf?: boolean;
}

const ASKING = ['LOAD', 'STORE', 'HOLD', 'RELEASE', 'EVICT'] as const;
/** By state: what an agent does while it has nothing else under way. */
const OFFERS: Readonly<Record<string, readonly (typeof ASKING)[number][]>> = {
  I: ['LOAD', 'STORE', 'HOLD'],
  S: ['STORE', 'HOLD', 'EVICT'],
  E: ['STORE', 'HOLD', 'EVICT'],
  M: ['STORE', 'RELEASE', 'EVICT'],
  IM: ['RELEASE'],
  SM: ['RELEASE'],
};
/** By state: the events that have no effect, except for the answer to the agent. */
const IDLE: Readonly<Record<string, readonly (typeof ASKING)[number][]>> = {
  I: ['RELEASE', 'EVICT'],
  S: ['LOAD', 'RELEASE'],
  E: ['LOAD', 'RELEASE'],
  M: ['LOAD', 'HOLD'],
  IS: ['LOAD', 'STORE', 'HOLD', 'RELEASE', 'EVICT'],
  IM: ['LOAD', 'STORE', 'HOLD', 'EVICT'],
  SM: ['LOAD', 'STORE', 'HOLD', 'EVICT'],
  MP: ['LOAD', 'STORE', 'HOLD', 'RELEASE', 'EVICT'],
};
const SETTLED = new Set(['I', 'S', 'E', 'IS']);

/** Every step that the world on the bench allows. */
export function mayHappen(bench: Bench, surroundings: ClientBehaviour = {}): WorldStep[] {
  const { agents } = bench;
  const steps: WorldStep[] = [];
  for (let by = 0; by < agents; by++) {
    if (bench.dead[by]) continue;
    steps.push(...ofAgent(bench, by, surroundings));
    if (surroundings.crash === true && by > 0) steps.push(...crashesOf(bench, by));
  }
  steps.push(...ofManager(bench).filter(({ event }) => occurs(event, surroundings)));
  for (let by = 0; by <= agents; by++) steps.push(...ofBus(bench, by, surroundings));
  return steps;
}

const occurs = (event: string, { events }: ClientBehaviour): boolean =>
  events === undefined || events.includes(event);

/** What an agent may begin, and the publish of its session. */
function ofAgent(bench: Bench, by: number, surroundings: ClientBehaviour): WorldStep[] {
  const { keys, atomic } = bench;
  const session = bench.sessions[by];
  const steps: WorldStep[] = [];
  let settled = true;
  for (let key = 0; key < keys; key++) {
    settled &&= SETTLED.has(bench.stateOf(by, key));
    for (const event of eventsOf(bench, by, key, surroundings.client === 'any'))
      steps.push({ by, event, key });
  }
  if (session === undefined && keys > 1 && (atomic || settled)) {
    steps.push({ by, event: 'BOTH', key: 0 });
    if (bench.cells.every(({ value }) => value === ON))
      for (let key = 0; key < keys; key++) steps.push({ by, event: 'OFF', key });
  }
  const begun = steps.filter(({ event }) => occurs(event, surroundings));
  if (session !== undefined && atomic && writesSettled(bench, by)) begun.push({ by, event: 'SAY', key: 0 });
  return begun;
}

/** What an agent may do with one key. */
function* eventsOf(bench: Bench, by: number, key: number, any: boolean): Generator<WorldStep['event']> {
  const { atomic } = bench;
  const session = bench.sessions[by];
  // On a queued bus a session is published at once, and waits there: meanwhile its agent does not use the keys that
  // it writes.
  const writes = session === undefined || atomic ? [] : writesOf(session);
  const state = bench.stateOf(by, key);
  const last = bench.said[by]!.findLast((word) => word.key === key && word.op !== 'session');
  const busy = writes.includes(key) || (last?.op === 'release' && !SETTLED.has(state));
  for (const event of OFFERS[state] ?? []) if (!busy || event === 'LOAD') yield event;
  if (any) for (const event of IDLE[state] ?? []) if (!busy || event === 'LOAD') yield event;
  const still = SETTLED.has(state) || (any && state === 'M' && !busy && writes.length === 0);
  if (session === undefined && (atomic || still)) yield 'CAS';
}

/** At most one agent crashes, with or without what it has sent. */
function crashesOf(bench: Bench, by: number): WorldStep[] {
  if (bench.dead.includes(true)) return [];
  const crash: WorldStep = { by, event: 'CRASH', key: 0 };
  return bench.said[by]!.length > 0 ? [crash, { by, event: 'VANISH', key: 0 }] : [crash];
}

/** The manager takes a held key back, once at a time. */
const ofManager = ({ agents, keys, cells, said }: Bench): WorldStep[] =>
  Array.from({ length: keys }, (_, key) => key)
    .filter((key) => cells[key]!.held && !said[agents]!.some((word) => word.key === key))
    .map((key) => ({ by: agents, event: 'RECLAIM' as const, key }));

/** The bus takes the oldest word of an agent or of the manager. */
function ofBus(bench: Bench, by: number, { repeats, deaf }: ClientBehaviour): WorldStep[] {
  const [word] = bench.said[by] as Bench['said'][number];
  if (word === undefined) return [];
  const steps: WorldStep[] = [{ by, event: 'APPEND', key: word.key }];
  if (repeats === true && !word.again && word.op !== 'session')
    steps.push({ by, event: 'REPEAT', key: word.key });
  if (deaf !== true || bench.missed) return steps;
  for (let unheardBy = 0; unheardBy < bench.agents; unheardBy++)
    if (unheardBy !== by) steps.push({ by, event: 'APPEND', key: word.key, unheardBy });
  return steps;
}

/** A publish waits until its agent's work on what it writes has ended. */
function writesSettled(bench: Bench, by: number): boolean {
  const session = bench.sessions[by]!;
  return writesOf(session).every((key) => SETTLED.has(bench.stateOf(by, key)));
}
