/** Outcomes as numbers: each row's spelling and features, read once and then learnt from many times. */
import { excerpt, FEATURES, readFeatures } from '../features.ts';
import { gainOf, type Outcome } from './outcome.ts';
import { BUCKETS, SpellingReader } from '../pairs.ts';
import type { SparseRows } from './ridge.ts';

/** Columns 0 to BUCKETS - 1 are the spelling, the rest are the features. */
export const WIDTH = BUCKETS + FEATURES.length;

/** Rows, and what the strong model added to each. */
export interface Corpus extends SparseRows {
  readonly outcomes: readonly Outcome[];
  readonly gains: Float64Array;
}

/** @param outcomes - the rows; some 1.5 kB of memory each */
export function corpusOf(outcomes: readonly Outcome[]): Corpus {
  const reader = new SpellingReader();
  const starts = new Int32Array(outcomes.length + 1);
  const columns: Uint16Array[] = [];
  const values: Float32Array[] = [];
  const places = Uint16Array.from(FEATURES, (_, index) => BUCKETS + index);
  for (const [row, { prompt }] of outcomes.entries()) {
    const text = excerpt(prompt);
    const { buckets, weights, size } = reader.read(text);
    columns.push(buckets.slice(0, size), places);
    values.push(weights.slice(0, size), Float32Array.from(readFeatures(prompt, text)));
    starts[row + 1] = starts[row]! + size + places.length;
  }
  const total = starts[outcomes.length]!;
  return {
    outcomes,
    gains: Float64Array.from(outcomes, gainOf),
    starts,
    columns: joined(new Uint16Array(total), columns),
    values: joined(new Float32Array(total), values),
  };
}

function joined<T extends Uint16Array | Float32Array>(whole: T, parts: readonly T[]): T {
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

/** How much all features together may say, against the spelling's 1. Twenty numbers among some two thousand; 0.01 to 0.16 differ by less
 *  than a standard error. */
const FEATURE_SHARE = 0.04;

/**
 * How freely each column may be used: the features by their variance, the spelling by how rare a bucket is.
 *
 * @param corpus - the rows
 * @param chosen - those to learn from: nothing is taken from any other
 * @param rarity - 0: every bucket alike, so that common characters and with them length and punctuation lead; 1: by
 *   ln(rows / rows with it), so that the subject of the task leads
 * @returns per column, 0 or more; a mean row's spelling has length 1 in these units
 */
export function easeOf(corpus: Corpus, chosen: Int32Array, rarity: 0 | 1): Float64Array {
  const { starts, columns, values } = corpus;
  const seen = new Float64Array(WIDTH);
  const sum = new Float64Array(WIDTH);
  const square = new Float64Array(WIDTH);
  for (const row of chosen) {
    for (let k = starts[row]!; k < starts[row + 1]!; k++) {
      const column = columns[k]!;
      seen[column]!++;
      sum[column]! += values[k]!;
      square[column]! += values[k]! ** 2;
    }
  }
  const ease = new Float64Array(WIDTH);
  let length = 0;
  for (let column = 0; column < BUCKETS; column++) {
    if (seen[column] === 0) continue;
    ease[column] = rarity === 0 ? 1 : Math.log(chosen.length / seen[column]!) ** 2;
    length += (ease[column]! * square[column]!) / chosen.length;
  }
  for (let column = 0; column < BUCKETS; column++) ease[column]! /= length || 1;
  for (let column = BUCKETS; column < WIDTH; column++) {
    const variance = square[column]! / chosen.length - (sum[column]! / chosen.length) ** 2;
    if (variance > 1e-9) ease[column] = FEATURE_SHARE / FEATURES.length / variance;
  }
  return ease;
}
