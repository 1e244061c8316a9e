/**
 * Fixture: the paper's Table 5, and ten tasks of the kinds that it names. Models are named here because a benchmark
 * of prices needs some; nothing else reads this file.
 *
 * The paper gives no tokens. 2,500 in and 1,000 out per task at $3 and $15 per million are $0.0225, which is each of
 * its three "Sonnet" rows to the printed digit ($0.0675, $0.09, $0.0675), so these are the raw figures taken here. Its
 * small models' rows ($0.0002, $0.0010) follow from no published price and these tokens. A local model's own cost is
 * unknown; its row is priced as the same model served by a provider.
 */
import type { RouteRow } from '../routing/router.ts';

export type Complexity = 'simple' | 'medium' | 'complex';

/** As printed, in US dollars. */
export const PRINTED = Object.freeze({
  rows: {
    simple: { tasks: 3, single: 0.068, router: 0.0002 },
    medium: { tasks: 4, single: 0.09, router: 0.001 },
    complex: { tasks: 3, single: 0.068, router: 0.0675 },
  },
  total: { single: 0.225, router: 0.068 },
  savings: 0.697,
});

export const TOKENS = Object.freeze({ input: 2_500, output: 1_000 });

/** Where on the difficulty axis each class lies: the middle of its third. */
export const DIFFICULTY: Readonly<Record<Complexity, number>> = Object.freeze({
  simple: 1 / 6,
  medium: 1 / 2,
  complex: 5 / 6,
});

/** The paper's section 5.3, with the models of its section 6. */
export const TABLE: readonly RouteRow[] = Object.freeze([
  { tempo: 'presto', dynamics: 'ff', model: 'anthropic:claude-3-5-sonnet-20241022' },
  { tempo: 'allegro', dynamics: 'mf', model: 'openai:gpt-4o-mini' },
  { tempo: 'andante', dynamics: 'pp', model: 'groq:llama-3.1-8b-instant' },
]);

export const TASKS: readonly { readonly complexity: Complexity; readonly task: string }[] = Object.freeze([
  { complexity: 'simple', task: 'Turn this list of names into a bulleted list.' },
  { complexity: 'simple', task: 'Write the date 3 March 2026 in ISO form.' },
  { complexity: 'simple', task: 'Make this heading title case: notes on the weekly meeting.' },
  {
    complexity: 'medium',
    task: 'Summarise the attached article in one paragraph. Name its main claim, the evidence for it, and one open question.',
  },
  {
    complexity: 'medium',
    task: 'Summarise this thread of twelve messages: what was decided, who does what, and what is still open.',
  },
  {
    complexity: 'medium',
    task: 'Write release notes from these commits. Group them by kind, leave out refactorings, and keep each line short.',
  },
  {
    complexity: 'medium',
    task: 'Summarise the two reports and say where they differ in their figures for the second quarter.',
  },
  {
    complexity: 'complex',
    task: 'Prove that any scheduler which never leaves a unit idle while a step is ready finishes within twice the optimal time, or give a counterexample. State every assumption, and explain why the bound is tight when the number of units grows without limit.',
  },
  {
    complexity: 'complex',
    task: 'Design a protocol by which three replicas agree on the owner of a key while messages may be lost, delayed or repeated, but never forged. Derive the conditions under which a stale owner could still write, compare leases with fencing tokens, and justify which one must be used if clocks are not synchronised.',
  },
  {
    complexity: 'complex',
    task: 'A factory runs 4 machines; each fails independently with probability 0.05 per day, and a repair takes 2 days. Calculate the expected output per week if at least 3 machines must run, compare it with buying a fifth machine, and derive the price above which that purchase is not optimal.',
  },
]);
