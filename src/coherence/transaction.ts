/** A step's view of what its performance shares: what it writes is published when the step succeeds, all at once, and
 *  dropped when it fails. So a retry applies nothing twice.
 *
 *  Recipes are applied again to the current value at publication; only a whole value that was computed from an older
 *  version can conflict. */
import { abortable } from './abort.ts';
import type { AgentState } from './agent-state.ts';
import type { SharedAgent } from './agent.ts';
import type { Values } from './json.ts';
import { refuseWithinRecipe, type Computed, type Recipe } from './compute.ts';
import { ConflictError, LapsedError, UsageError } from './errors.ts';
import { refuseUnknown } from './known-options.ts';
import { Hold } from './hold.ts';
import { readCopy, type ReadOptions, type ValueCopy } from './read.ts';
import type { Slot } from './slot.ts';
import { publishAll, writeOf } from './publish.ts';
import { versionOf, type WriteOptions } from './write.ts';

/** A write that waits for publication. */
interface Change {
  readonly change: unknown;
  /** Of a whole value: the version in memory that it was computed from; undefined when it may replace anything. */
  readonly base: number | undefined;
  /** Computes the whole value again from another one: what `update` was given. */
  readonly again?: (value: never) => unknown;
}

/** A key that a step keeps until it publishes or ends. */
export interface StepHold<T> {
  readonly key: string;
  /** What is current while the hold lasts, with what this step has written. */
  readonly value: T;
  write(change: T | Recipe<T>): Promise<void>;
  /** Gives the key back before the step ends. */
  release(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

/** How often a publication tries. From the second time on it holds its keys, so that only a lease that runs out makes it
 *  fail. */
const ATTEMPTS = 6;

export class Transaction<V extends Values = Record<string, any>> {
  readonly #state: AgentState;
  readonly #agent: SharedAgent<V>;
  readonly #changes = new Map<string, Change[]>();
  readonly #holds = new Map<string, Hold<unknown>>();
  #over = false;
  #publishing: Promise<unknown> = Promise.resolve();
  readonly #waits: <T>(work: Promise<T>) => Promise<T>;

  /** @param waits takes each promise that another agent may have to settle, and returns it */
  constructor(agent: SharedAgent<V>, state: AgentState, waits: <T>(work: Promise<T>) => Promise<T>) {
    this.#agent = agent;
    this.#state = state;
    this.#waits = waits;
  }

  /** What is current, with what this step has written. */
  async read<K extends keyof V & string>(key: K, options?: ReadOptions): Promise<V[K]> {
    refuseWithinRecipe(key);
    return (await this.#look(key, options)).value as V[K];
  }
  /** The same with its version, which counts this step's own writes. Write a whole value that was computed from it with
   *  the copy's `write`. */
  async copy<K extends keyof V & string>(key: K, options?: ReadOptions): Promise<StepCopy<V[K]>> {
    refuseWithinRecipe(key);
    const { value, version } = await this.#look(key, options);
    return {
      value: value as V[K],
      version,
      write: (next, { signal } = {}) => this.write(key, next, { expect: version, ...(signal && { signal }) }),
    };
  }
  /** The copy, if there is one and this step has not written the key: synchronous, and never a request. */
  peek<K extends keyof V & string>(key: K): V[K] | undefined {
    this.#refuseEnded();
    return this.#changes.has(key) ? undefined : this.#agent.peek(key);
  }
  async #look(key: string, options?: ReadOptions): Promise<{ value: unknown; version: number }> {
    this.#refuseEnded();
    const hold = this.#holds.get(key);
    const found = hold ?? readCopy(this.#state, key, options);
    const { value, version } = found instanceof Promise ? await this.#waits(found) : found;
    const changes = this.#changes.get(key) ?? [];
    const made = changes.length === 0 ? { value } : await this.#replay(key, changes, value, version, false);
    return { value: made.value, version: version + changes.length };
  }

  /** Notes a write. Recipes and whole values are as for an agent.
   *  @throws {ConflictError | RecipeError | ValueError | SchemaError | UnknownKeyError | LapsedError} */
  write<K extends keyof V & string>(
    key: K,
    change: V[K] | Recipe<V[K]>,
    options: WriteOptions = {},
  ): Promise<void> {
    refuseWithinRecipe(key);
    return this.#write(key, change, options);
  }
  async #write(key: string, change: unknown, options: WriteOptions, again?: Change['again']): Promise<void> {
    refuseUnknown('write', options, ['signal', 'expect', 'blind', 'overwrite']);
    const { expect, signal } = options;
    const blind = options.blind ?? options.overwrite ?? false;
    if (expect !== undefined && blind)
      throw new UsageError('write: `expect` and `blind` exclude each other.');
    const recipe = typeof change === 'function';
    const expected = expect ?? (recipe || blind ? undefined : 0);
    if (expected !== undefined) versionOf('write: `expect`', expected);
    signal?.throwIfAborted();
    const slot = this.#state.slot(key);
    // A recipe runs now, so that its mistakes show where it was written; it runs again at publication.
    const current = recipe ? await this.#look(key) : undefined;
    const made = slot.compute(change, current);
    const computed = made instanceof Promise ? await made : made;
    this.#refuseEnded();
    signal?.throwIfAborted();
    const changes = this.#changes.get(key) ?? [];
    const { version } = slot.line.cell;
    // A whole value contains what this step wrote before, so it is as old as the oldest of that.
    const outdated = changes.some(({ base }) => base !== undefined && base !== version);
    const stale = expected !== undefined && (outdated || version + changes.length !== expected);
    if (stale && again === undefined) throw slot.refuse('version', expected, version + changes.length);
    // What `update` computed from an older version has no base: it is computed again at publication.
    const base = expected === undefined ? undefined : stale ? -1 : version;
    const noted: Change = { change: recipe ? change : computed.value, base, ...(again && { again }) };
    this.#changes.set(key, [...changes, noted]);
  }

  /** Reads, computes for as long as it takes, and notes the result. If another agent has written the key meanwhile,
   *  publication takes its place in the queue and computes once more. */
  async update<K extends keyof V & string>(
    key: K,
    compute: (value: V[K]) => V[K] | Promise<V[K]>,
    { signal }: { signal?: AbortSignal } = {},
  ): Promise<void> {
    refuseWithinRecipe(key);
    const { value, version } = await this.#look(key, signal && { signal });
    const next = await compute(value as V[K]);
    await this.#write(key, next, { expect: version, ...(signal && { signal }) }, compute);
  }

  /** Keeps a key until this step publishes or ends: no other agent writes it meanwhile. */
  async hold<K extends keyof V & string>(
    key: K,
    options: { readonly signal?: AbortSignal; readonly maxMs?: number } = {},
  ): Promise<StepHold<V[K]>> {
    refuseWithinRecipe(key);
    this.#refuseEnded();
    const hold = await this.#waits(Hold.take<V[K]>(this.#state, key, options));
    if (this.#over) {
      await hold.release();
      this.#refuseEnded();
    }
    this.#holds.set(key, hold as Hold<unknown>);
    const release = async (): Promise<void> => {
      if (this.#holds.get(key) === hold) this.#holds.delete(key);
      await hold.release();
    };
    const { value } = await this.#look(key);
    return {
      key,
      value: value as V[K],
      write: async (change) => {
        const { version } = await this.#look(key);
        await this.write(key, change, typeof change === 'function' ? {} : { expect: version });
      },
      release,
      [Symbol.asyncDispose]: release,
    };
  }

  /** Publishes what this step has written so far, all at once: for steps that work on one draft at the same time. What is
   *  published stays, also when the step fails later. Ends the step's holds.
   *  @returns the new versions by key.
   *  @throws {ConflictError} when a whole value was computed from an older version */
  publish({ signal }: { signal?: AbortSignal } = {}): Promise<Readonly<Record<string, number>>> {
    refuseWithinRecipe([...this.#changes.keys()][0] ?? '*');
    const published = this.#publishing.then(() => this.#publish(signal));
    this.#publishing = published.catch(() => undefined);
    return published;
  }
  /** The step has succeeded: publishes what it has written.
   *  @returns undefined when there is nothing to wait for. */
  commit(): Promise<void> | undefined {
    if (this.#changes.size === 0) return undefined;
    return this.publish().then(() => undefined);
  }
  /** Drops what was not published, and gives back what the step has. */
  async close(): Promise<void> {
    if (this.#over) return;
    this.#over = true;
    this.#changes.clear();
    await this.#agent.close();
  }

  async #publish(signal: AbortSignal | undefined): Promise<Readonly<Record<string, number>>> {
    this.#refuseEnded();
    const changes = new Map(this.#changes);
    const keys = [...changes.keys()].sort();
    if (keys.length === 0) return {};
    const until = this.#state.whileOpen(signal);
    const own: Hold<unknown>[] = [];
    try {
      for (let attempt = 1; ; attempt++) {
        if (own.length === 0 && (attempt > 1 || this.#stale(changes, true)))
          for (const key of keys)
            if (!this.#holds.has(key))
              own.push(await this.#waits(Hold.take(this.#state, key, { signal: until })));
        const held = new Map([...this.#holds, ...own.map((hold) => [hold.key, hold] as const)]);
        try {
          const versions = await this.#tryPublish(changes, keys, held, until);
          for (const key of keys) this.#drop(key, changes.get(key) as Change[]);
          return versions;
        } catch (error) {
          if (!(error instanceof ConflictError) || attempt === ATTEMPTS) throw error;
          if (this.#stale(changes, false)) throw error; // trying again does not help
        }
      }
    } finally {
      await Promise.all(own.map((hold) => hold.release()));
      for (const [key, hold] of this.#holds)
        if (changes.has(key) && hold.version !== this.#state.slots.get(key)?.line.cell.version) {
          this.#holds.delete(key);
          await hold.release();
        }
    }
  }
  /** Whether a whole value was computed from a version that is no longer current, and can or cannot be computed again. */
  #stale(changes: ReadonlyMap<string, readonly Change[]>, again: boolean): boolean {
    return [...changes].some(([key, list]) => {
      const { version } = this.#state.slot(key).line.cell;
      return list.some(
        (change) => change.base !== undefined && change.base !== version && again === 'again' in change,
      );
    });
  }
  async #tryPublish(
    changes: ReadonlyMap<string, readonly Change[]>,
    keys: readonly string[],
    held: ReadonlyMap<string, Hold<unknown>>,
    until: AbortSignal,
  ): Promise<Readonly<Record<string, number>>> {
    const locked: Slot[] = [];
    try {
      const versions = new Map<Slot, number>();
      const writes = [];
      for (const key of keys) {
        const slot = this.#state.slot(key);
        if (!held.has(key)) {
          const turn = slot.lock(until);
          if (turn !== undefined) await this.#waits(turn);
          locked.push(slot);
        }
        until.throwIfAborted();
        const { value, version } = slot.line.cell;
        versions.set(slot, version);
        const made = await abortable(this.#replay(key, changes.get(key) ?? [], value, version, true), until);
        writes.push(writeOf(key, version, made));
      }
      until.throwIfAborted();
      await this.#waits(publishAll(this.#state, versions, [], writes));
      return Object.fromEntries(writes.map(({ key, base }) => [key, base + 1]));
    } finally {
      for (const slot of locked) slot.unlock();
    }
  }

  /** Applies what this step has written to a value.
   *  @param final whether the result is published: then no whole value may come from another version.
   *  @throws {ConflictError} when one does, and cannot be computed again */
  async #replay(
    key: string,
    changes: readonly Change[],
    value: unknown,
    version: number,
    final: boolean,
  ): Promise<Computed> {
    const slot = this.#state.slot(key);
    let made: Computed = { value, patches: [] };
    for (const { change: given, base, again } of changes) {
      let change = given;
      if (final && base !== undefined && base !== version) {
        if (again === undefined) throw slot.refuse('version', base, version);
        change = await again(made.value as never);
      }
      const next = slot.compute(change, { value: made.value, version });
      const { value: later, patches } = next instanceof Promise ? await next : next;
      made = {
        value: later,
        patches:
          made.patches === undefined || patches === undefined ? undefined : [...made.patches, ...patches],
      };
    }
    return made;
  }
  /** Forgets what has been published; what was written meanwhile waits for the next publication. */
  #drop(key: string, published: readonly Change[]): void {
    const left = (this.#changes.get(key) ?? []).slice(published.length);
    if (left.length > 0) this.#changes.set(key, left);
    else this.#changes.delete(key);
  }
  #refuseEnded(): void {
    if (this.#over) throw new LapsedError("view of a step's shared state", 'has ended with its step');
    this.#state.refuseClosed();
  }
}
export type StepCopy<T> = Pick<ValueCopy<T>, 'value' | 'version'> & {
  /** Notes the value that replaces this one. */
  write(value: T, options?: { readonly signal?: AbortSignal }): Promise<void>;
};
