/** Every situation of a machine in its surroundings, and every step out of each. */
import type { AnyStateMachine, EventObject } from 'xstate';
import type { Message } from '../harness/claim.ts';
import { stepOf } from '../harness/with-reads.ts';
import { walk, type Situation, type Surroundings, type WalkOptions } from '../harness/walk.ts';

/** All that can be reached, in the order of distance; up to an impossible cell, if there is one. */
export function situationsOf<E>(
  machine: AnyStateMachine,
  options: WalkOptions<E>,
): { all: Situation<E>[]; impossible?: string } {
  const all: Situation<E>[] = [];
  const { violation } = walk(machine, { ...options, invariant: (situation) => all.push(situation) > 0 });
  if (violation === undefined) return { all };
  const path = violation.path.map(({ type }) => type).join(', ');
  return {
    all,
    impossible: `${machine.id}: ${violation.what} in '${violation.situation.value}' after ${path}`,
  };
}

/** A shortest path to a situation, as messages of a transcript. */
export function situationTranscript<E>(
  machine: AnyStateMachine,
  options: WalkOptions<E>,
  to: Situation<E>,
): Message[] {
  const there = JSON.stringify(to);
  const { violation } = walk(machine, { ...options, invariant: (at) => JSON.stringify(at) !== there });
  const said = (violation?.path ?? []).map((event) => ({
    ...{ from: 'surroundings', to: machine.id, text: JSON.stringify(event) },
  }));
  return [...said, { from: machine.id, text: `is in '${to.value}'` }];
}

/** A step that was taken, and its output. */
export interface SituationStep<E> {
  readonly event: EventObject;
  readonly to: Situation<E>;
  readonly said: readonly string[];
}

/** The steps that the surroundings may cause. */
export function stepsFrom<E>(
  machine: AnyStateMachine,
  { input, surroundings }: WalkOptions<E>,
): (from: Situation<E>) => SituationStep<E>[] {
  const step = stepOf(machine, input);
  return (from) => {
    const { value, context } = from;
    const snapshot = machine.resolveState({ value, context });
    return surroundings.may(from).map((event) => {
      const [next, words] = step(snapshot, event);
      const said = words.map(({ type }) => type);
      const after = surroundings.after(from, event, said);
      return { event, said, to: { value: next.value as string, context: next.context, surroundings: after } };
    });
  };
}

/** Surroundings that do less. */
export const only = <E>(surroundings: Surroundings<E>, allows: (event: any) => boolean): Surroundings<E> => ({
  ...surroundings,
  may: (situation) => surroundings.may(situation).filter(allows),
});
