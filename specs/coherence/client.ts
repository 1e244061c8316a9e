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
  const { agents, keys, atomic, said, sessions } = bench;
  const { events, client = 'slot', crash = false, repeats = false, deaf = false } = surroundings;
  const steps: WorldStep[] = [];
  const offer = (by: number, event: WorldStep['event'], key: number): void => {
    if (events === undefined || events.includes(event)) steps.push({ by, event, key });
  };
  for (let by = 0; by < agents; by++) {
    if (bench.dead[by]) continue;
    const session = sessions[by];
    // On a queued bus a session is published at once, and waits there: meanwhile its agent does not use the keys that
    // it writes.
    const writes = session === undefined || atomic ? [] : writesOf(session);
    let settled = true;
    for (let key = 0; key < keys; key++) {
      const state = bench.stateOf(by, key);
      settled &&= SETTLED.has(state);
      const last = said[by]!.findLast((word) => word.key === key && word.op !== 'session');
      const busy = writes.includes(key) || (last?.op === 'release' && !SETTLED.has(state));
      for (const event of OFFERS[state] ?? []) if (!busy || event === 'LOAD') offer(by, event, key);
      if (client === 'any')
        for (const event of IDLE[state] ?? []) if (!busy || event === 'LOAD') offer(by, event, key);
      const still = SETTLED.has(state) || (client === 'any' && state === 'M' && !busy && writes.length === 0);
      if (session === undefined && (atomic || still)) offer(by, 'CAS', key);
    }
    if (session === undefined && keys > 1 && (atomic || settled)) {
      offer(by, 'BOTH', 0);
      if (bench.cells.every(({ value }) => value === ON))
        for (let key = 0; key < keys; key++) offer(by, 'OFF', key);
    }
    if (session !== undefined && atomic && writesSettled(bench, by)) steps.push({ by, event: 'SAY', key: 0 });
    if (crash && by > 0 && !bench.dead.includes(true)) {
      steps.push({ by, event: 'CRASH', key: 0 });
      if (said[by]!.length > 0) steps.push({ by, event: 'VANISH', key: 0 });
    }
  }
  for (let key = 0; key < keys; key++)
    if (bench.cells[key]!.held && !said[agents]!.some((word) => word.key === key))
      offer(agents, 'RECLAIM', key);
  for (let by = 0; by <= agents; by++) {
    const [word] = said[by] as (typeof said)[number];
    if (word === undefined) continue;
    steps.push({ by, event: 'APPEND', key: word.key });
    if (repeats && !word.again && word.op !== 'session') steps.push({ by, event: 'REPEAT', key: word.key });
    if (!deaf || bench.missed) continue;
    for (let unheardBy = 0; unheardBy < agents; unheardBy++)
      if (unheardBy !== by) steps.push({ by, event: 'APPEND', key: word.key, unheardBy });
  }
  return steps;
}

/** A publish waits until its agent's work on what it writes has ended. */
function writesSettled(bench: Bench, by: number): boolean {
  const session = bench.sessions[by]!;
  return writesOf(session).every((key) => SETTLED.has(bench.stateOf(by, key)));
}
