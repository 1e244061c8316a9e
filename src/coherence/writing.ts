/** Writes by way of the line: own the key, compute, put; and the hold, which is the same with a pause. */
import type { Copy, Replica } from '../../actors/coherence/index.ts';
import { abortable } from './abort.ts';
import type { Computed, Computer, Recipe } from './compute.ts';
import { FencedError } from './errors.ts';
import type { Slot } from './slot.ts';
import type { Work } from './work.ts';

/** Computes the next value from what is current when the key is owned. */
export type Compute = (base: Copy) => Computed | Promise<Computed>;

export interface WriteRequest {
  readonly slot: Slot;
  readonly replica: Replica;
  readonly compute: Compute;
  /** The version that must be current; `undefined`: whatever is. */
  readonly expect: number | undefined;
  readonly signal: AbortSignal | undefined;
}

/** Writes what a recipe makes without waiting, under the slot's lock: in process nearly every write can.
 *  @returns the new version, or `undefined` when something has to be waited for: go on with {@link write}. */
export function writeNow(
  slot: Slot,
  replica: Replica,
  computer: Computer,
  recipe: Recipe<never>,
): number | undefined {
  const work = slot.work as Work;
  work.writing = true;
  try {
    if (slot.state === 'I' || slot.state === 'S') replica.send(slot, 'STORE');
    const { state, version } = slot;
    if (state !== 'M' && state !== 'E') return undefined;
    const computed = computer.recipe(slot.cell, slot.deliver(slot), recipe);
    if (computed instanceof Promise) {
      computed.catch(() => undefined); // computed again by whoever waits
      return undefined;
    }
    replica.store(slot, { value: computed.value, base: version, patches: computed.patches });
    return work.accepted < 0 ? undefined : work.accepted;
  } finally {
    work.writing = false;
  }
}

/** Writes once, under the slot's lock.
 *  @returns the new version.
 *  @throws {ConflictError} when another version than `expect` is current. Nothing is held afterwards. */
export async function write(request: WriteRequest): Promise<number> {
  const { slot, replica, compute, expect, signal } = request;
  const { cell } = slot;
  // Versions only grow: what conflicts here conflicts everywhere, and needs no entry to find out.
  if (expect !== undefined && cell.version > expect) throw slot.refuse('version', expect);
  const work = slot.work as Work;
  work.accepted = -1;
  work.writing = true;
  try {
    for (;;) {
      slot.refuseAbandoned();
      const { state } = slot;
      if (work.accepted >= 0) return work.accepted;
      if (state === 'E' || state === 'M') {
        const base = { value: slot.value, version: slot.version };
        if (expect !== undefined && base.version !== expect)
          throw slot.refuse('version', expect, base.version);
        const computing = compute(base);
        const computed = computing instanceof Promise ? await abortable(computing, signal) : computing;
        if (computing instanceof Promise) {
          signal?.throwIfAborted();
          // E may be gone, and even a hold when its lease ran out: then all is done again.
          if ((slot.state !== 'E' && slot.state !== 'M') || slot.version !== base.version) continue;
        }
        replica.store(slot, { value: computed.value, base: base.version, patches: computed.patches });
      } else if (state === 'I' || state === 'S') {
        signal?.throwIfAborted();
        replica.send(slot, 'STORE');
        if (slot.state === 'M') continue;
        await slot.changed(signal);
      } else {
        // What has been put cannot be recalled: its outcome is awaited, aborted or not.
        await slot.changed(state === 'MP' ? undefined : signal);
      }
    }
  } finally {
    work.writing = false;
  }
}

/** Takes the key and keeps it: a fermata. Under the slot's lock. */
export async function acquire(slot: Slot, replica: Replica, signal: AbortSignal | undefined): Promise<Copy> {
  const work = slot.work as Work;
  work.writing = true;
  try {
    for (;;) {
      slot.refuseAbandoned();
      signal?.throwIfAborted();
      const { state } = slot;
      if (state === 'M') {
        work.fenced = false;
        return { value: slot.value, version: slot.version };
      }
      if (state === 'I' || state === 'S' || state === 'E') replica.send(slot, 'HOLD');
      if (slot.state !== 'M') await slot.changed(signal);
    }
  } catch (error) {
    work.writing = false;
    throw error;
  }
}

/** Writes what was computed under a hold, which ends.
 *  @throws {FencedError} when the hold was reclaimed, here or on the way. */
export async function putHeld(slot: Slot, replica: Replica, base: Copy, computed: Computed): Promise<number> {
  const { key } = slot.cell;
  const work = slot.work as Work;
  if (work.fenced || slot.state !== 'M') throw new FencedError(key);
  work.accepted = -1;
  replica.store(slot, { value: computed.value, base: base.version, patches: computed.patches });
  while (work.accepted < 0) {
    slot.refuseAbandoned();
    if (work.fenced) throw new FencedError(key);
    await slot.changed();
  }
  return work.accepted;
}
