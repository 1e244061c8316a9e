/** Claim: the oracle and the machines both give the textbook's table for the textbook's program. */
import { expect, test } from 'vitest';
import { runMachines } from '../../specs/tomasulo/machine.ts';
import { sequential, tomasulo, type Timing } from '../../specs/tomasulo/model.ts';
import { TEXTBOOK } from '../../specs/tomasulo/textbook.ts';

/** Hennessy & Patterson, ch. 3: issue, complete, write. */
const TABLE = [
  ['LD F6', 1, 3, 4],
  ['LD F2', 2, 4, 5],
  ['MULTD F0', 3, 15, 16],
  ['SUBD F8', 4, 7, 8],
  ['DIVD F10', 5, 56, 57],
  ['ADDD F6', 6, 10, 11],
];
const table = (times: readonly Timing[]) =>
  TEXTBOOK.program.map(({ op, writes }, i) => {
    const { issue, complete, write } = times[i]!;
    return [`${op} ${writes}`, issue, complete, write];
  });

test('the oracle gives the textbook’s table', () => {
  const { times, registers } = tomasulo(TEXTBOOK);
  expect(table(times)).toEqual(TABLE);
  expect(registers).toEqual(sequential(TEXTBOOK.program));
});

test('the machines give the textbook’s table', () => {
  const { times, registers, impossible } = runMachines(TEXTBOOK);
  expect(table(times)).toEqual(TABLE);
  expect(registers).toEqual(sequential(TEXTBOOK.program));
  expect(impossible).toEqual([]);
});
