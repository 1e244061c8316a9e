/** The smallest trace that still shows a fault: events are dropped, many at once and then one by one, until none can be
 *  dropped any more (Zeller & Hildebrandt, delta debugging, 2002: the result is 1-minimal). */
export function shrinkList<T>(list: readonly T[], shows: (rest: readonly T[]) => boolean): readonly T[] {
  let kept = list;
  for (let size = Math.ceil(kept.length / 2); size >= 1;) {
    let dropped = false;
    for (let from = kept.length - size; from > -size; from -= size) {
      const rest = [...kept.slice(0, Math.max(from, 0)), ...kept.slice(Math.max(from, 0) + size)];
      if (rest.length === kept.length || !shows(rest)) continue;
      kept = rest;
      dropped = true;
    }
    if (!dropped || size > 1) size = size === 1 ? 0 : Math.ceil(size / 2);
  }
  return kept;
}
