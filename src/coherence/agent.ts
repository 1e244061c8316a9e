/** An agent's view of shared state. */
import { abortable } from './abort.ts';
import { change, changeNow, compareAndSet, type WriteOptions } from './changing.ts';
import type { Recipe } from './compute.ts';
import { Desk, type Passport } from './desk.ts';
import { ClosedAgentError } from './errors.ts';
import { Hold } from './hold.ts';
import { peek, read, readCopy, readNow, type ReadOptions } from './reading.ts';
import { retry, type RetryOptions } from './retry.ts';
import { Session, type SessionOptions } from './session.ts';

/** The values by key. */
export type Values = Record<string, unknown>;

export class SharedAgent<V extends Values> {
  readonly name: string;
  readonly #desk: Desk;
  readonly #left: (agent: SharedAgent<V>) => void;

  constructor(desk: Desk, left: (agent: SharedAgent<V>) => void) {
    this.name = desk.name;
    this.#desk = desk;
    this.#left = left;
  }

  /** Reads. A hit is local: no event, no entry, no hash; the promise of the copy is made once.
   *  @throws {UnknownKeyError | UnsetError | ClosedAgentError} */
  read<K extends keyof V & string>(key: K, options?: ReadOptions): Promise<V[K]> {
    const desk = this.#desk;
    const place = desk.places.get(key);
    if (options === undefined && place !== undefined) {
      if (desk.fresh[place] === 1) {
        desk.hits++;
        return desk.answers.promise(place) as Promise<V[K]>;
      }
      const now = readNow(desk, desk.slots.get(place));
      if (now !== undefined) return now as Promise<V[K]>;
    }
    return read(desk, key, options) as Promise<V[K]>;
  }

  /** Reads, and says which version it is: what `compareAndSet` and `expect` want to know.
   *  @throws {UnknownKeyError | UnsetError | ClosedAgentError} */
  async copy<K extends keyof V & string>(
    key: K,
    options?: ReadOptions,
  ): Promise<{ readonly value: V[K]; readonly version: number }> {
    const { value, version } = await readCopy(this.#desk, key, options);
    return { value: value as V[K], version };
  }

  /** The copy, if there is one: synchronous, and never a request. */
  peek<K extends keyof V & string>(key: K): V[K] | undefined {
    const desk = this.#desk;
    const place = desk.places.get(key);
    if (place === undefined || desk.fresh[place] !== 1) return peek(desk, key) as V[K] | undefined;
    desk.hits++;
    return desk.answers.value(place) as V[K];
  }

  /** Whether this agent has a current copy. Asks nobody and counts nothing. */
  has(key: keyof V & string): boolean {
    return this.#desk.arriving === undefined && this.#desk.slot(key).readable;
  }

  /** The version that this agent last read or wrote; 0 before the first. */
  version(key: keyof V & string): number {
    return this.#desk.slot(key).seen;
  }

  /** Writes: a recipe changes a draft of what is current; a whole value replaces it without being fetched first.
   *  @returns the new version, when this agent's replica has applied it.
   *  @throws {ConflictError | RecipeError | SchemaError | UnknownKeyError | ClosedAgentError}
   *  @throws {NestedWriteError} at once, within a recipe */
  write<K extends keyof V & string>(
    key: K,
    given: V[K] | Recipe<V[K]>,
    options?: WriteOptions,
  ): Promise<number> {
    const desk = this.#desk;
    desk.host.computer.refuseWithinRecipe(key);
    if (options === undefined && typeof given === 'function') {
      const place = desk.places.get(key);
      const slot = place === undefined ? undefined : desk.slots.get(place);
      const open = desk.arriving === undefined && !desk.closing.signal.aborted;
      if (slot !== undefined && open && slot.tryLock()) return changeNow(desk, slot, given as Recipe<never>);
    }
    return change(desk, key, given, options ?? {});
  }

  /** Writes if `expected` is the current version: one entry, which does not queue.
   *  @throws {ConflictError} when it is not, or when another agent holds the key */
  compareAndSet<K extends keyof V & string>(
    key: K,
    expected: number,
    given: V[K] | Recipe<V[K]>,
    { signal }: { signal?: AbortSignal } = {},
  ): Promise<number> {
    this.#desk.host.computer.refuseWithinRecipe(key);
    return compareAndSet(this.#desk, key, expected, given, signal);
  }

  /** Reads, computes for as long as it takes, and writes if nobody else has; else again, up to a bound.
   *  @throws {RetryError} after that */
  async update<K extends keyof V & string>(
    key: K,
    compute: (value: V[K]) => V[K] | Promise<V[K]>,
    options: RetryOptions = {},
  ): Promise<number> {
    const { signal } = options;
    const attempt = async () => {
      // The version of this very value: what the agent last saw may be newer by the time this goes on.
      const { value, version } = await this.copy(key, signal === undefined ? {} : { signal });
      const next = await compute(value);
      return this.compareAndSet(key, version, next, signal === undefined ? {} : { signal });
    };
    return retry(attempt, { clock: this.#desk.host.clock, ...options });
  }

  /** Holds a key: a fermata. Other writers queue; readers wait or go on, as the space says. End it with `release`,
   *  `write`, or `await using`; else its lease does.
   *  @example
   *  ```ts
   *  await using hold = await writer.hold('draft');
   *  await hold.write(await improve(hold.value));
   *  ``` */
  async hold<K extends keyof V & string>(
    key: K,
    { signal }: { signal?: AbortSignal } = {},
  ): Promise<Hold<V[K]>> {
    const { host, holds } = this.#desk;
    const slot = await this.#desk.enter(key, signal);
    try {
      const hold = await Hold.take<V[K]>(host, slot, this.#desk.whileOpen(signal), () =>
        holds.delete(hold as Hold<unknown>),
      );
      holds.add(hold as Hold<unknown>);
      return hold;
    } catch (error) {
      slot.unlock();
      throw error;
    }
  }

  /** A consistent cut of several keys (all, unless told), and one atomic publish computed from it.
   *  @throws {UnknownKeyError | ClosedAgentError} */
  async session<K extends keyof V & string>(
    keys?: readonly K[],
    options: SessionOptions = {},
  ): Promise<Session<Pick<V, K>>> {
    const desk = this.#desk;
    desk.refuseClosed();
    const { replica, arriving } = desk;
    if (arriving !== undefined) await abortable(arriving, options.signal);
    if (options.fresh === true)
      await abortable(Promise.resolve(replica.reached(replica.tip)), options.signal);
    options.signal?.throwIfAborted();
    const names = keys ?? ([...desk.places.keys()] as K[]);
    const slots = new Map(names.map((key) => [key as string, desk.slot(key)]));
    return new Session<Pick<V, K>>(desk.host, desk.sender, slots, options, desk.closing.signal);
  }

  /** Gives the copy of a key up; the next read fetches it. */
  async evict(key: keyof V & string, { signal }: { signal?: AbortSignal } = {}): Promise<void> {
    const slot = await this.#desk.enter(key, signal);
    try {
      while (slot.state === 'IS') await slot.changed(this.#desk.whileOpen(signal));
      this.#desk.replica.send(slot, 'EVICT');
      slot.forget();
      slot.known = -1;
      slot.seen = 0;
    } finally {
      slot.unlock();
    }
  }

  /** Leaves for another replica, where `shared.agent(name, { passport })` goes on. */
  async leave(): Promise<Passport> {
    const seen = Object.fromEntries(this.#desk.opened.map(({ cell, seen }) => [cell.key, seen]));
    await this.close();
    return { applied: this.#desk.replica.applied, seen };
  }

  /** Ends what is held, gives every copy up. What waits is refused with {@link ClosedAgentError}. */
  async close(): Promise<void> {
    const desk = this.#desk;
    if (desk.closing.signal.aborted) return;
    desk.closing.abort(new ClosedAgentError(this.name));
    this.#left(this);
    await desk.clear();
  }
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
  /** Ends without a word, as a crash would. */
  abandon(reason?: Error): void {
    this.#desk.abandon(reason);
  }

  /** Reads that were answered from the copy, and the lines they came from. For reports. */
  get hits(): number {
    return this.#desk.hits;
  }
  /** Gets the copy of a key without being asked, as a strategy that pushes to everybody needs it. */
  subscribe(key: string): void {
    const slot = this.#desk.slot(key);
    if (slot.state === 'I') this.#desk.replica.send(slot, 'LOAD');
  }
}
