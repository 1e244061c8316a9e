/** Empties a list and keeps its memory. `length = 0` frees the memory, and the next `push` allocates it again: with six
 *  lists this took a tenth of the time of a step. */
export function clear(list: unknown[]): void {
  while (list.length > 0) list.pop();
}
