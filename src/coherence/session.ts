/** A session: a consistent cut over several keys, and one atomic publish computed from it.
 *
 *  The cut is taken at one position of the log and needs no entry; others write meanwhile. The publish is one
 *  entry with the versions of everything that was read: validating only what is written would admit write skew. */
import type { ReadOf, Sender, Write } from '../../actors/coherence/index.ts';
import type { TimerId } from '../../actors/clock.ts';
import type { Values } from './agent.ts';
import type { AgentHost } from './desk.ts';
import type { Recipe } from './compute.ts';
import {
  ConflictError,
  LapsedError,
  UnknownKeyError,
  UnsetError,
  UsageError,
  type Conflict,
} from './errors.ts';
import type { Slot } from './slot.ts';

export interface SessionOptions {
  readonly signal?: AbortSignal;
  /** The cut is at least as new as the log's tip when it is asked for. */
  readonly fresh?: boolean;
  /** After so long the session is over. Default 600,000 ms. */
  readonly ttlMs?: number;
}

export class Session<V extends Values> {
  /** The position of the cut. */
  readonly at: number;
  readonly #host: AgentHost;
  readonly #sender: Sender;
  readonly #slots: ReadonlyMap<string, Slot>;
  readonly #cut = new Map<string, { readonly value: unknown; readonly version: number }>();
  readonly #reads = new Set<string>();
  readonly #writes = new Map<string, Write>();
  readonly #closing: AbortSignal;
  readonly #timer: TimerId;
  #over: string | undefined;

  constructor(
    host: AgentHost,
    sender: Sender,
    slots: ReadonlyMap<string, Slot>,
    options: SessionOptions,
    closing: AbortSignal,
  ) {
    this.#host = host;
    this.#sender = sender;
    this.#slots = slots;
    this.#closing = closing;
    this.at = host.replica.applied;
    for (const [key, { cell }] of slots) this.#cut.set(key, { value: cell.value, version: cell.version });
    const ttl = options.ttlMs ?? 600_000;
    if (!(ttl >= 0 && ttl < 2 ** 31))
      throw new UsageError(`session: ttlMs must be 0 … 2^31 − 1, not ${ttl}.`);
    this.#timer = host.clock.setTimeout(() => (this.#over ??= `lapsed after ${ttl} ms`), ttl);
    (this.#timer as { unref?: () => void }).unref?.();
  }

  /** The value in the cut, or what this session wrote over it.
   *  @throws {LapsedError | UnknownKeyError | UnsetError} */
  read<K extends keyof V & string>(key: K): V[K] {
    const cut = this.#look(key);
    const written = this.#writes.get(key);
    if (written !== undefined) return written.value as V[K];
    if (cut.value === undefined) throw new UnsetError(key);
    this.#reads.add(key);
    (this.#slots.get(key) as Slot).deliver(cut);
    return cut.value as V[K];
  }
  /** The version in the cut. */
  version(key: keyof V & string): number {
    return this.#look(key).version;
  }

  /** Notes a write. Nobody sees it before `publish`.
   *  @throws {RecipeError | SchemaError | LapsedError} */
  async write<K extends keyof V & string>(key: K, change: V[K] | Recipe<V[K]>): Promise<void> {
    const { computer } = this.#host;
    computer.refuseWithinRecipe(key);
    const { version: base } = this.#look(key);
    const { cell } = this.#slots.get(key) as Slot;
    for (;;) {
      const before = this.#writes.get(key);
      const computing =
        typeof change === 'function'
          ? computer.recipe(cell, this.read(key), change as Recipe<never>)
          : computer.whole(cell, change);
      const computed = computing instanceof Promise ? await computing : computing;
      this.#look(key);
      if (this.#writes.get(key) !== before) continue; // another write of this session was faster
      const patches = before === undefined ? computed.patches : join(before.patches, computed.patches);
      this.#writes.set(key, { key, base, value: computed.value, patches });
      return;
    }
  }

  /** Publishes all writes at once, if nothing that was read or written has changed since the cut; ends the session.
   *  @returns the new versions by key.
   *  @throws {ConflictError} naming every key that changed: nothing is written then */
  async publish({ signal }: { signal?: AbortSignal } = {}): Promise<Readonly<Record<string, number>>> {
    this.#refuseEnded();
    signal?.throwIfAborted();
    for (const key of this.#writes.keys()) {
      this.#host.computer.refuseWithinRecipe(key);
      if (this.#slots.get(key)?.heldByOwn() === true)
        throw new UsageError(`'${key}' is held by this agent itself; end the hold before publish().`);
    }
    const until = signal === undefined ? this.#closing : AbortSignal.any([signal, this.#closing]);
    const { replica } = this.#host;
    const writes = [...this.#writes.values()];
    const reads: ReadOf[] = [...this.#reads].map((key) => ({ key, version: this.#look(key).version }));
    this.#end('has been published');
    const involved = new Set([...this.#reads, ...this.#writes.keys()]);
    const locked: Slot[] = [];
    try {
      for (const key of [...this.#writes.keys()].sort()) {
        const slot = this.#slots.get(key) as Slot;
        const turn = slot.lock(until);
        if (turn !== undefined) await turn;
        locked.push(slot);
        until.throwIfAborted();
      }
      this.#refuseStale(involved);
      if (writes.length === 0) return {};
      const result = await replica.say(this.#sender, { op: 'publish', reads, writes });
      if (result.outcome === 'held') {
        throw (this.#slots.get(result.key as string) as Slot).refuse(
          'held',
          this.#version(result.key as string),
        );
      }
      if (result.outcome !== 'accepted') {
        this.#refuseStale(involved);
        throw (this.#slots.get(result.key as string) as Slot).refuse(
          'version',
          this.#version(result.key as string),
          result.version,
        );
      }
      for (const { key, base } of writes) (this.#slots.get(key) as Slot).made(base + 1);
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

  #refuseStale(involved: Iterable<string>): void {
    const conflicts: Conflict[] = [];
    for (const key of involved) {
      const slot = this.#slots.get(key) as Slot;
      const version = this.#version(key);
      if (slot.cell.version !== version) conflicts.push(slot.conflict(version));
    }
    const [first, ...rest] = conflicts;
    if (first === undefined) return;
    this.#host.counts.conflicts++;
    throw new ConflictError('version', [first, ...rest]);
  }
  #version(key: string): number {
    return this.#cut.get(key)?.version ?? 0;
  }
  #look(key: string): { readonly value: unknown; readonly version: number } {
    this.#refuseEnded();
    const cut = this.#cut.get(key);
    if (cut === undefined) throw new UnknownKeyError(key, this.#cut.keys());
    return cut;
  }
  #refuseEnded(): void {
    this.#closing.throwIfAborted();
    if (this.#over !== undefined) throw new LapsedError('session', this.#over);
  }
  #end(why: string): void {
    this.#over ??= why;
    this.#host.clock.clearTimeout(this.#timer);
  }
}

const join = (a: Write['patches'], b: Write['patches']): Write['patches'] =>
  a === undefined || b === undefined ? undefined : [...a, ...b];
