/** One machine and its surroundings, explored breadth-first over every state that both can reach together.
 *
 *  A cell is called `impossible` because the surroundings never do such a thing. Here the surroundings are written
 *  down: what they may do next, and how they react to the machine's output. Then no impossible cell may ever be
 *  reached, and any other property of the two together can be checked in every state. (`invariant` means what it means
 *  in XState's own proposal, statelyai/xstate#5627. `getAdjacencyMap` knows no surroundings and no actions.)
 *
 *  This is for one flat machine without delays. `explore` of a `system` is for several, nested, with delays and actors. */
import { initialTransition, type AnyStateMachine, type EventObject } from 'xstate';
import { whole } from './plain.ts';
import { stepOf } from './with-reads.ts';

/** Where the two are. */
export interface Situation<E, C = any> {
  readonly value: string;
  readonly context: C;
  readonly surroundings: E;
}

/** What a machine lives in. The state `E` has to be JSON. */
export interface Surroundings<E, C = any> {
  readonly initial: E;
  /** What may happen next. */
  may(situation: Situation<E, C>): readonly EventObject[];
  /** The surroundings after an event and the machine's answer to it. `before` is the situation before the event. */
  after(before: Situation<E, C>, event: EventObject, said: readonly string[]): E;
}

export interface WalkOptions<E, C = any> {
  readonly input?: unknown;
  readonly surroundings: Surroundings<E, C>;
  /** Has to hold everywhere; a violation is `false` or a throw. */
  readonly invariant?: (situation: Situation<E, C>) => boolean;
  /** More situations than this are an error of the caller: 1 … 10^6. Default 100,000. */
  readonly limit?: number;
}

/** What went wrong, and how to get there. */
export interface Violation<E> {
  readonly what: 'impossible' | 'invariant';
  readonly path: readonly EventObject[];
  readonly situation: Situation<E>;
  readonly error?: unknown;
}

export interface Walk<E> {
  /** Distinct situations. */
  readonly situations: number;
  /** Events taken, one for each way out of each situation. */
  readonly steps: number;
  /** `state EVENT` cells that occurred. */
  readonly cells: ReadonlySet<string>;
  /** The first violation, by a shortest path. */
  readonly violation?: Violation<E>;
}

/** Explores the machine in its surroundings until every situation has been seen, or one violates.
 *  @throws {RangeError} when there are more situations than `limit`, or that is out of its range.
 *  @example
 *  ```ts
 *  const surroundings = { initial: 0, may: () => [{ type: 'ACQUIRE' }], after: (before) => before.surroundings };
 *  walk(functionalUnit, { input: { unit: 'u', capacity: 1 }, surroundings, invariant: ({ context }) => context.queued < 3 })
 *    .violation?.path.length; // 4
 *  ``` */
export function walk<E, C = any>(machine: AnyStateMachine, options: WalkOptions<E, C>): Walk<E> {
  const { surroundings, invariant = () => true } = options;
  const limit = whole('limit', options.limit ?? 100_000, 1, 1_000_000);
  const seen = new Map<string, Visit<E>>();
  const queue: Visit<E>[] = [];
  const cells = new Set<string>();
  let steps = 0;
  let violation: Violation<E> | undefined;

  const reach = (
    situation: Situation<E>,
    from: Visit<E> | undefined,
    event: EventObject | undefined,
  ): void => {
    const key = JSON.stringify([situation.value, situation.context, situation.surroundings]);
    if (seen.has(key)) return;
    if (seen.size >= limit) throw new RangeError(`more than ${limit} situations; bound the surroundings.`);
    const visit = { situation, from, event };
    seen.set(key, visit);
    queue.push(visit);
    const failure = check(invariant, situation);
    if (failure !== undefined)
      violation ??= { what: 'invariant', path: pathTo(visit), situation, ...failure };
  };

  const step = stepOf(machine, options.input);
  const [first] = initialTransition(machine, options.input as never);
  reach(
    { value: first.value as string, context: first.context, surroundings: surroundings.initial },
    undefined,
    undefined,
  );
  for (let i = 0; i < queue.length && violation === undefined; i++) {
    const visit = queue[i] as Visit<E>;
    const { situation } = visit;
    const snapshot = machine.resolveState({ value: situation.value, context: situation.context });
    for (const event of surroundings.may(situation)) {
      const [next, actions] = step(snapshot, event);
      const said = actions.map(({ type }) => type);
      steps++;
      cells.add(`${situation.value} ${event.type}`);
      if (said.includes('impossible')) {
        violation ??= { what: 'impossible', path: [...pathTo(visit), event], situation };
        break;
      }
      const after = surroundings.after(situation, event, said);
      reach({ value: next.value as string, context: next.context, surroundings: after }, visit, event);
    }
  }
  return { situations: seen.size, steps, cells, ...(violation === undefined ? {} : { violation }) };
}

interface Visit<E> {
  readonly situation: Situation<E>;
  readonly from: Visit<E> | undefined;
  readonly event: EventObject | undefined;
}

function pathTo<E>(visit: Visit<E>): EventObject[] {
  const path: EventObject[] = [];
  for (let at: Visit<E> | undefined = visit; at?.event !== undefined; at = at.from) path.unshift(at.event);
  return path;
}

function check<E>(
  invariant: (situation: Situation<E>) => boolean,
  situation: Situation<E>,
): { error?: unknown } | undefined {
  try {
    return invariant(situation) ? undefined : {};
  } catch (error) {
    return { error };
  }
}
