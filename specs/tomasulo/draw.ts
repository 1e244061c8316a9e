/** Programs over few names, so that names are written again, on hardware of any size, drawn from a seed. */
import { Random } from '../harness/random.ts';
import type { Case } from './model.ts';

const NAMES = ['a', 'b', 'c', 'd'] as const;
const KINDS = ['x', 'y', 'z'] as const;
const OPS = ['p', 'q', 'r', 's'] as const;

export function drawCase(seed: number, longest = 24): Case {
  const random = new Random(seed);
  const program = Array.from({ length: random.whole(0, longest) }, () => ({
    op: random.pick(OPS),
    writes: random.pick(NAMES),
    reads: Array.from({ length: random.whole(0, 3) }, () => random.pick(NAMES)),
  }));
  const op = () => ({ class: random.pick(KINDS), latency: random.whole(1, 12) });
  const kind = () => ({ stations: random.whole(1, 5), units: random.whole(1, 4) });
  const ops = { p: op(), q: op(), r: op(), s: op() };
  const classes = { x: kind(), y: kind(), z: kind() };
  return { program, hardware: { ops, classes, buses: random.whole(1, 2) } };
}
