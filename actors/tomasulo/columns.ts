/** Columns that grow: a copy with room for at least so many entries, or the same column if it has that room. */
const sizeFor = (length: number, least: number): number => Math.max(least, Math.ceil(length * 1.5));

export function grownInts(column: Int32Array, least: number): Int32Array {
  if (column.length >= least) return column;
  const grown = new Int32Array(sizeFor(column.length, least));
  grown.set(column);
  return grown;
}
export function grownFloats(column: Float64Array, least: number, empty = 0): Float64Array {
  if (column.length >= least) return column;
  const grown = new Float64Array(sizeFor(column.length, least));
  grown.set(column);
  if (empty !== 0) grown.fill(empty, column.length);
  return grown;
}
export function grownBytes(column: Uint8Array, least: number): Uint8Array {
  if (column.length >= least) return column;
  const grown = new Uint8Array(sizeFor(column.length, least));
  grown.set(column);
  return grown;
}
