/** Entries of the coherence log, and the signals that carry them.
 *
 *  | entry | signal | why |
 *  |---|---|---|
 *  | GETM, RENEW | `fermata`, intent rfo | the paper's request for ownership (4.4) |
 *  | PUT, CAS, PUBLISH, DEFINE | `cue`, intent update | "notes a new value of shared state" |
 *  | GETS, WAIT | `cue`, intent activate | asks memory for a copy |
 *  | RELEASE, RECLAIM, EVICT, LEAVE | `cue`, intent resume | something is given back |
 *
 *  All but PUBLISH and LEAVE name one `key`. Targets name the memory and never an agent, so that no orchestrator on the
 *  same bus takes an entry for its own. Every entry has (agent, number) as its identity, by which it is applied once;
 *  and `floor`: every smaller number of this agent is settled, so that few results are kept for duplicates. */
import type { Signal } from '../../machines/hct/signal.ts';

/** One change of a value, as Immer writes it. */
export interface Patch {
  readonly op: 'add' | 'remove' | 'replace';
  readonly path: readonly (string | number)[];
  readonly value?: unknown;
}

interface Common {
  /** The sender: an agent's name with its session and ordinal, so that an agent that starts again is a new one. */
  readonly agent: string;
  readonly number: number;
  readonly floor: number;
  /** In a sender's first entry: a fingerprint of the values with which its replica began. */
  readonly origin?: string;
}
export interface Write {
  readonly key: string;
  /** The version that this write replaces. */
  readonly base: number;
  readonly value: unknown;
  /** What changed since `base`; absent where only the whole value is known. */
  readonly patches?: readonly Patch[];
}
export interface ReadOf {
  readonly key: string;
  readonly version: number;
}

export interface KeyEntry extends Common {
  readonly op: 'gets' | 'getm' | 'wait' | 'release' | 'evict';
  readonly key: string;
  /** Of `gets`: a read waits for the copy; without this it is only fetched in advance. `wait`: now a read waits for a copy
   *  that was fetched in advance. */
  readonly waits?: true;
}
/** `reclaim` takes a key from the owner of an epoch; `renew` says that this owner is still at work. */
export interface EpochEntry extends Common {
  readonly op: 'reclaim' | 'renew';
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
/** A key that was not there from the beginning; nothing happens if it exists. */
export interface DefineEntry extends Common {
  readonly op: 'define';
  readonly key: string;
  readonly value?: unknown;
}
/** The sender sends nothing more and can be forgotten. */
export interface LeaveEntry extends Common {
  readonly op: 'leave';
}

export type Entry = KeyEntry | EpochEntry | PutEntry | CasEntry | PublishEntry | DefineEntry | LeaveEntry;
type WithoutIdentity<T> = T extends unknown ? Omit<T, 'agent' | 'number' | 'floor' | 'origin'> : never;
/** An entry before it has its identity. */
export type Unsent = WithoutIdentity<Entry>;

/** What became of an entry: the same on every replica, and kept for duplicates. */
export interface Result {
  readonly outcome:
    | 'granted' //   shared or owned
    | 'queued' //    behind a hold
    | 'accepted' //  a new version, or a new key
    | 'conflict' //  the base is not the current version
    | 'fenced' //    the sender does not own the key (any more)
    | 'held' //      another agent holds the key
    | 'released'
    | 'nothing' //   stale or repeated
    | 'unknown'; //  no such key
  /** The key that decided, where there are several. */
  readonly key?: string;
  /** With `queued`: the keys of the circle of waits that the agent closes. It has to give up. */
  readonly circle?: readonly string[];
  /** The key's version when the entry was applied. */
  readonly version: number;
}

const MEMORY = Object.freeze(['memory']);
const RFO = Object.freeze({ holdType: 'resource' });
/** By entry: the intent of its signal. */
const INTENTS: Readonly<Record<Entry['op'], string>> = {
  ...{ getm: 'rfo', renew: 'rfo' },
  ...{ put: 'update', cas: 'update', publish: 'update', define: 'update' },
  ...{ gets: 'activate', wait: 'activate' },
  ...{ release: 'resume', reclaim: 'resume', evict: 'resume', leave: 'resume' },
};

/** The envelope-free form in which an entry travels. The payload names the space that it belongs to. */
export function toSignal(scope: string, entry: Entry): Signal {
  const intent = INTENTS[entry.op];
  const signal = { source: entry.agent, targets: MEMORY, intent, payload: { coherence: scope, entry } };
  const addressed = 'key' in entry ? { ...signal, key: entry.key } : signal;
  return (
    intent === 'rfo' ? { type: 'fermata', ...addressed, conditions: RFO } : { type: 'cue', ...addressed }
  ) as Signal;
}

/** The entry that a signal carries for this space, if any. */
export function fromSignal(scope: string, signal: Signal): Entry | undefined {
  if (signal.type !== 'cue' && signal.type !== 'fermata') return undefined;
  const payload = signal.payload as { coherence?: unknown; entry?: unknown } | undefined;
  if (payload === undefined || payload === null || payload.coherence !== scope) return undefined;
  const entry = payload.entry as Entry | undefined;
  return typeof entry === 'object' && entry !== null && isEntry(entry) ? entry : undefined;
}

/** Anything else is ignored: applying it would damage the space for every agent. */
function isEntry(entry: Entry): boolean {
  const { agent, number, floor, op } = entry;
  if (typeof agent !== 'string' || !Number.isSafeInteger(number) || !Number.isSafeInteger(floor))
    return false;
  if (floor < 0 || number < floor) return false;
  if (op === 'publish') return Array.isArray(entry.reads) && Array.isArray(entry.writes);
  return op === 'leave' || (Object.hasOwn(INTENTS, op) && typeof (entry as KeyEntry).key === 'string');
}
