/** Paths through what was explored: their names, their steps, and their transcripts. */
import type { Message } from './claim.ts';
import type { Explored, Model } from './explorable.ts';
import { plainText } from './plain.ts';

/** Steps as a transcript. */
export function transcriptOf<W, S>(
  model: Model<W, S>,
  path: readonly S[],
  from: W = model.initial,
): Message[] {
  let world = from;
  return path.flatMap((step) => {
    const messages = model.messages?.(world, step) ?? [{ from: 'step', text: labelOf(model, step) }];
    ({ world } = model.after(world, step));
    return messages;
  });
}

/** The name of a step, the same in every world. */
export const labelOf = <W, S>(model: Model<W, S>, step: S): string =>
  model.label?.(step) ?? (typeof step === 'string' ? step : plainText(step, 'a step'));

/** A shortest way to a situation.
 *  @param at the situation's number. */
export const pathTo = <W, S>({ parents }: Explored<W, S>, at: number): S[] => pathFromParents(parents, at);

/** The same, from the list of parents. */
export function pathFromParents<S>(parents: Explored<unknown, S>['parents'], at: number): S[] {
  const path: S[] = [];
  for (let parent = parents[at]; parent !== undefined; parent = parents[parent[1]]) path.push(parent[0]);
  return path.reverse();
}
