/** A binary heap that records the position of each item, so that an item can be removed from the middle. */

/** A heap of items; `before(a, b)` says whether a comes out first and must be a strict order. */
export class Heap<T> {
  readonly #items: T[] = [];
  readonly #place = new Map<T, number>();
  readonly #before: (a: T, b: T) => boolean;

  constructor(before: (a: T, b: T) => boolean) {
    this.#before = before;
  }
  get size(): number {
    return this.#items.length;
  }
  peek(): T | undefined {
    return this.#items[0];
  }
  /** Adds an item that is not in the heap. */
  push(item: T): void {
    this.#items.push(item);
    this.#rise(this.#items.length - 1, item);
  }
  pop(): T | undefined {
    const top = this.#items[0];
    if (top !== undefined) this.delete(top);
    return top;
  }
  /** Takes one item out, wherever it is. @returns whether it was there. */
  delete(item: T): boolean {
    const place = this.#place.get(item);
    if (place === undefined) return false;
    this.#place.delete(item);
    const last = this.#items.pop() as T;
    if (place === this.#items.length) return true;
    this.#sink(place, last);
    this.#rise(this.#place.get(last) as number, last);
    return true;
  }

  #rise(from: number, item: T): void {
    const items = this.#items;
    let place = from;
    while (place > 0) {
      const parent = (place - 1) >> 1;
      if (!this.#before(item, items[parent] as T)) break;
      this.#put(items[parent] as T, place);
      place = parent;
    }
    this.#put(item, place);
  }
  #sink(from: number, item: T): void {
    const items = this.#items;
    let place = from;
    for (;;) {
      let child = 2 * place + 1;
      if (child >= items.length) break;
      if (child + 1 < items.length && this.#before(items[child + 1] as T, items[child] as T)) child++;
      if (!this.#before(items[child] as T, item)) break;
      this.#put(items[child] as T, place);
      place = child;
    }
    this.#put(item, place);
  }
  #put(item: T, place: number): void {
    this.#items[place] = item;
    this.#place.set(item, place);
  }
}
