/** What one agent has: its slots, its holds, and whether it is open. */
import { agentId, type Sender } from '../../actors/coherence/index.ts';
import { abortable } from './abort.ts';
import { ClosedAgentError, UnknownKeyError, UsageError } from './errors.ts';
import { Slot } from './slot.ts';
import type { AgentSpace, Passport } from './space.ts';

export class AgentState {
  readonly name: string;
  readonly space: AgentSpace;
  readonly sender: Sender;
  /** By key: what the agent has touched. */
  readonly slots = new Map<string, Slot>();
  /** By key: its place in `answers` and `values`; the same for every agent. */
  readonly places: ReadonlyMap<string, number>;
  /** While reads hit: a promise of the copy, and the copy. A hit looks at nothing else. */
  readonly answers: (Promise<unknown> | undefined)[] = [];
  readonly values: unknown[] = [];
  readonly holds = new Set<{ release(): Promise<void> }>();
  readonly #closing = new AbortController();
  /** Reads answered from a copy. */
  hits = 0;
  /** Until this replica has applied what the agent has seen elsewhere, and what was on the bus before. */
  arriving: Promise<void> | undefined;
  readonly #seen: Readonly<Record<string, number>>;
  #abandoned: Error | undefined;

  constructor(space: AgentSpace, name: string, ordinal: number, passport: Passport | undefined) {
    this.name = name;
    this.space = space;
    const { replica } = space;
    this.places = replica.memory.places;
    this.sender = replica.sender(agentId(name, replica.session, ordinal));
    this.#seen = passport?.seen ?? {};
    if (replica.joined && passport === undefined) return;
    this.arriving = replica.ready
      .then(() => replica.reached(passport?.applied ?? 0))
      .then(() => void (this.arriving = undefined));
    this.arriving.catch(() => undefined); // every call reports it
  }

  /** The slot of a key; its line is spawned when the agent first touches the key.
   *  @throws {UnknownKeyError | ClosedAgentError} */
  slot(key: string): Slot {
    this.refuseClosed();
    const known = this.slots.get(key);
    if (known !== undefined) return known;
    const { replica, schemas } = this.space;
    const [schema, cell] = [schemas.get(key), replica.memory.cells.get(key)];
    if (schema === undefined || cell === undefined) throw new UnknownKeyError(key, schemas.keys());
    const line = replica.line(this.sender.agent, cell);
    const seen = Object.hasOwn(this.#seen, key) ? (this.#seen[key] as number) : 0;
    const { byAgent, byKey, all } = this.space.strategies;
    const strategy = byAgent.get(this.name) ?? byKey.get(key) ?? all;
    const slot = new Slot(this, line, schema, strategy, seen);
    this.slots.set(key, slot);
    return slot;
  }
  /** The slot, locked: at once unless another task of this agent is at work with the key.
   *  @throws {UsageError} when the agent holds the key itself. */
  enter(key: string, signal: AbortSignal | undefined): Slot | Promise<Slot> {
    const slot = this.slot(key);
    signal?.throwIfAborted();
    const until = this.whileOpen(signal);
    if (this.arriving !== undefined)
      return abortable(this.arriving, until).then(() => this.enter(key, signal));
    if (slot.heldByOwn())
      throw new UsageError(`'${key}' is held by this agent itself; use the hold's write().`);
    const turn = slot.lock(until);
    return turn === undefined ? slot : turn.then(() => slot);
  }
  /** Why nothing will come of this agent any more: it ended without giving back what it had, or the bus is gone. */
  get dead(): Error | undefined {
    return this.#abandoned ?? this.space.replica.left;
  }
  get closed(): boolean {
    return this.#closing.signal.aborted;
  }
  refuseClosed(): void {
    this.#closing.signal.throwIfAborted();
  }
  /** Aborts with the given signal, or when the agent closes. */
  whileOpen(signal: AbortSignal | undefined): AbortSignal {
    return signal === undefined ? this.#closing.signal : AbortSignal.any([signal, this.#closing.signal]);
  }

  /** What is waited for from now on is refused. */
  stopWaiting(): void {
    this.#closing.abort(new ClosedAgentError(this.name));
  }
  /** Ends without a word, as a crash would. */
  abandon(reason?: Error): void {
    this.#abandoned ??=
      reason === undefined || reason instanceof ClosedAgentError ? new ClosedAgentError(this.name) : reason;
    for (const slot of this.slots.values()) {
      slot.forget();
      slot.moved();
    }
    this.#closing.abort(this.#abandoned);
  }
}
