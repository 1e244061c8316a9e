/** The atomic publish of several keys. */
import type { Cell } from './cell.ts';
import type { ReadOf, Result, Write } from './entry.ts';

/** Why a publication is refused, if it is.
 *  @param conflict whether a write of one key is */
export function refusalOf(
  cells: ReadonlyMap<string, Cell>,
  reads: readonly ReadOf[],
  writes: readonly Write[],
  conflict: (cell: Cell, base: number) => 'held' | 'conflict' | undefined,
): Result | undefined {
  for (const { key, version } of reads) {
    const cell = cells.get(key);
    if (cell === undefined) return { outcome: 'unknown', key, version: 0 };
    if (cell.version !== version) return { outcome: 'conflict', key, version: cell.version };
  }
  for (const { key, base } of writes) {
    const cell = cells.get(key);
    if (cell === undefined) return { outcome: 'unknown', key, version: 0 };
    const refusal = conflict(cell, base);
    if (refusal !== undefined) return { outcome: refusal, key, version: cell.version };
  }
  return undefined;
}
