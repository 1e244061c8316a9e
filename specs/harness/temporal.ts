/** What has to happen in the end: liveness, under fairness, over all that was explored.
 *
 *  An invariant says that nothing bad happens; a machine that does nothing at all keeps every invariant. `leadsTo(p,
 *  q)` says that wherever p holds, q holds then or later. Its counter-example is a lasso: a way to a place, and a
 *  circle in which q never holds and that can repeat indefinitely (or a place where nothing may happen any more).
 *
 *  Not every circle is fair. A network that always loses every letter proves nothing against a sender that retries. So
 *  steps are put into classes by name, and a circle counts only if it is fair to each class:
 *  - `weak`: a class that may happen all the time does happen in the end. For a delay, or a machine that works.
 *  - `strong`: a class that may happen again and again does happen in the end. For what is retried: a letter on a
 *  channel that may lose it, or a lock that others take in turns. Without either, the only promise is that something
 *  happens while anything may that is not `optional`.
 *
 *  Sources: Lamport, Specifying Systems, ch. 8 (weak and strong fairness); Emerson & Lei 1987, Lichtenstein & Pnueli
 *  1985 (fair components, found by taking away what a strong class is not served in).
 *
 *  XState's proposal (statelyai/xstate#5627) has `temporal` properties by the same names with another meaning: there a
 *  property is judged on each finite run that was tried, `eventually` has to hold before the run ends (or `within` so
 *  many steps), and one that is still open is inconclusive. Here all infinite runs are judged at once, and the answer is
 *  final, up to the bounds of what was explored. `leadsTo` is its `respond`; its `always` and `never` are an
 *  `invariant` here. */
import type { Counterexample } from './claim.ts';
import { wayWithin, type Ways } from './components.ts';
import { fairTraps, mayStop, type Fairness, type TemporalOptions } from './fairness.ts';
import type { Explored } from './explorable.ts';
import { pathTo, transcriptOf } from './way.ts';

/** Wherever `from` holds, `to` holds then or later. */
export interface Temporal<W> {
  readonly name: string;
  /** Where it is owed. Default: at the beginning. */
  readonly from?: (world: W) => boolean;
  readonly to: (world: W) => boolean;
}

export interface Judgement<S> {
  readonly holds: boolean;
  /** Situations in which it is owed. 0 means that nothing was judged. */
  readonly owed: number;
  readonly lasso?: Lasso<S>;
  readonly counterexample?: Counterexample & { readonly loopsFrom: number };
}

/** A way, and what can be done again and again after it; an empty circle is a place where it may stop. */
export interface Lasso<S> {
  readonly path: readonly S[];
  readonly cycle: readonly S[];
}

/** From the beginning on, in every run, it holds some time. */
export const eventually = <W>(name: string, to: (world: W) => boolean): Temporal<W> => ({ name, to });

/** Each time that `from` holds, `to` holds then or later. */
export const leadsTo = <W>(
  name: string,
  from: (world: W) => boolean,
  to: (world: W) => boolean,
): Temporal<W> => ({ name, from, to });

/** Judges a temporal property over all that was explored.
 *  @throws {Error} when the exploration stopped at a violation, or was reduced by symmetry: a circle among situations
 *    that were taken together need not be one, and fairness to one agent is not fairness to another.
 *  @example
 *  ```ts
 *  const worker = createMachine({
 *    initial: 'idle',
 *    states: { idle: { on: { START: 'busy' } }, busy: { on: { POKE: {}, DONE: 'idle' } } },
 *  });
 *  const may = ({ parts }) =>
 *    (parts.worker.value === 'idle' ? ['START'] : ['POKE', 'DONE']).map((type) => ({ to: 'worker', event: { type } }));
 *  const explored = await explore(system({ machines: { worker }, surroundings: { initial: null, may } }));
 *  const ends = leadsTo(
 *    'work ends',
 *    ({ parts }) => parts.worker.value === 'busy',
 *    ({ parts }) => parts.worker.value === 'idle',
 *  );
 *  temporal(explored, ends).holds; // false
 *  temporal(explored, ends).lasso.cycle.length; // 1
 *  temporal(explored, ends, { weak: (step) => step.event.type }).holds; // true
 *  ``` */
export function temporal<W, S>(
  explored: Explored<W, S>,
  property: Temporal<W>,
  options: TemporalOptions<S> = {},
): Judgement<S> {
  if (explored.violation !== undefined)
    throw new Error(
      `temporal: the exploration stopped at a violation (${explored.violation.what}) Mend that first.`,
    );
  if (explored.reduced)
    throw new Error('temporal: this was explored with symmetry, which keeps no circles; explore without it.');
  const { worlds } = explored;
  const open = worlds.map((world) => !property.to(world));
  const owed =
    property.from === undefined ? [0] : worlds.flatMap((world, at) => (property.from!(world) ? [at] : []));
  const traps = fairTraps(explored, open, options);
  const start = nearest(
    explored,
    open,
    owed.filter((at) => open[at]),
    new Set(traps.flat()),
  );
  if (start === undefined) return { holds: true, owed: owed.length };
  const trap = new Set(traps.find((members) => members.includes(start.trap)));
  const cycle = circle(explored, trap, start.trap, options);
  const path = [...pathTo(explored, start.owed), ...start.way];
  return {
    holds: false,
    owed: owed.length,
    lasso: { path, cycle },
    counterexample: told(explored, property, path, cycle),
  };
}

/** A shortest way from where it is owed, through where it stays open, to a trap. */
function nearest<W, S>(
  { next }: Explored<W, S>,
  open: readonly boolean[],
  owed: readonly number[],
  traps: ReadonlySet<number>,
): { owed: number; trap: number; way: S[] } | undefined {
  const parents = new Map<number, readonly [S, number] | undefined>(owed.map((at) => [at, undefined]));
  const queue = [...owed];
  for (let i = 0; i < queue.length; i++) {
    const at = queue[i]!;
    if (traps.has(at)) {
      const way: S[] = [];
      let from = at;
      for (let parent = parents.get(from); parent !== undefined; parent = parents.get(from)) {
        way.unshift(parent[0]);
        from = parent[1];
      }
      return { owed: from, trap: at, way };
    }
    for (const [step, to] of next[at]!) {
      if (!open[to] || parents.has(to)) continue;
      parents.set(to, [step, at]);
      queue.push(to);
    }
  }
  return undefined;
}

/** A circle within a trap that is fair to every class: it takes a step of the class, or passes a place where the class
 *  has none. */
function circle<W, S>(
  explored: Explored<W, S>,
  within: ReadonlySet<number>,
  start: number,
  options: TemporalOptions<S>,
): S[] {
  if (mayStop(explored, start, options)) return [];
  const { next } = explored;
  const { weak, strong } = options;
  const ways: Ways<S> = { next, within };
  const steps: S[] = [];
  let at = start;
  const go = (goal: (from: number, step: S | undefined) => boolean): void => {
    const way = wayWithin(ways, at, goal);
    if (way === undefined) return;
    steps.push(...way.steps);
    at = way.end;
  };
  const all = [...within].flatMap((from) => next[from]!.map(([step]) => step));
  const classes = (of: Fairness<S> | undefined) => new Set(all.flatMap((step) => of?.(step) ?? []));
  for (const name of classes(weak))
    if (!steps.some((step) => weak!(step) === name))
      go((from, step) =>
        step === undefined ? next[from]!.every(([other]) => weak!(other) !== name) : weak!(step) === name,
      );
  for (const name of classes(strong))
    if (!steps.some((step) => strong!(step) === name))
      go((_, step) => step !== undefined && strong!(step) === name);
  if (steps.length === 0) go((_, step) => step !== undefined);
  if (at !== start) go((from, step) => step === undefined && from === start);
  return steps;
}

function told<W, S>(
  { model, worlds }: Explored<W, S>,
  { name }: Temporal<W>,
  path: readonly S[],
  cycle: readonly S[],
): Counterexample & { loopsFrom: number } {
  const end = path.reduce((world, step) => model.after(world, step).world, worlds[0] as W);
  const before = transcriptOf(model, path);
  if (cycle.length > 0)
    return {
      what: `It can go on indefinitely without this: ${name}.`,
      transcript: [...before, ...transcriptOf(model, cycle, end)],
      loopsFrom: before.length,
    };
  return {
    what: `It may stop here, and this was still to come: ${name}.`,
    transcript: [...before, { from: before.at(-1)?.from ?? 'all', text: 'nothing has to happen any more' }],
    loopsFrom: before.length,
  };
}
