/** What the paper claims of a mapping from hardware to agents, and how a claim is judged.
 *
 *  Source: Definition 6 (structural isomorphism), Table 3 (seven mappings). A claim names one property of one mapping
 *  under one of the three criteria. What is judged is not the claim's wording but what its instrument found, with the
 *  bound up to which it looked. */

/** The mappings of Table 3, by the mechanism in the hardware. */
export const MAPPINGS = [
  'speculation',
  'virtual-memory',
  'tomasulo',
  'mesi',
  'dvfs',
  'enclave',
  'prefetch',
] as const;
export type MappingName = (typeof MAPPINGS)[number];

/** Definition 6: what has to be preserved. */
export const CRITERIA = ['operational semantics', 'invariant guarantees', 'failure modes'] as const;
export type Criterion = (typeof CRITERIA)[number];

/** The heading of claims about the instruments themselves: mistakes made on purpose, which a check has to find. They say
 *  nothing of the product, so that they stand outside the table. */
export const CHECKER = 'checks of the checker' as const;
export type Heading = Criterion | typeof CHECKER;
export const HEADINGS: readonly Heading[] = [...CRITERIA, CHECKER];

/** What each of these means is in {@link MEANING}. */
export type Verdict = 'isomorphism' | 'simulation' | 'holds' | 'fails' | 'not built';

/** How a verdict was obtained. */
export type Evidence = 'proved' | 'explored' | 'sampled';

/** The legend of verdicts, and of how they were obtained. */
export const MEANING: Readonly<Record<Verdict | Evidence, string>> = {
  isomorphism: 'every step of the hardware is one of ours, and every step of ours is one of the hardware',
  simulation: 'what the hardware does, ours does; ours does more, so that the other direction does not hold',
  holds: 'a property without a direction; no counter-example was found',
  fails: 'there is a counter-example',
  'not built': 'there is no mechanism to judge yet',
  proved: 'shown for any number of agents, of the abstraction that docs/decisions/0029 describes',
  explored: 'every case was visited, up to the bound that is stated; nothing is said of larger ones',
  sampled: 'random cases were run, as many as stated; other cases may differ',
};

/** How a claim is judged; `api`: through what a user calls, and not through its parts. */
export type Instrument =
  'cells' | 'explore' | 'lockstep' | 'litmus' | 'mutants' | 'prove' | 'scenario' | 'api';

/** How far to look. */
export interface Bounds {
  /** Agents that share a key: 2 … 5. */
  readonly agents: number;
  /** Keys (cache lines): 1 … 2. */
  readonly lines: number;
  /** Random runs of an instrument that draws them: 1 … 1,000,000. */
  readonly runs: number;
  /** Every random run is a function of this. */
  readonly seed: number;
  /** A litmus file to judge in place of the built-in tests. */
  readonly litmus?: LitmusFile;
  readonly signal?: AbortSignal;
  /** Told now and then how far a check has got: 0 … 1. */
  readonly progress?: (part: number) => void;
}

/** Litmus tests of a memory model, as in `litmus.json`. */
export interface LitmusFile {
  readonly name: string;
  readonly tests: readonly unknown[];
}

/** What an instrument found. */
export interface Finding {
  readonly verdict: Verdict;
  /** How far it looked, in words: `3 agents × 1 key, queued bus`. */
  readonly bound: string;
  readonly states?: number;
  readonly transitions?: number;
  /** Random runs: then the verdict is a sample. */
  readonly runs?: number;
  readonly counterexample?: Counterexample;
}

/** The shortest way to a violation that was found. */
export interface Counterexample {
  /** What went wrong, in one sentence. */
  readonly what: string;
  /** Replays it: the seed of the run, where the run was drawn. */
  readonly seed?: number;
  readonly transcript: readonly Message[];
}

/** One step of a transcript; a sequence diagram draws it as an arrow, or as a note where `to` is missing. */
export interface Message {
  readonly from: string;
  readonly to?: string;
  readonly text: string;
}

export interface Claim {
  readonly mapping: MappingName;
  readonly criterion: Heading;
  /** One sentence that could be false. */
  readonly property: string;
  /** The paper's section, the book's table or the kernel's file. */
  readonly source: string;
  readonly expected: Verdict;
  readonly instrument: Instrument;
  /** Looks, and says what it found. A throw is a fault of the check itself. */
  readonly check: (bounds: Bounds) => Finding | Promise<Finding>;
}
