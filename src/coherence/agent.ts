/** An agent's view of shared state. */
import type { Cell, Replica, Sender } from '../../actors/coherence/index.ts';
import { abortable } from './abort.ts';
import { Pages } from './answers.ts';
import type { Computed, Computer, Recipe } from './compute.ts';
import { ClosedAgentError, UnknownKeyError, UnsetError, UsageError } from './errors.ts';
import { Hold } from './hold.ts';
import { retry, type RetryOptions } from './retry.ts';
import { Session, type SessionOptions } from './session.ts';
import { Slot, type Desk, type SlotHost } from './slot.ts';
import type { Strategy } from './strategy.ts';
import { write, writeNow, type WriteRequest } from './writing.ts';

/** The values by key. */
export type Values = Record<string, unknown>;

export interface ReadOptions {
  readonly signal?: AbortSignal;
  /** Linearisable: at least as new as the log's tip when the read begins. */
  readonly fresh?: boolean;
}
export interface WriteOptions {
  readonly signal?: AbortSignal;
  /** The version that must be current. Default: for a whole value, the version this agent last read (0 if it never
   *  did), so that what it never saw is not buried; for a recipe, whatever is current, for it computes from that. */
  readonly expect?: number;
  /** A whole value replaces whatever is there, seen or not. */
  readonly overwrite?: boolean;
}

/** What a space gives to its agents. */
export interface AgentHost extends SlotHost {
  readonly computer: Computer;
  readonly session: string;
  strategyFor(agent: string, key: string): Strategy;
  left(agent: SharedAgent<Values>): void;
}

/** What an agent takes along to another replica: it must not see less there. */
export interface Passport {
  readonly applied: number;
  readonly seen: Readonly<Record<string, number>>;
}

export class SharedAgent<V extends Values> {
  readonly name: string;
  readonly #host: AgentHost;
  readonly #replica: Replica;
  readonly #sender: Sender;
  readonly #desk: Desk;
  readonly #answers = new Pages<Promise<unknown>>();
  readonly #slots = new Pages<Slot>();
  /** By key: where its answer is. */
  readonly #places: ReadonlyMap<string, number>;
  readonly #opened: Slot[] = [];
  readonly #holds = new Set<Hold<unknown>>();
  #seen: Readonly<Record<string, number>> = {};
  #arriving: Promise<void> | undefined;
  readonly #closing = new AbortController();

  constructor(host: AgentHost, name: string, incarnation: string, passport?: Passport) {
    this.name = name;
    this.#host = host;
    this.#replica = host.replica;
    this.#sender = host.replica.sender(incarnation);
    this.#places = host.replica.memory.places;
    this.#desk = {
      ...{ name, host, sender: this.#sender, answers: this.#answers },
      hits: 0,
      dead: undefined,
    };
    if (passport === undefined) return;
    this.#seen = passport.seen;
    this.#arriving = host.replica.reached(passport.applied)?.then(() => void (this.#arriving = undefined));
    this.#arriving?.catch(() => undefined); // told to whoever waits for it
  }

  /** Reads. A hit is local: no event, no entry, no hash; the promise of the copy is made once.
   *  @throws {UnknownKeyError | UnsetError | ClosedAgentError} */
  read<K extends keyof V & string>(key: K, options?: ReadOptions): Promise<V[K]> {
    const place = this.#places.get(key);
    if (options === undefined && place !== undefined) {
      const answer = this.#answers.get(place) ?? this.#readNow(this.#slots.get(place));
      if (answer !== undefined) {
        this.#desk.hits++;
        return answer as Promise<V[K]>;
      }
    }
    return this.#read(key, options) as Promise<V[K]>;
  }

  /** The copy, if there is one: synchronous, and never a request. */
  peek<K extends keyof V & string>(key: K): V[K] | undefined {
    const place = this.#places.get(key);
    if (place === undefined || this.#answers.get(place) === undefined)
      return this.#peek(key) as V[K] | undefined;
    this.#desk.hits++;
    return (this.#slots.get(place) as Slot).line.value as V[K];
  }

  /** Whether this agent has a current copy. Asks nobody and counts nothing. */
  has(key: keyof V & string): boolean {
    return this.#arriving === undefined && this.#slot(key).line.readable;
  }

  /** The version that this agent last read or wrote; 0 before the first. */
  version(key: keyof V & string): number {
    return this.#slot(key).seen;
  }

  /** Writes: a recipe changes a draft of what is current; a whole value replaces it without being fetched first.
   *  @returns the new version, when this agent's replica has applied it.
   *  @throws {ConflictError | RecipeError | SchemaError | UnknownKeyError | ClosedAgentError}
   *  @throws {NestedWriteError} at once, within a recipe */
  write<K extends keyof V & string>(
    key: K,
    change: V[K] | Recipe<V[K]>,
    options?: WriteOptions,
  ): Promise<number> {
    this.#host.computer.refuseWithinRecipe(key);
    if (options === undefined && typeof change === 'function') {
      const place = this.#places.get(key);
      const slot = place === undefined ? undefined : this.#slots.get(place);
      if (slot !== undefined && this.#arriving === undefined && slot.tryLock()) {
        return this.#writeAtOnce(slot, change as Recipe<never>);
      }
    }
    return this.#write(key, change, options ?? {});
  }

  /** Writes if `expected` is the current version: one entry, which does not queue.
   *  @throws {ConflictError} when it is not, or when another agent holds the key */
  compareAndSet<K extends keyof V & string>(
    key: K,
    expected: number,
    change: V[K] | Recipe<V[K]>,
    { signal }: { signal?: AbortSignal } = {},
  ): Promise<number> {
    this.#host.computer.refuseWithinRecipe(key);
    return this.#compareAndSet(key, expected, change, signal);
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
      const value = await this.read(key, signal === undefined ? {} : { signal });
      const expected = this.version(key);
      return this.compareAndSet(key, expected, await compute(value), signal === undefined ? {} : { signal });
    };
    return retry(attempt, { clock: this.#host.clock, ...options });
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
    const slot = await this.#enter(key, signal);
    try {
      const hold = await Hold.take<V[K]>(this.#host, slot, signal, () =>
        this.#holds.delete(hold as Hold<unknown>),
      );
      this.#holds.add(hold as Hold<unknown>);
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
    this.#refuseClosed();
    const { replica } = this.#host;
    if (this.#arriving !== undefined) await abortable(this.#arriving, options.signal);
    if (options.fresh === true)
      await abortable(Promise.resolve(replica.reached(replica.tip)), options.signal);
    options.signal?.throwIfAborted();
    const names = keys ?? ([...replica.memory.cells.keys()] as K[]);
    const slots = new Map(names.map((key) => [key as string, this.#slot(key)]));
    return new Session<Pick<V, K>>(this.#host, this.#sender, slots, options, this.#closing.signal);
  }

  /** Gives the copy of a key up; the next read fetches it. */
  async evict(key: keyof V & string, { signal }: { signal?: AbortSignal } = {}): Promise<void> {
    const slot = await this.#enter(key, signal);
    while (slot.line.state === 'IS') await slot.changed(signal);
    this.#replica.send(slot.line, 'EVICT');
    slot.forget();
    slot.known = -1;
    slot.seen = 0;
    slot.unlock();
  }

  /** Leaves for another replica, where `shared.agent(name, { passport })` goes on. */
  async leave(): Promise<Passport> {
    const seen = Object.fromEntries(this.#opened.map(({ line, seen }) => [line.cell.key, seen]));
    await this.close();
    return { applied: this.#replica.applied, seen };
  }

  /** Ends what is held, gives every copy up. What waits is refused with {@link ClosedAgentError}. */
  async close(): Promise<void> {
    if (this.#closing.signal.aborted) return;
    this.#closing.abort(new ClosedAgentError(this.name));
    await Promise.all([...this.#holds].map((hold) => hold.release()));
    for (const slot of this.#opened) {
      await slot.lock();
      // A request that is under way cannot be taken back: its copy is given up when it is there.
      while (slot.line.state === 'IS' && this.#desk.dead === undefined) await slot.changed();
      this.#replica.send(slot.line, 'EVICT');
      slot.forget();
      slot.unlock();
      this.#replica.drop(slot.line);
    }
    this.#host.left(this as unknown as SharedAgent<Values>);
  }
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
  /** Ends without a word, as a crash would. */
  abandon(): void {
    const why = new ClosedAgentError(this.name);
    this.#desk.dead = why;
    for (const slot of this.#opened) slot.abandon();
    this.#closing.abort(why);
  }

  /** Reads that were answered from the copy, and the lines they came from. For reports. */
  get hits(): number {
    return this.#desk.hits;
  }
  /** Gets the copy of a key without being asked, as a strategy that pushes to everybody needs it. */
  subscribe(key: string): void {
    const { line } = this.#slot(key);
    if (line.state === 'I') this.#replica.send(line, 'LOAD');
  }

  #peek(key: string): unknown {
    const slot = this.#slot(key);
    if (this.#arriving !== undefined || !slot.line.readable) return undefined;
    this.#desk.hits++;
    const value = slot.deliver(slot.line);
    if (value !== undefined) void slot.answerWith(value);
    return value;
  }
  /** A miss that ends at once, as it does on an idle bus in process; or the first hit of a copy. */
  #readNow(slot: Slot | undefined): Promise<unknown> | undefined {
    if (slot === undefined || this.#arriving !== undefined || slot.keeps) return undefined;
    if (this.#closing.signal.aborted) return undefined;
    const { line } = slot;
    if (line.state === 'I') {
      this.#replica.send(line, 'LOAD');
      if (!line.readable || line.value === undefined) return undefined;
      this.#host.counts.misses++;
      this.#desk.hits--; // counted by the caller
    } else if (!line.readable || line.value === undefined) return undefined;
    return slot.answerWith(slot.deliver(line));
  }
  async #read(key: string, { signal, fresh = false }: ReadOptions = {}): Promise<unknown> {
    const slot = this.#slot(key);
    const { line } = slot;
    if (this.#arriving !== undefined || signal !== undefined) {
      signal?.throwIfAborted();
      await abortable(this.#arriving ?? Promise.resolve(), signal);
    }
    if (fresh) await abortable(Promise.resolve(this.#replica.reached(this.#replica.tip)), signal);
    if (!line.readable) {
      const kept = fresh ? undefined : slot.kept();
      if (kept !== undefined) return kept.value;
      this.#host.counts.misses++;
      const filling = line.whenFilled();
      if (line.state === 'I') this.#replica.send(line, 'LOAD');
      const copy = filling.copy ?? (await abortable(filling.promise(), this.#whileOpen(signal)));
      if (copy.value === undefined) throw new UnsetError(key);
      slot.deliver(copy);
      if (line.readable && line.version === copy.version) void slot.answerWith(copy.value);
      return copy.value;
    }
    this.#desk.hits++;
    const value = slot.deliver(line);
    if (value === undefined) throw new UnsetError(key);
    void slot.answerWith(value);
    return value;
  }

  /** A recipe on a slot that nobody else works on: without a turn of the microtask queue where that is possible. */
  #writeAtOnce(slot: Slot, recipe: Recipe<never>): Promise<number> {
    const { computer } = this.#host;
    const { key } = slot.line.cell;
    const request: WriteRequest = {
      slot,
      replica: this.#replica,
      signal: this.#closing.signal,
      expect: undefined,
      compute: (base) => computer.recipe(key, slot.deliver(base), recipe),
    };
    let version: number | undefined;
    try {
      version = writeNow(request);
    } catch (error) {
      slot.unlock();
      return Promise.reject(error);
    }
    if (version === undefined) return write(request).finally(() => slot.unlock());
    slot.unlock();
    return Promise.resolve(version);
  }
  async #write(
    key: string,
    change: unknown,
    { signal, expect, overwrite = false }: WriteOptions,
  ): Promise<number> {
    const { computer } = this.#host;
    const recipe = typeof change === 'function' ? (change as Recipe<never>) : undefined;
    if (expect !== undefined && overwrite)
      throw new UsageError('write: `expect` and `overwrite` exclude each other.');
    this.#slot(key);
    const ready = recipe === undefined ? await computer.whole(key, change) : undefined;
    const slot = await this.#enter(key, signal);
    try {
      return await write({
        slot,
        replica: this.#replica,
        signal: this.#whileOpen(signal),
        expect: expect ?? (recipe !== undefined || overwrite ? undefined : slot.seen),
        compute: (base): Computed | Promise<Computed> =>
          ready ?? computer.recipe(key, slot.deliver(base), recipe as Recipe<never>),
      });
    } finally {
      slot.unlock();
    }
  }

  async #compareAndSet(
    key: string,
    expected: number,
    change: unknown,
    signal?: AbortSignal,
  ): Promise<number> {
    const { computer } = this.#host;
    const slot = await this.#enter(key, signal);
    const { cell } = slot.line;
    try {
      if (cell.version > expected) throw slot.refuse('version', expected);
      const computing =
        typeof change === 'function'
          ? computer.recipe(
              key,
              slot.deliver({ value: cell.value, version: cell.version }),
              change as Recipe<never>,
            )
          : computer.whole(key, change);
      const { value, patches } = computing instanceof Promise ? await computing : computing;
      signal?.throwIfAborted();
      const result = await this.#replica.say(this.#sender, {
        op: 'cas',
        key,
        base: expected,
        value,
        patches,
      });
      if (result.outcome !== 'accepted') {
        throw slot.refuse(result.outcome === 'held' ? 'held' : 'version', expected, result.version);
      }
      slot.made(result.version);
      return result.version;
    } finally {
      slot.unlock();
    }
  }

  /** The slot, locked. */
  async #enter(key: string, signal: AbortSignal | undefined): Promise<Slot> {
    const slot = this.#slot(key);
    signal?.throwIfAborted();
    if (this.#arriving !== undefined) await abortable(this.#arriving, signal);
    for (const hold of this.#holds) {
      if (hold.key === key)
        throw new UsageError(`'${key}' is held by this agent itself; use the hold's write().`);
    }
    const turn = slot.lock(this.#whileOpen(signal));
    if (turn !== undefined) await turn;
    return slot;
  }
  #slot(key: string): Slot {
    this.#refuseClosed();
    const place = this.#places.get(key);
    if (place === undefined) throw new UnknownKeyError(key, this.#places.keys());
    const known = this.#slots.get(place);
    if (known !== undefined) return known;
    const line = this.#replica.line(this.#sender.agent, this.#replica.memory.cells.get(key) as Cell);
    const strategy = this.#host.strategyFor(this.name, key);
    const slot = new Slot(this.#desk, line, strategy, this.#seen[key] ?? 0);
    this.#slots.set(place, slot);
    this.#opened.push(slot);
    return slot;
  }
  #refuseClosed(): void {
    if (this.#closing.signal.aborted) throw new ClosedAgentError(this.name);
  }
  #whileOpen(signal: AbortSignal | undefined): AbortSignal {
    return signal === undefined ? this.#closing.signal : AbortSignal.any([signal, this.#closing.signal]);
  }
}
