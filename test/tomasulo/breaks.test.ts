/** Claim: the lockstep notices each of the classic mistakes, and shrinks it to a few instructions. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { disagreement } from '../../specs/tomasulo/lockstep.ts';
import { programText } from '../../specs/tomasulo/picture.ts';
import { runMachines, type Seeded } from '../../specs/tomasulo/machine.ts';
import { cases } from './cases.ts';

/** The smallest program that shows the mistake, and what it shows. */
function caught(seeded: Seeded) {
  const found = fc.check(
    fc.property(cases(24), (given) => disagreement(given, seeded) === undefined),
    { numRuns: 1_500, seed: 1967 },
  );
  expect(found.failed).toBe(true);
  const [given] = found.counterexample!;
  expect(disagreement(given), 'without the mistake the same program agrees').toBeUndefined();
  return { program: programText(given), shows: disagreement(given, seeded), given };
}

test('readiness by exact match, where a superset is enough, is caught', () => {
  const { program, shows } = caught({ exactMatch: true });
  expect({ program, shows }).toMatchInlineSnapshot(`
    {
      "program": "p a ←; p a ←; p a ← a",
      "shows": "start of 2 (p a ← a): the machines never, Tomasulo in cycle 5",
    }
  `);
});

test('a lost broadcast is caught, and the run ends all the same', () => {
  const { program, shows, given } = caught({ lost: 0 });
  expect({ program, shows }).toMatchInlineSnapshot(`
    {
      "program": "p a ←; p a ← a",
      "shows": "start of 1 (p a ← a): the machines never, Tomasulo in cycle 4",
    }
  `);
  expect(runMachines(given, { lost: 0 }).times.some(({ start }) => start === Infinity)).toBe(true);
});

test('results that bear the name of their register are caught', () => {
  const { program, shows } = caught({ noRenaming: true });
  expect({ program, shows }).toMatchInlineSnapshot(`
    {
      "program": "p c ←; p c ←",
      "shows": "c in the machines is not what the program computes",
    }
  `);
});
