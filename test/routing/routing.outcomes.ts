/** Outcomes made up for tests: who is right is known, so what a router should learn is known too. */
import fc from 'fast-check';
import type { Outcome } from '../../src/routing/index.ts';
import { randomFrom } from '../../src/routing/training/folds.ts';

const SIMPLE = ['Name the capital of', 'Translate the greeting into', 'Spell the name of'];
const HARD = ['Prove a theorem about', 'Integrate the matrix of', 'Derive the variance over'];
const THINGS = ['France', 'rivers', 'birds', 'steel', 'music', 'winter', 'bread', 'clouds', 'maps', 'tea'];

/** Hard tasks, which the weak model mostly gets wrong, and simple ones, which both mostly get right. */
export function madeUp(count: number, seed = 1): Outcome[] {
  const random = randomFrom(seed);
  const pick = (list: readonly string[]) => list[Math.floor(random() * list.length)]!;
  return Array.from({ length: count }, (_, index) => {
    const hard = random() < 0.5;
    const prompt = `${pick(hard ? HARD : SIMPLE)} ${pick(THINGS)} and ${pick(THINGS)}, case ${index}.`;
    return { prompt, weak: Number(random() < (hard ? 0.1 : 0.9)), strong: Number(random() < 0.9) };
  });
}

/** Any rows on which the strong model is the better one, with a score each; many scores are equal. */
export const scoredRows = fc
  .array(
    fc.record({
      weak: fc.integer({ min: 0, max: 1 }),
      strong: fc.integer({ min: 0, max: 1 }),
      score: fc.integer({ min: 0, max: 4 }),
    }),
    { minLength: 1, maxLength: 40 },
  )
  .map((rows) => rows.map((row, index) => ({ ...row, prompt: `task ${index}` })))
  .filter((rows) => rows.reduce((sum, { weak, strong }) => sum + strong - weak, 0) > 0);
