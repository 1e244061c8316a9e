/** Reads that are no plain hit: the first look at a copy, a miss, or a copy that is stale within its bound. */
import type { Copy } from '../../actors/coherence/index.ts';
import { abortable } from './abort.ts';
import type { AgentState } from './agent-state.ts';
import { UnsetError } from './errors.ts';
import { refuseUnknown } from './known-options.ts';
import type { Slot } from './slot.ts';

export interface ReadOptions {
  readonly signal?: AbortSignal;
  /** Linearisable: at least as new as the log's tip when the read begins. */
  readonly fresh?: boolean;
}

/** A value with its version: what a whole value can safely be written from. */
export interface ValueCopy<T> {
  readonly value: T;
  readonly version: number;
  /** Replaces the value, if this version is still current.
   *  @throws {ConflictError} when it is not */
  write(value: T, options?: { readonly signal?: AbortSignal }): Promise<number>;
}

/** The copy, if there is one. */
export function peek(agent: AgentState, key: string): unknown {
  const slot = agent.slot(key);
  if (agent.arriving !== undefined || !slot.line.readable) return undefined;
  agent.hits++;
  const value = slot.deliver(slot.line);
  if (value !== undefined) void slot.keep(value);
  return value;
}

export function readKey(agent: AgentState, key: string, options?: ReadOptions): Promise<unknown> {
  try {
    const copy = readCopy(agent, key, options);
    if (copy instanceof Promise) return copy.then(({ value }) => value);
    return agent.answers[agent.places.get(key) ?? -1] ?? Promise.resolve(copy.value);
  } catch (error) {
    return Promise.reject(error);
  }
}

/** What is read, and its version: at once where nothing has to be waited for. */
export function readCopy(agent: AgentState, key: string, options: ReadOptions = NONE): Copy | Promise<Copy> {
  const slot = agent.slot(key);
  if (options === NONE)
    return agent.arriving === undefined ? copyOf(agent, slot, options) : arrive(agent, slot, options);
  refuseUnknown('read', options, ['signal', 'fresh']);
  options.signal?.throwIfAborted();
  return arrive(agent, slot, options);
}
async function arrive(agent: AgentState, slot: Slot, options: ReadOptions): Promise<Copy> {
  const until = agent.whileOpen(options.signal);
  if (agent.arriving !== undefined) await abortable(agent.arriving, until);
  if (options.fresh === true) await abortable(agent.space.replica.fresh(), until);
  return copyOf(agent, slot, options);
}

function copyOf(agent: AgentState, slot: Slot, options: ReadOptions): Copy | Promise<Copy> {
  const { line } = slot;
  if (line.readable) {
    agent.hits++;
    return given(slot, line);
  }
  const stale = options.fresh === true ? undefined : staleCopy(slot);
  if (stale !== undefined) return stale;
  const { replica, counts } = agent.space;
  counts.misses++;
  const first = !line.awaited;
  const filling = line.whenFilled(); // before the request: the next entry may take the copy away again
  if (line.state === 'I') {
    replica.send(line, 'LOAD');
    if (filling.value !== undefined) return given(slot, filling.value);
  } else if (first && line.state === 'IS') {
    // The copy was asked for in advance; others may have to know that now a read waits for it.
    agent.sender.send({ op: 'wait', key: slot.key });
  }
  slot.refuseEnded();
  return abortable(filling.promise(), agent.whileOpen(options.signal)).then((copy) => given(slot, copy));
}
/** A stale copy within the strategy's bound, if there is one. */
function staleCopy(slot: Slot): Copy | undefined {
  const { stale, agent } = slot;
  if (stale === undefined) return undefined;
  const { space } = agent;
  // Never older than what this agent has seen or written since.
  if (stale.left === 0 || stale.copy.version < slot.seen || space.clock.now() > stale.until) {
    slot.stale = undefined;
    return undefined;
  }
  stale.left--;
  agent.hits++;
  if (stale.copy.version !== slot.line.cell.version) space.counts.staleHits++;
  slot.deliver(stale.copy);
  return stale.copy;
}
/** Gives the agent a copy; while it is the line's, later reads hit. */
function given(slot: Slot, { value, version }: Copy): Copy {
  if (value === undefined) throw new UnsetError(slot.key);
  slot.deliver({ value, version });
  if (slot.line.readable && slot.line.version === version) void slot.keep(value);
  return { value, version };
}
const NONE: ReadOptions = Object.freeze({});
