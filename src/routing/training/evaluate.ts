/** How good a router is, beside chance, the length of the prompt, and the best that is possible. */
import { knownFields } from '../../budget/config-error.ts';
import { corpusOf } from './corpus.ts';
import { builtInEstimator, type DifficultyEstimator } from '../estimator.ts';
import { figures, fromCurve, meanCurve, type Figures } from './figures.ts';
import { accuracies, promptsDigest, gainOf, type Outcome } from './outcome.ts';
import { crossValidate } from './train.ts';
import { TrainedRouter } from '../trained.ts';

/** How to evaluate. */
export interface EvaluateOptions {
  /** The estimator to evaluate. Without one, routers are trained and tested by cross-validation. */
  readonly router?: DifficultyEstimator | undefined;
  /** Folds of the cross-validation, 2 or more; default 5. */
  readonly folds?: number | undefined;
  /** How often the rows are cut into new folds, 1 or more; default 3. The figures are the mean. */
  readonly repeats?: number | undefined;
  /** The seed of the first cut, the next one has the next; default 1. */
  readonly seed?: number | undefined;
}

/** How the rows were scored. */
export type Method =
  | {
      readonly kind: 'cross-validation';
      readonly folds: number;
      /** One per repeat. */
      readonly seeds: readonly number[];
      /** APGR of each repeat: their spread is that of the cut, not that of the rows. */
      readonly apgrs: readonly number[];
    }
  | {
      readonly kind: 'router';
      /** Whether these are the very prompts that the router was trained on: then the figures flatter it. */
      readonly trainedOnTheseRows: boolean;
    };

/** The figures of a router. Accuracies, APGR, and shares of strong calls are numbers, not percentages. */
export interface Evaluation extends Figures {
  /** Rows. */
  readonly n: number;
  readonly weakAccuracy: number;
  readonly strongAccuracy: number;
  readonly method: Method;
  readonly baselines: {
    /** Tasks in random order, in expectation: 0.5. */
    readonly random: Figures;
    /** The longest prompt first. */
    readonly promptLength: Figures;
    /** The estimator that needs no training. */
    readonly builtIn: Figures;
    /** The oracle, which orders by the outcomes: the best possible order. */
    readonly oracle: Figures;
  };
}

/**
 * Evaluates a router on outcomes.
 *
 * @param rows - outcomes; for cross-validation of at least 25 different prompts
 * @param options - what to evaluate, and how
 * @throws RoutingDataError on too few rows, or where the strong model is not the better one
 */
export function evaluateRouter(rows: readonly Outcome[], options: EvaluateOptions = {}): Evaluation {
  knownFields('evaluateRouter', options, ['router', 'folds', 'repeats', 'seed']);
  const known = accuracies(rows);
  const by = (score: (row: Outcome) => number) => figures(rows, Float64Array.from(rows, score));
  const baselines = {
    random: by(() => 0),
    promptLength: by(({ prompt }) => prompt.length),
    builtIn: by(({ prompt }) => builtInEstimator.estimate(prompt)),
    oracle: by(gainOf),
  };
  const { router } = options;
  if (router !== undefined) {
    const trainedOnTheseRows =
      router instanceof TrainedRouter && router.trained.digest === promptsDigest(rows);
    const found = by(({ prompt }) => router.estimate(prompt));
    return { n: rows.length, ...known, ...found, method: { kind: 'router', trainedOnTheseRows }, baselines };
  }
  const { folds = 5, repeats = 3, seed = 1 } = options;
  if (!Number.isInteger(folds) || folds < 2) throw new RangeError('folds: give a whole number, 2 or more.');
  if (!Number.isInteger(repeats) || repeats < 1)
    throw new RangeError('repeats: give a whole number, 1 or more.');
  const corpus = corpusOf(rows);
  const seeds = Array.from({ length: repeats }, (_, repeat) => seed + repeat);
  const cuts = seeds.map((each) => figures(rows, crossValidate(corpus, folds, each)));
  const method: Method = { kind: 'cross-validation', folds, seeds, apgrs: cuts.map(({ apgr }) => apgr) };
  const found = fromCurve(meanCurve(cuts.map(({ curve }) => curve)));
  return { n: rows.length, ...known, ...found, method, baselines };
}
