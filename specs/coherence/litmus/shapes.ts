/** Classic shapes of litmus tests, by their usual names (Alglave, Maranget & Tautschnig 2014, Herding Cats; Owens,
 *  Sarkar & Sewell 2009, A Better x86 Memory Model): each distinguishes one weaker memory from sequential consistency. */
import type { LitmusOp, LitmusTest } from './file.ts';

/** A test in short: `Wx1` writes 1 to x, `Rx` reads x into the thread's next register. All begins with 0. */
export function shape(name: string, ...threads: readonly string[]): LitmusTest {
  const parsed = threads.map((thread) => {
    let registers = 0;
    return thread.split(' ').map((word): LitmusOp => {
      const [op, loc] = [word[0], word[1]!];
      return op === 'W' ? { op, loc, val: Number(word.slice(2)) } : { op: 'R', loc, reg: `r${registers++}` };
    });
  });
  const locations = [...new Set(parsed.flat().map(({ loc }) => loc))].sort();
  return { name, init: Object.fromEntries(locations.map((loc) => [loc, 0])), threads: parsed };
}

export const SHAPES: readonly LitmusTest[] = [
  shape('SB', 'Wx1 Ry', 'Wy1 Rx'), //               store buffers
  shape('MP', 'Wx1 Wy1', 'Ry Rx'), //               a message and its flag
  shape('LB', 'Rx Wy1', 'Ry Wx1'), //               loads that see the future
  shape('2+2W', 'Wx2 Wy1', 'Wy2 Wx1'), //           writes in opposite orders
  shape('S', 'Wx2 Wy1', 'Ry Wx1'),
  shape('R', 'Wx1 Wy1', 'Wy2 Rx'),
  shape('CoRR', 'Wx1', 'Rx Rx'), //                 one location never goes back
  shape('CoWR', 'Wx1 Rx', 'Wx2'), //                a thread sees its own write
  shape('CoRW', 'Rx Wx1', 'Wx2 Rx'),
  shape('WRC', 'Wx1', 'Rx Wy1', 'Ry Rx'), //        what was seen has happened for others, too
  shape('RWC', 'Wx1', 'Rx Ry', 'Wy1 Rx'),
  shape('ISA2', 'Wx1 Wy1', 'Ry Wz1', 'Rz Rx'),
  shape('IRIW', 'Wx1', 'Rx Ry', 'Wy1', 'Ry Rx'), // all see independent writes in one order
];
