/** Writes: own the key, compute, put; a hold, which is the same with a pause; and the two kinds of entries that write
 *  without owning: compare-and-set, and the atomic publish of several keys. */
import type { Copy, ReadOf, Write } from '../../actors/coherence/index.ts';
import { abortable } from './abort.ts';
import type { AgentState } from './agent-state.ts';
import type { Computed } from './compute.ts';
import {
  ConflictError,
  FencedError,
  InDoubtError,
  refuseUnknown,
  UsageError,
  type Conflict,
} from './errors.ts';
import type { Slot } from './slot.ts';

export interface WriteOptions {
  readonly signal?: AbortSignal;
  /** The version that must be current; for a whole value, the version that it was computed from, as `copy()` returns it.
   *  Default: for a recipe, the current one; for a whole value 0, so that it replaces nothing but the initial value. */
  readonly expect?: number;
  /** A whole value replaces the current value, seen or not. */
  readonly blind?: boolean;
  /** The former name of `blind`. */
  readonly overwrite?: boolean;
}

export function write(
  agent: AgentState,
  key: string,
  change: unknown,
  options: WriteOptions = NONE,
): Promise<number> {
  try {
    if (typeof change !== 'function') return writeWhole(agent, key, change, options);
    const { signal } = options;
    const expect = options === NONE ? undefined : expectationOf(options);
    return inTurn(agent, key, signal, (slot) =>
      put(slot, change, undefined, expect, agent.whileOpen(signal)),
    );
  } catch (error) {
    return Promise.reject(error);
  }
}
async function writeWhole(
  agent: AgentState,
  key: string,
  value: unknown,
  options: WriteOptions,
): Promise<number> {
  const blind = options.blind ?? options.overwrite ?? false;
  const expect = expectationOf(options) ?? (blind ? undefined : 0);
  const until = agent.whileOpen(options.signal);
  const computing = agent.slot(key).compute(value);
  const computed = computing instanceof Promise ? await abortable(computing, until) : computing;
  return inTurn(agent, key, options.signal, (slot) => put(slot, value, computed, expect, until));
}
/** Works with a key when no other task of the agent does. The work unlocks the slot. */
function inTurn<T>(
  agent: AgentState,
  key: string,
  signal: AbortSignal | undefined,
  work: (slot: Slot) => Promise<T>,
): Promise<T> {
  const slot = agent.enter(key, signal);
  return slot instanceof Promise ? slot.then(work) : work(slot);
}
function expectationOf(options: WriteOptions): number | undefined {
  refuseUnknown('write', options, ['signal', 'expect', 'blind', 'overwrite']);
  const { expect, blind, overwrite } = options;
  if (expect === undefined) return undefined;
  if (blind === true || overwrite === true)
    throw new UsageError('write: `expect` and `blind` exclude each other.');
  return versionOf('write: `expect`', expect);
}
/** @throws {UsageError} naming what should be a version. */
export function versionOf(what: string, version: number): number {
  if (Number.isInteger(version) && version >= 0) return version;
  throw new UsageError(`${what} must be a whole number from 0, not ${version}.`);
}

/** Owns the key, computes, and puts. Under the slot's lock, which it gives back.
 *  @returns the new version. */
async function put(
  slot: Slot,
  change: unknown,
  ready: Computed | undefined,
  expect: number | undefined,
  signal: AbortSignal,
): Promise<number> {
  try {
    // Versions only grow: a conflict here is one everywhere, and needs no entry to find out.
    if (expect !== undefined && slot.line.cell.version > expect) throw slot.refuse('version', expect);
    slot.begin();
    for (;;) {
      if (slot.accepted >= 0) return slot.accepted;
      slot.refuseEnded();
      const waiting = advance(slot, change, ready, expect, signal);
      if (waiting !== undefined) await waiting;
    }
  } finally {
    slot.unlock();
  }
}
/** The next move of a write: put, ask for ownership, or wait. */
function advance(
  slot: Slot,
  change: unknown,
  ready: Computed | undefined,
  expect: number | undefined,
  signal: AbortSignal,
): Promise<void> | undefined {
  const { line, replica } = slot;
  const { state } = line;
  // What has been put cannot be recalled: its outcome is awaited, aborted or not.
  if (state === 'MP') return slot.changed();
  signal.throwIfAborted();
  if (state === 'I' || state === 'S') {
    replica.send(line, 'STORE');
    return undefined;
  }
  if (state !== 'E' && state !== 'M') return slot.changed(signal);
  const base: Copy = { value: line.value, version: line.version };
  if (expect !== undefined && base.version !== expect) throw slot.refuse('version', expect, base.version);
  const store = ({ value, patches }: Computed): void => {
    // While a schema validated, E may be gone, and even a hold when its lease ran out: then all is done again.
    if ((line.state === 'E' || line.state === 'M') && line.version === base.version)
      replica.store(line, { value, base: base.version, patches });
  };
  const computing = ready ?? slot.compute(change, base);
  if (computing instanceof Promise) return abortable(computing, signal).then(store);
  store(computing);
  return undefined;
}

/** Takes the key and keeps it: a fermata. Under the slot's lock. */
export async function acquire(slot: Slot, signal: AbortSignal): Promise<Copy> {
  const { line, replica } = slot;
  slot.begin();
  for (;;) {
    slot.refuseEnded();
    signal.throwIfAborted();
    const { state } = line;
    if (state === 'M') {
      slot.fenced = false;
      return { value: line.value, version: line.version };
    }
    if (state === 'I' || state === 'S' || state === 'E') replica.send(line, 'HOLD');
    slot.refuseEnded(); // the request may have closed a circle of waits at once
    if (line.state !== 'M') await slot.changed(signal);
  }
}

/** Writes what was computed under a hold, which ends.
 *  @throws {FencedError} when the hold was reclaimed, here or on the way. */
export async function putHeld(slot: Slot, base: Copy, computed: Computed): Promise<number> {
  const { line, replica } = slot;
  if (slot.fenced || line.state !== 'M') throw new FencedError(slot.key);
  slot.accepted = -1;
  replica.store(line, { value: computed.value, base: base.version, patches: computed.patches });
  while (slot.accepted < 0) {
    slot.refuseEnded();
    if (slot.fenced) throw new FencedError(slot.key);
    await slot.changed();
  }
  return slot.accepted;
}

/** Writes if `expected` is the current version: one entry, which does not queue. */
export async function compareAndSet(
  agent: AgentState,
  key: string,
  expected: number,
  change: unknown,
  signal: AbortSignal | undefined,
): Promise<number> {
  versionOf('compareAndSet: the expected version', expected);
  const entering = agent.enter(key, signal);
  const slot = entering instanceof Promise ? await entering : entering;
  const { cell } = slot.line;
  try {
    // A recipe needs the very version that it is to change: one from the future is not here yet.
    if (cell.version > expected || (typeof change === 'function' && cell.version !== expected))
      throw slot.refuse('version', expected);
    const computing = slot.compute(change, { value: cell.value, version: cell.version });
    const computed =
      computing instanceof Promise ? await abortable(computing, agent.whileOpen(signal)) : computing;
    agent.whileOpen(signal).throwIfAborted();
    const entry = { op: 'cas', ...writeOf(key, expected, computed) } as const;
    const asked = slot.replica.ask(agent.sender, entry);
    const result = asked instanceof Promise ? await asked.catch(inDoubt([key])) : asked;
    if (result.outcome !== 'accepted')
      throw slot.refuse(result.outcome === 'held' ? 'held' : 'version', expected, result.version);
    slot.made(result.version);
    return result.version;
  } finally {
    slot.unlock();
  }
}

export const writeOf = (key: string, base: number, { value, patches }: Computed): Write =>
  patches === undefined ? { key, base, value } : { key, base, value, patches };
const inDoubt = (keys: readonly string[]) => (cause: unknown) => {
  throw new InDoubtError(keys, cause);
};

/** Publishes several writes at once, if nothing that was read or written has changed. Under the lock of every slot that
 *  is written.
 *  @param slots of everything that was read or written, with the version that must be current.
 *  @throws {ConflictError} naming every key that changed: nothing is written then. */
export async function publishAll(
  agent: AgentState,
  slots: ReadonlyMap<Slot, number>,
  reads: readonly ReadOf[],
  writes: readonly Write[],
): Promise<void> {
  refuseStale(agent, slots);
  if (writes.length === 0) return;
  const asked = agent.space.replica.ask(agent.sender, { op: 'publish', reads, writes });
  const result = asked instanceof Promise ? await asked.catch(inDoubt(writes.map(({ key }) => key))) : asked;
  if (result.outcome !== 'accepted') {
    if (result.outcome !== 'held') refuseStale(agent, slots);
    const slot = agent.slot(result.key as string);
    throw slot.refuse(result.outcome === 'held' ? 'held' : 'version', slots.get(slot) ?? 0, result.version);
  }
  for (const { key, base } of writes) agent.slots.get(key)?.made(base + 1);
}
function refuseStale(agent: AgentState, slots: ReadonlyMap<Slot, number>): void {
  const conflicts: Conflict[] = [];
  for (const [slot, version] of slots)
    if (slot.line.cell.version !== version) conflicts.push(slot.conflict(version));
  const [first, ...rest] = conflicts;
  if (first === undefined) return;
  agent.space.counts.conflicts++;
  throw new ConflictError('version', [first, ...rest]);
}
const NONE: WriteOptions = Object.freeze({});
