/** Claim: failures end as in the models, and a run in which one ends differently is objected to. */
import { expect, test } from 'vitest';
import { drawCase } from '../../specs/tomasulo/draw.ts';
import { unaccounted, unrecovered, untold } from '../../specs/tomasulo/failures.ts';
import { orchestrated, type OrchestratedResult } from '../../specs/tomasulo/orchestrated.ts';
import { searchCases } from '../../specs/tomasulo/search.ts';
import {
  fates,
  lessTrouble,
  trouble,
  type Kinds,
  type Troubled,
  type TroubledInstruction,
} from '../../specs/tomasulo/troubles.ts';

type Judge = typeof unaccounted;
type Run = NonNullable<Parameters<Judge>[1]>;

/** What is first objected to when programs are run in another way. */
async function noticed(judge: Judge, kinds: Kinds, run: Run) {
  const found = await searchCases(
    { agents: 2, lines: 1, runs: 60, seed: 1 },
    {
      draw: (seed) => trouble(drawCase(seed), seed, kinds),
      judge: (given) => judge(given, run),
      bound: '',
      holds: 'holds',
      further: lessTrouble,
    },
  );
  expect(found.verdict).toBe('fails');
  return found.counterexample!;
}

/** Runs the program with something changed in every instruction. */
const changed =
  (change: (line: TroubledInstruction, i: number) => Partial<TroubledInstruction>): Run =>
  (given) =>
    orchestrated({
      ...given,
      program: given.program.map((line, i) => ({ ...line, ...change(line, i) })),
    });
/** Runs the program, and changes the report of the run. */
const retold =
  (retell: (found: OrchestratedResult) => Partial<OrchestratedResult>): Run =>
  async (given) => {
    const found = await orchestrated(given);
    return { ...found, ...retell(found) };
  };

const ONCE = { fails: 1 };
const RECOVERS = { attempts: 4, fails: 3 };
const SILENCE = { silence: true };

test.each<[string, Judge, Kinds, Run, RegExp]>([
  ['a failure that is overlooked', unaccounted, ONCE, changed(() => ({ fails: 0 })), /is written, not failed/],
  ['a bystander that fails, too', unaccounted, ONCE, changed((_, i) => (i === 0 ? { fails: 9 } : {})), /0 \(.*\) is failed, not written/],
  ['a consumer that is given something in place of a fault', unaccounted, ONCE, changed((line) => ({ reads: line.reads.slice(1) })), /is written, not failed|is -?\d+, not/],
  ['a failure that is not reported', unaccounted, ONCE, retold(({ events }) => ({ events: events.filter(({ type }) => type !== 'step.ended') })), /is lost, not failed/],
  ['a fault that always names the first instruction that failed', unaccounted, ONCE, retold(({ events }) => ({ events: blamingTheFirst(events) })), /does not name one of its failed producers/],
  ['a register that keeps what its failed writer should have replaced', unaccounted, ONCE, retold(({ registers }) => ({ registers: { a: 1, b: 1, c: 1, d: 1, ...registers } })), /is 1, not undefined/],
  ['one try too few', unrecovered, RECOVERS, (given) => orchestrated({ ...given, attempts: 3 } as Troubled), /undefined|is tried/],
  ['one try too many', unrecovered, RECOVERS, changed(({ fails = 0 }) => ({ fails: Math.min(3, fails + 1) })), /is tried \d/],
  ['a recovery that changes a result', unrecovered, RECOVERS, retold(({ registers }) => ({ registers: { ...registers, a: 7 } })), /a is 7, not/],
  ['a stall that is not reported', untold, SILENCE, retold(({ events }) => ({ events: events.filter(({ type }) => type !== 'run.stalled') })), /the stall is reported as \[none\]/],
  ['a dead-lock that is not named', untold, SILENCE, retold(({ outcome }) => ({ outcome: { ...outcome, errors: [] } })), /the dead-lock is reported as \[none\]/],
  ['units that play on', untold, SILENCE, (given) => orchestrated({ program: given.program, hardware: given.hardware }), /the orchestrator in cycle \d+, Tomasulo never/],
  ['a stall that names an instruction that does not wait', untold, SILENCE, retold(({ events }) => ({ events: events.map(namingOneMore) })), /the stall is reported as/],
  ['one who waits and is not named', unaccounted, SILENCE, retold(({ events }) => ({ events: events.filter(({ type }) => type !== 'run.stalled') })), /is lost, not starved/],
])('%s is noticed', async (_, judge, kinds, run, what) => {
  const found = await noticed(judge, kinds, run);
  expect(found.what).toMatch(what);
  expect(found.transcript.length).toBeGreaterThan(0);
}); // prettier-ignore

/** Every fault names the root of the first. */
function blamingTheFirst(events: OrchestratedResult['events']): OrchestratedResult['events'] {
  const [root] = events.flatMap((event) => (event.type === 'step.ended' ? (event.error?.stepId ?? []) : []));
  return events.map((event) => {
    if (event.type !== 'step.ended' || event.error === undefined) return event;
    const error: typeof event.error = Object.assign(Object.create(event.error), { stepId: root });
    return { ...event, error };
  });
}
function namingOneMore(event: OrchestratedResult['events'][number]): OrchestratedResult['events'][number] {
  if (event.type !== 'run.stalled') return event;
  return { ...event, waiting: [...event.waiting, { stepId: 'e0', waitsFor: "a unit of 'x'" }] };
}

test('every fate occurs, and so does a failure that overtakes starvation', () => {
  const kinds = { attempts: 2, fails: 2, silence: true };
  const drawn = Array.from({ length: 200 }, (_, seed) => trouble(drawCase(seed), seed, kinds));
  const count = { written: 0, failed: 0, starved: 0 };
  let overtaken = 0;
  for (const given of drawn)
    for (const [i, fate] of fates(given).entries()) {
      count[fate]++;
      if (fate === 'failed' && given.hardware.ops[given.program[i]!.op]!.class === given.silent) overtaken++;
    }
  for (const [fate, often] of Object.entries({ ...count, overtaken }))
    expect(often, fate).toBeGreaterThan(50);
});

test('a program with trouble is shrunk to the trouble that shows', async () => {
  const run = changed(() => ({ fails: 0 }));
  const { transcript } = await noticed(unaccounted, ONCE, run);
  expect(transcript.map(({ from, text }) => `${from}: ${text}`).slice(0, 3)).toMatchInlineSnapshot(`
    [
      "program: 0 (p c ←) fails 1 time",
      "hardware: y: ample stations, 1 unit; p takes 1 cycle of y; 1 bus",
      "program: in cycle 1: issues 0 (p c ←)",
    ]
  `);
});
