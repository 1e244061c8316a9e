/** A promise that is settled from outside. In process its value is often there before the promise has been asked for. */
export class Deferred<T> {
  value: T | undefined;
  #failure: Error | undefined;
  #waiting: PromiseWithResolvers<T> | undefined;

  settle(value: T): void {
    this.value = value;
    this.#waiting?.resolve(value);
  }
  fail(why: Error): void {
    this.#failure = why;
    this.#waiting?.reject(why);
  }
  /** Called once. */
  promise(): Promise<T> {
    if (this.value !== undefined) return Promise.resolve(this.value);
    if (this.#failure !== undefined) return Promise.reject(this.#failure);
    this.#waiting = Promise.withResolvers<T>();
    return this.#waiting.promise;
  }
}
