/** A hold: a fermata on one key. While it lasts no other agent writes the key. */
import type { Copy } from '../../actors/coherence/index.ts';
import type { AgentState } from './agent-state.ts';
import { refuseWithinRecipe, type Computed, type Recipe } from './compute.ts';
import { FencedError, LapsedError, UsageError } from './errors.ts';
import { refuseUnknown } from './known-options.ts';
import type { OwnHold, Slot } from './slot.ts';

export interface HoldOptions {
  readonly signal?: AbortSignal;
  /** While other agents wait, the hold is renewed by itself for this long; after that, the space's lease ends it.
   *  0 … 2^31 − 1 ms; default 600,000. A hold that no agent waits for has no end. */
  readonly maxMs?: number;
}

export class Hold<T> implements OwnHold {
  readonly key: string;
  readonly version: number;
  readonly #agent: AgentState;
  readonly #slot: Slot;
  readonly #copy: Copy;
  readonly #maxMs: number;
  #until: number;
  #over = false;
  #forfeited = false;

  private constructor(agent: AgentState, slot: Slot, copy: Copy, maxMs: number) {
    this.#agent = agent;
    this.#slot = slot;
    this.#copy = copy;
    this.#maxMs = maxMs;
    this.#until = agent.space.clock.now() + maxMs;
    this.key = slot.key;
    this.version = copy.version;
    agent.holds.add(this);
  }
  /** Takes a key. Other tasks of the same agent that want it meanwhile are refused.
   *  @param queue they wait instead. */
  static async take<T>(
    agent: AgentState,
    key: string,
    options: HoldOptions,
    { queue = false }: { queue?: boolean } = {},
  ): Promise<Hold<T>> {
    refuseUnknown('hold', options, ['signal', 'maxMs']);
    const { signal, maxMs = 600_000 } = options;
    if (!(maxMs >= 0 && maxMs < 2 ** 31))
      throw new UsageError(`hold: maxMs must be 0 … 2^31 − 1, not ${maxMs}.`);
    const slot = await agent.enter(key, signal);
    try {
      const hold = new Hold<T>(agent, slot, await acquire(slot, agent.whileOpen(signal)), maxMs);
      if (!queue) slot.hold = hold;
      return hold;
    } catch (error) {
      slot.unlock();
      throw error;
    }
  }

  /** What is current while the hold lasts. Reading it is charged, once. */
  get value(): T {
    return this.#slot.deliver(this.#copy) as T;
  }
  /** Whether the lease ran out, as far as this replica knows. */
  get fenced(): boolean {
    return this.#forfeited || (!this.#over && this.#slot.fenced);
  }
  get renewed(): boolean {
    return this.#agent.space.clock.now() < this.#until;
  }

  /** Writes, and ends the hold. A recipe that throws ends nothing.
   *  @throws {FencedError} when the hold was reclaimed: the late write is refused.
   *  @throws {LapsedError} when it has ended */
  write(change: T | Recipe<T>): Promise<number> {
    refuseWithinRecipe(this.key);
    return this.#write(change);
  }
  async #write(change: T | Recipe<T>): Promise<number> {
    this.#refuseEnded();
    const computing = this.#slot.compute(change, this.#copy);
    const computed = computing instanceof Promise ? await computing : computing;
    this.#refuseEnded();
    this.#over = true; // a second write, or a release meanwhile, must not unlock the slot again
    try {
      return await putHeld(this.#slot, this.#copy, computed);
    } finally {
      this.#end();
    }
  }
  /** Begins `maxMs` and the lease again. Needed only by holds that last longer than `maxMs`.
   *  @throws {FencedError} when it is too late */
  async renew(): Promise<void> {
    this.#refuseEnded();
    const { epoch } = this.#slot.line;
    const { outcome } = await this.#slot.replica.ask(this.#agent.sender, {
      op: 'renew',
      key: this.key,
      epoch,
    });
    if (outcome !== 'granted') throw new FencedError(this.key);
    this.#until = this.#agent.space.clock.now() + this.#maxMs;
  }
  /** Another task of the agent needs the slot, and the hold was reclaimed. */
  forfeit(): void {
    this.#over = true;
    this.#forfeited = true;
    this.#end();
  }
  /** Gives the key back unchanged. */
  async release(): Promise<void> {
    if (this.#over) return;
    this.#over = true;
    this.#end();
  }
  [Symbol.asyncDispose](): Promise<void> {
    return this.release();
  }

  #refuseEnded(): void {
    if (this.#forfeited) throw new FencedError(this.key);
    if (this.#over) throw new LapsedError('hold', `on '${this.key}' has ended`);
  }
  #end(): void {
    this.#slot.hold = undefined;
    this.#agent.holds.delete(this);
    this.#slot.unlock();
  }
}

/** Holds on several keys, taken in one fixed order, so that two agents that want the same keys cannot block each
 *  other. */
export class HoldSet<V extends Record<string, unknown>> {
  readonly #holds: ReadonlyMap<string, Hold<unknown>>;

  private constructor(holds: ReadonlyMap<string, Hold<unknown>>) {
    this.#holds = holds;
  }
  static async take<V extends Record<string, unknown>>(
    agent: AgentState,
    keys: readonly string[],
    options: HoldOptions,
  ): Promise<HoldSet<V>> {
    const holds = new Map<string, Hold<unknown>>();
    const set = new HoldSet<V>(holds);
    try {
      for (const key of [...new Set(keys)].sort()) holds.set(key, await Hold.take(agent, key, options));
      return set;
    } catch (error) {
      await set.release();
      throw error;
    }
  }
  /** The hold on one of the keys. */
  get<K extends keyof V & string>(key: K): Hold<V[K]> {
    const hold = this.#holds.get(key);
    if (hold === undefined) throw new UsageError(`'${key}' is not one of the keys that are held here.`);
    return hold as Hold<V[K]>;
  }
  /** Gives back every key that has not been written. */
  async release(): Promise<void> {
    await Promise.all([...this.#holds.values()].map((hold) => hold.release()));
  }
  [Symbol.asyncDispose](): Promise<void> {
    return this.release();
  }
}

/** Takes the key and keeps it: a fermata. Under the slot's lock. */
async function acquire(slot: Slot, signal: AbortSignal): Promise<Copy> {
  const { line, replica } = slot;
  slot.begin();
  for (;;) {
    slot.refuseEnded();
    signal.throwIfAborted();
    const { state } = line;
    if (state === 'M') {
      slot.fenced = false;
      return { value: line.value, version: line.version };
    }
    if (state === 'I' || state === 'S' || state === 'E') replica.send(line, 'HOLD');
    slot.refuseEnded(); // the request may have closed a circle of waits at once
    if (line.state !== 'M') await slot.changed(signal);
  }
}

/** Writes what was computed under a hold, which ends.
 *  @throws {FencedError} when the hold was reclaimed, here or on the way. */
async function putHeld(slot: Slot, base: Copy, computed: Computed): Promise<number> {
  const { line, replica } = slot;
  if (slot.fenced || line.state !== 'M') throw new FencedError(slot.key);
  slot.accepted = -1;
  replica.store(line, { value: computed.value, base: base.version, patches: computed.patches });
  while (slot.accepted < 0) {
    slot.refuseEnded();
    if (slot.fenced) throw new FencedError(slot.key);
    await slot.changed();
  }
  return slot.accepted;
}
