/** Writes without owning: compare-and-set of one key, and the atomic publish of several. Each is one entry, which does not
 *  queue. */
import type { ReadOf, Write } from '../../actors/coherence/index.ts';
import { abortable } from './abort.ts';
import type { AgentState } from './agent-state.ts';
import type { Computed } from './compute.ts';
import { ConflictError, InDoubtError, type Conflict } from './errors.ts';
import type { Slot } from './slot.ts';
import { versionOf } from './write.ts';

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
