/** The stations that wait for one unit: longest remaining path first, then urgency, then age.
 *
 *  Strict priority alone could pass one station over indefinitely. Here a station that has been passed over `patience`
 *  times is next, with any priority, so that every ready station starts. */
import { Heap } from './heap.ts';

/** Which of two goes first; a strict order. */
export type Before<T> = (a: T, b: T) => boolean;

export class ReadyQueue<T> {
  readonly #byPriority: Heap<T>;
  /** Stations in the order in which they came, with the count of grants at that time. */
  readonly #arrivals = new Map<T, number>();
  readonly #patience: number;
  #grants = 0;

  /** @param patience how often a station may be passed over, 1 …; 1,024 is the default of the orchestrator. */
  constructor(before: Before<T>, patience: number) {
    this.#byPriority = new Heap(before);
    this.#patience = patience;
  }
  get size(): number {
    return this.#byPriority.size;
  }
  push(station: T): void {
    this.#byPriority.push(station);
    this.#arrivals.set(station, this.#grants);
  }
  pop(): T | undefined {
    if (this.#byPriority.size === 0) return undefined;
    for (const [oldest, since] of this.#arrivals) {
      if (this.#grants - since < this.#patience) break;
      this.#grants++;
      this.delete(oldest);
      return oldest;
    }
    this.#grants++;
    const first = this.#byPriority.pop() as T;
    this.#arrivals.delete(first);
    return first;
  }
  delete(station: T): boolean {
    this.#arrivals.delete(station);
    return this.#byPriority.delete(station);
  }
}
