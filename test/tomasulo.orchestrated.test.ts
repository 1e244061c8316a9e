/** Claim: the real orchestrator, in virtual time, gives the textbook's table, and on random programs the oracle's cycles
 *  and the registers of sequential execution. */
import { expect, test } from 'vitest';
import { drawCase } from '../specs/tomasulo/draw.ts';
import { sequential, tomasulo, type Case } from '../specs/tomasulo/model.ts';
import { orchestrated } from '../specs/tomasulo/orchestrated.ts';
import { TEXTBOOK } from '../specs/tomasulo/textbook.ts';

test('the orchestrator gives the textbook’s table', async () => {
  const { times } = await orchestrated(TEXTBOOK);
  const table = times.map(({ issue, complete, write }) => `${issue}/${complete}/${write}`);
  expect(table).toEqual(['1/3/4', '2/4/5', '3/15/16', '4/7/8', '5/56/57', '6/10/11']);
});

/** With stations for everybody: the orchestrator has one window and no stations of a class. */
const ample = ({ program, hardware }: Case): Case => {
  const classes = Object.entries(hardware.classes).map(([name, { units }]) => [
    name,
    { units, stations: 99 },
  ]);
  return { program, hardware: { ...hardware, classes: Object.fromEntries(classes) } };
};

const RUNS = process.env['TUTTI_DEEP'] === undefined ? 1_000 : 10_000;
test(`the orchestrator agrees with the oracle on ${RUNS} random programs, buses in conflict included`, async () => {
  let conflicts = 0;
  for (let seed = 1; seed <= RUNS; seed++) {
    const given = ample(drawCase(seed));
    const [found, wanted] = [await orchestrated(given), tomasulo(given)];
    expect(found.times, `seed ${seed}`).toEqual(wanted.times);
    expect(sequential(given.program), `seed ${seed}`).toMatchObject(found.registers);
    if (wanted.times.some(({ write, complete }) => write > complete + 1)) conflicts++;
  }
  expect(conflicts).toBeGreaterThan(RUNS / 10);
});

test('one unit too many is noticed', async () => {
  let differ = 0;
  for (let seed = 1; seed <= 50; seed++) {
    const given = ample(drawCase(seed));
    const classes = Object.entries(given.hardware.classes).map(([name, c]) => [
      name,
      { ...c, units: c.units + 1 },
    ]);
    const more = { ...given, hardware: { ...given.hardware, classes: Object.fromEntries(classes) } };
    const [found, wanted] = [await orchestrated(more), tomasulo(given)];
    if (JSON.stringify(found.times) !== JSON.stringify(wanted.times)) differ++;
  }
  expect(differ).toBeGreaterThan(5);
});
