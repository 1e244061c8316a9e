/** The questions, in SMT-LIB: is there a state, with any number of agents, in which all assumptions hold, and a step
 *  from it to a state in which one does not? `unsat` is the proof that there is none. */
import { exclusive, promisedClauses, supporting, type Clause } from './invariant.ts';
import type { Key, Mishap, StepSetting } from './line.ts';
import { smt, truth, type Logic } from './logic.ts';
import type { Choice, ProveFaults } from './memory.ts';
import { FLAGS, PLACES, WORDS, type LineRules } from './table.ts';
import { possible, step, type StepName } from './steps.ts';

/** What is shown: that the invariant holds at first, that each step keeps it, and that it is enough. */
export type Subject = StepName | 'at first' | 'one writer or any readers';

/** What must not be true of two agents, which may be the same agent. */
interface Violation<B, A> {
  readonly what: string;
  readonly of: (a: A, b: A) => B;
}
interface Question<B, A> {
  readonly assumed: readonly Clause<B, A>['of'][];
  readonly may: B;
  readonly violations: readonly Violation<B, A>[];
  readonly after: Key<B, A>;
}

/** The question in some logic: in SMT-LIB to ask it, in JavaScript to replay the answer. */
export function question<B, A>(
  subject: Subject,
  setting: StepSetting<B, A>,
  before: Key<B, A>,
  choice: Choice<B, A>,
  faults: ProveFaults,
): Question<B, A> {
  const { logic, rules, committed } = setting;
  const invariant = (key: Key<B, A>) => [
    ...promisedClauses(logic, key, committed),
    ...supporting(logic, key),
  ];
  const broken = ({ says, of }: Clause<B, A>) => ({
    what: `it is not true that ${says}`,
    of: (a: A, b: A) => logic.not(of(a, b)),
  });
  const mishap = ({ what, of }: Mishap<B, A>) => ({ what, of: (a: A) => of(a) });
  const assumed = invariant(before).map(({ of }) => of);
  if (subject === 'at first') {
    const violations = invariant(before).map(broken);
    return { assumed: [(a) => first(logic, rules, before, a)], may: logic.yes, violations, after: before };
  }
  if (subject === 'one writer or any readers') {
    const violations = [broken(exclusive(logic, before, committed))];
    return { assumed, may: logic.yes, violations, after: before };
  }
  const may = possible(subject, logic, before, choice);
  const { key, mishaps } = step(subject, setting, before, choice, faults);
  const violations = [...mishaps.map(mishap), ...invariant(key).map(broken)];
  return { assumed, may, violations, after: key };
}

/** The initial state: every line is in its first state, no word is sent, no epoch is recorded, and no agent owns the
 *  key. */
function first<B, A>(
  { and, not }: Logic<B, A>,
  { initial }: LineRules,
  { line, words, is, held }: Key<B, A>,
  a: A,
): B {
  const silent = words.map(({ none }) => none(a));
  return and(line[initial]!(a), ...silent, ...FLAGS.map((flag) => not(is[flag](a))), not(held));
}

const LETTERS = [...WORDS, 'none'] as const;
const NAMED = ['agent', 'next', 'x', 'y'] as const;
export const CHOICE = { agent: 'agent', next: 'next', current: 'current' };

/** The question as a script, up to `(check-sat)`. */
export function script(subject: Subject, rules: LineRules, faults: ProveFaults): string {
  const logic = smt();
  const setting = { logic, rules, committed: 'committed' };
  const { assumed, may, violations } = question(subject, setting, declared(rules), CHOICE, faults);
  const terms = [
    ...assumed.map((of) => `(forall ((a Agent) (b Agent)) ${of('a', 'b')})`),
    may,
    logic.or(...violations.map(({ of }) => of('x', 'y'))),
  ];
  return [...declarations(rules), ...logic.definitions, ...terms.map((term) => `(assert ${term})`), ''].join(
    '\n',
  );
}

/** The subject of a script: a state with any number of agents, a few of them named. */
export function declarations({ states }: LineRules): string[] {
  const fn = (name: string, of: string) => `(declare-fun ${name} (Agent) ${of})`;
  return [
    '(declare-sort Agent 0)',
    `(declare-datatypes ((State 0)) ((${states.map((_, i) => `(s${i})`).join(' ')})))`,
    `(declare-datatypes ((Word 0)) ((${LETTERS.map((word) => `(w_${word})`).join(' ')})))`,
    fn('line', 'State'),
    ...Array.from({ length: PLACES }, (_, i) => fn(`word${i}`, 'Word')),
    ...FLAGS.map((flag) => fn(`is_${flag}`, 'Bool')),
    ...['held', 'committed', 'current'].map((name) => `(declare-const ${name} Bool)`),
    ...NAMED.map((name) => `(declare-const ${name} Agent)`),
  ];
}
/** The state, in the words of {@link declarations}. */
export function declared({ states }: LineRules): Key<string, string> {
  const words = Array.from({ length: PLACES }, (_, i) =>
    record(LETTERS, (word) => (a: string) => `(= (word${i} ${a}) w_${word})`),
  );
  return {
    line: record(states, (state) => (a: string) => `(= (line ${a}) s${states.indexOf(state)})`),
    words,
    is: record(FLAGS, (flag) => (a: string) => `(is_${flag} ${a})`),
    held: 'held',
  };
}

// ── the answer

/** A state that a solver found, and the step from it. */
export interface Found {
  readonly count: number;
  readonly committed: boolean;
  readonly before: Key<boolean, number>;
  readonly choice: Choice<boolean, number>;
}

const agentsOf = (count: number) => Array.from({ length: count }, (_, i) => `u${i}`);

/** Restricts a question to so many agents, and names the values of everything. */
export function among(count: number, rules: LineRules): string {
  const agents = agentsOf(count);
  return [
    ...agents.map((agent) => `(declare-const ${agent} Agent)`),
    `(assert (distinct ${agents.join(' ')} ))`,
    `(assert (= agent u0))`,
    `(assert (forall ((a Agent)) (or ${agents.map((agent) => `(= a ${agent})`).join(' ')})))`,
    values(rules, count),
  ].join('\n');
}
/** Names everything that {@link read} reads. */
function values(rules: LineRules, count: number): string {
  const key = declared(rules);
  const terms = [
    ...agentsOf(count).flatMap((agent) => [...predicates(key).map((of) => of(agent)), `(= next ${agent})`]),
    ...['held', 'committed', 'current'],
  ];
  return terms.map((term, i) => `(declare-const v${i} Bool)\n(assert (= v${i} ${term}))`).join('\n');
}
/** All predicates of one agent. */
export const predicates = <B, A>({ line, words, is }: Key<B, A>) => [
  ...Object.values(line),
  ...words.flatMap((place) => Object.values(place)),
  ...Object.values(is),
];

/** The state that a solver found {@link among} so many agents. */
export function read(values: ReadonlyMap<string, boolean>, rules: LineRules, count: number): Found {
  let at = 0;
  const take = () => values.get(`v${at++}`) === true;
  const agents = Array.from({ length: count }, () => ({
    is: predicates(declared(rules)).map(take),
    next: take(),
  }));
  const [held, committed, current] = [take(), take(), take()];
  let place = 0;
  const predicate = () => {
    const here = place++;
    return (agent: number) => agents[agent]!.is[here]!;
  };
  const { line, words, is } = declared(rules);
  const before = {
    line: record(Object.keys(line), predicate),
    words: words.map((letters) => record(Object.keys(letters) as (typeof LETTERS)[number][], predicate)),
    is: record(Object.keys(is) as (typeof FLAGS)[number][], predicate),
    held,
  };
  const next = Math.max(
    0,
    agents.findIndex((agent) => agent.next),
  );
  return { count, committed, before, choice: { agent: 0, next, current } };
}

function record<K extends string, V>(keys: readonly K[], value: (key: K) => V): Record<K, V> {
  return Object.fromEntries(keys.map((key) => [key, value(key)])) as Record<K, V>;
}

/** The same question in JavaScript, of the state that was found. */
export const replay = (
  subject: Subject,
  rules: LineRules,
  { count, committed, before, choice }: Found,
  faults: ProveFaults,
  heard: NonNullable<StepSetting<boolean, number>['heard']>,
): Question<boolean, number> =>
  question(subject, { logic: truth(count), rules, committed, heard }, before, choice, faults);
