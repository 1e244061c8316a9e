/** Claims about stations, units and the conductor in their surroundings: whoever keeps the rules never reaches an
 *  impossible cell, every other cell does occur, machine and surroundings never disagree, and no small mistake in a
 *  table goes unnoticed. */
import type { AnyStateMachine } from 'xstate';
import { describe, expect, test } from 'vitest';
import { conductor, functionalUnit, reservationStation } from '../machines/index.ts';
import { cells, mutants, walk, type WalkOptions } from '../specs/index.ts';
import { aroundStation, stationAgrees } from '../specs/tomasulo/around-station.ts';
import { aroundConductor, aroundUnit, conductorAgrees, unitAgrees } from '../specs/tomasulo/around-units.ts';

interface Case {
  readonly machine: AnyStateMachine;
  /** The first of these visits every cell. */
  readonly settings: readonly WalkOptions<any>[];
  /** Situations, steps and mutants, for the record. */
  readonly size: readonly [number, number, number];
}

const unit = (capacity: number): WalkOptions<any> => ({
  input: { unit: 'u', capacity },
  surroundings: aroundUnit(7),
  invariant: unitAgrees,
});
const judged: Readonly<Record<string, Case>> = {
  'a reservation station on a bus that delivers when it likes': {
    machine: reservationStation as unknown as AnyStateMachine,
    settings: [{ input: { station: 0 }, surroundings: aroundStation, invariant: stationAgrees }],
    size: [569, 16_499, 476],
  },
  'a functional unit with up to seven stations': {
    machine: functionalUnit as unknown as AnyStateMachine,
    settings: [unit(3), unit(1), unit(2), unit(5)],
    size: [34, 148, 109],
  },
  'the conductor of a performance': {
    machine: conductor as unknown as AnyStateMachine,
    settings: [{ surroundings: aroundConductor, invariant: conductorAgrees }],
    size: [11, 55, 171],
  },
};

describe.each(Object.entries(judged))('%s', (_, { machine, settings, size }) => {
  const first = walk(machine, settings[0]!);
  const all = mutants(machine);

  test('never reaches an impossible cell, and agrees with its surroundings in every situation', () => {
    for (const setting of settings) expect(walk(machine, setting).violation).toBeUndefined();
    expect([first.situations, first.steps, all.length]).toEqual(size);
  });
  test('uses every cell that is possible', () => {
    const possible = cells(machine).filter(({ kind }) => kind !== 'impossible');
    expect([...first.cells].sort()).toEqual(possible.map(({ state, event }) => `${state} ${event}`).sort());
  });
  test('with any one mistake in its table is found out', () => {
    const escaped = all.filter((mutant) =>
      settings.every((setting) => walk(mutant.machine, setting).violation === undefined),
    );
    expect(escaped.map(({ name }) => name)).toEqual([]);
  });
});

test('surroundings that break the rules are found out, by a shortest path', () => {
  const { machine, settings } = judged['a reservation station on a bus that delivers when it likes']!;
  const { surroundings } = settings[0]!;
  const rude = { ...surroundings, may: () => [...surroundings.may({ ...start }), { type: 'GRANT_UNIT' }] };
  const start = { value: 'free', context: {}, surroundings: surroundings.initial };
  expect(walk(machine, { surroundings: rude }).violation).toMatchObject({
    what: 'impossible',
    path: [{ type: 'GRANT_UNIT' }],
    situation: { value: 'free' },
  });
});

test('more situations than the limit are an error of the caller', () => {
  const { machine, settings } = judged['a reservation station on a bus that delivers when it likes']!;
  expect(() => walk(machine, { ...settings[0]!, limit: 100 })).toThrow(
    'more than 100 situations; bound the surroundings',
  );
});
