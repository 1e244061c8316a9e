/** How difficult a task looks before it is tried. */
import { FEATURES, readFeatures, type Feature } from './features.ts';

/** Anything that can tell a difficult task from a simple one. */
export interface DifficultyEstimator {
  /**
   * @param task - any text
   * @returns 0 (a cheap model does it) to 1 (only an expensive one does); a pure function of the task until the
   *   estimator learns
   */
  estimate(task: string): number;
}

/** An estimator that goes on learning; see `TrainedRouter.learn`. */
export interface LearningEstimator extends DifficultyEstimator {
  /** @param verdict - what a verifier said of the cheap model's answer to the task */
  learn(task: string, verdict: 'accepted' | 'rejected'): void;
}

/**
 * The weight of each feature in the difficulty, per ln(1 + count): set by hand, from what the feature means, and not fitted.
 * None is negative, so that adding words, clauses or constraints to a task never makes it look easier.
 */
export const BUILT_IN_WEIGHTS: Readonly<Partial<Record<Feature, number>>> = Object.freeze({
  reasoning: 0.6, //   asked to prove, compare, design
  constraints: 0.4, // must, only, exactly
  mathematics: 0.4,
  length: 0.35,
  clauses: 0.35, //    every comma is one more thing to keep in mind
  conditions: 0.35,
  comparisons: 0.3, // relations between quantities
  numbers: 0.25,
  negations: 0.25,
  code: 0.25,
  operators: 0.2,
  quantities: 0.15,
  sequence: 0.15, //   steps that depend on each other
  longWords: 0.15, //  technical vocabulary
  sentences: 0.1,
  names: 0.05,
  lines: 0.05,
});

/** The sum at which a task looks as hard as not: a paragraph of ordinary prose, or one sentence that asks for a proof
 *  under constraints. A question of one line has about 1.5, a page of requirements 6 to 10. */
const MIDDLE = 3.5;

const WEIGHTS = Float64Array.from(FEATURES, (feature) => BUILT_IN_WEIGHTS[feature] ?? 0);

/**
 * The estimator that needs no training: the logistic function of a weighted sum of features. Use it until there are
 * outcomes to train on.
 */
export const builtInEstimator: DifficultyEstimator = Object.freeze({
  estimate(task: string): number {
    const sum = readFeatures(task).reduce((total, value, index) => total + value * WEIGHTS[index]!, 0);
    return 1 / (1 + Math.exp(MIDDLE - sum));
  },
});
