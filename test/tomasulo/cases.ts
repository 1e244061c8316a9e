/** Random programs over few names, so that names are rewritten, on random hardware. */
import fc from 'fast-check';
import type { Case } from '../../specs/tomasulo/model.ts';

const NAMES = ['a', 'b', 'c', 'd'];
const KINDS = ['x', 'y', 'z'];

const count = (max: number) => fc.integer({ min: 1, max });
const op = fc.record({ class: fc.constantFrom(...KINDS), latency: count(12) });
const kind = fc.record({ stations: count(5), units: count(4) });

export const cases = (length: number): fc.Arbitrary<Case> =>
  fc.record({
    program: fc.array(
      fc.record({
        op: fc.constantFrom('p', 'q', 'r', 's'),
        writes: fc.constantFrom(...NAMES),
        reads: fc.array(fc.constantFrom(...NAMES), { maxLength: 3 }),
      }),
      { maxLength: length },
    ),
    hardware: fc.record({
      ops: fc.record({ p: op, q: op, r: op, s: op }),
      classes: fc.record({ x: kind, y: kind, z: kind }),
      buses: count(2),
    }),
  });
