/** One cache line: XState's actor of an agent and a key, and what it must remember between two events.
 *
 *  Owns:     the actor, and the copy.
 *  Receives: what the bus did to its key, and what its agent wants.
 *  Sends:    entries, through its replica.
 *
 *  The machine decides; this file gives its actions their meaning. */
import { createActor, type Actor, type AnyActorRef } from 'xstate';
import {
  cacheLine,
  type CacheLineMachine,
  type LineEvent,
  type ReaderPolicy,
} from '../../machines/coherence/cache-line.ts';
import { compile, type CompiledLogic } from '../../machines/table/compile.ts';
import type { Cell } from './cell.ts';
import type { Patch, Unsent } from './entry.ts';
import { Later } from './later.ts';

export type LineLogic = CompiledLogic<CacheLineMachine>;
export type LineState = 'I' | 'S' | 'E' | 'M' | 'IS' | 'IM' | 'SM' | 'MP';

/** A value and the version that it has. */
export interface Copy {
  readonly value: unknown;
  readonly version: number;
}
/** What a STORE puts. */
export interface PendingStore {
  readonly value: unknown;
  readonly base: number;
  readonly patches: readonly Patch[] | undefined;
}

/** Receives what happens to a line: the agent that reads and writes through it. */
export interface LineClient {
  /** Whether the agent holds the key and is at work with it. */
  readonly working: boolean;
  /** There is a copy now, or another one; `own` when the agent wrote it itself. */
  filled(own: boolean): void;
  /** The copy went stale because another agent wrote, or is about to. */
  dropped(): void;
  /** The state has changed in another way. */
  moved(): void;
  /** Ownership was reclaimed, or a write refused. */
  lost(): void;
  /** The agent waits for a key in a circle of waits. */
  deadlocked(keys: readonly string[]): void;
}

/** Appends the entries of a line's agent. */
export interface EntrySender {
  readonly agent: string;
  send(unsent: Unsent): void;
}

/** What the lines of one replica have in common. */
export interface LineOptions {
  readonly logic: LineLogic;
  readonly readers: ReaderPolicy;
  /** The actor of the space, whose system the line's actor belongs to. */
  readonly parent: AnyActorRef;
}

export class Line {
  readonly cell: Cell;
  readonly sender: EntrySender;
  readonly actor: Actor<LineLogic>;
  client: LineClient | undefined;
  /** The state of the actor after its last event, and whether reads hit there. */
  state: LineState = 'I';
  readable = false;
  /** The copy, while it is readable. */
  value: unknown = undefined;
  version = -1;
  /** The epoch of this line's ownership, as its replica applied it. */
  epoch = -1;
  /** What the next STORE puts. */
  pending: PendingStore | undefined;
  #reads: Later<Copy>[] = [];

  constructor(sender: EntrySender, cell: Cell, { logic, readers, parent }: LineOptions) {
    this.sender = sender;
    this.cell = cell;
    const id = `line:${sender.agent}/${cell.key}`;
    this.actor = createActor(logic, { parent, id, input: { readers } }) as Actor<LineLogic>;
    this.actor.start();
  }

  get agent(): string {
    return this.sender.agent;
  }
  /** Sends an event to the actor. */
  take(event: LineEvent['type']): void {
    this.actor.send((EVENTS[event] ??= { type: event }));
    const { value, context } = this.actor.getSnapshot();
    this.state = value as LineState;
    this.readable = READABLE.has(this.state) || (this.state === 'MP' && context.copy);
  }
  /** Ends the actor. */
  stop(): void {
    this.actor.send({ type: 'xstate.stop' } as never);
  }

  /** Waits for a copy; settled at the very entry that brings it, even if the next entry takes it away. */
  whenFilled(): Later<Copy> {
    const filling = new Later<Copy>();
    this.#reads.push(filling);
    return filling;
  }
  /** Whether a read waits for a copy. */
  get awaited(): boolean {
    return this.#reads.length > 0;
  }
  failReads(why: Error): void {
    const reads = this.#reads;
    this.#reads = [];
    for (const filling of reads) filling.fail(why);
  }

  // ── the machine's actions
  fill(own = false): void {
    const { cell } = this;
    this.value = cell.value;
    this.version = cell.version;
    this.epoch = cell.epoch;
    if (this.#reads.length > 0) {
      const reads = this.#reads;
      this.#reads = [];
      const copy = { value: this.value, version: this.version };
      for (const filling of reads) filling.settle(copy);
    }
    this.client?.filled(own);
  }
  granted(): void {
    this.epoch = this.cell.epoch;
    this.client?.moved();
  }
}

/** Receives what lines ask for. */
export interface LineHost {
  /** The lines, by the actor that a machine's action is called with. */
  readonly lines: ReadonlyMap<unknown, Line>;
  /** An entry about the line's key. */
  request(line: Line, op: 'gets' | 'getm' | 'release' | 'evict'): void;
  /** The entry that writes what is pending. */
  put(line: Line): void;
  /** The machine received an event that it calls impossible. */
  protest(): void;
}

let compiled: LineLogic | undefined;

/** The cache line's machine, compiled once, with its actions bound to the lines of one replica. */
export function lineLogic(host: LineHost): LineLogic {
  type Act = (line: Line) => void;
  const bind =
    (act: Act) =>
    ({ self }: { self: unknown }) =>
      act(host.lines.get(self) as Line);
  compiled ??= compile(cacheLine);
  return compiled.provide({
    actions: {
      requestShared: bind((line) => host.request(line, 'gets')),
      requestModified: bind((line) => host.request(line, 'getm')),
      release: bind((line) => host.request(line, 'release')),
      evict: bind((line) => host.request(line, 'evict')),
      put: bind((line) => host.put(line)),
      fill: bind((line) => line.fill()),
      drop: bind((line) => line.client?.dropped()),
      granted: bind((line) => line.granted()),
      done: bind((line) => line.fill(true)),
      lost: bind((line) => line.client?.lost()),
      impossible: () => host.protest(),
    },
  });
}

/** The states in which reads hit; in MP they do while the copy that the write replaces is good. A test compares this with
 *  the machine. */
const READABLE: ReadonlySet<LineState> = new Set(['S', 'E', 'M', 'SM']);

/** One object for each event, shared by all lines. */
const EVENTS: Partial<Record<LineEvent['type'], LineEvent>> = {};
