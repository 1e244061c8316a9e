/** Which parts of a graph a run can stay in indefinitely and still be fair. `temporal.ts` explains the use. */
import { components } from './components.ts';
import type { Explored } from './explorable.ts';

/** The class of a step; nothing, if it is in none. */
export type Fairness<S> = (step: S) => string | undefined;

export interface TemporalOptions<S> {
  readonly weak?: Fairness<S>;
  readonly strong?: Fairness<S>;
  /** Steps that do not have to happen, such as a person's: where only these may happen, the run may stop. Default:
   *  none. */
  readonly optional?: (step: S) => boolean;
}

/** The parts of the graph in which the property can stay open indefinitely in a fair run. */
export function fairTraps<W, S>(
  explored: Explored<W, S>,
  open: readonly boolean[],
  options: TemporalOptions<S>,
): number[][] {
  const all = open.flatMap((isOpen, at) => (isOpen ? [at] : []));
  const waiting = [all];
  const fair = all.filter((at) => mayStop(explored, at, options)).map((at) => [at]);
  for (let some = waiting.pop(); some !== undefined; some = waiting.pop()) {
    for (const members of components(explored.next, some)) {
      const within = new Set(members);
      if (!stays(explored, within)) continue;
      const { unserved, missing } = unfair(explored, within, options);
      if (missing) continue;
      if (unserved.size === 0) fair.push(members);
      else waiting.push(members.filter((at) => !mayDo(explored, at, options.strong, unserved)));
    }
  }
  return fair;
}

/** Whether nothing has to happen there. A step that fairness requires has to happen. */
export const mayStop = <W, S>(
  { next }: Explored<W, S>,
  at: number,
  { weak, strong, optional }: TemporalOptions<S>,
): boolean =>
  next[at]!.every(
    ([step]) => weak?.(step) === undefined && strong?.(step) === undefined && optional?.(step) === true,
  );

/** Whether there is a step within. */
const stays = <W, S>({ next }: Explored<W, S>, within: ReadonlySet<number>): boolean =>
  [...within].some((at) => next[at]!.some(([, to]) => within.has(to)));

/** Classes to which a run that stays within these nodes indefinitely is unfair. */
function unfair<W, S>(
  explored: Explored<W, S>,
  within: ReadonlySet<number>,
  { weak, strong }: TemporalOptions<S>,
) {
  const always = new Map<string, number>();
  const ever = new Set<string>();
  const done = new Set<string>();
  const served = new Set<string>();
  for (const at of within) {
    const here = new Set<string>();
    for (const [step, to] of explored.next[at]!) {
      const [weakly, strongly] = [weak?.(step), strong?.(step)];
      if (weakly !== undefined) here.add(weakly);
      if (strongly !== undefined) ever.add(strongly);
      if (!within.has(to)) continue;
      if (weakly !== undefined) done.add(weakly);
      if (strongly !== undefined) served.add(strongly);
    }
    for (const name of here) always.set(name, (always.get(name) ?? 0) + 1);
  }
  const missing = [...always].some(([name, times]) => times === within.size && !done.has(name));
  return { missing, unserved: new Set([...ever].filter((name) => !served.has(name))) };
}

const mayDo = <W, S>(
  { next }: Explored<W, S>,
  at: number,
  strong: Fairness<S> | undefined,
  classes: ReadonlySet<string>,
): boolean => next[at]!.some(([step]) => classes.has(strong?.(step) ?? ''));
