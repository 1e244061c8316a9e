/** Claim: a finding is shrunk until no part of it can be left out, and shown as a sequence with both runs. */
import { expect, test } from 'vitest';
import { drawCase } from '../../specs/tomasulo/draw.ts';
import { disagreement, objection } from '../../specs/tomasulo/lockstep.ts';
import type { Case } from '../../specs/tomasulo/model.ts';
import { programText } from '../../specs/tomasulo/picture.ts';
import { MISTAKES } from '../../specs/tomasulo/properties.ts';
import { first } from '../../specs/tomasulo/search.ts';
import { shrinkCase, smallerThan } from '../../specs/tomasulo/shrink.ts';

const bounds = { agents: 2, lines: 1, runs: 100, seed: 11 };

test.each(MISTAKES)('%s: of what shows it, nothing can be left out', async (_, judge) => {
  const { found } = await first(bounds, drawCase, judge);
  const smallest = await shrinkCase(found!.given, (smaller) => judge(smaller, found!.seed));
  expect(await judge(smallest, found!.seed)).toBeDefined();
  for (const smaller of smallerThan(smallest))
    expect(await judge(smaller, found!.seed), programText(smaller)).toBeUndefined();
  expect(smallest.program.length).toBeLessThan(4);
});

test('less is an instruction, an operand, an operation, a cycle, a unit, a station, a bus, or a class that nothing uses', () => {
  const given = {
    program: [
      { op: 'p', writes: 'a', reads: ['b'] },
      { op: 'q', writes: 'b', reads: [] },
    ],
    hardware: {
      ops: { p: { class: 'x', latency: 2 }, q: { class: 'x', latency: 1 } },
      classes: { x: { stations: 2, units: 2 }, y: { stations: 1, units: 1 } },
      buses: 2,
    },
  };
  const { program, hardware } = given;
  const [p, q] = program as [(typeof program)[0], (typeof program)[0]];
  const { ops, classes } = hardware;
  const all: Case[] = [
    { program: [], hardware },
    { program: [q], hardware },
    { program: [p], hardware },
    { program: [{ ...p, reads: [] }, q], hardware },
    { program: [p, { ...q, op: 'p' }], hardware },
    { program, hardware: { ...hardware, classes: { x: classes.x } } },
    { program, hardware: { ...hardware, ops: { ...ops, p: { class: 'x', latency: 1 } } } },
    { program, hardware: { ...hardware, classes: { ...classes, x: { stations: 2, units: 1 } } } },
    { program, hardware: { ...hardware, classes: { ...classes, x: { stations: 1, units: 2 } } } },
    { program, hardware: { ...hardware, buses: 1 } },
  ];
  expect([...smallerThan(given)]).toEqual(all);
});

/** Three instructions of one class: a result, another under the same name, and one that reads the second. */
const OVERHEARD: Case = {
  program: [
    { op: 'add', writes: 'r', reads: [] },
    { op: 'load', writes: 'r', reads: [] },
    { op: 'add', writes: 's', reads: ['r'] },
  ],
  hardware: {
    ops: { add: { class: 'alu', latency: 1 }, load: { class: 'memory', latency: 1 } },
    classes: { alu: { stations: 2, units: 1 }, memory: { stations: 1, units: 1 } },
    buses: 1,
  },
};

test('readiness by set equality never starts a station that overhears a result it does not wait for', () => {
  expect(disagreement(OVERHEARD)).toBeUndefined();
  const { what, transcript } = objection(OVERHEARD, { exactMatch: true })!;
  const lines = transcript.map(({ from, to, text }) => `${from}${to ? ` → ${to}` : ''}: ${text}`);
  expect([what, ...lines]).toMatchInlineSnapshot(`
    [
      "start of 2 (add s ← r): the machines never, Tomasulo in cycle 5",
      "hardware: alu: 2 stations, 1 unit; memory: 1 station, 1 unit; add takes 1 cycle of alu; load takes 1 cycle of memory; 1 bus",
      "program → station of alu: in cycle 1: issues 0 (add r ←)",
      "station of alu → unit of alu: in cycle 2: starts 0 (add r ←)",
      "unit of alu → station of alu: in cycle 2: completes 0 (add r ←)",
      "program → station of memory: in cycle 2: issues 1 (load r ←)",
      "station of alu → common data bus: in cycle 3: writes 0 (add r ←)",
      "station of memory → unit of memory: in cycle 3: starts 1 (load r ←)",
      "unit of memory → station of memory: in cycle 3: completes 1 (load r ←)",
      "program → station of alu: in cycle 3: issues 2 (add s ← r)",
      "station of memory → common data bus: in cycle 4: writes 1 (load r ←)",
      "station of alu → unit of alu: never starts 2 (add s ← r); Tomasulo: in cycle 5",
      "unit of alu → station of alu: never completes 2 (add s ← r); Tomasulo: in cycle 5",
      "station of alu → common data bus: never writes 2 (add s ← r); Tomasulo: in cycle 6",
      "cycles: 0 (add r ←): issue 1, start 2, complete 2, write 3",
      "cycles: 1 (load r ←): issue 2, start 3, complete 3, write 4",
      "cycles: 2 (add s ← r): issue 3, start never ≠ 5, complete never ≠ 5, write never ≠ 6",
    ]
  `);
});

test('where nothing is overheard, set equality goes unnoticed', () => {
  const { program, hardware } = OVERHEARD;
  expect(disagreement({ program: program.slice(1), hardware }, { exactMatch: true })).toBeUndefined();
});

test('a seed gives its counter-example again', async () => {
  const [, judge] = MISTAKES[0]!;
  const { found, runs } = await first(bounds, drawCase, judge);
  const again = await first({ ...bounds, seed: found!.seed, runs: 1 }, drawCase, judge);
  expect(again.found).toEqual(found);
  expect(found!.seed).toBe(bounds.seed + runs - 1);
});
