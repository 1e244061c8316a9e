/** The textbook's caches on an atomic bus: one state for each cache of one key, and how a read, a write and an eviction
 *  change them. Imports nothing, so that it cannot agree with the machine by accident.
 *
 *  Source: Papamarcos & Patel 1984, figure 2; Culler & Singh 1999, figure 5.15; Hennessy & Patterson, 5.2. */
export type CacheState = 'I' | 'S' | 'E' | 'M';
export type Operation = 'read' | 'write' | 'evict';
export const OPERATIONS: readonly Operation[] = ['read', 'write', 'evict'];

/** @returns the states after a processor's operation, when the bus has notified all caches. */
export function bookStep(
  caches: readonly CacheState[],
  processor: number,
  operation: Operation,
): readonly CacheState[] {
  const own = caches[processor] as CacheState;
  if (operation === 'evict') return caches.map((state, i) => (i === processor ? 'I' : state));
  if (operation === 'write') return caches.map((_, i) => (i === processor ? 'M' : 'I')); // BusRdX, BusUpgr, or silent
  if (own !== 'I') return caches; // a hit
  const shared = caches.some((state) => state !== 'I');
  // BusRd: a cache with a copy keeps it, shared; what is modified is flushed.
  return caches.map((state, i) => {
    if (i === processor) return shared ? 'S' : 'E';
    return state === 'I' ? 'I' : 'S';
  });
}
