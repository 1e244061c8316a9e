/** What is claimed of the mapping from Tomasulo's algorithm to agents, and the checks that judge it by running programs
 *  or by comparing steps; `explored.ts` has the properties that are checked by exploring the machines. */
import { CHECKER, type Bounds, type Claim, type Finding } from '../harness/claim.ts';
import { MAPPED_MACHINES, everyStageOccurs, stepForStep, type Compared } from './correspondence.ts';
import { drawCase } from './draw.ts';
import { EXPLORED } from './explored.ts';
import { outOfStep, unaccounted, unaccountedLate, unrecovered, untold } from './failures.ts';
import { brokenInvariant, oneMore } from './invariants.ts';
import { waitsForEver } from './liveness.ts';
import { objection } from './lockstep.ts';
import { runMachines } from './machine.ts';
import type { Case } from './model.ts';
import { orchestrated } from './orchestrated.ts';
import { first, searchCases, type Judge } from './search.ts';
import { lessTrouble, trouble, type Kinds, type Troubled } from './troubles.ts';

const PROGRAMS =
  'programs of up to 24 instructions on 4 names, 3 classes of 1–4 units and 1–5 stations, 1–2 buses';
const AMPLE = PROGRAMS.replace('1–5 stations', 'ample stations');

const programs = (judge: Judge<Case>, holds: 'isomorphism' | 'holds') => (bounds: Bounds) =>
  searchCases(bounds, { draw: drawCase, judge, bound: PROGRAMS, holds });

/** The real orchestrator, when things go wrong. */
const troubled = (judge: (given: Troubled) => ReturnType<Judge<Troubled>>, kinds: Kinds, what: string) => {
  const draw = (seed: number) => trouble(drawCase(seed), seed, kinds);
  const bound = `${AMPLE}; the orchestrator in virtual time; ${what}`;
  return (bounds: Bounds) =>
    searchCases(bounds, {
      draw,
      judge: (given) => judge(given),
      bound,
      holds: 'holds',
      further: lessTrouble,
    });
};

/** Mistakes, each made once, and the check that should detect it. */
export const MISTAKES: readonly (readonly [string, Judge<Case>])[] = [
  ['readiness by exact match', (given) => objection(given, { exactMatch: true })],
  ['a lost broadcast', (given) => objection(given, { lost: 0 })],
  ['results without unique names', (given) => objection(given, { noRenaming: true })],
  ['a unit too many', (given) => brokenInvariant(given, runMachines(oneMore(given, 'unit')))],
  ['a bus too many', (given) => brokenInvariant(given, runMachines(oneMore(given, 'bus')))],
  ['an operand that is taken early', (given) => brokenInvariant(given, runMachines(given, { noRenaming: true }))],
  ['an orchestrator with a unit too many', (given) => outOfStep(given, (roomy) => orchestrated(oneMore(roomy, 'unit')))],
]; // prettier-ignore

async function mistakesNoticed(bounds: Bounds): Promise<Finding> {
  let runs = 0;
  for (const [name, judge] of MISTAKES) {
    const noticed = await first(bounds, drawCase, judge);
    runs += noticed.runs;
    if (noticed.found !== undefined) continue;
    const what = `Nothing noticed ${name}.`;
    return { verdict: 'fails', bound: PROGRAMS, runs, counterexample: { what, transcript: [] } };
  }
  return { verdict: 'holds', bound: PROGRAMS, runs };
}

/** Adds up what was found of each part, up to the first that is wrong. */
function summed(parts: readonly Compared[], found: Pick<Finding, 'verdict' | 'bound'>): Finding {
  const sum = (of: 'states' | 'transitions') => parts.reduce((total, part) => total + part[of], 0);
  const counts = { ...found, states: sum('states'), transitions: sum('transitions') };
  const { wrong: what, way: transcript = [] } = parts.find(({ wrong }) => wrong !== undefined) ?? {};
  return what === undefined ? counts : { ...counts, verdict: 'fails', counterexample: { what, transcript } };
}

/** @param parts a seeded fault goes in here. */
export function stepsCorrespond(parts = MAPPED_MACHINES): Finding {
  const bound =
    'station with up to 2 operands, 1–5 units with up to 7 stations, issue; without what hardware has not';
  return summed(parts.map(stepForStep), { verdict: 'isomorphism', bound });
}
/** @param parts a seeded fault goes in here. */
export function statesOccur(parts = MAPPED_MACHINES): Finding {
  const each = [...new Map(parts.toReversed().map((part) => [part.name, part])).values()].reverse();
  const found = each.map(everyStageOccurs);
  const extra = found.flatMap((part) => part.extra);
  const bound = `${each.map(({ name }) => name).join(', ')}; without a counterpart: ${extra.join(', ')}`;
  return summed(found, { verdict: extra.length > 0 ? 'simulation' : 'isomorphism', bound });
}

const fairness = (): Finding => {
  const { machine, settings } = EXPLORED['reservation-station']!;
  const bound = 'a station in every situation of its surroundings, which are fair';
  return summed([waitsForEver(machine, settings[0]!)], { verdict: 'holds', bound });
};

const BOOK = 'Tomasulo 1967; Hennessy & Patterson, ch. 3';
const of = (criterion: Claim['criterion'], expected: Claim['expected'], instrument: Claim['instrument']) =>
  ({ mapping: 'tomasulo', criterion, expected, instrument }) as const;

export const tomasuloClaims: readonly Claim[] = [
  {
    ...of('operational semantics', 'isomorphism', 'lockstep'),
    property:
      'Without holds, faults and cancellation, every instruction issues, starts, completes and writes in the same cycle as under Tomasulo’s algorithm, and the registers end as in sequential execution.',
    source: BOOK,
    // The other claims depend on this one, and it is the cheapest to check: ten times the runs.
    check: (bounds) =>
      programs((given) => objection(given), 'isomorphism')({ ...bounds, runs: 10 * bounds.runs }),
  },
  {
    ...of('operational semantics', 'isomorphism', 'lockstep'),
    property:
      'The orchestrator that performs scores issues, starts, completes and writes every instruction in Tomasulo’s cycle, and its outputs are the registers of sequential execution.',
    source: `${BOOK}; specs/tomasulo/orchestrated.ts has the limits`,
    check: (bounds) =>
      searchCases<Case>(bounds, {
        draw: drawCase,
        judge: (given) => outOfStep(given),
        bound: `${AMPLE}; in virtual time, with oldest-first written as costs`,
        holds: 'isomorphism',
      }),
  },
  {
    ...of('operational semantics', 'isomorphism', 'explore'),
    property:
      'Among surroundings that do nothing that hardware does not, every step of station, units and conductor is a step of the hardware, and every step of the hardware is one of theirs.',
    source: `${BOOK} (issue, execute, write result); paper, Definition 6`,
    check: () => stepsCorrespond(),
  },
  {
    ...of('operational semantics', 'simulation', 'explore'),
    property:
      'Every stage of the hardware is reached by its machine and every state of the machines occurs; some have no counterpart.',
    source: `${BOOK}; docs/decisions/0002`,
    check: () => statesOccur(),
  },
  {
    ...of('invariant guarantees', 'holds', 'lockstep'),
    property:
      'Nothing starts before its operands have been broadcast, and never do more run or write than there are units and buses.',
    source: BOOK,
    check: programs((given) => brokenInvariant(given), 'holds'),
  },
  {
    ...of('invariant guarantees', 'holds', 'explore'),
    property:
      'Among fair surroundings no station waits indefinitely: from every situation it comes to its write, or is free.',
    source: 'paper 4.3; termination by a ranking function (Floyd 1967)',
    check: fairness,
  },
  {
    ...of('failure modes', 'holds', 'lockstep'),
    property: 'A lost broadcast leaves the same instructions waiting in the machines as in the hardware.',
    source: BOOK,
    check: programs((given, seed) => objection(given, {}, seed % Math.max(1, given.program.length)), 'holds'),
  },
  {
    ...of('failure modes', 'holds', 'lockstep'),
    property:
      'Where a class of units is silent, the instructions that starve in hardware without those units starve, nothing else is late, and the stall is reported with what each of them waits for.',
    source: 'paper 4.3 (stall ↔ dead-lock, ended by timeout and caesura); docs/decisions/0007',
    check: troubled(untold, { silence: true }, 'one class is silent'),
  },
  {
    ...of('failure modes', 'holds', 'lockstep'),
    property:
      'A failed producer poisons its consumers and theirs, and only them: each names one of its failed producers, and all others compute what they would have.',
    source: `${BOOK} (true dependences); docs/decisions/0002`,
    check: troubled(
      unaccountedLate,
      { fails: 1 },
      'one instruction in three may fail or hang; also with 4 stations in all',
    ),
  },
  {
    ...of('failure modes', 'holds', 'lockstep'),
    property:
      'Recovery is equivalent: a step that failed or hung is tried again, no other is, and the registers end as in sequential execution.',
    source: 'paper, Definition 6 (recovery mechanisms are structurally equivalent)',
    check: troubled(
      unrecovered,
      { attempts: 4, fails: 3 },
      'up to 3 of 4 tries of one in three fail or hang',
    ),
  },
  {
    ...of('failure modes', 'holds', 'lockstep'),
    property:
      'When something fails, hangs or is silent, every instruction writes, or is reported as failed, or is reported as waiting: exactly one of the three.',
    source: 'paper 4.3 (no node is left without a word); docs/decisions/0007',
    check: troubled(
      unaccounted,
      { attempts: 2, fails: 2, silence: true },
      'one class is silent, one in three fails or hangs, once or for good',
    ),
  },
  {
    ...of(CHECKER, 'holds', 'mutants'),
    property: `Made once on purpose, each of these is noticed: ${MISTAKES.map(([name]) => name).join(', ')}.`,
    source: BOOK,
    check: mistakesNoticed,
  },
];
