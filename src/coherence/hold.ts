/** A hold: a fermata on one key. While it lasts nobody else writes the key. */
import type { Copy } from '../../actors/coherence/index.ts';
import type { Recipe } from './compute.ts';
import type { AgentHost } from './desk.ts';
import { FencedError, LapsedError } from './errors.ts';
import type { Slot } from './slot.ts';
import type { OwnHold, Work } from './work.ts';
import { acquire, putHeld } from './writing.ts';

export class Hold<T> implements OwnHold {
  readonly key: string;
  readonly version: number;
  readonly #host: AgentHost;
  readonly #slot: Slot;
  readonly #work: Work;
  readonly #copy: Copy;
  readonly #ended: () => void;
  #over = false;
  #forfeited = false;

  private constructor(host: AgentHost, slot: Slot, copy: Copy, ended: () => void) {
    this.#host = host;
    this.#slot = slot;
    this.#work = slot.work as Work;
    this.#copy = copy;
    this.#ended = ended;
    this.key = slot.cell.key;
    this.version = copy.version;
    this.#work.hold = this;
  }
  /** Takes the key, under the slot's lock. */
  static async take<T>(
    host: AgentHost,
    slot: Slot,
    signal: AbortSignal | undefined,
    ended: () => void,
  ): Promise<Hold<T>> {
    return new Hold<T>(host, slot, await acquire(slot, host.replica, signal), ended);
  }

  /** What is current while the hold lasts. Reading it is charged, once. */
  get value(): T {
    return this.#slot.deliver(this.#copy) as T;
  }
  /** Whether the lease ran out, as far as this replica knows. */
  get fenced(): boolean {
    return this.#forfeited || (!this.#over && this.#work.fenced);
  }

  /** Writes, and ends the hold. A recipe that throws ends nothing.
   *  @throws {FencedError} when the hold was reclaimed: the late write is refused.
   *  @throws {LapsedError} when it has ended */
  async write(change: T | Recipe<T>): Promise<number> {
    this.#host.computer.refuseWithinRecipe(this.key);
    this.#refuseEnded();
    const { computer, replica } = this.#host;
    const computed = await (typeof change === 'function'
      ? computer.recipe(this.#slot.cell, this.value, change as Recipe<never>)
      : computer.whole(this.#slot.cell, change));
    this.#refuseEnded();
    this.#over = true; // once: a second write, or a release meanwhile, must not unlock the slot again
    try {
      return await putHeld(this.#slot, replica, this.#copy, computed);
    } finally {
      this.#end();
    }
  }
  /** Says that the holder still answers; the lease begins again.
   *  @throws {FencedError} when it is too late */
  async renew(): Promise<void> {
    this.#refuseEnded();
    const { sender, epoch } = this.#slot;
    const { outcome } = await this.#host.replica.say(sender, {
      op: 'renew',
      key: this.key,
      epoch,
    });
    if (outcome !== 'granted') throw new FencedError(this.key);
  }
  /** Its agent goes on without it, since it was reclaimed. Whoever still has it is told so. */
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
    this.#work.hold = undefined;
    this.#ended();
    this.#slot.unlock();
  }
}
