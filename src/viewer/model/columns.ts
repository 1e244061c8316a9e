/** Growing columns of numbers: a trace of 200,000 events takes some ten megabytes in these, and hundreds as objects. */

type Numbers = Float64Array | Int32Array | Uint8Array;
type NumbersOf<T extends Numbers> = new (length: number) => T;

/** A typed array that grows. */
export class Column<T extends Numbers> {
  readonly #make: NumbersOf<T>;
  #data: T;
  length = 0;

  constructor(make: NumbersOf<T>) {
    this.#make = make;
    this.#data = new make(1_024);
  }
  push(value: number): void {
    if (this.length === this.#data.length) {
      const grown = new this.#make(this.length * 2);
      grown.set(this.#data);
      this.#data = grown;
    }
    this.#data[this.length++] = value;
  }
  /** The value at `index`; NaN or 0 is never made up: outside the column it throws. */
  at(index: number): number {
    if (index < 0 || index >= this.length) throw new RangeError(`no row ${index} of ${this.length}`);
    return this.#data[index] as number;
  }
  set(index: number, value: number): void {
    if (index < 0 || index >= this.length) throw new RangeError(`no row ${index} of ${this.length}`);
    this.#data[index] = value;
  }
}

export const floats = (): Column<Float64Array> => new Column(Float64Array);
export const ints = (): Column<Int32Array> => new Column(Int32Array);
export const bytes = (): Column<Uint8Array> => new Column(Uint8Array);

/** Strings by number: the same one is kept once. */
export class NameTable {
  readonly #numbers = new Map<string, number>();
  readonly list: string[] = [];

  number(name: string): number {
    let number = this.#numbers.get(name);
    if (number === undefined) {
      number = this.list.length;
      this.#numbers.set(name, number);
      this.list.push(name);
    }
    return number;
  }
  find(name: string): number | undefined {
    return this.#numbers.get(name);
  }
  name(number: number): string {
    return this.list[number] ?? '';
  }
}

/** How many of the ascending `length` values are at most `limit`: the place after the last of them. */
export function countUpTo(length: number, at: (index: number) => number, limit: number): number {
  let low = 0;
  let high = length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (at(middle) <= limit) low = middle + 1;
    else high = middle;
  }
  return low;
}
