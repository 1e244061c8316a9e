/** What read hits return: one promise for the current version of each key, whoever reads it. Whether an agent may have
 *  it is a byte of the agent's own. A hit looks at memory as little as that, since most of its time is waiting for it:
 *  30,000 copies do not fit into a processor's nearest cache (docs/decisions/0013, 0030). */
export class Answers {
  /** By the key's place. */
  readonly promises: Promise<unknown>[];
  readonly #versions: Float64Array;

  constructor(keys: number) {
    this.promises = Array.from({ length: keys }, () => NOTHING);
    this.#versions = new Float64Array(keys).fill(-1);
  }
  of(place: number, version: number, value: unknown): Promise<unknown> {
    if (this.#versions[place] === version) return this.promises[place] as Promise<unknown>;
    this.#versions[place] = version;
    return (this.promises[place] = Promise.resolve(value));
  }
}
const NOTHING: Promise<unknown> = Promise.resolve();
