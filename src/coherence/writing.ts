/** Writes by way of the line: own the key, compute, put; and the hold, which is the same with a pause. */
import type { Copy, Replica } from '../../actors/coherence/index.ts';
import { abortable } from './abort.ts';
import type { Computed } from './compute.ts';
import { FencedError } from './errors.ts';
import type { Slot } from './slot.ts';

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

/** Writes without waiting, under the slot's lock: in process nearly every write can.
 *  @returns the new version, or `undefined` when something has to be waited for: go on with {@link write}. */
export function writeNow({ slot, replica, compute, expect }: WriteRequest): number | undefined {
  const { line } = slot;
  if (expect !== undefined && line.cell.version > expect) throw slot.refuse('version', expect);
  slot.accepted = -1;
  slot.working = true;
  try {
    if (line.state === 'I' || line.state === 'S') replica.send(line, 'STORE');
    const { state } = line;
    if (state !== 'M' && state !== 'E') return undefined;
    const { version } = line;
    if (expect !== undefined && version !== expect) throw slot.refuse('version', expect, version);
    const computed = compute({ value: line.value, version });
    if (computed instanceof Promise) {
      computed.catch(() => undefined); // computed again by whoever waits
      return undefined;
    }
    line.pending = { value: computed.value, base: version, patches: computed.patches };
    replica.send(line, 'STORE');
    return slot.accepted < 0 ? undefined : slot.accepted;
  } finally {
    slot.working = false;
    line.pending = undefined;
  }
}

/** Writes once, under the slot's lock.
 *  @returns the new version.
 *  @throws {ConflictError} when another version than `expect` is current. Nothing is held afterwards. */
export async function write(request: WriteRequest): Promise<number> {
  const { slot, replica, compute, expect, signal } = request;
  const { line } = slot;
  const { cell } = line;
  // Versions only grow: what conflicts here conflicts everywhere, and needs no entry to find out.
  if (expect !== undefined && cell.version > expect) throw slot.refuse('version', expect);
  slot.accepted = -1;
  slot.working = true;
  try {
    for (;;) {
      slot.refuseAbandoned();
      const { state } = line;
      if (slot.accepted >= 0) return slot.accepted;
      if (state === 'E' || state === 'M') {
        const base = { value: line.value, version: line.version };
        if (expect !== undefined && base.version !== expect)
          throw slot.refuse('version', expect, base.version);
        const computing = compute(base);
        const computed = computing instanceof Promise ? await abortable(computing, signal) : computing;
        if (computing instanceof Promise) {
          signal?.throwIfAborted();
          // E may be gone, and even a hold when its lease ran out: then all is done again.
          if ((line.state !== 'E' && line.state !== 'M') || line.version !== base.version) continue;
        }
        line.pending = { value: computed.value, base: base.version, patches: computed.patches };
        replica.send(line, 'STORE');
      } else if (state === 'I' || state === 'S') {
        signal?.throwIfAborted();
        replica.send(line, 'STORE');
        if (line.state === 'M') continue;
        await slot.changed(signal);
      } else {
        // What has been put cannot be recalled: its outcome is awaited, aborted or not.
        await slot.changed(state === 'MP' ? undefined : signal);
      }
    }
  } finally {
    slot.working = false;
    line.pending = undefined;
  }
}

/** Takes the key and keeps it: a fermata. Under the slot's lock. */
export async function acquire(slot: Slot, replica: Replica, signal: AbortSignal | undefined): Promise<Copy> {
  const { line } = slot;
  slot.working = true;
  try {
    for (;;) {
      slot.refuseAbandoned();
      signal?.throwIfAborted();
      const { state } = line;
      if (state === 'M') {
        slot.fenced = false;
        return { value: line.value, version: line.version };
      }
      if (state === 'I' || state === 'S' || state === 'E') replica.send(line, 'HOLD');
      if (line.state !== 'M') await slot.changed(signal);
    }
  } catch (error) {
    slot.working = false;
    throw error;
  }
}

/** Writes what was computed under a hold, which ends.
 *  @throws {FencedError} when the hold was reclaimed, here or on the way. */
export async function putHeld(slot: Slot, replica: Replica, base: Copy, computed: Computed): Promise<number> {
  const { line } = slot;
  const { key } = line.cell;
  if (slot.fenced || line.state !== 'M') throw new FencedError(key);
  slot.accepted = -1;
  line.pending = { value: computed.value, base: base.version, patches: computed.patches };
  replica.send(line, 'STORE');
  while (slot.accepted < 0) {
    slot.refuseAbandoned();
    if (slot.fenced) throw new FencedError(key);
    await slot.changed();
  }
  return slot.accepted;
}
