/** Cutting rows into folds, the same way for the same seed. */
import type { Outcome } from './outcome.ts';
import { gainOf } from './outcome.ts';

/**
 * Random numbers from 0 (included) to 1 (excluded). Source: Tommy Ettinger's mulberry32, public domain; its period
 * of 2^32 is ample for shuffling rows.
 */
export function randomFrom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

/**
 * A fold number, 0 to `folds` - 1, for each row.
 *
 * Equal prompts share a fold, so that none is learnt and tested. Folds are stratified by outcome: each gets its share
 * of every kind, for otherwise a fold with more gain leaves a training part with less, and pooled scores are biased
 * against the router. Only the prompts and the seed decide, not the order of the rows.
 */
export function foldsOf(rows: readonly Outcome[], folds: number, seed: number): Int32Array {
  const groups = new Map<string, number[]>();
  for (const [index, { prompt }] of rows.entries()) {
    const group = groups.get(prompt);
    if (group === undefined) groups.set(prompt, [index]);
    else group.push(index);
  }
  const gain = (group: readonly number[]) => group.reduce((sum, index) => sum + gainOf(rows[index]!), 0);
  const weak = (group: readonly number[]) => group.reduce((sum, index) => sum + rows[index]!.weak, 0);
  const random = randomFrom(seed);
  const shuffled = [...groups]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([, group]) => ({ group, gain: gain(group), weak: weak(group), lot: random() }))
    .sort((a, b) => a.gain - b.gain || a.weak - b.weak || a.lot - b.lot);
  const fold = new Int32Array(rows.length);
  for (const [place, { group }] of shuffled.entries()) for (const index of group) fold[index] = place % folds;
  return fold;
}
