/** Both sides run a program; the first thing in which they differ, in words. */
import { runMachines, type Seeded } from './machine.ts';
import { sequential, tomasulo, type Case, type Registers, type Timing } from './model.ts';
import { cycle, numbered, picture } from './picture.ts';
import type { Objection } from './search.ts';

const EVENTS = ['issue', 'start', 'complete', 'write'] as const satisfies readonly (keyof Timing)[];

/** The result of a run of a program. */
export interface Ran {
  readonly times: readonly Timing[];
  readonly registers: Registers;
}

/** @param seeded a mistake made on the machines' side alone.
 *  @param lost a broadcast lost on both sides; then the contents of the registers are not compared. */
export function objection(given: Case, seeded: Seeded = {}, lost?: number): Objection | undefined {
  const found = runMachines(given, lost === undefined ? seeded : { ...seeded, lost });
  const oracle = tomasulo(given, lost);
  const what =
    found.impossible.length > 0
      ? `the machines met what they call impossible: ${found.impossible[0]}`
      : difference('the machines', given, found, oracle, lost === undefined);
  return what === undefined ? undefined : { what, transcript: picture(given, found.times, oracle.times) };
}

/** {@link objection}, in one sentence. */
export const disagreement = (given: Case, seeded: Seeded = {}, lost?: number): string | undefined =>
  objection(given, seeded, lost)?.what;

/** The first cycle, or else the first register, in which a run differs from the oracle's.
 *  @param who ran the program, in words. */
export function difference(
  who: string,
  given: Case,
  found: Ran,
  oracle: Ran,
  registers = true,
): string | undefined {
  for (const i of given.program.keys())
    for (const event of EVENTS) {
      const [here, there] = [found.times[i]![event], oracle.times[i]![event]];
      if (here !== there)
        return `${event} of ${numbered(given, i)}: ${who} ${cycle(here)}, Tomasulo ${cycle(there)}`;
    }
  if (!registers) return undefined;
  for (const [name, value] of Object.entries(sequential(given.program))) {
    if (found.registers[name] !== value) return `${name} in ${who} is not what the program computes`;
    if (oracle.registers[name] !== value) return `${name} in the oracle is not what the program computes`;
  }
  return undefined;
}
