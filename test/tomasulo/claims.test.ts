/** Claim: each thing that is claimed of the mapping is found as it is expected, and a broken one would not be. */
import { expect, test } from 'vitest';
import { mutant } from '../../specs/harness/mutants.ts';
import { MAPPED_MACHINES, type MappedMachine } from '../../specs/tomasulo/correspondence.ts';
import { EXPLORED } from '../../specs/tomasulo/explored.ts';
import { brokenInvariant } from '../../specs/tomasulo/invariants.ts';
import { waitsForEver } from '../../specs/tomasulo/liveness.ts';
import { runMachines } from '../../specs/tomasulo/machine.ts';
import { MISTAKES, statesOccur, stepsCorrespond, tomasuloClaims } from '../../specs/tomasulo/properties.ts';
import { drawCase } from '../../specs/tomasulo/draw.ts';
import { TEXTBOOK } from '../../specs/tomasulo/textbook.ts';

const bounds = { agents: 3, lines: 1, runs: 150, seed: 1 };

test.each(tomasuloClaims)('$criterion: $property', async ({ check, expected }) => {
  const found = await check(bounds);
  expect(found.verdict, found.counterexample?.what).toBe(expected);
});

test('a check stops when it is aborted', async () => {
  const signal = AbortSignal.abort();
  for (const { instrument, check } of tomasuloClaims)
    if (instrument === 'lockstep') await expect(check({ ...bounds, signal })).rejects.toThrow('abort');
});

test('with no runs in which to notice them, mistakes are not noticed', async () => {
  const found = await tomasuloClaims.at(-1)!.check({ ...bounds, runs: 0 });
  expect(found.verdict).toBe('fails');
});

test('each mistake is noticed in more than one program', async () => {
  for (const [name, judge] of MISTAKES) {
    let noticed = 0;
    for (let seed = 1; seed <= 60; seed++) if (await judge(drawCase(seed), seed)) noticed++;
    expect(noticed, name).toBeGreaterThan(2);
  }
});

test('an event that is called impossible breaks the invariants, and an instruction that waits indefinitely does not', () => {
  const given = TEXTBOOK;
  const ran = runMachines(given);
  expect(brokenInvariant(given, ran)).toBeUndefined();
  const { times, registers } = ran;
  expect(brokenInvariant(given, { times, registers, impossible: ['DONE'] })!.what).toContain(
    'DONE came where',
  );
  const lost = runMachines(given, { lost: 1 });
  expect(lost.times.some(({ start }) => start === Infinity)).toBe(true);
  expect(brokenInvariant(given, lost)).toBeUndefined();
});

/** The parts, with one mistake in the table of one of them. */
const mistaken = (name: string, mistake: string): readonly MappedMachine[] =>
  MAPPED_MACHINES.map((part) =>
    part.name === name ? { ...part, machine: mutant(part.machine, mistake).machine } : part,
  );

test.each([
  ['reservation-station', 'ready GRANT_UNIT[0] to writing', 'the machine does begin, to {"stage":"writes'],
  ['reservation-station', 'waiting OPERAND[0] left out', 'the machine does capture'],
  ['reservation-station', 'writing WRITTEN[0] left out', 'the hardware does write, to {"stage":"not busy"'],
  ['functional-unit', 'saturated RELEASE[0] left out', 'the machine does free'],
  ['functional-unit', 'busy ACQUIRE[0] without its guard', 'the machine does ask'],
  ['conductor', 'performing STALL[0] to completed', 'the machine does stall, to "drained"'],
  ['conductor', 'stalled PROGRESS[0] left out', 'the hardware does go on'],
])('%s: %s is a step of one side only', (name, mistake, what) => {
  const found = stepsCorrespond(mistaken(name, mistake));
  expect(found.counterexample?.transcript.at(-1)?.text).toMatch(/^is in '/);
  expect(found.verdict).toBe('fails');
  expect(found.counterexample!.what).toContain(name);
  expect(found.counterexample!.what).toContain(what);
});

/** The parts, with another mapping of one of them. */
const mapped = (
  name: string,
  change: (part: MappedMachine) => Partial<MappedMachine>,
): readonly MappedMachine[] =>
  MAPPED_MACHINES.map((part) => (part.name === name ? { ...part, ...change(part) } : part));

const without = (mapping: MappedMachine['mapping'], name: string): MappedMachine['mapping'] =>
  Object.fromEntries(Object.entries(mapping).filter(([state]) => state !== name));

test.each<[string, readonly MappedMachine[]]>([
  ["'held' is not mapped", mapped('reservation-station', ({ mapping }) => ({ mapping: without(mapping, 'held') }))],
  ["'gone' is mapped and is no state", mapped('functional-unit', ({ mapping }) => ({ mapping: { ...mapping, gone: 'none' } }))],
  ["'saturated' has no counterpart, and is reached as if it had", mapped('functional-unit', ({ mapping }) => ({ mapping: { ...mapping, saturated: 'none' }, stages: ['all free'] }))],
  ["the stage 'retires' is never reached", mapped('reservation-station', ({ stages }) => ({ stages: [...stages, 'retires'] }))],
  ["'stalled' never occurs", mistaken('conductor', 'performing STALL[0] left out')],
])('a mapping that is wrong is found out: %s', (what, parts) => {
  const found = statesOccur(parts);
  expect(found.verdict).toBe('fails');
  expect(found.counterexample!.what).toContain(what);
}); // prettier-ignore

test.each([
  ['executing DONE[0] without repeat', 'DONE leaves as much to do'],
  ['executing DONE[0] to executing', 'GRANT_UNIT leaves as much to do'],
  ['held RESUME[0] left out', 'nothing will happen'],
  ['waiting OPERAND[0] without requestUnit', 'nothing will happen'],
])('a station that may wait indefinitely is detected: %s', (mistake, what) => {
  const { machine, settings } = EXPLORED['reservation-station']!;
  const found = waitsForEver(mutant(machine, mistake).machine, settings[0]!);
  expect(found.wrong).toContain(what);
  expect(found.way!.length).toBeGreaterThan(1); // and how to get there
});
