/** Both sides run a program; the first thing in which they differ, in words. */
import { runMachines, type Seeded } from './machine.ts';
import { sequential, tomasulo, type Case, type Timing } from './model.ts';

const EVENTS = ['issue', 'start', 'complete', 'write'] as const satisfies readonly (keyof Timing)[];

/** @param seeded a mistake made on the machines' side alone.
 *  @param lost a broadcast lost on both sides; then nobody promises what the registers hold. */
export function disagreement(given: Case, seeded: Seeded = {}, lost?: number): string | undefined {
  const oracle = tomasulo(given, lost);
  const found = runMachines(given, lost === undefined ? seeded : { ...seeded, lost });
  if (found.impossible.length > 0)
    return `the machines met what they call impossible: ${found.impossible[0]}`;
  for (const [i, { op, writes }] of given.program.entries())
    for (const event of EVENTS) {
      const [here, there] = [found.times[i]![event], oracle.times[i]![event]];
      if (here !== there)
        return `${event} of ${i} (${op} ${writes}): the machines ${cycle(here)}, Tomasulo ${cycle(there)}`;
    }
  if (lost !== undefined) return undefined;
  const expected = sequential(given.program);
  for (const [name, value] of Object.entries(expected)) {
    if (found.registers[name] !== value) return `${name} in the machines is not what the program computes`;
    if (oracle.registers[name] !== value) return `${name} in the oracle is not what the program computes`;
  }
  return undefined;
}

const cycle = (at: number): string => (at === Infinity ? 'never' : `in cycle ${at}`);

/** A program as text: `MULTD F0 ← F2 F4; …`. */
export const programText = ({ program }: Case): string =>
  program.map(({ op, writes, reads }) => [op, writes, '←', ...reads].join(' ')).join('; ');
