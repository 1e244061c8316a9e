/** Schemas for the values that checks share: they accept everything. */
import type { Schema } from '../score/schema.ts';

/** A schema that accepts every value as it is. */
export const anything = <T>(): Schema<T, T> => ({
  '~standard': { version: 1, vendor: 'tutti', validate: (value) => ({ value: value as T }) },
});
