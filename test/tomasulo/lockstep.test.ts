/** Claim: for every program and any hardware, the machines issue, start, complete and write in the same cycles as
 *  Tomasulo's algorithm, and end with what the program computes when it is run step by step. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { disagreement } from '../../specs/tomasulo/lockstep.ts';
import { runMachines } from '../../specs/tomasulo/machine.ts';
import { tomasulo } from '../../specs/tomasulo/model.ts';
import { cases } from './cases.ts';

const numRuns = process.env.TUTTI_DEEP === '1' ? 10_000 : 1_500;

test('random programs keep in lockstep with Tomasulo', { timeout: 600_000 }, () => {
  fc.assert(
    fc.property(cases(24), (given) => {
      expect(disagreement(given)).toBeUndefined();
    }),
    { numRuns },
  );
});

test('a broadcast that is lost leaves the same instructions waiting', { timeout: 600_000 }, () => {
  fc.assert(
    fc.property(cases(16), fc.nat(15), (given, lost) => {
      expect(disagreement(given, {}, lost)).toBeUndefined();
    }),
    { numRuns: Math.ceil(numRuns / 3) },
  );
});

test('the programs meet every hazard', () => {
  const met = { stationsRunOut: 0, unitsRunOut: 0, busesRunOut: 0, overtaken: 0, rewritten: 0 };
  for (const given of fc.sample(cases(24), { numRuns: 300, seed: 1 })) {
    const { times } = runMachines(given);
    const classes = Object.entries(given.hardware.classes).map(([kind, one]) => [
      kind,
      { ...one, units: 100 },
    ]);
    const roomy = { ...given, hardware: { ...given.hardware, classes: Object.fromEntries(classes) } };
    if (times.some(({ issue }, i) => issue > i + 1)) met.stationsRunOut++;
    if (tomasulo(roomy).times.some(({ start }, i) => start < times[i]!.start)) met.unitsRunOut++;
    if (times.some(({ complete, write }) => write > complete + 1)) met.busesRunOut++;
    if (times.some(({ start }, i) => times.slice(0, i).some((older) => older.start > start))) met.overtaken++;
    if (new Set(given.program.map(({ writes }) => writes)).size < given.program.length) met.rewritten++;
  }
  for (const [hazard, often] of Object.entries(met)) expect(often, hazard).toBeGreaterThan(25);
});
