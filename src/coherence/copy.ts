/** A value with its version: what a whole value can safely be written from. */
export interface ValueCopy<T> {
  readonly value: T;
  readonly version: number;
  /** Replaces the value, if this version is still current.
   *  @throws {ConflictError} when it is not */
  write(value: T, options?: { readonly signal?: AbortSignal }): Promise<number>;
}
