/** What is claimed of the mapping from Tomasulo's stations to agents, and the checks that judge it. */
import type { Bounds, Claim, Finding, Verdict } from '../claim.ts';
import { turns } from '../turn.ts';
import { drawCase } from './draw.ts';
import { disagreement, programText } from './lockstep.ts';
import { runMachines, type Seeded } from './machine.ts';
import { STAGE } from './mapping.ts';
import { tomasulo, type Case } from './model.ts';

type Judge = (given: Case, seed: number) => string | undefined;

/** Looks for a program of which the judge has something to say. */
async function search(
  { runs, seed, signal, progress }: Bounds,
  judge: Judge,
  holds: Verdict,
): Promise<Finding> {
  const turn = turns(signal);
  for (let i = 0; i < runs; i++) {
    await turn();
    progress?.(i / runs);
    const given = drawCase(seed + i);
    if (judge(given, seed + i) === undefined) continue;
    const smallest = shrink(given, (smaller) => judge(smaller, seed + i) !== undefined);
    const what = judge(smallest, seed + i)!;
    const transcript = [{ from: 'program', text: programText(smallest) }];
    return {
      verdict: 'fails',
      bound: BOUND,
      runs: i + 1,
      counterexample: { what, seed: seed + i, transcript },
    };
  }
  return { verdict: holds, bound: BOUND, runs };
}
const BOUND =
  'programs of up to 24 instructions on 4 names, 3 classes of 1–4 units and 1–5 stations, 1–2 buses';

/** Leaves out instructions as long as what is left still fails. */
export function shrink(given: Case, fails: (smaller: Case) => boolean): Case {
  for (let i = 0; i < given.program.length; i++) {
    const smaller = { ...given, program: given.program.filter((_, k) => k !== i) };
    if (fails(smaller)) return shrink(smaller, fails);
  }
  return given;
}

/** No more run or write at once than there are units and buses, and nothing starts before its operands are written. */
function brokenInvariant(given: Case): string | undefined {
  const { times, impossible } = runMachines(given);
  const { program, hardware } = given;
  if (impossible.length > 0) return `${impossible[0]} came where the machine calls it impossible`;
  for (const [i, { start, write }] of times.entries()) {
    const { op, reads } = program[i]!;
    const kind = hardware.ops[op]!.class;
    const running = times.filter(
      (time, k) =>
        hardware.ops[program[k]!.op]!.class === kind && time.start <= start && start <= time.complete,
    );
    if (running.length > hardware.classes[kind]!.units) return `too many run in ${kind} in cycle ${start}`;
    if (times.filter((time) => time.write === write).length > hardware.buses)
      return `too many write in cycle ${write}`;
    for (const name of reads) {
      const producer = program.findLastIndex(({ writes }, k) => k < i && writes === name);
      if (producer >= 0 && times[producer]!.write >= start) return `${i} starts before ${name} is written`;
    }
  }
  return undefined;
}

/** Whether each mistake, made once, is noticed. */
const MISTAKES: readonly (readonly [string, Seeded])[] = [
  ['readiness by exact match', { exactMatch: true }],
  ['a lost broadcast', { lost: 0 }],
  ['no renaming', { noRenaming: true }],
];

async function mistakesNoticed(bounds: Bounds): Promise<Finding> {
  let runs = 0;
  for (const [name, seeded] of MISTAKES) {
    const found = await search(bounds, (given) => disagreement(given, seeded), 'holds');
    runs += found.runs ?? 0;
    if (found.verdict === 'fails') continue;
    const what = `Nothing noticed ${name}.`;
    return { verdict: 'fails', bound: BOUND, runs, counterexample: { what, transcript: [] } };
  }
  return { verdict: 'holds', bound: BOUND, runs };
}

function statesMapped(): Finding {
  const states = Object.entries(STAGE);
  const extra = states.filter(([, stage]) => stage === 'none').map(([state]) => state);
  const bound = `${states.length} states; without a counterpart: ${extra.join(', ') || 'none'}`;
  return { verdict: extra.length > 0 ? 'simulation' : 'isomorphism', bound, states: states.length };
}

const BOOK = 'Tomasulo 1967; Hennessy & Patterson, ch. 3';

export const tomasuloClaims: readonly Claim[] = [
  {
    mapping: 'tomasulo',
    criterion: 'operational semantics',
    property:
      'Without holds, faults and cancellation, every instruction issues, starts, completes and writes in the same cycle as under Tomasulo’s algorithm, and the registers end as in sequential execution.',
    source: BOOK,
    expected: 'isomorphism',
    instrument: 'lockstep',
    check: (bounds) => search(bounds, (given) => disagreement(given), 'isomorphism'),
  },
  {
    mapping: 'tomasulo',
    criterion: 'operational semantics',
    property: 'Every state of the hardware’s station is a state of the machine, which has more.',
    source: BOOK,
    expected: 'simulation',
    instrument: 'cells',
    check: statesMapped,
  },
  {
    mapping: 'tomasulo',
    criterion: 'invariant guarantees',
    property:
      'Nothing starts before its operands have been broadcast, and never do more run or write than there are units and buses.',
    source: BOOK,
    expected: 'holds',
    instrument: 'lockstep',
    check: (bounds) => search(bounds, brokenInvariant, 'holds'),
  },
  {
    mapping: 'tomasulo',
    criterion: 'failure modes',
    property: 'A lost broadcast leaves the same instructions waiting in the machines as in the hardware.',
    source: BOOK,
    expected: 'holds',
    instrument: 'lockstep',
    check: (bounds) =>
      search(
        bounds,
        (given, seed) => disagreement(given, {}, seed % Math.max(1, tomasulo(given).times.length)),
        'holds',
      ),
  },
  {
    mapping: 'tomasulo',
    criterion: 'failure modes',
    property:
      'Readiness by exact match, a lost broadcast, and results without names of their own are each noticed.',
    source: BOOK,
    expected: 'holds',
    instrument: 'mutants',
    check: mistakesNoticed,
  },
];
