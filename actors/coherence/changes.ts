/** What a reader of an older version has to be sent. */
import type { Cell } from './cell.ts';
import type { Patch } from './entry.ts';

/** What changed from a version to a later one, as one list of patches; `undefined` when memory no longer has it, or
 *  when a whole value came in between. A place that is replaced twice is listed once. */
export function patchesSince(cell: Cell, version: number, to = cell.version): readonly Patch[] | undefined {
  if (to <= version) return [];
  const first = cell.changes.length - (cell.version - version);
  if (first < 0) return undefined;
  const all: Patch[] = [];
  for (const { patches } of cell.changes.slice(first, first + to - version)) {
    if (patches === undefined) return undefined;
    all.push(...patches);
  }
  // With nothing but replacements, one is superfluous when its place, or what contains it, is replaced later.
  if (all.some(({ op }) => op !== 'replace')) return all;
  const later = new Set<string>();
  const needed = all.toReversed().filter(({ path }) => {
    for (let length = 0; length <= path.length; length++)
      if (later.has(JSON.stringify(path.slice(0, length)))) return false;
    later.add(JSON.stringify(path));
    return true;
  });
  return needed.reverse();
}
