/** Reads that are no plain hit: the first look at a copy, a miss, or a copy that is stale within its bound. */
import type { Copy } from '../../actors/coherence/index.ts';
import { abortable } from './abort.ts';
import type { AgentState } from './agent-state.ts';
import { HoldDeadlockError, refuseUnknown, UnsetError } from './errors.ts';

export interface ReadOptions {
  readonly signal?: AbortSignal;
  /** Linearisable: at least as new as the log's tip when the read begins. */
  readonly fresh?: boolean;
}

/** The copy, if there is one. */
export function peek(agent: AgentState, key: string): unknown {
  const slot = agent.slot(key);
  if (agent.arriving !== undefined || !slot.line.readable) return undefined;
  agent.hits++;
  const value = slot.deliver(slot.line);
  if (value !== undefined) slot.keep(value);
  return value;
}

export async function read(agent: AgentState, key: string, options?: ReadOptions): Promise<unknown> {
  return (await readCopy(agent, key, options)).value;
}

/** What is read, and its version. */
export async function readCopy(agent: AgentState, key: string, options: ReadOptions = NONE): Promise<Copy> {
  const { signal, fresh = false } = options;
  if (options !== NONE) refuseUnknown('read', options, ['signal', 'fresh']);
  const slot = agent.slot(key);
  const { replica, counts } = agent.space;
  const { line } = slot;
  signal?.throwIfAborted();
  if (agent.arriving !== undefined) await abortable(agent.arriving, agent.whileOpen(signal));
  if (fresh) await abortable(replica.fresh(), agent.whileOpen(signal));
  if (!line.readable) {
    const stale = fresh ? undefined : slot.staleCopy();
    if (stale !== undefined) return stale;
    counts.misses++;
    const filling = line.whenFilled();
    if (line.state === 'I') replica.send(line, 'LOAD');
    else {
      const keys = replica.memory.deadlock(line.agent, line.cell);
      if (keys !== undefined) throw new HoldDeadlockError(agent.name, keys);
    }
    const copy = filling.copy ?? (await abortable(filling.promise(), agent.whileOpen(signal)));
    if (copy.value === undefined) throw new UnsetError(key);
    slot.deliver(copy);
    if (line.readable && line.version === copy.version) slot.keep(copy.value);
    return copy;
  }
  agent.hits++;
  const value = slot.deliver(line);
  if (value === undefined) throw new UnsetError(key);
  slot.keep(value);
  return { value, version: line.version };
}
const NONE: ReadOptions = Object.freeze({});
