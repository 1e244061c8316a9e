import { UsageError } from './errors.ts';

/** Refuses options that a call does not know.
 *  @throws {UsageError} naming the option and the nearest known one. */
export function refuseUnknown(call: string, options: object, known: readonly string[]): void {
  for (const option of Object.keys(options)) {
    if (known.includes(option)) continue;
    const near = known.toSorted((a, b) => distance(option, a) - distance(option, b))[0];
    throw new UsageError(
      `${call} has no option '${option}'; did you mean '${near}'? It has ${known.join(', ')}.`,
    );
  }
}
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++)
      next[j] = Math.min(row[j]! + 1, next[j - 1]! + 1, row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1));
    row = next;
  }
  return row[b.length]!;
}
