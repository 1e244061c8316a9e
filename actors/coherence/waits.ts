/** Which agents wait for which keys, and the circles that they make: the same on every replica. */
import type { Cell } from './cell.ts';

export class Waits {
  /** By agent: the cells whose hold it waits for. A copy that was asked for in advance is no wait. */
  readonly #cells = new Map<string, Set<Cell>>();

  note(agent: string, cell: Cell): void {
    const cells = this.#cells.get(agent);
    if (cells === undefined) this.#cells.set(agent, new Set([cell]));
    else cells.add(cell);
  }
  has(agent: string, cell: Cell): boolean {
    return this.#cells.get(agent)?.has(cell) === true;
  }
  /** An agent has left a list of a cell. It may still be on the other one. */
  forget(agent: string, cell: Cell): void {
    if (cell.queue.includes(agent) || cell.readers.includes(agent)) return;
    const cells = this.#cells.get(agent);
    if (cells?.delete(cell) === true && cells.size === 0) this.#cells.delete(agent);
  }
  clear(): void {
    this.#cells.clear();
  }

  /** The keys of the circle that `agent` would close by waiting for `cell`: the cell's owner waits for a key whose owner
   *  waits … for a key that `agent` owns. */
  circle(agent: string, cell: Cell): readonly string[] | undefined {
    const seen = new Set<string>();
    const search = ({ key, owner, held }: Cell): readonly string[] | undefined => {
      if (owner === undefined || !held || seen.has(owner)) return undefined;
      if (owner === agent) return [key];
      seen.add(owner);
      for (const next of this.#cells.get(owner) ?? []) {
        const rest = search(next);
        if (rest !== undefined) return [key, ...rest];
      }
      return undefined;
    };
    return cell.owner === agent ? undefined : search(cell);
  }
}
