/** What is waited for. In process it is often there before a promise of it has been asked for. */
export class Later<T> {
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
