/** A write: own the key, compute, put. */
import type { Copy } from '../../actors/coherence/index.ts';
import { abortable } from './abort.ts';
import type { AgentState } from './agent-state.ts';
import type { Computed } from './compute.ts';
import { UsageError } from './errors.ts';
import { refuseUnknown } from './known-options.ts';
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

const NONE: WriteOptions = Object.freeze({});
