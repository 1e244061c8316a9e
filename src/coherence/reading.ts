/** How a read that is no plain hit goes: the first look at a copy, a miss, or a copy that is stale within its bound. */
import type { Copy } from '../../actors/coherence/index.ts';
import { abortable } from './abort.ts';
import type { Desk } from './desk.ts';
import { UnsetError } from './errors.ts';
import type { Slot } from './slot.ts';

export interface ReadOptions {
  readonly signal?: AbortSignal;
  /** Linearisable: at least as new as the log's tip when the read begins. */
  readonly fresh?: boolean;
}

export function peek(desk: Desk, key: string): unknown {
  const slot = desk.slot(key);
  if (desk.arriving !== undefined || !slot.readable) return undefined;
  desk.hits++;
  const value = slot.deliver(slot);
  if (value !== undefined) void slot.answerWith(value);
  return value;
}

/** A miss that ends at once, as it does on an idle bus in process; or the first hit of a copy.
 *  @returns undefined where it takes longer, or more thought. */
export function readNow(desk: Desk, slot: Slot | undefined): Promise<unknown> | undefined {
  if (slot === undefined || desk.arriving !== undefined) return undefined;
  if (desk.kept.size > 0 && desk.kept.has(slot)) return undefined;
  if (desk.closing.signal.aborted) return undefined;
  const miss = slot.state === 'I';
  if (miss) desk.replica.send(slot, 'LOAD');
  if (!slot.readable || slot.value === undefined) return undefined;
  if (miss) desk.host.counts.misses++;
  else desk.hits++;
  return slot.answerWith(slot.deliver(slot));
}

export async function read(desk: Desk, key: string, options?: ReadOptions): Promise<unknown> {
  return (await readCopy(desk, key, options)).value;
}

/** What is read, and its version. */
export async function readCopy(
  desk: Desk,
  key: string,
  { signal, fresh = false }: ReadOptions = {},
): Promise<Copy> {
  const slot = desk.slot(key);
  if (desk.arriving !== undefined || signal !== undefined) {
    signal?.throwIfAborted();
    await abortable(desk.arriving ?? Promise.resolve(), signal);
  }
  if (fresh) await abortable(Promise.resolve(desk.replica.reached(desk.replica.tip)), signal);
  if (!slot.readable) {
    const kept = fresh ? undefined : slot.kept();
    if (kept !== undefined) return kept;
    desk.host.counts.misses++;
    const filling = slot.whenFilled();
    if (slot.state === 'I') desk.replica.send(slot, 'LOAD');
    const copy = filling.copy ?? (await abortable(filling.promise(), desk.whileOpen(signal)));
    if (copy.value === undefined) throw new UnsetError(key);
    slot.deliver(copy);
    if (slot.readable && slot.version === copy.version) void slot.answerWith(copy.value);
    return copy;
  }
  desk.hits++;
  const value = slot.deliver(slot);
  if (value === undefined) throw new UnsetError(key);
  void slot.answerWith(value);
  return { value, version: slot.version };
}
