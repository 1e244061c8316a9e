/** Claims: no mistake in one cell of the governor's table escapes, and the governor itself is not taken for one. */
import { expect, test } from 'vitest';
import type { AnyStateMachine } from 'xstate';
import { tempoGovernor } from '../../machines/governor/tempo-governor.ts';
import { governorDiffers } from '../../specs/governor/lockstep.ts';
import { mutants } from '../../specs/harness/mutants.ts';

const machine = tempoGovernor as unknown as AnyStateMachine;

test('the governor does as promised', () => {
  expect(governorDiffers(machine)).toBeUndefined();
});

test('every mutant of the governor is detected', () => {
  const all = mutants(machine);
  expect(all.length).toBeGreaterThan(900);
  expect(all.filter((one) => governorDiffers(one.machine) === undefined).map(({ name }) => name)).toEqual([]);
}, 60_000);
