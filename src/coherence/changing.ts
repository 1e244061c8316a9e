/** What an agent asks for when it writes, and the way through the slot's lock; `writing.ts` has the write itself. */
import { abortable } from './abort.ts';
import type { Computed, Recipe } from './compute.ts';
import type { Desk } from './desk.ts';
import { UsageError } from './errors.ts';
import type { Slot } from './slot.ts';
import { write, writeNow } from './writing.ts';

export interface WriteOptions {
  readonly signal?: AbortSignal;
  /** The version that must be current. Default: for a whole value, the version this agent last read (0 if it never
   *  did), so that what it never saw is not buried; for a recipe, whatever is current, for it computes from that. */
  readonly expect?: number;
  /** A whole value replaces whatever is there, seen or not. */
  readonly overwrite?: boolean;
}

/** A recipe on a slot that has just been locked and that nobody else works on: without a turn of the microtask queue
 *  where that is possible. */
export function changeNow(desk: Desk, slot: Slot, recipe: Recipe<never>): Promise<number> {
  const { computer } = desk.host;
  let version: number | undefined;
  try {
    version = writeNow(slot, desk.replica, computer, recipe);
  } catch (error) {
    slot.unlock();
    return Promise.reject(error);
  }
  if (version === undefined) {
    return write({
      slot,
      replica: desk.replica,
      signal: desk.closing.signal,
      expect: undefined,
      compute: (base) => computer.recipe(slot.cell, slot.deliver(base), recipe),
    }).finally(() => slot.unlock());
  }
  slot.unlock();
  return Promise.resolve(version);
}

export async function change(
  desk: Desk,
  key: string,
  given: unknown,
  { signal, expect, overwrite = false }: WriteOptions,
): Promise<number> {
  const { computer } = desk.host;
  const recipe = typeof given === 'function' ? (given as Recipe<never>) : undefined;
  if (expect !== undefined && overwrite)
    throw new UsageError('write: `expect` and `overwrite` exclude each other.');
  const { cell } = desk.slot(key);
  const ready = recipe === undefined ? await computer.whole(cell, given) : undefined;
  const slot = await desk.enter(key, signal);
  try {
    return await write({
      slot,
      replica: desk.replica,
      signal: desk.whileOpen(signal),
      expect: expect ?? (recipe !== undefined || overwrite ? undefined : slot.seen),
      compute: (base): Computed | Promise<Computed> =>
        ready ?? computer.recipe(cell, slot.deliver(base), recipe as Recipe<never>),
    });
  } finally {
    slot.unlock();
  }
}

export async function compareAndSet(
  desk: Desk,
  key: string,
  expected: number,
  given: unknown,
  signal: AbortSignal | undefined,
): Promise<number> {
  const { computer } = desk.host;
  if (!Number.isInteger(expected) || expected < 0)
    throw new UsageError(
      `compareAndSet: the expected version must be a whole number from 0, not ${expected}.`,
    );
  const slot = await desk.enter(key, signal);
  const { cell } = slot;
  try {
    // A recipe needs the very version that it is told to change: one from the future is not here yet.
    if (cell.version > expected || (typeof given === 'function' && cell.version !== expected))
      throw slot.refuse('version', expected);
    const base = { value: cell.value, version: cell.version };
    const computing =
      typeof given === 'function'
        ? computer.recipe(cell, slot.deliver(base), given as Recipe<never>)
        : computer.whole(cell, given);
    const { value, patches } =
      computing instanceof Promise ? await abortable(computing, desk.whileOpen(signal)) : computing;
    signal?.throwIfAborted();
    desk.refuseClosed();
    const entry = { op: 'cas', key, base: expected, value, patches } as const;
    const result = await desk.replica.say(desk.sender, entry);
    if (result.outcome !== 'accepted') {
      throw slot.refuse(result.outcome === 'held' ? 'held' : 'version', expected, result.version);
    }
    slot.made(result.version);
    return result.version;
  } finally {
    slot.unlock();
  }
}
