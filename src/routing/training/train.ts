/**
 * Learning a router from outcomes: which tasks gain by the strong model.
 *
 * One model type, for these reasons. It is linear, so a decision is one pass over the task and a sum, training has
 * one solution and takes seconds, the file is a list of weights that a person can read, and a verdict can move it
 * while it runs. One setting is chosen, by cross-validation inside the training rows and by the figure that the
 * router is judged by: whether rare spellings count for more (see `easeOf`).
 */
import { knownFields } from '../../budget/config-error.ts';
import { corpusOf, easeOf, type Corpus } from './corpus.ts';
import { RoutingDataError } from '../errors.ts';
import { meanGain } from './figures.ts';
import { foldsOf } from './folds.ts';
import { accuracies, promptsDigest, type Outcome } from './outcome.ts';
import { dotRow, ridge, type Linear } from './ridge.ts';
import { TrainedRouter } from '../trained.ts';

/** How to train. */
export interface TrainOptions {
  /** The seed of the folds; the same seed and rows give the same model. A whole number, 0 or more; default 1. */
  readonly seed?: number | undefined;
}

/** What is chosen by cross-validation: 1 where rare spellings count for more. */
export type Rarity = 0 | 1;
const RARITIES: readonly Rarity[] = [0, 1];

/**
 * How strongly weights are held back, in units of a row's mean squared length. Anything from 10 to 100 does equally
 * well on 500 rows and on 7,000. It is constant: choosing it for each training gains nothing there, and folds that chose
 * differently have scores of different width, which cannot be ranked together.
 */
const PENALTY = 30;

/** Folds inside the training rows, and how often they are cut. */
const INNER_FOLDS = 5;
const INNER_CUTS = 3;

/** With fewer different prompts the result is noise; with 20 a router is hardly better than random. */
const LEAST_ROWS = 20;

/**
 * Trains a router. MMLU's 7,093 rows take about two seconds on one core.
 *
 * @param rows - outcomes of at least `LEAST_ROWS` different prompts; the strong model must be the better one
 *   on the whole
 * @throws RoutingDataError on fewer rows or no gap; RangeError on another seed
 */
export function trainRouter(rows: readonly Outcome[], options: TrainOptions = {}): TrainedRouter {
  knownFields('trainRouter', options, ['seed']);
  const { seed = 1 } = options;
  if (!Number.isSafeInteger(seed) || seed < 0) throw new RangeError('seed: give a whole number, 0 or more.');
  requireRows(rows, LEAST_ROWS, 'train');
  const known = accuracies(rows);
  const corpus = corpusOf(rows);
  const all = Int32Array.from(rows.keys());
  const { rarity, scores } = choose(corpus, all, seed);
  const { bias, weights } = fit(corpus, all, rarity);
  const trained = { rows: rows.length, ...known, rarity, seed, digest: promptsDigest(rows) };
  return new TrainedRouter({
    trained,
    verdicts: 0,
    twentieths: twentiethsOf(scores),
    bias,
    weights: weights.map(short),
  });
}

/**
 * Scores of each row by a router that never saw it: each fold by one trained on the others, its setting chosen
 * inside those others.
 *
 * @param corpus - the rows, with at least `LEAST_ROWS` different prompts outside any fold
 * @param folds - 2 or more
 * @param seed - of the folds
 */
export function crossValidate(corpus: Corpus, folds: number, seed: number): Float64Array {
  const rows = corpus.outcomes;
  requireRows(rows, Math.ceil((LEAST_ROWS * folds) / (folds - 1)), 'cross-validate');
  const all = Int32Array.from(rows.keys());
  return heldOut(corpus, all, foldsOf(rows, folds, seed), folds, (chosen) =>
    fit(corpus, chosen, choose(corpus, chosen, seed).rarity),
  );
}

/** Six digits keep a model file small, and change no figure. */
const short = (weight: number) => Number(weight.toPrecision(6));

const fit = (corpus: Corpus, chosen: Int32Array, rarity: Rarity): Linear =>
  ridge(corpus, corpus.gains, chosen, easeOf(corpus, chosen, rarity), PENALTY);

/** The better setting by cross-validation among the chosen rows, with the scores that one cut gave them. */
function choose(corpus: Corpus, chosen: Int32Array, seed: number) {
  const rows = Array.from(chosen, (row) => corpus.outcomes[row]!);
  const cuts = Array.from({ length: INNER_CUTS }, (_, cut) =>
    foldsOf(rows, INNER_FOLDS, seed * INNER_CUTS + cut),
  );
  const tried = RARITIES.map((rarity) => {
    const scores = cuts.map((fold) =>
      heldOut(corpus, chosen, fold, INNER_FOLDS, (part) => fit(corpus, part, rarity)),
    );
    return { rarity, scores: scores[0]!, gain: scores.reduce((sum, each) => sum + meanGain(rows, each), 0) };
  });
  return tried.reduce((best, each) => (each.gain > best.gain ? each : best));
}

/** The scores below which one, two, ... nineteen twentieths stay; each greater than the last. */
function twentiethsOf(scores: Float64Array): number[] {
  const sorted = scores.toSorted();
  let last = -Infinity;
  return Array.from({ length: 19 }, (_, index) => {
    const mark = sorted[Math.floor(((index + 1) / 20) * sorted.length)]!;
    last = short(Math.max(mark, last + LEAST_STEP));
    return last;
  });
}

/** Between twentieths, in units of expected gain: what a router that learnt nothing needs to stay defined. */
const LEAST_STEP = 1e-4;

/** Scores each of the chosen rows by what was learnt from the other folds. */
function heldOut(
  corpus: Corpus,
  chosen: Int32Array,
  fold: Int32Array,
  folds: number,
  learn: (part: Int32Array) => Linear,
): Float64Array {
  const scores = new Float64Array(chosen.length);
  for (let held = 0; held < folds; held++) {
    const part = chosen.filter((_, index) => fold[index] !== held);
    const { bias, weights } = learn(part);
    for (const [index, row] of chosen.entries()) {
      if (fold[index] === held) scores[index] = bias + dotRow(corpus, row, weights);
    }
  }
  return scores;
}

function requireRows(rows: readonly Outcome[], least: number, what: string): void {
  const different = new Set(rows.map(({ prompt }) => prompt)).size;
  if (different >= least) return;
  throw new RoutingDataError({
    problem: `${different} different prompts are too few to ${what}`,
    remedy: `Give at least ${least}; some hundred make a useful router.`,
  });
}
