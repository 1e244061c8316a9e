/** A session: a consistent cut over several keys, and one atomic publish computed from it.
 *
 *  The cut is taken at one position of the log and needs no entry; other agents write meanwhile. The publish is one
 *  entry with the versions of everything that was read: validating only what is written would admit write skew. */
import type { Copy, ReadOf, Write } from '../../actors/coherence/index.ts';
import type { TimerId } from '../../actors/bus/clock.ts';
import { abortable } from './abort.ts';
import type { Values } from './json.ts';
import type { AgentState } from './agent-state.ts';
import { refuseWithinRecipe, type Recipe } from './compute.ts';
import { LapsedError, UnknownKeyError, UnsetError, UsageError } from './errors.ts';
import { refuseUnknown } from './known-options.ts';
import type { Slot } from './slot.ts';
import { publishAll, writeOf } from './publish.ts';

export interface SessionOptions {
  readonly signal?: AbortSignal;
  /** The cut is at least as new as the log's tip when it is asked for. */
  readonly fresh?: boolean;
  /** The session is over after this time. Default 600,000 ms. */
  readonly ttlMs?: number;
}

export class Session<V extends Values> {
  /** The position of the cut. */
  readonly at: number;
  readonly #agent: AgentState;
  readonly #slots: ReadonlyMap<string, Slot>;
  readonly #cut = new Map<string, Copy>();
  readonly #reads = new Set<string>();
  readonly #writes = new Map<string, Write>();
  readonly #timer: TimerId;
  #over: string | undefined;

  private constructor(agent: AgentState, slots: ReadonlyMap<string, Slot>, ttlMs: number) {
    this.#agent = agent;
    this.#slots = slots;
    const { replica, clock } = agent.space;
    this.at = replica.applied;
    for (const [key, { line }] of slots)
      this.#cut.set(key, { value: line.cell.value, version: line.cell.version });
    this.#timer = clock.setTimeout(() => (this.#over ??= `lapsed after ${ttlMs} ms`), ttlMs);
    (this.#timer as { unref?: () => void }).unref?.();
  }
  static async begin<V extends Values>(
    agent: AgentState,
    keys: readonly string[] | undefined,
    options: SessionOptions,
  ): Promise<Session<V>> {
    refuseUnknown('session', options, ['signal', 'fresh', 'ttlMs']);
    const { signal, fresh, ttlMs = 600_000 } = options;
    if (!(ttlMs >= 0 && ttlMs < 2 ** 31))
      throw new UsageError(`session: ttlMs must be 0 … 2^31 − 1, not ${ttlMs}.`);
    agent.refuseClosed();
    if (agent.arriving !== undefined) await abortable(agent.arriving, agent.whileOpen(signal));
    if (fresh === true) await abortable(agent.space.replica.fresh(), agent.whileOpen(signal));
    signal?.throwIfAborted();
    const names = keys ?? [...agent.space.schemas.keys()];
    return new Session<V>(agent, new Map(names.map((key) => [key, agent.slot(key)])), ttlMs);
  }

  /** The value in the cut, or what this session wrote over it.
   *  @throws {LapsedError | UnknownKeyError | UnsetError} */
  read<K extends keyof V & string>(key: K): V[K] {
    refuseWithinRecipe(key);
    return this.#read(key) as V[K];
  }
  #read(key: string): unknown {
    const cut = this.#look(key);
    const written = this.#writes.get(key);
    if (written !== undefined) return written.value;
    if (cut.value === undefined) throw new UnsetError(key);
    this.#reads.add(key);
    return this.#slot(key).deliver(cut);
  }
  /** The version in the cut. */
  version(key: keyof V & string): number {
    return this.#look(key).version;
  }

  /** Notes a write. No agent sees it before `publish`.
   *  @throws {RecipeError | SchemaError | LapsedError} */
  write<K extends keyof V & string>(key: K, change: V[K] | Recipe<V[K]>): Promise<void> {
    refuseWithinRecipe(key);
    return this.#write(key, change);
  }
  async #write(key: string, change: unknown): Promise<void> {
    const { version } = this.#look(key);
    for (;;) {
      const before = this.#writes.get(key);
      const base = typeof change === 'function' ? { value: this.#read(key), version } : undefined;
      const computing = this.#slot(key).compute(change, base);
      const computed = computing instanceof Promise ? await computing : computing;
      this.#look(key);
      if (this.#writes.get(key) !== before) continue; // another write of this session came first
      const earlier = before === undefined ? [] : before.patches;
      const patches =
        earlier === undefined || computed.patches === undefined
          ? undefined
          : [...earlier, ...computed.patches];
      this.#writes.set(key, writeOf(key, version, { value: computed.value, patches }));
      return;
    }
  }

  /** Publishes all writes at once, if nothing that was read or written has changed since the cut; ends the session.
   *  @returns the new versions by key.
   *  @throws {ConflictError} naming every key that changed: nothing is written then
   *  @throws {InDoubtError} when the bus went away while the entry was on its way */
  publish(options: { signal?: AbortSignal } = {}): Promise<Readonly<Record<string, number>>> {
    for (const key of this.#writes.keys()) refuseWithinRecipe(key);
    return this.#publish(options);
  }
  async #publish({ signal }: { signal?: AbortSignal }): Promise<Readonly<Record<string, number>>> {
    this.#refuseEnded();
    signal?.throwIfAborted();
    const writes = [...this.#writes.values()].sort((a, b) => (a.key < b.key ? -1 : 1));
    for (const { key } of writes)
      if (this.#slot(key).heldByOwn())
        throw new UsageError(`'${key}' is held by this agent itself; end the hold before publish().`);
    const versions = new Map<Slot, number>();
    for (const key of new Set([...this.#reads, ...this.#writes.keys()]))
      versions.set(this.#slot(key), this.#look(key).version);
    const reads: ReadOf[] = [...this.#reads].map((key) => ({ key, version: this.#look(key).version }));
    const until = this.#agent.whileOpen(signal);
    this.#end('has been published');
    const locked: Slot[] = [];
    try {
      for (const { key } of writes) {
        const slot = this.#slot(key);
        const turn = slot.lock(until);
        if (turn !== undefined) await turn;
        locked.push(slot);
        until.throwIfAborted();
      }
      await publishAll(this.#agent, versions, reads, writes);
      return Object.fromEntries(writes.map(({ key, base }) => [key, base + 1]));
    } finally {
      for (const slot of locked) slot.unlock();
    }
  }

  /** Ends the session; nothing is written. */
  close(): void {
    this.#end('was closed');
  }
  [Symbol.dispose](): void {
    this.close();
  }
  async [Symbol.asyncDispose](): Promise<void> {
    this.close();
  }

  #slot(key: string): Slot {
    return this.#slots.get(key) as Slot;
  }
  #look(key: string): Copy {
    this.#refuseEnded();
    const cut = this.#cut.get(key);
    if (cut === undefined) throw new UnknownKeyError(key, this.#cut.keys());
    return cut;
  }
  #refuseEnded(): void {
    this.#agent.refuseClosed();
    if (this.#over !== undefined) throw new LapsedError('session', this.#over);
  }
  #end(why: string): void {
    this.#over ??= why;
    this.#agent.space.clock.clearTimeout(this.#timer);
  }
}
