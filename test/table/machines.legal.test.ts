/** Claims about stations, units and the conductor in their surroundings: surroundings that keep the rules never reach
 *  an impossible cell, every other cell does occur, and machine and surroundings never disagree. That no small mistake
 *  in a table goes unnoticed is claimed in `specs.mutants`. */
import { describe, expect, test } from 'vitest';
import { tableCells, walk } from '../../specs/index.ts';
import { EXPLORED, type ExploredMachine } from '../../specs/tomasulo/explored.ts';

/** Situations and steps of the first setting, for the record. */
type Size = readonly [number, number];
const judged: Readonly<Record<string, ExploredMachine & { size: Size }>> = {
  'a reservation station on a bus that delivers when it likes': {
    ...EXPLORED['reservation-station']!,
    size: [657, 18_581],
  },
  'a functional unit with up to seven stations': { ...EXPLORED['functional-unit']!, size: [34, 177] },
  'the join of four parts': { ...EXPLORED['join']!, size: [72, 154] },
  'the hedge of one try': { ...EXPLORED['hedge']!, size: [12, 29] },
  'the conductor of a performance': { ...EXPLORED['conductor']!, size: [11, 59] },
};

describe.each(Object.entries(judged))('%s', (_, { machine, settings, size }) => {
  const first = walk(machine, settings[0]!);

  test('never reaches an impossible cell, and agrees with its surroundings in every situation', () => {
    for (const setting of settings) expect(walk(machine, setting).violation).toBeUndefined();
    expect([first.situations, first.steps]).toEqual(size);
  });
  test('uses every cell that is possible', () => {
    const possible = tableCells(machine).filter(({ kind }) => kind !== 'impossible');
    expect([...first.cells].sort()).toEqual(possible.map(({ state, event }) => `${state} ${event}`).sort());
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
