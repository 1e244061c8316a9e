/** An agent's view of shared state. */
import type { AgentState } from './agent-state.ts';
import { closeAgent, evict } from './close.ts';
import type { Values } from './json.ts';
import { refuseWithinRecipe, type Recipe } from './compute.ts';
import { Hold, HoldSet, type HoldOptions } from './hold.ts';
import { compareAndSet } from './publish.ts';
import { peek, readCopy, readKey, type ReadOptions, type ValueCopy } from './read.ts';
import { Session, type SessionOptions } from './session.ts';
import type { Passport } from './space.ts';
import { update, type UpdateOptions } from './update.ts';
import { listen, watch, type Watched, type WatchOptions } from './watch.ts';
import { write, type WriteOptions } from './write.ts';

export class SharedAgent<V extends Values> {
  readonly name: string;
  /** @internal */
  readonly state: AgentState;
  readonly #left: (agent: SharedAgent<V>, over: boolean) => void;

  constructor(state: AgentState, left: (agent: SharedAgent<V>, over: boolean) => void) {
    this.name = state.name;
    this.state = state;
    this.#left = left;
  }

  /** Reads. A hit is local: no entry, no event, no hash.
   *  @throws {UnknownKeyError | UnsetError | ClosedAgentError | HoldDeadlockError} */
  read<K extends keyof V & string>(key: K, options?: ReadOptions): Promise<V[K]> {
    refuseWithinRecipe(key);
    const { state } = this;
    const place = options === undefined ? state.places.get(key) : undefined;
    const answer = place === undefined ? undefined : state.answers[place];
    if (answer === undefined) return readKey(state, key, options) as Promise<V[K]>;
    state.hits++;
    return answer as Promise<V[K]>;
  }

  /** Reads a value together with its version. Write a whole value that was computed from it with the copy's `write`.
   *  @throws {UnknownKeyError | UnsetError | ClosedAgentError | HoldDeadlockError}
   *  @example
   *  ```ts
   *  const todo = await agent.copy('todo');
   *  await todo.write([...todo.value, 'write tests']); // refused if another task or agent has written meanwhile
   *  ``` */
  copy<K extends keyof V & string>(key: K, options?: ReadOptions): Promise<ValueCopy<V[K]>> {
    refuseWithinRecipe(key);
    return this.#copy(key, options);
  }
  async #copy<T>(key: string, options?: ReadOptions): Promise<ValueCopy<T>> {
    const { value, version } = await readCopy(this.state, key, options);
    return {
      value: value as T,
      version,
      write: (next, { signal } = {}) =>
        this.write(key, next as never, { expect: version, ...(signal && { signal }) }),
    };
  }

  /** The copy, if there is one: synchronous, and never a request. */
  peek<K extends keyof V & string>(key: K): V[K] | undefined {
    refuseWithinRecipe(key);
    const { state } = this;
    const place = state.places.get(key);
    if (place === undefined || state.answers[place] === undefined)
      return peek(state, key) as V[K] | undefined;
    state.hits++;
    return state.values[place] as V[K];
  }

  /** Whether this agent has a current copy. Sends and counts nothing. */
  has(key: keyof V & string): boolean {
    return this.state.arriving === undefined && this.state.slot(key).line.readable;
  }

  /** The version that this agent last read or wrote; 0 before the first. */
  version(key: keyof V & string): number {
    return this.state.slot(key).seen;
  }

  /** Writes. A recipe changes a draft of the current value. A whole value has to say which version it was
   *  computed from (`expect`, or `copy().write`), or `blind: true`; otherwise it replaces the initial value only.
   *  @returns the new version, when this agent's replica has applied it.
   *  @throws {ConflictError | RecipeError | ValueError | SchemaError | UnknownKeyError | ClosedAgentError | HoldDeadlockError}
   *  @throws {InDoubtError} when the bus went away while the write was on its way
   *  @throws {NestedCallError} at once, within a recipe */
  write<K extends keyof V & string>(
    key: K,
    change: V[K] | Recipe<V[K]>,
    options?: WriteOptions,
  ): Promise<number> {
    refuseWithinRecipe(key);
    return write(this.state, key, change, options);
  }

  /** Writes if `expected` is the current version: one entry, which does not queue.
   *  @throws {ConflictError} when it is not, or when another agent holds the key */
  compareAndSet<K extends keyof V & string>(
    key: K,
    expected: number,
    change: V[K] | Recipe<V[K]>,
    { signal }: { signal?: AbortSignal } = {},
  ): Promise<number> {
    refuseWithinRecipe(key);
    return compareAndSet(this.state, key, expected, change, signal);
  }

  /** Reads, computes for as long as it takes, and writes if no other agent has written meanwhile. After a conflict it
   *  takes its place in the queue, and computes once more while it holds the key.
   *  @param options `attempts`: how often to compute without holding the key, 1 … 1,000; default 1.
   *  @throws {RetryError} with `queue: false`, when every attempt ended in a conflict */
  update<K extends keyof V & string>(
    key: K,
    compute: (value: V[K]) => V[K] | Promise<V[K]>,
    options: UpdateOptions = {},
  ): Promise<number> {
    refuseWithinRecipe(key);
    return update(this.state, key, compute, options);
  }

  /** Holds a key: a fermata. Other writers queue; readers wait or go on, as the space says. End it with `release`, `write`
   *  or `await using`. It is renewed while other agents wait, for up to `maxMs`.
   *  @throws {HoldDeadlockError} when the holder of the key waits for a key that this agent holds
   *  @example
   *  ```ts
   *  await using hold = await writer.hold('draft');
   *  await hold.write(await improve(hold.value));
   *  ``` */
  hold<K extends keyof V & string>(key: K, options: HoldOptions = {}): Promise<Hold<V[K]>> {
    refuseWithinRecipe(key);
    return Hold.take<V[K]>(this.state, key, options);
  }
  /** Holds several keys, taken in a fixed order: agents that hold their keys this way never wait for each other in a
   *  circle. */
  holdAll<K extends keyof V & string>(
    keys: readonly K[],
    options: HoldOptions = {},
  ): Promise<HoldSet<Pick<V, K>>> {
    for (const key of keys) refuseWithinRecipe(key);
    return HoldSet.take<Pick<V, K>>(this.state, keys, options);
  }

  /** A consistent cut of several keys (default: all), and one atomic publish computed from it.
   *  @throws {UnknownKeyError | ClosedAgentError} */
  session<K extends keyof V & string>(
    keys?: readonly K[],
    options: SessionOptions = {},
  ): Promise<Session<Pick<V, K>>> {
    refuseWithinRecipe(keys?.[0] ?? '*');
    return Session.begin<Pick<V, K>>(this.state, keys, options);
  }

  /** Calls back with every new value that this agent's replica applies, whichever agent wrote it. The agent keeps its copy
   *  current for that, and pays for it as for reads.
   *  @returns the end of watching.
   *  @example `const stop = agent.watch('plan', { select: (plan) => plan.todo }, (todo) => render(todo));` */
  watch<K extends keyof V & string>(key: K, listener: (value: V[K], version: number) => void): () => void;
  watch<K extends keyof V & string, T = V[K]>(
    key: K,
    options: WatchOptions<V[K], T>,
    listener: (value: T, version: number) => void,
  ): () => void;
  watch(
    key: keyof V & string,
    given: WatchOptions<any, any> | ((value: any, version: number) => void),
    then?: (value: any, version: number) => void,
  ): () => void {
    refuseWithinRecipe(key);
    return listen(this.state, key, given, then);
  }
  /** The same as a store, for `useSyncExternalStore(store.subscribe, store.getSnapshot)`. The snapshot is undefined until
   *  the first copy is there.
   *  @example `const plan = useSyncExternalStore(store.subscribe, store.getSnapshot);` */
  store<K extends keyof V & string, T = V[K]>(key: K, options?: WatchOptions<V[K], T>): Watched<T> {
    refuseWithinRecipe(key);
    return watch<V[K], T>(this.state, key, options);
  }

  /** Gives the copy of a key up; the next read fetches it. */
  evict(key: keyof V & string, options: { signal?: AbortSignal } = {}): Promise<void> {
    refuseWithinRecipe(key);
    return evict(this.state, key, options.signal);
  }

  /** Leaves for another replica, where `shared.agent(name, { passport })` goes on. */
  async leave(): Promise<Passport> {
    const seen = Object.fromEntries([...this.state.slots].map(([key, slot]) => [key, slot.seen]));
    await this.close();
    return { applied: this.state.space.replica.applied, seen };
  }

  /** Ends what is held, gives every copy up. What waits is refused with `ClosedAgentError`; a write that is on its
   *  way is awaited. */
  async close(): Promise<void> {
    if (this.state.closed) return;
    this.#left(this, false);
    try {
      await closeAgent(this.state);
    } finally {
      this.#left(this, true);
    }
  }
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
  /** Ends without a word, as a crash would. */
  abandon(reason?: Error): void {
    this.state.abandon(reason);
  }

  /** Reads that were answered from the copy. For reports. */
  get hits(): number {
    return this.state.hits;
  }
}
