/** A proof, by induction and with z3, that one writer excludes all others for ANY number of agents: what the exploration
 *  of a few agents cannot show.
 *
 *  An invariant (invariant.ts) holds at first, and every step from a state where it holds leads to one where it does;
 *  so it holds in every reachable state. The steps are generated from the machine's table (line.ts) and from memory's
 *  rules (steps.ts), which a test compares with the code. What is left out: docs/decisions/0029. */
import type { AnyStateMachine } from 'xstate';
import { cacheLine } from '../../../machines/index.ts';
import type { Claim, Counterexample, Finding } from '../../harness/claim.ts';
import { PERMISSION } from '../mapping.ts';
import { counterexample } from './words.ts';
import { lineRules, type LineRules } from './table.ts';
import { among, read, script, type Subject } from './query.ts';
import { startSolver, type Solver } from './solver.ts';
import type { ProveFaults } from './memory.ts';
import { STEPS } from './steps.ts';

export type { ProveFaults } from './memory.ts';
export type { Subject } from './query.ts';

export interface ProveOptions {
  /** A line's table, with the states of the cache line. Default: the real one. */
  readonly machine?: AnyStateMachine;
  /** Rules of memory that are left out. */
  readonly faults?: ProveFaults;
  /** Which questions are put to the solver. Default: all; fewer are not a proof. */
  readonly only?: readonly Subject[];
  readonly signal?: AbortSignal | undefined;
  /** Called for each question with whether its answer was a proof. */
  readonly answered?: (subject: Subject, proved: boolean, ms: number) => void;
  /** Called from time to time with the progress of the proof: 0 … 1. */
  readonly progress?: ((part: number) => void) | undefined;
}

const SUBJECTS: readonly Subject[] = ['at first', 'one writer or any readers', ...STEPS];
/** Steps that z3 may take for one question. The hardest takes 5 million, in about one second. */
const EFFORT = 100_000_000;
/** A counter-example with more agents than this is reported without its states. */
const MOST_AGENTS = 6;

/** Proves that the invariant is inductive, or returns a state and the step from it that breaks it. `fails` means that
 *  there is no proof: the state of a counter-example to induction need not be reachable; the exploration decides that.
 *  @throws {Error} when `z3-solver` is not installed. The signal's reason, when it is aborted.
 *  @example
 *  ```ts
 *  const { verdict, bound } = await prove(); // 'holds', 'any number of agents × 1 key, queued bus, …'
 *  ``` */
export async function prove({
  machine = cacheLine,
  faults = {},
  only = SUBJECTS,
  signal,
  answered,
  progress,
}: ProveOptions = {}): Promise<Finding> {
  const rules = shaped(machine);
  const asked =
    only.length === SUBJECTS.length ? `${SUBJECTS.length}` : `${only.length} of ${SUBJECTS.length}`;
  const bound = `any number of agents × 1 key, queued bus, readers wait or committed; ${asked} questions to z3`;
  const solver = await startSolver({ signal, effort: EFFORT });
  let smallest: Gap | undefined;
  for (const [i, subject] of only.entries()) {
    progress?.(i / only.length);
    const start = performance.now();
    const gap = await unproved(solver, subject, rules, faults);
    answered?.(subject, gap === undefined, performance.now() - start);
    if (gap !== undefined && (smallest === undefined || gap.agents < smallest.agents)) smallest = gap;
  }
  if (smallest === undefined) return { verdict: 'holds', bound };
  return { verdict: 'fails', bound, counterexample: smallest.counterexample };
}

/** What is missing from the proof. */
interface Gap {
  readonly agents: number;
  readonly counterexample: Counterexample;
}

/** Puts one question to the solver.
 *  @returns nothing when the answer is a proof. */
export async function unproved(
  solver: Solver,
  subject: Subject,
  rules: LineRules,
  faults: ProveFaults,
): Promise<Gap | undefined> {
  const given = script(subject, rules, faults);
  const { says } = await solver(given);
  if (says === 'unsat') return undefined;
  for (let agents = 1; says === 'sat' && agents <= MOST_AGENTS; agents++) {
    const answer = await solver(given + among(agents, rules));
    if (answer.says !== 'sat') continue;
    const found = read(answer.values, rules, agents);
    return { agents, counterexample: counterexample(subject, rules, found, faults) };
  }
  const what =
    says === 'sat'
      ? `a counter-example needs more than ${MOST_AGENTS} agents.`
      : 'z3 came to no answer, and no answer is no proof.';
  return { agents: Infinity, counterexample: { what: `${subject}: ${what}`, transcript: [] } };
}

function shaped(machine: AnyStateMachine): LineRules {
  const rules = lineRules(machine);
  const [needed, had] = [Object.keys(PERMISSION), rules.states];
  const differ = [
    ...needed.filter((state) => !had.includes(state)),
    ...had.filter((state) => !needed.includes(state)),
  ];
  if (differ.length === 0) return rules;
  throw new TypeError(`prove: '${machine.id}' is not a cache line; they differ in ${differ.join(', ')}.`);
}

/** What Table 3 claims of MESI, proved. Needs `z3-solver`. */
export const proveClaims: readonly Claim[] = [
  {
    mapping: 'mesi',
    criterion: 'invariant guarantees',
    property:
      'One writer or any number of readers, and no reader has a stale copy, for any number of agents.',
    source: 'Sorin, Hill & Wood, A Primer on Memory Consistency, 2.3 (SWMR, data value); paper 4.4',
    expected: 'holds',
    instrument: 'prove',
    check: ({ signal, progress }) => prove({ signal, progress }),
  },
];
