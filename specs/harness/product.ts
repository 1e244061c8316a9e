/** Two machines side by side in the same surroundings, over every pair of situations that they can reach together.
 *
 *  A mutant that no check detects is equivalent only if the two cannot be distinguished: from every such pair, every
 *  event makes both take the same actions, in the same order, with the same receiver, and leads to states that look the
 *  same. That is a bisimulation (Milner 1989), and breadth-first search over a finite product decides it. */
import { initialTransition, type AnyStateMachine, type EventObject } from 'xstate';
import { whole } from './plain.ts';
import { stepOf, type NamedAction } from './with-reads.ts';
import type { Situation, Surroundings } from './walk.ts';

export interface ProductOptions<E, C = any> {
  readonly input?: unknown;
  readonly surroundings: Surroundings<E, C>;
  /** What can be seen of a situation, in addition to the actions on the way to it. Default: the state and the whole
   *  context. */
  readonly sees?: (situation: Situation<E, C>) => unknown;
  /** What the code that performs an action reads of the context, as the context is when the action's turn comes.
   *  Default: all of it. Two actions may change places only where that code reads the same either way. */
  readonly hears?: (action: string, context: C) => unknown;
  /** More pairs than this are an error of the caller: 1 … 10^6. Default 100,000. */
  readonly limit?: number;
}

/** What a comparison found. */
export interface Comparison {
  readonly equivalent: boolean;
  /** Distinct pairs of situations. */
  readonly pairs: number;
  /** Events that were sent to both. */
  readonly steps: number;
  /** The first difference, by a shortest path. */
  readonly difference?: Difference;
}
export interface Difference {
  /** Where it shows: in what may happen next, in the actions, in what is seen, or in how the surroundings react. */
  readonly where: 'may' | 'said' | 'seen' | 'surroundings' | 'throws';
  readonly path: readonly EventObject[];
  readonly original: unknown;
  readonly mutant: unknown;
}

interface Pair<E> {
  readonly original: Situation<E>;
  readonly mutant: Situation<E>;
  readonly path: Path | undefined;
}
interface Path {
  readonly event: EventObject;
  readonly before: Path | undefined;
}

/** Walks both until every pair has been seen, or they differ.
 *  @param mutant as `mutants` makes it, or any other machine that might do the same.
 *  @throws {RangeError} when there are more pairs than `limit`, or that is out of its range.
 *  @example
 *  ```ts
 *  const surroundings = { initial: 0, may: () => [{ type: 'TACET' }], after: () => 0 };
 *  const { machine } = mutant(functionalUnit, 'idle WAKE[0] to busy');
 *  equivalentTo(functionalUnit, machine, { input: { unit: 'u' }, surroundings }).equivalent; // true: no WAKE is ever sent
 *  ``` */
export function equivalentTo<E, C = any>(
  original: AnyStateMachine,
  mutant: AnyStateMachine,
  options: ProductOptions<E, C>,
): Comparison {
  const { surroundings } = options;
  const limit = whole('limit', options.limit ?? 100_000, 1, 1_000_000);
  const { sees = ({ value, context }) => [value, context], hears = (_, context) => context } = options;
  const sides = [sideOf(original, options), sideOf(mutant, options)] as const;
  const seen = new Set<string>();
  const queue: Pair<E>[] = [];
  let sent = 0;
  const end = (difference?: Difference): Comparison => ({
    equivalent: difference === undefined,
    pairs: seen.size,
    steps: sent,
    ...(difference && { difference }),
  });

  const reach = (pair: Pair<E>): Difference | undefined => {
    const key = text([pair.original, pair.mutant]);
    if (seen.has(key)) return undefined;
    if (seen.size >= limit) throw new RangeError(`more than ${limit} pairs; bound the surroundings.`);
    seen.add(key);
    queue.push(pair);
    const { original: left, mutant: right, path } = pair;
    return (
      differ('surroundings', path, left.surroundings, right.surroundings) ??
      differ('seen', path, sees(left), sees(right)) ??
      differ('may', path, surroundings.may(left), surroundings.may(right))
    );
  };

  const apart = reach({ original: sides[0].first(), mutant: sides[1].first(), path: undefined });
  if (apart) return end(apart);
  for (let i = 0; i < queue.length; i++) {
    const pair = queue[i] as Pair<E>;
    const [take, takeMutant] = [sides[0].from(pair.original), sides[1].from(pair.mutant)];
    for (const event of surroundings.may(pair.original)) {
      sent++;
      const path = { event, before: pair.path };
      const left = take(event);
      let right: Taken<E>;
      try {
        right = takeMutant(event);
      } catch (error) {
        return end({ where: 'throws', path: listed(path), original: undefined, mutant: error });
      }
      const heard = ({ said }: Taken<E>) =>
        said.map(({ type, params, context }) => ({ type, params, hears: hears(type, context) }));
      const difference =
        differ('said', path, heard(left), heard(right)) ??
        (left.impossible ? undefined : reach({ original: left.to, mutant: right.to, path }));
      if (difference) return end(difference);
    }
  }
  return end();
}

interface Taken<E> {
  readonly said: readonly NamedAction[];
  readonly to: Situation<E>;
  /** Nothing is promised of what follows. */
  readonly impossible: boolean;
}

/** One of the two: where it begins, and what it does from some situation. */
function sideOf<E>(machine: AnyStateMachine, { input, surroundings }: ProductOptions<E>) {
  const step = stepOf(machine, input);
  return {
    first: (): Situation<E> => {
      const [{ value, context }] = initialTransition(machine, input as never);
      return { value: value as string, context, surroundings: surroundings.initial };
    },
    from: (from: Situation<E>) => {
      const { value, context } = from;
      const snapshot = machine.resolveState({ value, context });
      return (event: EventObject): Taken<E> => {
        const [next, said] = step(snapshot, event);
        const types = said.map(({ type }) => type);
        const after = surroundings.after(from, event, types);
        return {
          said,
          to: { value: next.value as string, context: next.context, surroundings: after },
          impossible: types.includes('impossible'),
        };
      };
    },
  };
}

/** JSON in which NaN and the infinities stay distinct. */
function text(value: unknown): string {
  const plain = JSON.stringify(value);
  if (!plain.includes('null')) return plain;
  return JSON.stringify(value, (_, item: unknown) =>
    typeof item === 'number' && !Number.isFinite(item) ? `number ${item}` : item,
  );
}

function differ(
  where: Difference['where'],
  path: Path | undefined,
  original: unknown,
  mutant: unknown,
): Difference | undefined {
  return same(original, mutant) ? undefined : { where, path: listed(path), original, mutant };
}

/** Whether two pieces of data are alike in every part. */
function same(a: unknown, b: unknown): boolean {
  if (Object.is(a, b)) return true;
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false;
  const [left, right] = [a as Record<string, unknown>, b as Record<string, unknown>];
  const keys = Object.keys(left);
  return (
    keys.length === Object.keys(right).length &&
    keys.every((key) => Object.hasOwn(right, key) && same(left[key], right[key]))
  );
}

function listed(path: Path | undefined): EventObject[] {
  const events: EventObject[] = [];
  for (let at = path; at !== undefined; at = at.before) events.unshift(at.event);
  return events;
}
