/** Claim: the size of a score is limited by memory only: no stack overflows, and no time grows with its square. */
import { expect, test } from 'vitest';
import { perform, score, scoreOf, type StepPlan } from 'tutti';

test('a chain of 100,000 steps and a fan-in of 100,000 complete', { timeout: 120_000 }, async () => {
  const add = {
    name: 'add',
    run: async ({ x }: Record<string, unknown>) => ((x as number | undefined) ?? 0) + 1,
  };
  const chain = Array.from({ length: 100_000 }, (_, i): StepPlan => ({
    id: `s${i}`,
    agent: add,
    reads: i ? { x: 'n' } : {},
    writes: 'n',
  }));
  expect((await perform(scoreOf('chain', chain)).result).outputs).toEqual({ n: 100_000 });
  const leaves = Array.from({ length: 100_000 }, (_, i): StepPlan => ({ id: `s${i}`, agent: add }));
  const sum = { name: 'sum', run: ({ all }: Record<string, unknown>) => (all as number[]).length };
  const fan = scoreOf(
    'fan',
    [...leaves, { id: 'sum', agent: sum, reads: { all: leaves.map(({ id }) => id) } }],
    { outputs: { sum: 'sum' } },
  );
  expect((await perform(fan).result).outputs).toEqual({ sum: 100_000 });
});

test('a map with a fault in each of 200,000 elements fails with that of the first', async () => {
  const list = Array.from({ length: 200_000 }, (_, i) => i);
  const many = score('many')
    .step('list', { agent: () => list })
    .map('each', {
      over: 'list',
      agent: ({ item }: { item: number }) => {
        if (item >= 0) throw new RangeError(`element ${item}`);
        return item;
      },
    });
  const report = await perform(many).report;
  expect(report.status).toBe('failed');
  expect(report.errors[0]?.message).toContain('element 0');
});
