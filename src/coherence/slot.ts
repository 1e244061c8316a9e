/** What one agent knows of one key: its line, and with it what it has seen, what it has been sent, and its strategy.
 *
 *  Gives the line's words their meaning for the agent, and charges the ledger. Three versions are kept apart: the
 *  line's, which is what the replica has; `known`, which is what the agent was sent; `seen`, which is what the agent
 *  asked for, and from which it may compute a write. */
import {
  Line,
  patchesSince,
  type Copy,
  type LineMaker,
  type Replica,
  type Sender,
} from '../../actors/coherence/index.ts';
import type { Clock } from '../../actors/clock.ts';
import type { Answers } from './answers.ts';
import { ConflictError, type Conflict } from './errors.ts';
import type { Cause, TokenLedger } from './ledger.ts';
import type { Strategy } from './strategy.ts';
import { whenAborted } from './abort.ts';
import { Work } from './work.ts';

/** What all slots of a space share. */
export interface SlotHost {
  readonly replica: Replica;
  readonly ledger: TokenLedger | undefined;
  readonly clock: Clock;
  readonly delta: boolean;
  readonly counts: Counts;
  readonly answers: Answers;
}

/** What happened, for a report. */
export interface Counts {
  /** Reads that fetched. Hits are `reads - misses`, counted per slot. */
  misses: number;
  /** Reads of a copy that was no longer current, within the strategy's bound. */
  staleHits: number;
  invalidations: number;
  writes: number;
  conflicts: number;
}

/** What all slots of an agent share: a `Desk`, as a slot sees it. */
export interface SlotDesk {
  readonly name: string;
  readonly sender: Sender;
  readonly host: SlotHost;
  /** By key: 1 where a read is a hit; empty once the agent has left. */
  readonly fresh: Uint8Array;
  readonly kept: Map<Slot, Kept>;
  hits: number;
  readonly dead: Error | undefined;
}

/** A copy that went stale and may still be read: until when, and how often. */
export interface Kept {
  readonly copy: Copy;
  readonly until: number;
  left: number;
}

export class Slot extends Line {
  readonly #desk: SlotDesk;
  readonly strategy: Strategy;
  /** What is being done with it; the slot is locked for so long. */
  work: Work | undefined = undefined;
  /** The version that the agent was last sent; −1 before the first. */
  known = -1;
  /** The version that the agent last asked for; 0 before the first. */
  seen: number;

  constructor(desk: SlotDesk, strategy: Strategy, seen: number, ...line: Parameters<LineMaker<Slot>>) {
    super(...line);
    this.#desk = desk;
    this.strategy = strategy;
    this.seen = seen;
  }

  get answer(): Promise<unknown> | undefined {
    const { index } = this.cell;
    return this.#desk.fresh[index] === 1 ? this.#desk.host.answers.promise(index) : undefined;
  }

  /** Gives the agent a copy, and charges what it had to be sent. */
  deliver(copy: Copy, pushed?: 'broadcast'): unknown {
    if (this.known !== copy.version) this.#charge(copy, pushed);
    if (pushed === undefined && copy.version > this.seen) this.seen = copy.version;
    return copy.value;
  }
  /** The agent made this version itself. */
  made(version: number): void {
    this.known = version;
    this.seen = Math.max(this.seen, version);
    this.#desk.host.counts.writes++;
  }
  /** A stale copy within the strategy's bound, if there is one. */
  kept(): Copy | undefined {
    const kept = this.#desk.kept.get(this);
    if (kept === undefined) return undefined;
    // Never older than what this agent has seen or written since.
    if (kept.left === 0 || kept.copy.version < this.seen || this.#desk.host.clock.now() > kept.until) {
      this.#desk.kept.delete(this);
      return undefined;
    }
    kept.left--;
    this.#desk.hits++;
    if (kept.copy.version !== this.cell.version) this.#desk.host.counts.staleHits++;
    this.deliver(kept.copy);
    return kept.copy;
  }
  /** Its replica has left the bus: whoever waits is told, and nothing is said any more. */
  abandon(): void {
    this.forget();
    this.#wake();
  }
  refuseAbandoned(): void {
    if (this.#desk.dead !== undefined) throw this.#desk.dead;
  }
  forget(): void {
    const { kept, fresh } = this.#desk;
    if (kept.size > 0) kept.delete(this);
    fresh[this.cell.index] = 0;
  }

  conflict(expected: number, actual = this.cell.version): Conflict {
    const { key } = this.cell;
    return { key, expected, actual, patches: patchesSince(this.cell, expected) };
  }
  refuse(reason: 'version' | 'held', expected: number, actual?: number): ConflictError {
    this.#desk.host.counts.conflicts++;
    this.#desk.kept.delete(this); // who has been told that a copy is stale reads it no more
    return new ConflictError(reason, [this.conflict(expected, actual)]);
  }

  // ── one piece of work at a time
  /** Whether a hold of the agent's own has the slot. One that was reclaimed does not keep it. */
  heldByOwn(): boolean {
    const hold = this.work?.hold;
    if (hold?.fenced === true) hold.forfeit();
    return this.work?.hold !== undefined;
  }
  tryLock(): boolean {
    if (this.work !== undefined) return false;
    this.work = new Work();
    return true;
  }
  lock(signal?: AbortSignal): Promise<void> | undefined {
    if (this.tryLock()) return undefined;
    const work = this.work as Work;
    if (signal?.aborted === true) return Promise.reject(signal.reason);
    return new Promise((resolve, reject) => {
      const turn = () => {
        forget();
        resolve();
      };
      const forget = whenAborted(signal, (reason) => {
        work.queue = work.queue?.filter((other) => other !== turn);
        reject(reason);
      });
      (work.queue ??= []).push(turn);
    });
  }
  /** Lets the next one work. A request that nobody wants any more is taken back first. */
  unlock(): void {
    (this.work as Work).writing = false;
    const { state } = this;
    if (state === 'IM' || state === 'SM' || state === 'M') {
      this.#desk.host.replica.send(this, 'RELEASE');
      void this.#settled().then(() => this.#pass());
    } else this.#pass();
  }
  async #settled(): Promise<void> {
    for (;;) {
      const { state } = this;
      if (this.#desk.dead !== undefined) return;
      if (state === 'I' || state === 'S' || state === 'E' || state === 'IS') return;
      await this.changed();
    }
  }
  #pass(): void {
    const next = this.work?.queue?.shift();
    if (next === undefined) this.work = undefined;
    else next();
  }

  /** Resolves at the next thing that happens to the line. Under the lock. */
  changed(signal?: AbortSignal): Promise<void> {
    const work = this.work as Work;
    return new Promise((resolve, reject) => {
      const wake = () => {
        forget();
        resolve();
      };
      const forget = whenAborted(signal, (reason) => {
        work.wakes = work.wakes?.filter((other) => other !== wake);
        reject(reason);
      });
      (work.wakes ??= []).push(wake);
    });
  }
  #wake(): void {
    const { work } = this;
    if (work?.wakes === undefined) return;
    const { wakes } = work;
    work.wakes = undefined;
    for (const wake of wakes) wake();
  }

  /** From now on reads of the line's copy hit. */
  answerWith(value: unknown): Promise<unknown> {
    const { index } = this.cell;
    this.#desk.fresh[index] = 1;
    return this.#desk.host.answers.of(index, this.version, value);
  }

  // ── the machine's words, as the agent hears them
  override fill(own = false): void {
    super.fill();
    this.forget();
    if (own) this.made(this.version);
    else if (this.work?.writing !== true) {
      const { name } = this.strategy;
      if (name === 'broadcast') this.deliver(this, 'broadcast');
      else if (name === 'eager' && this.known !== this.version) this.#charge(this);
    }
    this.#wake();
  }
  override drop(): void {
    this.forget();
    const { cell, strategy } = this;
    const { host } = this.#desk;
    const byOwn = !cell.held && cell.latest?.agent === this.agent;
    if (!byOwn) {
      host.counts.invalidations++;
      host.ledger?.add(this.#desk.name, cell.key, 'invalidation', host.ledger.invalidationTokens);
    }
    if (strategy.name === 'eager' || strategy.name === 'broadcast') host.replica.prefetch(this);
    else if (strategy.name !== 'lazy' && !byOwn && this.known === this.version) {
      const until = strategy.name === 'lease' ? host.clock.now() + strategy.ttlMs : Infinity;
      const left = strategy.name === 'accessCount' ? strategy.reads : Infinity;
      this.#desk.kept.set(this, { copy: { value: this.value, version: this.version }, until, left });
    }
    this.#wake();
  }
  override granted(): void {
    super.granted();
    this.#wake();
  }
  override done(): void {
    super.done();
    if (this.work !== undefined) this.work.accepted = this.version;
    this.#wake();
  }
  override refused(): void {
    this.lost();
  }
  override lost(): void {
    if (this.work !== undefined) this.work.fenced = true;
    this.#wake();
  }
  override released(): void {
    this.#wake();
  }

  #charge({ value, version }: Copy, pushed?: 'broadcast'): void {
    const { ledger, delta } = this.#desk.host;
    const { cell } = this;
    const before = this.known;
    this.known = version;
    if (ledger === undefined) return;
    const whole = ledger.tokensOf(cell.key, version, value);
    let tokens = whole;
    let cause: Cause = pushed ?? (before < 0 ? 'coldFetch' : 'reFetch');
    if (delta && before >= 0 && pushed === undefined) {
      const patches = patchesSince(cell, before, version);
      const difference = patches === undefined ? Infinity : ledger.tokensOfDelta(patches);
      if (difference < whole) [tokens, cause] = [difference, 'delta'];
    }
    ledger.add(this.#desk.name, cell.key, cause, tokens);
  }
}
