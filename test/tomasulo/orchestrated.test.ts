/** Claim: the real orchestrator, in virtual time, gives the textbook's table, and on random programs the oracle's cycles
 *  and the registers of sequential execution. */
import { expect, test } from 'vitest';
import { drawCase } from '../../specs/tomasulo/draw.ts';
import { ample, outOfStep } from '../../specs/tomasulo/failures.ts';
import { oneMore } from '../../specs/tomasulo/invariants.ts';
import { tomasulo } from '../../specs/tomasulo/model.ts';
import { orchestrated } from '../../specs/tomasulo/orchestrated.ts';
import { TEXTBOOK } from '../../specs/tomasulo/textbook.ts';

test('the orchestrator gives the textbook’s table', async () => {
  const { times } = await orchestrated(TEXTBOOK);
  const table = times.map(({ issue, complete, write }) => `${issue}/${complete}/${write}`);
  expect(table).toEqual(['1/3/4', '2/4/5', '3/15/16', '4/7/8', '5/56/57', '6/10/11']);
});

const RUNS = process.env['TUTTI_DEEP'] === undefined ? 1_000 : 10_000;
test(`the orchestrator agrees with the oracle on ${RUNS} random programs, buses in conflict included`, async () => {
  let conflicts = 0;
  for (let seed = 1; seed <= RUNS; seed++) {
    const given = drawCase(seed);
    expect((await outOfStep(given))?.what, `seed ${seed}`).toBeUndefined();
    if (tomasulo(ample(given)).times.some(({ write, complete }) => write > complete + 1)) conflicts++;
  }
  expect(conflicts).toBeGreaterThan(RUNS / 10);
});

test.each(['unit', 'bus'] as const)('one %s too many is noticed', async (what) => {
  let differ = 0;
  for (let seed = 1; seed <= 50; seed++)
    if (await outOfStep(drawCase(seed), (given) => orchestrated(oneMore(given, what)))) differ++;
  expect(differ).toBeGreaterThan(5);
});

test('a register that holds another value is noticed', async () => {
  const wrong = await outOfStep(TEXTBOOK, async (given) => {
    const found = await orchestrated(given);
    return { ...found, registers: { ...found.registers, F8: 1 } };
  });
  expect(wrong?.what).toBe('F8 in the orchestrator is not what the program computes');
});
