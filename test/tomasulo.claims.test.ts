/** Claim: each thing that is claimed of the mapping is found as it is expected, and a broken one would not be. */
import { expect, test } from 'vitest';
import { drawCase } from '../specs/tomasulo/draw.ts';
import { disagreement, programText } from '../specs/tomasulo/lockstep.ts';
import { reservationStation } from '../machines/reservation-station.ts';
import { STAGE } from '../specs/tomasulo/mapping.ts';
import { shrink, tomasuloClaims } from '../specs/tomasulo/properties.ts';

const bounds = { agents: 3, lines: 1, runs: 300, seed: 1 };

test.each(tomasuloClaims)('$criterion: $property', async ({ check, expected }) => {
  const found = await check(bounds);
  expect(found.verdict, found.counterexample?.what).toBe(expected);
});

test('a check that is told to stop stops', async () => {
  const signal = AbortSignal.abort();
  await expect(tomasuloClaims[0]!.check({ ...bounds, signal })).rejects.toThrow('abort');
});

test('with no runs in which to notice them, mistakes are not noticed', async () => {
  const found = await tomasuloClaims.at(-1)!.check({ ...bounds, runs: 0 });
  expect(found.verdict).toBe('fails');
});

test('the mapping names the machine’s states', () => {
  expect(Object.keys(STAGE).sort()).toEqual(Object.keys(reservationStation.states).sort());
});

test('a program that fails is shrunk until no instruction can be left out', () => {
  const fails = (given: ReturnType<typeof drawCase>) =>
    disagreement(given, { exactMatch: true }) !== undefined;
  const seed = Array.from({ length: 100 }, (_, i) => i).find((i) => fails(drawCase(i)))!;
  const smallest = shrink(drawCase(seed), fails);
  expect(smallest.program.length, programText(smallest)).toBe(3);
});
