/** The format of a trace: one JSON object per line, each a message of Stately's inspection protocol.
 *
 *  Source: `@statelyai/inspect` 0.7.2, `StatelyInspectionEvent`. Additions of tutti are inside snapshots, events
 *  and a few further fields, never in other types of message: so every reader of the protocol accepts every line.
 *  The guide is `docs/guides/trace-format.md`. This file imports nothing and runs anywhere. */

/** Which `@statelyai/inspect` the messages are written for. */
export const INSPECT_VERSION = '0.7.2';
/** The version of tutti's additions; a reader of version 1 ignores additions of later versions. */
export const TRACE_VERSION = 1;
/** The actor that describes the trace itself: it is in the first and the last line. */
export const TRACE_SESSION = 'tutti:trace';

/** What is in every message. */
export interface MessageBase {
  /** The actor that it is about; unique in the file. */
  readonly sessionId: string;
  /** The root of the actor's system. */
  readonly rootId: string;
  /** Counts messages from 1, left-out ones included: a gap is something left out. */
  readonly id: string;
  /** Milliseconds since the epoch, with a fraction; of a virtual clock, since its start. */
  readonly createdAt: string;
  readonly _version: string;
}
/** A snapshot as it is shown: large contexts are digests, see `Digest`. */
export interface ShownSnapshot {
  readonly status?: 'active' | 'done' | 'error' | 'stopped';
  readonly value?: unknown;
  readonly context?: unknown;
  readonly output?: unknown;
  readonly error?: unknown;
}
export interface ShownEvent {
  readonly type: string;
  readonly [field: string]: unknown;
}
/** An actor has been made. */
export interface ActorMessage extends MessageBase {
  readonly type: '@xstate.actor';
  readonly name: string;
  readonly parentId?: string;
  readonly snapshot: ShownSnapshot;
  /** The machine's configuration as JSON. In a file only the first actor of a machine has it. */
  readonly definition?: string;
  /** Counts machines from 0 in the order of their first actors: actors of one number share that definition. */
  readonly machine?: number;
}
/** An actor was sent an event. */
export interface EventMessage extends MessageBase {
  readonly type: '@xstate.event';
  readonly sourceId?: string;
  readonly event: ShownEvent;
}
/** An actor has taken an event, and is in this state now. */
export interface SnapshotMessage extends MessageBase {
  readonly type: '@xstate.snapshot';
  readonly event: ShownEvent;
  readonly snapshot: ShownSnapshot;
}
export type TraceMessage = ActorMessage | EventMessage | SnapshotMessage;

/** What stands for a value that is too large to be shown: two of equal digest and size are taken to be equal. */
export interface Digest {
  readonly $digest: string;
  readonly $type: 'string' | 'array' | 'object' | 'binary' | 'map' | 'set';
  /** Characters, items, keys or bytes. */
  readonly $size: number;
  /** How it begins. */
  readonly $head?: unknown;
}

/** What bounds a trace; stated in its first line. */
export interface TraceLimits {
  /** Messages that are kept, all of them; beyond, whole steps are sampled: 1 of 2, and at each doubling half of those.
   *  Faults, and all messages that are not part of the life of a step, are kept. */
  readonly messages: number;
  /** Actors; further ones are not recorded. */
  readonly actors: number;
  /** Characters of one string. */
  readonly string: number;
  /** Characters of one context, payload or value. */
  readonly value: number;
  readonly depth: number;
  /** Messages that may wait to be written; what comes while so many wait is left out. */
  readonly waiting: number;
}
export const TRACE_LIMITS: TraceLimits = {
  messages: 200_000,
  actors: 100_000,
  string: 256,
  value: 2_048,
  depth: 6,
  waiting: 131_072,
};

/** The context of the first line. */
export interface TraceHeader {
  readonly format: 'tutti.trace';
  readonly version: number;
  readonly clock: 'real' | 'virtual';
  readonly limits: TraceLimits;
}
/** Why messages are missing. */
export type LeftOut = Readonly<Record<'sampled' | 'slow' | 'actors', number>>;
/** An event of `tutti:trace`, where something was left out. */
export type LeftOutEvent = { readonly type: 'tutti.leftOut' } & (
  | { readonly why: 'sampled'; /** One in so many from here on. */ readonly keeps: number }
  | { readonly why: 'slow'; readonly messages: number }
  | { readonly why: 'actors'; readonly limit: number }
  /** In a live feed, to a late reader: so many characters are no longer kept. */
  | { readonly why: 'history'; readonly characters: number }
);
/** The context of the last line, whose status is `done`. A trace without one was cut off. */
export interface TraceFooter {
  /** Messages in the file. */
  readonly messages: number;
  readonly leftOut: LeftOut;
  /** Steps whose result was a fault, and actors that ended in an error. */
  readonly faults: number;
}

// ── events of the actor `run:<runId>`, one per performance

/** A performance begins: stations, units and conductor are children of the actor whose name is `runId`. */
export interface RunMessage extends ShownEvent {
  readonly type: 'tutti.run';
  readonly runId: string;
  readonly score: string;
  readonly steps: number;
}
/** A step after renaming. Its place in the program is the tag of its result. */
export interface ProgramStep {
  readonly id: string;
  readonly agent: string;
  /** The name that it writes, where that is not its id. */
  readonly writes?: string;
  /** Nothing from here on was issued before everything above had settled. */
  readonly downbeat?: boolean;
  /** The tags that it reads or comes after, in order and without repetition; −1 is the input. */
  readonly reads: readonly number[];
}
/** Some of the program's steps, in order; `from` is the tag of the first. */
export interface ProgramEvent extends ShownEvent {
  readonly type: 'tutti.program';
  readonly from: number;
  readonly steps: readonly ProgramStep[];
}
/** What one call of a model took; each is to be added up. */
export interface UsageEvent extends ShownEvent {
  readonly type: 'tutti.usage';
  readonly stepId: string;
  readonly model: string;
  readonly inputTokens: number;
  readonly outputTokens: number;
  readonly usd?: number;
  /** The provider said nothing, and this is the upper bound. */
  readonly estimated?: true;
  readonly failed?: true;
}
export interface EndedEvent extends ShownEvent {
  readonly type: 'tutti.ended';
  readonly status: 'completed' | 'failed' | 'cancelled' | 'held';
  readonly makespan: number;
  readonly calls: number;
  readonly retries: number;
  readonly stalls: number;
  readonly errors: readonly string[];
}

// ── events of the actors `bus:<n>`, one per bus

/** Fields of every signal on the bus. */
interface SignalEvent extends ShownEvent {
  /** Its position on the bus: 1, 2, 3 … */
  readonly seq: number;
  readonly runId: string;
}
/** A result or a fault. `tag` is a place in the program of `runId`. */
export interface PulseEvent extends SignalEvent {
  readonly type: 'pulse';
  readonly tag: number | string;
  readonly value?: unknown;
  readonly fault?: { readonly name: string; readonly message: string; readonly stepId?: string };
}
/** One of HCT's signals. */
export interface HctEvent extends SignalEvent {
  readonly type: 'cue' | 'fermata' | 'attacca' | 'vamp' | 'caesura' | 'tacet' | 'downbeat';
  readonly source: string;
  readonly targets: readonly string[];
  readonly intent?: string;
  readonly key?: string;
  readonly payload?: unknown;
  /** Where the signal is an entry of shared state: the entry, and memory's state after it. */
  readonly coherence?: CoherenceEntry;
}
export interface CoherenceEntry {
  /** The name of the space. */
  readonly scope: string;
  readonly op:
    | ('gets' | 'getm' | 'wait' | 'put' | 'cas' | 'publish' | 'release' | 'reclaim' | 'renew' | 'evict')
    | ('define' | 'leave');
  /** The sender, with its session and ordinal: `planner@4f1c.1`. */
  readonly agent: string;
  readonly number: number;
  /** The version that a write replaces. */
  readonly base?: number;
  readonly epoch?: number;
  readonly keys: readonly string[];
  /** Of each key in `keys`. */
  readonly after: readonly CellState[];
}
export interface CellState {
  readonly version: number;
  readonly epoch: number;
  readonly owner?: string;
  readonly held: boolean;
  /** How many wait for ownership. */
  readonly queued: number;
}

/** What is added to the context of a cache line (actors named `line:<agent>/<key>`). */
export interface TracedLine extends CellState {
  readonly agent: string;
  readonly key: string;
  /** The version of the line's own copy, −1 without one. */
  readonly copyVersion: number;
}
/** What is added to the context of a governor. */
export interface GovernorContext {
  readonly point: { readonly tempo: string; readonly dynamics: string };
}
