import { nearest } from '../../actors/tomasulo/program.ts';
import { UsageError } from './errors.ts';

/** Refuses options that a call does not know.
 *  @throws {UsageError} naming the option and the nearest known one. */
export function refuseUnknown(call: string, options: object, known: readonly string[]): void {
  const unknown = Object.keys(options).find((option) => !known.includes(option));
  if (unknown === undefined) return;
  const near = nearest(unknown, known);
  const hint = near === undefined ? '.' : `; did you mean '${near}'?`;
  throw new UsageError(`${call} has no option '${unknown}'${hint} It has ${known.join(', ')}.`);
}
