/** Entries of the coherence log, and the signals that carry them.
 *
 *  | entry | signal | why |
 *  |---|---|---|
 *  | GETM | `fermata`, intent rfo | the paper's request for ownership (4.4) |
 *  | PUT, CAS, PUBLISH | `cue`, intent update | "notes a new value of shared state" |
 *  | GETS | `cue`, intent activate | asks memory for a copy |
 *  | RELEASE, RECLAIM, EVICT | `cue`, intent resume | a key is given back |
 *
 *  All name `key` but PUBLISH, which has several. Targets name the memory and never an agent, so that no
 *  orchestrator on the same bus takes them for its own. Every entry bears (agent, number): its identity, by
 *  which it is applied once; and `floor`: every smaller number of this agent is settled, so that the results
 *  kept for duplicates stay few. */
import type { Signal } from '../../machines/signal.ts';

/** One change of a value, as Immer writes it. */
export interface Patch {
  readonly op: 'add' | 'remove' | 'replace';
  readonly path: readonly (string | number)[];
  readonly value?: unknown;
}

interface Common {
  /** Who says it: an agent's name and its session, so that an agent that starts again is somebody else. */
  readonly agent: string;
  readonly number: number;
  readonly floor: number;
}
export interface Write {
  readonly key: string;
  /** The version that this write replaces. */
  readonly base: number;
  readonly value: unknown;
  /** What changed since `base`; absent where only the whole value is known. */
  readonly patches?: readonly Patch[] | undefined;
}
export interface ReadOf {
  readonly key: string;
  readonly version: number;
}

export interface KeyEntry extends Common {
  readonly op: 'gets' | 'getm' | 'release' | 'evict';
  readonly key: string;
}
export interface ReclaimEntry extends Common {
  readonly op: 'reclaim';
  readonly key: string;
  readonly epoch: number;
}
export interface RenewEntry extends Common {
  readonly op: 'renew';
  readonly key: string;
  readonly epoch: number;
}
export interface PutEntry extends Common, Write {
  readonly op: 'put';
  readonly epoch: number;
}
export interface CasEntry extends Common, Write {
  readonly op: 'cas';
}
export interface PublishEntry extends Common {
  readonly op: 'publish';
  readonly reads: readonly ReadOf[];
  readonly writes: readonly Write[];
}

export type Entry = KeyEntry | ReclaimEntry | RenewEntry | PutEntry | CasEntry | PublishEntry;

/** What became of an entry: the same on every replica, and kept for duplicates. */
export interface Result {
  readonly outcome:
    | 'granted' //   shared or owned
    | 'queued' //    behind a hold
    | 'accepted' //  a new version
    | 'conflict' //  the base is not the current version
    | 'fenced' //    the sender does not own the key (any more)
    | 'held' //      another agent holds the key
    | 'released'
    | 'nothing' //   stale or repeated
    | 'unknown'; //  no such key
  /** The key that decided, where there are several. */
  readonly key?: string | undefined;
  /** The key's version when the entry was applied. */
  readonly version: number;
}

const MEMORY = Object.freeze(['memory']);
const RFO = Object.freeze({ holdType: 'resource' });

/** The envelope-free form in which an entry travels. The payload says which space it belongs to. */
export function toSignal(scope: string, entry: Entry): Signal {
  const payload = { coherence: scope, entry } as const;
  const source = entry.agent;
  switch (entry.op) {
    case 'getm':
    case 'renew':
      return {
        type: 'fermata',
        source,
        targets: MEMORY,
        intent: 'rfo',
        key: entry.key,
        conditions: RFO,
        payload,
      } as Signal;
    case 'publish':
      return { type: 'cue', source, targets: MEMORY, intent: 'update', payload };
    case 'put':
    case 'cas':
      return { type: 'cue', source, targets: MEMORY, intent: 'update', key: entry.key, payload };
    case 'gets':
      return { type: 'cue', source, targets: MEMORY, intent: 'activate', key: entry.key, payload };
    default:
      return { type: 'cue', source, targets: MEMORY, intent: 'resume', key: entry.key, payload };
  }
}

/** The entry that a signal carries for this space, if any. */
export function fromSignal(scope: string, signal: Signal): Entry | undefined {
  if (signal.type !== 'cue' && signal.type !== 'fermata') return undefined;
  const payload = signal.payload as { coherence?: unknown; entry?: unknown } | undefined;
  if (payload === undefined || payload === null || payload.coherence !== scope) return undefined;
  const entry = payload.entry as Entry | undefined;
  return typeof entry === 'object' && entry !== null && isEntry(entry) ? entry : undefined;
}

/** What is not even the shape of an entry is nobody's: applying it would end the space for everybody. */
function isEntry(entry: Entry): boolean {
  if (typeof entry.agent !== 'string' || !(entry.number >= 0) || !(entry.floor >= 0)) return false;
  if (entry.op === 'publish') return Array.isArray(entry.reads) && Array.isArray(entry.writes);
  return typeof entry.key === 'string' && OPS.has(entry.op);
}
const OPS: ReadonlySet<string> = new Set([
  'gets',
  'getm',
  'release',
  'evict',
  'reclaim',
  'renew',
  'put',
  'cas',
]);
