/** A router that has learnt from outcomes, and goes on learning from verdicts. */
import { excerpt, readFeatures } from './features.ts';
import type { DifficultyEstimator } from './estimator.ts';
import { BUCKETS, SpellingReader, type Spelling } from './pairs.ts';

/** What a verifier said of the cheap model's answer to a task. */
export type Feedback = 'accepted' | 'rejected';

/** What a router was trained on, for people. */
export interface Training {
  /** Outcomes. */
  readonly rows: number;
  /** Mean accuracy of the weak model on them, 0 to 1. */
  readonly weakAccuracy: number;
  /** Mean accuracy of the strong model on them, 0 to 1. */
  readonly strongAccuracy: number;
  /** What cross-validation chose: 1 where rare spellings count for more. */
  readonly rarity: 0 | 1;
  /** The seed of the folds. */
  readonly seed: number;
  /** Of the prompts; see `digestOf`. */
  readonly digest: number;
}

/** The complete state of a router. */
export interface RouterState {
  readonly trained: Training;
  /** How many verdicts it has learnt from since. */
  readonly verdicts: number;
  /** The scores, in units of expected gain, below which one, two, ... nineteen twentieths of unseen tasks stay. */
  readonly twentieths: readonly number[];
  readonly bias: number;
  /** One weight per column: the spelling's buckets, then the features. */
  readonly weights: Float64Array;
}

/** The logit of one, two, ... nineteen twentieths. */
const LOGITS = Array.from({ length: 19 }, (_, index) => Math.log((index + 1) / (19 - index)));

/**
 * How far a verdict moves the logit of its task, before it is weighed: at most 2.5 when weighed. Chosen on a
 * simulated stream of MMLU's outcomes after a start on other subjects; half or twice as much does equally well.
 */
const RATE = 0.25;

/**
 * Estimates how much a task would gain by the strong model, from its spelling and its features.
 *
 * The estimate is about the share of the training tasks that gain less. So sending all tasks with 1 - s or more to
 * the strong model sends it a share of about s. A task that both models fail at is not difficult in this sense, as
 * the strong model would be wasted on it.
 */
export class TrainedRouter implements DifficultyEstimator {
  readonly trained: Training;
  readonly #twentieths: readonly number[];
  readonly #bias: number;
  readonly #weights: Float64Array;
  readonly #reader = new SpellingReader();
  #verdicts: number;

  constructor({ trained, verdicts, twentieths, bias, weights }: RouterState) {
    this.trained = trained;
    this.#verdicts = verdicts;
    this.#twentieths = twentieths;
    this.#bias = bias;
    this.#weights = weights.slice();
  }

  /** Some 25 microseconds for a task of 2,000 characters. @see DifficultyEstimator.estimate */
  estimate(task: string): number {
    const text = excerpt(task);
    return this.#level(this.#score(task, text, this.#reader.read(text)));
  }

  /**
   * Learns from a verdict: `rejected` raises the estimate of this task and of tasks spelt like it, `accepted` lowers
   * it, by less the more it was expected. So no sequence of verdicts takes an estimate out of 0 to 1, nor a weight
   * out of hand.
   *
   * @param task - the task that the cheap model did
   * @param verdict - the verifier's verdict on its answer; a verdict on an expensive model's answer has no effect here
   */
  learn(task: string, verdict: Feedback): void {
    const text = excerpt(task);
    const { buckets, weights, size } = this.#reader.read(text);
    const level = this.#level(this.#score(task, text, { buckets, weights, size }));
    // A verdict weighs as much as it was rare in training, so that verdicts like those leave the mean estimate be.
    const usual = Math.min(Math.max(this.trained.weakAccuracy, 0.1), 0.9);
    const surprise = verdict === 'rejected' ? (1 - level) / (1 - usual) : -level / usual;
    const scorePerLogit = (this.#twentieths.at(-1)! - this.#twentieths[0]!) / (LOGITS.at(-1)! - LOGITS[0]!);
    const step = RATE * surprise * scorePerLogit;
    for (let k = 0; k < size; k++) this.#weights[buckets[k]!]! += step * weights[k]!;
    this.#verdicts++;
  }

  /** A copy of the present state. */
  get state(): RouterState {
    return {
      trained: this.trained,
      verdicts: this.#verdicts,
      twentieths: this.#twentieths,
      bias: this.#bias,
      weights: this.#weights.slice(),
    };
  }

  /** The expected gain: about -1 to 1. */
  #score(task: string, text: string, { buckets, weights, size }: Spelling): number {
    let score = this.#bias;
    for (let k = 0; k < size; k++) score += this.#weights[buckets[k]!]! * weights[k]!;
    const features = readFeatures(task, text);
    for (let k = 0; k < features.length; k++) score += this.#weights[BUCKETS + k]! * features[k]!;
    return score;
  }

  /** Straight lines through the twentieths, on the logit: increasing everywhere, so no two scores fall together. */
  #level(score: number): number {
    const marks = this.#twentieths;
    let right = 1;
    while (right < marks.length - 1 && marks[right]! < score) right++;
    const along = (score - marks[right - 1]!) / (marks[right]! - marks[right - 1]!);
    return 1 / (1 + Math.exp(-LOGITS[right - 1]! - along * (LOGITS[right]! - LOGITS[right - 1]!)));
  }
}
