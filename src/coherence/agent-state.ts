/** What one agent has: its slots, its holds, and whether it is open. */
import { agentId, type Replica, type Sender } from '../../actors/coherence/index.ts';
import type { Clock } from '../../actors/bus/clock.ts';
import type { Schema } from '../score/schema.ts';
import { abortable } from './abort.ts';
import { ClosedAgentError, UnknownKeyError, UsageError } from './errors.ts';
import type { TokenLedger } from './ledger.ts';
import { Slot } from './slot.ts';
import type { Strategy } from './strategy.ts';

/** What happened in a space, for a report. */
export interface Counts {
  /** Reads that fetched. */
  misses: number;
  /** Reads of a copy that was no longer current, within the strategy's bound. */
  staleHits: number;
  invalidations: number;
  writes: number;
  conflicts: number;
}

/** What a space gives to its agents. */
export interface Space {
  readonly replica: Replica;
  readonly schemas: ReadonlyMap<string, Schema>;
  readonly ledger: TokenLedger | undefined;
  readonly clock: Clock;
  readonly delta: boolean;
  readonly counts: Counts;
  strategyFor(agent: string, key: string): Strategy;
}

/** What an agent takes along to another replica: it must not see less there. */
export interface Passport {
  readonly applied: number;
  readonly seen: Readonly<Record<string, number>>;
}

export class AgentState {
  readonly name: string;
  readonly space: Space;
  readonly sender: Sender;
  /** By key: what the agent has touched. */
  readonly slots = new Map<string, Slot>();
  readonly holds = new Set<{ release(): Promise<void> }>();
  readonly #closing = new AbortController();
  /** Reads answered from a copy. */
  hits = 0;
  /** Until this replica has applied what the agent has seen elsewhere, and what was on the bus before. */
  arriving: Promise<void> | undefined;
  readonly #seen: Readonly<Record<string, number>>;
  #abandoned: Error | undefined;

  constructor(space: Space, name: string, ordinal: number, passport: Passport | undefined) {
    this.name = name;
    this.space = space;
    const { replica } = space;
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
    const slot = new Slot({
      agent: this,
      schema,
      line: replica.line(this.sender.agent, cell),
      strategy: this.space.strategyFor(this.name, key),
      seen: Object.hasOwn(this.#seen, key) ? (this.#seen[key] as number) : 0,
    });
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

  /** Ends what is held, gives every copy back, and leaves. Settles also when the bus goes away meanwhile. */
  async close(): Promise<void> {
    this.#closing.abort(new ClosedAgentError(this.name));
    await Promise.all([...this.holds].map((hold) => hold.release()));
    const { replica } = this.space;
    const touched = this.slots.size > 0;
    for (const slot of this.slots.values()) {
      await slot.lock();
      // A line that waits for a copy has nothing to evict; memory forgets its request.
      if (slot.line.state === 'IS' && this.dead === undefined)
        this.sender.send({ op: 'evict', key: slot.key });
      else replica.send(slot.line, 'EVICT');
      slot.forget();
      slot.unlock();
    }
    if (this.dead !== undefined) return;
    if (touched) this.sender.send({ op: 'leave' });
    replica.forget(this.sender);
    this.slots.clear();
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
