/** What read hits return: the current version's value of each key, and one promise of it, whoever reads it. Whether an
 *  agent may have it is a byte of the agent's own. A hit looks at memory as little as that, since most of its time is
 *  waiting for it: 30,000 copies do not fit into a processor's nearest cache (docs/decisions/0013, 0030). */
export class Answers {
  /** Promise and value of each key side by side, so that they are fetched together. */
  readonly #answers: unknown[];
  readonly #versions: Float64Array;

  constructor(keys: number) {
    this.#answers = Array.from({ length: 2 * keys }, () => undefined);
    this.#versions = new Float64Array(keys).fill(-1);
  }
  promise(place: number): Promise<unknown> {
    return this.#answers[2 * place] as Promise<unknown>;
  }
  value(place: number): unknown {
    return this.#answers[2 * place + 1];
  }
  /** The promise of a version, made when it is first asked for. */
  of(place: number, version: number, value: unknown): Promise<unknown> {
    if (this.#versions[place] === version) return this.promise(place);
    this.#versions[place] = version;
    const promise = Promise.resolve(value);
    this.#answers[2 * place] = promise;
    this.#answers[2 * place + 1] = value;
    return promise;
  }
}
