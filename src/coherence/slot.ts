/** What one agent knows of one key: it has the line, and what the agent has seen, was sent, and is doing.
 *
 *  Three versions are kept apart: the line's, which is what the replica has; `known`, which is what the agent was sent
 *  and has been charged for; `seen`, which is what it asked for: it never sees an older one. */
import { patchesSince, type Copy, type Line, type LineClient } from '../../actors/coherence/index.ts';
import type { Schema } from '../score/schema.ts';
import { whenAborted } from './abort.ts';
import { compute, type Computed } from './compute.ts';
import { ConflictError, HoldDeadlockError, InDoubtError, type Conflict } from './errors.ts';
import { charge } from './charge.ts';
import type { SlotAgent } from './space.ts';
import type { Strategy } from './strategy.ts';

/** A hold of the agent's own, as its other tasks see it. */
export interface OwnHold {
  /** It was reclaimed: nothing can be written under it any more. */
  readonly fenced: boolean;
  /** Whether it is still renewed while other agents wait. */
  readonly renewed: boolean;
  /** Gives the slot back, for a hold that was reclaimed and that may never be ended. */
  forfeit(): void;
}

export class Slot implements LineClient {
  readonly line: Line;
  readonly agent: SlotAgent;
  readonly strategy: Strategy;
  readonly #schema: Schema;
  known = -1;
  seen: number;
  /** A stale copy that may still be read (`lease`, `accessCount`): until when, and how often. */
  stale: { readonly copy: Copy; readonly until: number; left: number } | undefined;

  // ── one piece of work at a time
  /** A write or a hold is under way. */
  #writing = false;
  /** The own write was applied, and this is its version; −1 before. */
  accepted = -1;
  /** Ownership was lost, or a write refused. */
  fenced = false;
  hold: OwnHold | undefined;
  #deadlock: HoldDeadlockError | undefined;
  #locked = false;
  #queue: (() => void)[] = [];
  #wakes: (() => void)[] = [];
  readonly #watchers = new Set<() => void>();

  /** @param seen the version that the agent has seen elsewhere */
  constructor(agent: SlotAgent, line: Line, schema: Schema, strategy: Strategy, seen: number) {
    this.agent = agent;
    this.line = line;
    this.#schema = schema;
    this.strategy = strategy;
    this.seen = seen;
    line.client = this;
  }
  get key(): string {
    return this.line.cell.key;
  }
  get replica() {
    return this.agent.space.replica;
  }

  /** The next value: a whole value, or a recipe applied to a base.
   *  @throws {RecipeError | SchemaError | ValueError | UnsetError} */
  compute(change: unknown, base?: Copy): Computed | Promise<Computed> {
    const from = base !== undefined && typeof change === 'function' ? this.deliver(base) : undefined;
    return compute(this.key, this.#schema, change, from);
  }

  // ── what the agent has been given
  /** Gives the agent a copy, and charges what had to be sent. */
  deliver(copy: Copy): unknown {
    if (this.known !== copy.version) charge(this, copy);
    if (copy.version > this.seen) this.seen = copy.version;
    return copy.value;
  }
  /** From now on reads of the line's copy hit. */
  keep(value: unknown): Promise<unknown> {
    const { cell } = this.line;
    this.agent.values[cell.index] = value;
    return (this.agent.answers[cell.index] = cell.answer ??= Promise.resolve(value));
  }
  /** The agent made this version itself. */
  made(version: number): void {
    if (this.accepted === version) return; // the line has said so already
    this.known = version;
    this.seen = Math.max(this.seen, version);
    this.agent.space.counts.writes++;
  }
  /** No copy is left, current or stale. */
  forget(): void {
    const { index } = this.line.cell;
    this.agent.answers[index] = undefined;
    this.agent.values[index] = undefined;
    this.stale = undefined;
  }

  conflict(expected: number, actual = this.line.cell.version): Conflict {
    return { key: this.key, expected, actual, patches: patchesSince(this.line.cell, expected) };
  }
  refuse(reason: 'version' | 'held', expected: number, actual?: number): ConflictError {
    this.agent.space.counts.conflicts++;
    this.stale = undefined; // the agent knows now that it is stale
    return new ConflictError(reason, [this.conflict(expected, actual)]);
  }

  // ── the lock
  /** Whether a hold of the agent's own has the slot. One that was reclaimed does not keep it. */
  heldByOwn(): boolean {
    if (this.hold?.fenced === true) this.hold.forfeit();
    return this.hold !== undefined;
  }
  /** @returns a promise when another task of this agent is at work with the key. */
  lock(signal?: AbortSignal): Promise<void> | undefined {
    if (!this.#locked) {
      this.#locked = true;
      return undefined;
    }
    return this.#wait(this.#queue, signal);
  }
  /** Lets the next task work. A request that is no longer wanted is taken back first. */
  unlock(): void {
    this.#writing = false;
    const { state } = this.line;
    if (state === 'IM' || state === 'SM' || state === 'M') {
      this.replica.send(this.line, 'RELEASE');
      void this.#settled().then(() => this.#pass());
    } else this.#pass();
  }
  async #settled(): Promise<void> {
    while (this.agent.dead === undefined && !AT_REST.has(this.line.state)) await this.changed();
  }
  #pass(): void {
    const next = this.#queue.shift();
    if (next === undefined) this.#locked = false;
    else next();
  }

  // ── a write or a hold, under the lock
  begin(): void {
    this.#writing = true;
    this.accepted = -1;
    this.fenced = false;
    this.#deadlock = undefined;
  }
  /** @throws why this work cannot go on: the agent has ended, or is in a deadlock. */
  refuseEnded(): void {
    const { dead } = this.agent;
    if (dead !== undefined) throw this.line.state === 'MP' ? new InDoubtError([this.key], dead) : dead;
    if (this.#deadlock !== undefined) throw this.#deadlock;
  }
  /** Resolves at the next thing that happens to the line. */
  changed(signal?: AbortSignal): Promise<void> {
    return this.#wait(this.#wakes, signal);
  }
  #wait(list: (() => void)[], signal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve, reject) => {
      const wake = () => {
        forget();
        resolve();
      };
      const forget = whenAborted(signal, (reason) => {
        const place = list.indexOf(wake);
        if (place >= 0) list.splice(place, 1);
        reject(reason);
      });
      if (signal?.aborted !== true) list.push(wake);
    });
  }

  // ── watchers
  /** Calls back when there is a new copy, and keeps asking for one. */
  watch(listener: () => void): () => void {
    this.#watchers.add(listener);
    if (this.line.state === 'I') this.replica.send(this.line, 'LOAD');
    return () => void this.#watchers.delete(listener);
  }

  // ── what happens to the line
  get working(): boolean {
    return this.#writing && this.agent.dead === undefined && (this.hold?.renewed ?? true);
  }
  filled(own: boolean): void {
    this.forget();
    if (own) {
      this.made(this.line.version);
      this.accepted = this.line.version;
    } else if (!this.#writing) {
      const { name } = this.strategy;
      if (name === 'broadcast' && this.known !== this.line.version) charge(this, this.line, 'broadcast');
      else if (name === 'eager' && this.known !== this.line.version) charge(this, this.line);
    }
    this.moved();
    if (this.#watchers.size > 0)
      this.replica.afterwards(() => {
        for (const listener of [...this.#watchers]) listener();
      });
  }
  dropped(): void {
    this.forget();
    const { strategy, line } = this;
    const { space } = this.agent;
    const byOwn = !line.cell.held && line.cell.changes.at(-1)?.agent === line.agent;
    if (!byOwn) {
      space.counts.invalidations++;
      space.ledger?.add(this.agent.name, this.key, 'invalidation', space.ledger.invalidationTokens);
    }
    if (strategy.name === 'eager' || strategy.name === 'broadcast' || this.#watchers.size > 0)
      this.replica.afterwards(() => line.state === 'I' && this.replica.send(line, 'LOAD'));
    else if (strategy.name !== 'lazy' && !byOwn && this.known === line.version) {
      const until = strategy.name === 'lease' ? space.clock.now() + strategy.ttlMs : Infinity;
      const left = strategy.name === 'accessCount' ? strategy.reads : Infinity;
      this.stale = { copy: { value: line.value, version: line.version }, until, left };
    }
    this.moved();
  }
  lost(): void {
    this.fenced = true;
    this.moved();
  }
  deadlocked(keys: readonly string[]): void {
    const error = new HoldDeadlockError(this.agent.name, keys);
    if (this.#writing) this.#deadlock = error;
    this.line.failReads(error);
    this.moved();
  }
  /** Wakes what waits for a change. */
  moved(): void {
    if (this.#wakes.length === 0) return;
    const wakes = this.#wakes;
    this.#wakes = [];
    for (const wake of wakes) wake();
  }
}

/** States in which no request for ownership, and no write, is under way. */
const AT_REST: ReadonlySet<string> = new Set(['I', 'S', 'E', 'IS']);
