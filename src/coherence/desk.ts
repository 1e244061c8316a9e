/** What an agent works at: its slots, one for each key that it has looked at, and whether it is open. */
import type { Hosted, Replica, Sender } from '../../actors/coherence/index.ts';
import { abortable } from './abort.ts';
import type { Answers } from './answers.ts';
import type { Computer } from './compute.ts';
import { ClosedAgentError, UnknownKeyError, UsageError } from './errors.ts';
import type { Hold } from './hold.ts';
import { Pages } from './pages.ts';
import { Slot, type Kept, type SlotHost } from './slot.ts';
import type { Strategy } from './strategy.ts';

/** What a space gives to its agents. */
export interface AgentHost extends SlotHost {
  readonly computer: Computer;
  readonly session: string;
  strategyFor(agent: string, key: string): Strategy;
}

/** What an agent takes along to another replica: it must not see less there. */
export interface Passport {
  readonly applied: number;
  readonly seen: Readonly<Record<string, number>>;
}

const NOTHING = new Uint8Array(0);

export class Desk {
  readonly name: string;
  readonly host: AgentHost;
  readonly replica: Replica;
  readonly sender: Sender;
  /** By key: 1 where a read is a hit. Set at the first read of a copy, gone with it: only while the line's row allows
   *  reads, so that a hit does not touch the slot. */
  fresh: Uint8Array;
  readonly answers: Answers;
  readonly slots = new Pages<Slot>();
  /** Stale copies that may still be read, as `lease` and `accessCount` have it. */
  readonly kept = new Map<Slot, Kept>();
  /** By key: where its answer and its slot are. */
  readonly places: ReadonlyMap<string, number>;
  readonly opened: Slot[] = [];
  readonly holds = new Set<Hold<unknown>>();
  readonly closing = new AbortController();
  /** Reads answered from a copy. */
  hits = 0;
  /** Why nothing will ever come of this agent again. */
  dead: Error | undefined = undefined;
  /** Until this replica has applied what the agent has seen elsewhere. */
  arriving: Promise<void> | undefined = undefined;
  readonly #seen: Readonly<Record<string, number>>;

  constructor(host: AgentHost, name: string, incarnation: string, passport: Passport | undefined) {
    this.name = name;
    this.host = host;
    this.replica = host.replica;
    this.sender = host.replica.sender(incarnation);
    this.places = host.replica.memory.places;
    this.fresh = new Uint8Array(this.places.size);
    this.answers = host.answers;
    this.#seen = passport?.seen ?? {};
    if (passport === undefined) return;
    this.arriving = host.replica.reached(passport.applied)?.then(() => void (this.arriving = undefined));
    this.arriving?.catch(() => undefined); // told to whoever waits for it
  }

  /** The slot of a key; made when it is first asked for.
   *  @throws {UnknownKeyError | ClosedAgentError} */
  slot(key: string): Slot {
    this.refuseClosed();
    const place = this.places.get(key);
    if (place === undefined) throw new UnknownKeyError(key, this.places.keys());
    const known = this.slots.get(place);
    if (known !== undefined) return known;
    const seen = Object.hasOwn(this.#seen, key) ? (this.#seen[key] as number) : 0;
    const strategy = this.host.strategyFor(this.name, key);
    const cell = this.replica.memory.cells.get(key) as Hosted;
    const slot = this.replica.line(
      this.sender.agent,
      cell,
      (...line) => new Slot(this, strategy, seen, ...line),
    );
    this.slots.set(place, slot);
    this.opened.push(slot);
    return slot;
  }
  /** The slot, locked. */
  async enter(key: string, signal: AbortSignal | undefined): Promise<Slot> {
    const slot = this.slot(key);
    signal?.throwIfAborted();
    if (this.arriving !== undefined) await abortable(this.arriving, this.whileOpen(signal));
    this.refuseClosed();
    if (slot.heldByOwn())
      throw new UsageError(`'${key}' is held by this agent itself; use the hold's write().`);
    const turn = slot.lock(this.whileOpen(signal));
    if (turn !== undefined) await turn;
    return slot;
  }
  refuseClosed(): void {
    this.closing.signal.throwIfAborted();
  }
  whileOpen(signal: AbortSignal | undefined): AbortSignal {
    return signal === undefined ? this.closing.signal : AbortSignal.any([signal, this.closing.signal]);
  }

  /** Ends what is held, gives every copy up. */
  async clear(): Promise<void> {
    await Promise.all([...this.holds].map((hold) => hold.release()));
    for (const slot of this.opened) {
      await slot.lock();
      // A line that has asked for a copy cannot evict what it does not have; memory forgets its request.
      if (slot.state === 'IS')
        this.#takeBack(slot).catch(() => undefined); // the space may leave the bus meanwhile
      else this.replica.send(slot, 'EVICT');
      slot.forget();
      slot.unlock();
      this.replica.drop(slot);
    }
    this.fresh = NOTHING; // the lines that are gone still know this desk
  }
  async #takeBack({ cell }: Slot): Promise<void> {
    if (this.dead === undefined) await this.replica.say(this.sender, { op: 'evict', key: cell.key });
  }
  /** Ends without a word, as a crash would. */
  abandon(reason?: Error): void {
    this.dead =
      reason === undefined || reason instanceof ClosedAgentError ? new ClosedAgentError(this.name) : reason;
    for (const slot of this.opened) slot.abandon();
    this.closing.abort(this.dead);
  }
}
