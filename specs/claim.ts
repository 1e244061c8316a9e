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

/** `isomorphism`: each side's steps are the other's. `simulation`: only one direction holds. `holds`: a property that
 *  has no direction. `fails`: there is a counter-example. `not built`: nothing to judge yet. */
export type Verdict = 'isomorphism' | 'simulation' | 'holds' | 'fails' | 'not built';

/** How a claim is judged. */
export type Instrument = 'cells' | 'explore' | 'lockstep' | 'litmus' | 'mutants' | 'prove' | 'scenario';

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
  readonly criterion: Criterion;
  /** One sentence that could be false. */
  readonly property: string;
  /** The paper's section, the book's table or the kernel's file. */
  readonly source: string;
  readonly expected: Verdict;
  readonly instrument: Instrument;
  /** Looks, and says what it found. A throw is a fault of the check itself. */
  readonly check: (bounds: Bounds) => Finding | Promise<Finding>;
}
