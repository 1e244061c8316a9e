/** Memory-model tests as a check: with any lag, agents see what one memory would have shown them.
 *
 *  All runs of each test are explored, with each kind of copies at its start and each policy for readers, and random
 *  runs are drawn as well. Outcomes are compared with those of one memory, which `model.ts` computes; a file's own list
 *  is not trusted, but compared with them, too. */
import type { ReaderPolicy } from '../../../machines/coherence/cache-line.ts';
import {
  CHECKER,
  type Bounds,
  type Claim,
  type Counterexample,
  type Finding,
  type LitmusFile,
} from '../../harness/claim.ts';
import { turns } from '../../harness/turn.ts';
import { exploreLitmus, STARTS, type Start } from './explore.ts';
import { LitmusFileError, outcomeOf, outcomeText, parseLitmus, type LitmusTest, type Term } from './file.ts';
import { oneMemory } from './model.ts';
import type { LitmusFaults } from './played-thread.ts';
import { Schedules } from './random.ts';
import { replayLitmus } from './replay.ts';
import { shape, SHAPES } from './shapes.ts';
import { LitmusViolation } from './steps.ts';
import type { Move } from './thread-states.ts';

/** The end of the sentence about an outcome that no memory would show. */
const NOT_SHOWN = 'is not what one memory would show.';

export const READERS: readonly ReaderPolicy[] = ['wait', 'committed'];

export interface LitmusOptions {
  readonly faults?: LitmusFaults;
  /** See `exploreLitmus`. */
  readonly limit?: number;
  /** Called with each test when it is done. */
  readonly report?: (report: LitmusReport) => void;
}
/** The result of one test under one policy. */
export interface LitmusReport {
  readonly test: string;
  readonly readers: ReaderPolicy;
  readonly states: number;
  readonly transitions: number;
  /** Random schedules. */
  readonly runs: number;
  readonly reached: number;
  readonly allowed: number;
  /** Schedules that were replayed on new replicas. */
  readonly replayed: number;
  /** Starts from which there are too many worlds to explore. */
  readonly partial: readonly Start[];
  readonly ms: number;
  readonly counterexample: Counterexample | undefined;
}

/** Judges every test of a file.
 *  @throws {LitmusFileError} when it is no collection of litmus tests. */
export async function checkLitmus(
  file: LitmusFile,
  bounds: Bounds,
  options: LitmusOptions = {},
): Promise<Finding> {
  return checkTests(parseLitmus(file), bounds, options);
}

/** Judges tests, one by one. */
export async function checkTests(
  tests: readonly LitmusTest[],
  bounds: Bounds,
  options: LitmusOptions = {},
): Promise<Finding> {
  const reports: LitmusReport[] = [];
  for (const [i, test] of tests.entries()) {
    for (const readers of READERS) {
      bounds.progress?.((i + READERS.indexOf(readers) / READERS.length) / tests.length);
      const report = await checkTest(test, readers, bounds, options);
      reports.push(report);
      options.report?.(report);
    }
  }
  const sum = (of: (report: LitmusReport) => number) =>
    reports.reduce((total, report) => total + of(report), 0);
  const names = (which: (report: LitmusReport) => boolean) => [...new Set(reports.filter(which).map(({ test }) => test))].join(', '); // prettier-ignore
  const partial = names((report) => report.partial.length > 0);
  const failed = reports.filter((report) => report.counterexample !== undefined);
  const bound =
    `${tests.length} ${tests.length === 1 ? 'test' : 'tests'} of up to ${Math.max(...tests.map(({ threads }) => threads.length))} threads, ` +
    'readers wait and committed: every interleaving and every lag, from no copies, shared copies and sole copies' +
    (partial === '' ? '' : ` (but ${partial}: too large for all, so random ones)`) +
    `; ${bounds.runs} random schedules each; ${sum(({ replayed }) => replayed)} replayed on new replicas` +
    (failed.length === 0 ? '' : `; fails: ${names((report) => failed.includes(report))}`);
  return {
    verdict: failed.length === 0 ? 'holds' : 'fails',
    bound,
    states: sum(({ states }) => states),
    transitions: sum(({ transitions }) => transitions),
    runs: sum(({ runs }) => runs),
    ...(failed[0] && { counterexample: failed[0].counterexample! }),
  };
}

/** Judges one test under one policy for readers.
 *  @throws {LitmusFileError} when the test is too large even for one memory. */
export async function checkTest(
  test: LitmusTest,
  readers: ReaderPolicy,
  { runs, seed, signal }: Bounds,
  { faults = {}, limit }: LitmusOptions = {},
): Promise<LitmusReport> {
  const begin = performance.now();
  const rules = { readers, faults };
  const allowed = allowedBy(test);
  const reached = new Set<string>();
  const partial: Start[] = [];
  let [states, transitions, drawn, replayed] = [0, 0, 0, 0];
  let counterexample: Counterexample | undefined;
  const fail = (what: string, moves: readonly Move[], drawnWith?: number): void => {
    const { transcript } = replayLitmus(test, moves, rules);
    counterexample ??= {
      what: `${test.name}: ${what}`,
      ...(drawnWith !== undefined && { seed: drawnWith }),
      transcript,
    };
  };
  /** An outcome has been reached: one memory has to show it, and so have new replicas on the same path. */
  const arrive = (outcome: string, moves: readonly Move[], drawnWith?: number): void => {
    reached.add(outcome);
    replayed++;
    const again = replayLitmus(test, moves, rules);
    if (again.outcome !== outcome || again.impossible)
      fail(`explored, it shows ${outcome}; on new replicas ${again.outcome ?? 'it does not end'}.`, moves, drawnWith); // prettier-ignore
    else if (!allowed.has(outcome)) fail(`${outcome} ${NOT_SHOWN}`, moves, drawnWith);
  };
  try {
    for (const start of STARTS) {
      const scope = { ...rules, start, signal, ...(limit !== undefined && { limit }) };
      const graph = await exploreLitmus(test, scope);
      states += graph.states;
      transitions += graph.transitions;
      if (graph.outcomes === undefined) partial.push(start);
      for (const [outcome, moves] of graph.outcomes ?? []) arrive(outcome, moves);
    }
    const schedules = new Schedules(test, rules);
    const turn = turns(signal);
    for (; drawn < runs && counterexample === undefined; drawn++) {
      const { outcome, moves } = schedules.run(seed + drawn);
      if (!reached.has(outcome)) arrive(outcome, moves, seed + drawn);
      await turn();
    }
    for (const [outcome, order] of allowed) {
      if (reached.has(outcome)) continue;
      // An outcome that is in none of all interleavings cannot occur. Where those are too many, it is reached in order.
      const { outcome: other, moves } = schedules.inOrder(order);
      if (partial.includes('I') && other === outcome) arrive(outcome, moves);
      else fail(`${outcome} is never reached, and one memory may show it; without lag it shows ${other}.`, moves); // prettier-ignore
      await turn();
    }
  } catch (error) {
    if (!(error instanceof LitmusViolation)) throw error;
    fail(`${error.message}.`, error.moves);
  }
  const wrong = misstated(test, [...allowed.keys()]);
  if (wrong !== undefined) counterexample ??= { what: `${test.name}: ${wrong}`, transcript: [] };
  const ms = performance.now() - begin;
  const counts = { states, transitions, runs: drawn, reached: reached.size, allowed: allowed.size, replayed };
  return { test: test.name, readers, ...counts, partial, ms, counterexample };
}

function allowedBy({ name, init, threads }: LitmusTest): ReadonlyMap<string, readonly number[]> {
  try {
    return oneMemory(init, threads);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new LitmusFileError(name, `${error.message}; give it fewer operations.`);
  }
}

/** What is wrong with what a file says of its condition. */
function misjudged({ name, condition, underSC }: LitmusTest, allowed: readonly string[]): string | undefined {
  if (condition === undefined || underSC === undefined) return undefined;
  const place = (term: Term) => ('loc' in term ? `[${term.loc}]` : `${term.thread}:${term.reg}`);
  const shows = (text: string) => {
    const outcome = outcomeOf(text, name);
    return condition.every((term) => outcome.get(place(term)) === term.val);
  };
  const found = allowed.some(shows) ? 'allowed' : 'forbidden';
  return found === underSC
    ? undefined
    : `the file says that its condition is ${underSC} under SC; it is ${found}.`;
}

/** What is wrong with a file's own list of outcomes, which may leave places out. */
function misstated(test: LitmusTest, allowed: readonly string[]): string | undefined {
  const { name, outcomesSC } = test;
  const condition = misjudged(test, allowed);
  if (condition !== undefined || outcomesSC === undefined) return condition;
  const stated = outcomesSC.map((text) => outcomeOf(text, name));
  const places = new Set(stated.flatMap((outcome) => [...outcome.keys()]));
  const shown = [...allowed].map((text) =>
    [...outcomeOf(text, name)].filter(([place]) => places.size === 0 || places.has(place)),
  );
  const [said, computed] = [new Set(stated.map(outcomeText)), new Set(shown.map(outcomeText))];
  const extra = [...said].find((outcome) => !computed.has(outcome));
  const missing = [...computed].find((outcome) => !said.has(outcome));
  if (extra !== undefined) return `the file's outcomesSC has '${extra}', which one memory never shows.`;
  if (missing !== undefined) return `the file's outcomesSC lacks '${missing}', which one memory may show.`;
  return undefined;
}

/** Mistakes, a shape that must detect each, and the source of the mistake. */
const SEEDED: readonly (readonly [string, LitmusFaults, LitmusTest, string])[] = [
  [
    'a write that is done when it is sent',
    { doneAtPublish: true },
    shape('SB', 'Wx1 Ry', 'Wy1 Rx'),
    'docs/decisions/0010; Owens, Sarkar & Sewell 2009 (store buffers)',
  ],
  [
    'a copy that is never dropped',
    { deaf: true },
    shape('MP', 'Wx1 Wy1', 'Rx Ry Rx'),
    'docs/decisions/0010; paper 4.4 (invalidation)',
  ],
];

export const litmusClaims: readonly Claim[] = [
  {
    mapping: 'mesi',
    criterion: 'invariant guarantees',
    property: 'With any lag, agents see what one memory would show them, and all that it may show occurs.',
    source: 'Lamport 1979; Attiya & Welch 1994, local reads; Alglave, Maranget & Tautschnig 2014',
    expected: 'holds',
    instrument: 'litmus',
    check: (bounds) =>
      bounds.litmus === undefined ? checkTests(SHAPES, bounds) : checkLitmus(bounds.litmus, bounds),
  },
  ...SEEDED.map(([fault, faults, test, source]): Claim => ({
    mapping: 'mesi',
    criterion: CHECKER,
    property: `With ${fault}, agents see what no memory would show: the rule is what prevents it.`,
    source,
    expected: 'holds',
    instrument: 'litmus',
    check: async (bounds) => {
      const { counterexample, ...finding } = await checkTests([test], bounds, { faults });
      if (counterexample?.what.endsWith(NOT_SHOWN) === true)
        return { ...finding, verdict: 'holds', bound: counterexample.what };
      const what = counterexample?.what ?? `${fault} goes unnoticed by ${test.name}.`;
      return { ...finding, verdict: 'fails', counterexample: { what, transcript: [] } };
    },
  })),
];
