import type { Copy } from './line.ts';

/** A read that waits. In process the copy is often there before the reader has asked for a promise. */
export class Filling {
  copy: Copy | undefined;
  #failure: Error | undefined;
  #waiting: PromiseWithResolvers<Copy> | undefined;

  settle(copy: Copy): void {
    this.copy = copy;
    this.#waiting?.resolve(copy);
  }
  fail(why: Error): void {
    this.#failure = why;
    this.#waiting?.reject(why);
  }
  promise(): Promise<Copy> {
    if (this.#failure !== undefined) return Promise.reject(this.#failure);
    this.#waiting = Promise.withResolvers<Copy>();
    return this.#waiting.promise;
  }
}
