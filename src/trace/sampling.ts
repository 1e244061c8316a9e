/** Chooses the messages to keep: all up to a limit, then a falling share of whole steps and events.
 *
 *  Beyond the limit one in two is kept, beyond twice the limit one in four, and so on: a trace of a run that goes on
 *  grows with the logarithm of its length. */

export class Sampling {
  readonly #limit: number;
  #next: number;
  #mask = 0;
  /** Messages so far, kept or not: the number of the last one. */
  count = 0;
  /** Messages left out because of sampling. */
  sampled = 0;

  constructor(limit: number) {
    this.#limit = limit;
    this.#next = limit;
  }
  /** One in this many is kept. */
  get rate(): number {
    return this.#mask + 1;
  }
  /** Whether the step with this tag is kept, or the nth event of something. */
  keeps(tag: number): boolean {
    return (Math.imul(tag, 0x9e3779b1) >>> 8) % (this.#mask + 1) === 0;
  }
  /** Asked before a message is counted: whether the rate has just become another. */
  get turns(): boolean {
    if (this.count < this.#next) return false;
    this.#next = Math.max(this.#limit, 1) * 2 * (this.#mask + 1);
    this.#mask = this.#mask * 2 + 1;
    return true;
  }
}
