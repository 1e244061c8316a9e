/**
 * RouteLLM's figures of a router: how much of the gap between two models it recovers for how many strong calls.
 *
 * PGR(c) = (accuracy with a share c of strong calls - weak accuracy) / (strong accuracy - weak accuracy). APGR is
 * its mean over c from 0 to 1. CPT(x) is the least share of strong calls at which PGR reaches x.
 * Source: Ong et al. 2024, arXiv 2406.18665, section 2.2. As in the authors' evaluation code (routellm/evals,
 * `generate_results`) the share is cut into ten equal steps, with straight lines between the eleven points: so a
 * random router has 0.5, and its CPT(x) is x.
 *
 * Deviation: that code thresholds at deciles of the score, so many equal scores make one long step. Here equal
 * scores are routed in random order and the expected value is taken, so no figure depends on the order of rows.
 */
import { accuracies, gainOf, type Outcome } from './outcome.ts';

/** One point of the curve. */
export interface CurvePoint {
  /** Share of tasks sent to the strong model, 0 to 1. */
  readonly strongCalls: number;
  /** Mean accuracy then, 0 to 1. */
  readonly accuracy: number;
  /** Share of the performance gap recovered: 0 for the weak model alone, 1 for the strong one; may pass 1. */
  readonly pgr: number;
}

/** The figures of one way to order tasks. */
export interface Figures {
  /** Average performance gap recovered: 0.5 is random. */
  readonly apgr: number;
  /** The least share of strong calls, 0 to 1, that recovers half of the gap. */
  readonly cpt50: number;
  /** The least share of strong calls, 0 to 1, that recovers four fifths of the gap. */
  readonly cpt80: number;
  /** Eleven points, from no strong call to strong calls only. */
  readonly curve: readonly CurvePoint[];
}

const STEPS = 10;

/**
 * The figures of a score.
 *
 * @param rows - at least one outcome; the strong model must be the better one on the whole
 * @param scores - one per row; the greatest goes to the strong model first
 * @throws RoutingDataError without rows or without a gap; RangeError where a score is missing or not a number
 */
export function figures(rows: readonly Outcome[], scores: ArrayLike<number>): Figures {
  const { weakAccuracy, strongAccuracy } = accuracies(rows);
  const gap = strongAccuracy - weakAccuracy;
  return fromCurve(
    recovered(rows, scores).map((gain, step) => {
      const point = { strongCalls: step / STEPS, accuracy: weakAccuracy + gain, pgr: gain / gap };
      // The last point is the strong model by definition; rounding must not move it.
      return step === STEPS ? { ...point, accuracy: strongAccuracy, pgr: 1 } : point;
    }),
  );
}

/** Figures of a curve: its area by trapezoids, and where it first reaches a half and four fifths. */
export function fromCurve(curve: readonly CurvePoint[]): Figures {
  const area = trapezoids(curve.map(({ pgr }) => pgr));
  return { apgr: area, cpt50: firstReach(curve, 0.5), cpt80: firstReach(curve, 0.8), curve };
}

/**
 * Mean gain over the share of strong calls: the part of APGR that an order of tasks can change. It needs no gap, so
 * it compares scores on any rows.
 */
export const meanGain = (rows: readonly Outcome[], scores: ArrayLike<number>): number =>
  trapezoids(recovered(rows, scores));

/** The mean of curves, point by point. They must be of the same rows. */
export function meanCurve(curves: readonly (readonly CurvePoint[])[]): CurvePoint[] {
  const mean = (step: number, of: (point: CurvePoint) => number) =>
    curves.reduce((sum, curve) => sum + of(curve[step]!), 0) / curves.length;
  return (curves[0] ?? []).map(({ strongCalls }, step) => ({
    strongCalls,
    accuracy: mean(step, (point) => point.accuracy),
    pgr: mean(step, (point) => point.pgr),
  }));
}

/** Accuracy gained over the weak model alone at each of the eleven shares, equal scores in random order. */
function recovered(rows: readonly Outcome[], scores: ArrayLike<number>): number[] {
  for (const row of rows.keys()) {
    if (Number.isNaN(scores[row] ?? NaN)) throw new RangeError(`scores: row ${row + 1} has none.`);
  }
  const order = Int32Array.from(rows.keys()).sort((a, b) => scores[b]! - scores[a]!);
  const points: number[] = [0];
  let gained = 0;
  for (let from = 0; from < order.length;) {
    let to = from;
    let gain = 0;
    while (to < order.length && scores[order[to]!] === scores[order[from]!])
      gain += gainOf(rows[order[to++]!]!);
    // Within a run of equal scores the expected gain is proportional to the calls.
    while (points.length <= STEPS && (points.length * rows.length) / STEPS <= to) {
      const calls = (points.length * rows.length) / STEPS - from;
      points.push((gained + (gain * calls) / (to - from)) / rows.length);
    }
    gained += gain;
    from = to;
  }
  return points;
}

/** The area under equidistant points over the interval from 0 to 1. */
function trapezoids(points: readonly number[]): number {
  const ends = ((points[0] ?? 0) + (points.at(-1) ?? 0)) / 2;
  return (points.slice(1, -1).reduce((sum, point) => sum + point, 0) + ends) / (points.length - 1);
}

/** Where straight lines through the points first reach a level. */
function firstReach(curve: readonly CurvePoint[], level: number): number {
  for (let i = 1; i < curve.length; i++) {
    const [left, right] = [curve[i - 1]!, curve[i]!];
    if (right.pgr < level) continue;
    const along = (level - left.pgr) / (right.pgr - left.pgr);
    return left.strongCalls + along * (right.strongCalls - left.strongCalls);
  }
  return 1;
}
