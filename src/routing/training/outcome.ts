/** What was seen of one task: how well a weak and a strong model did it. */
import { RoutingDataError } from '../errors.ts';

/** One row of experience. */
export interface Outcome {
  /** The task, as the models got it. */
  readonly prompt: string;
  /** How well the weak model did: 0 (wrong) to 1 (right). */
  readonly weak: number;
  /** How well the strong model did: 0 (wrong) to 1 (right). */
  readonly strong: number;
}

/** What the strong model adds to a task: -1 to 1. */
export const gainOf = ({ weak, strong }: Outcome): number => strong - weak;

/**
 * Mean accuracy of both models, each 0 to 1.
 *
 * @throws RoutingDataError without rows, and where the strong model is not the better one: then there is no gap
 *   to recover and every figure would divide by nothing
 */
export function accuracies(rows: readonly Outcome[]): { weakAccuracy: number; strongAccuracy: number } {
  if (rows.length === 0) {
    throw new RoutingDataError({ problem: 'there are no rows', remedy: 'Give at least one outcome.' });
  }
  const mean = (of: (row: Outcome) => number) => rows.reduce((sum, row) => sum + of(row), 0) / rows.length;
  const weakAccuracy = mean((row) => row.weak);
  const strongAccuracy = mean((row) => row.strong);
  if (strongAccuracy <= weakAccuracy) {
    throw new RoutingDataError({
      column: 'strong',
      problem:
        `the strong model is not better than the weak one ` +
        `(${strongAccuracy.toFixed(3)} against ${weakAccuracy.toFixed(3)}), so there is nothing to route for`,
      remedy: 'Check that the columns are not swapped, or send every task to the weak model.',
    });
  }
  return { weakAccuracy, strongAccuracy };
}

/**
 * A number that tells sets of prompts apart, independent of their order, so that figures on the rows that a router was
 * trained on can be marked. 32 bits; not a secure hash.
 */
export function promptsDigest(rows: readonly Outcome[]): number {
  let digest = 0;
  for (const { prompt } of rows) {
    let hash = 0x811c9dc5; // FNV-1a
    for (let i = 0; i < prompt.length; i++) hash = Math.imul(hash ^ prompt.charCodeAt(i), 0x01000193);
    digest = (digest + hash) >>> 0;
  }
  return digest;
}
