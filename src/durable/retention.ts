/** Retention: a run that has ended shrinks to what shows how it ended. */
import { LogError } from '../../actors/bus/log.ts';
import type { RunStore } from '../../actors/bus/run-store.ts';
import { foldLog } from './facts.ts';

/** Shrinks runs that have ended to their beginning, outputs, usage and end. `resume` still gives their result, and their
 *  ids are not used again.
 *  @param which ids, or `endedMs`: every run that ended longer ago, in milliseconds from 0 on
 *  @returns ids of the runs that have been shrunk now
 *  @throws {UnknownRunError} @throws {LogError} for a run that has not ended: it still needs its log
 *  @example
 *  ```ts
 *  shrinkRuns(store, { endedMs: 7 * 86_400_000 }); // a week
 *  shrinkRuns(store, ['review-1']);
 *  ``` */
export function shrinkRuns(
  store: RunStore,
  which: readonly string[] | { readonly endedMs: number },
): readonly string[] {
  if ('endedMs' in which) {
    if (!(which.endedMs >= 0))
      throw new RangeError(`shrinkRuns: endedMs must be 0 or more, not ${which.endedMs}.`);
    const ids = store.endedBefore(Date.now() - which.endedMs);
    for (const id of ids) shrink(store, id);
    return ids;
  }
  for (const id of which) {
    if (store.stateOf(id) === 'open')
      throw new LogError(
        `the run '${id}' has not ended, and needs its log to be resumed; remove it if it is not wanted any more.`,
      );
  }
  for (const id of which) shrink(store, id);
  return which;
}

function shrink(store: RunStore, id: string): void {
  const log = store.open(id);
  try {
    log.keep(foldLog(log.read()).positionsToKeep());
  } finally {
    log.close();
  }
}

/** Shrinks what the store's `keepMs` says, when a performance ends. A run that another process is at work on stays. */
export function shrinkDue(store: RunStore): void {
  if (store.keepMs === undefined) return;
  try {
    shrinkRuns(store, { endedMs: store.keepMs });
  } catch (error) {
    if (!(error instanceof LogError)) throw error;
    // tried again when the next performance ends
  }
}
