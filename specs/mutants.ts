/** Every small mistake that could be made in a machine's table, one at a time.
 *
 *  A check that none of them escapes is worth something. A mutant that escapes is either equivalent (nobody could tell),
 *  and then the test says why, or it is a hole in the check. */
import { createMachine, type AnyStateMachine } from 'xstate';

/** A machine with one mistake in it. */
export interface Mutant {
  /** `state EVENT[transition] mistake`. */
  readonly name: string;
  readonly machine: AnyStateMachine;
}

interface Written {
  guard?: unknown;
  target?: string;
  actions?: readonly unknown[];
}

/** The machine's mutants: each transition once led to each other state, once without each of its actions, once without
 *  its guard and, where another follows, once left out. Cells that are impossible stay as they are.
 *  @example
 *  ```ts
 *  mutants(functionalUnit).map(({ name }) => name)[0]; // 'idle ACQUIRE[0] without its guard'
 *  ``` */
export function mutants(machine: AnyStateMachine): Mutant[] {
  const states = Object.keys(machine.states);
  return states.flatMap((state) =>
    Object.entries(machine.states[state]!.config.on ?? {}).flatMap(([event, cell]) => {
      const list = normal(cell);
      return list.flatMap((transition, i) =>
        mistakes(transition, state, states, list.length > i + 1).map(([mistake, changed]) => ({
          name: `${state} ${event}[${i}] ${mistake}`,
          machine: withCell(
            machine,
            state,
            event,
            list.flatMap((other, k) => (k === i ? changed : [other])),
          ),
        })),
      );
    }),
  );
}

type Mistake = readonly [name: string, transitions: readonly Written[]];

function mistakes(
  transition: Written,
  state: string,
  states: readonly string[],
  followed: boolean,
): Mistake[] {
  const { guard, target, actions = [] } = transition;
  if (actions.includes('impossible')) return [];
  const { guard: _, ...unguarded } = transition;
  return [
    ...(guard === undefined ? [] : [['without its guard', [unguarded]] as const]),
    ...(followed ? [['left out', []] as const] : []),
    ...actions.map(
      (action, i) =>
        [
          `without ${nameOf(action)}`,
          [{ ...transition, actions: actions.filter((_, k) => k !== i) }],
        ] as const,
    ),
    ...states
      .filter((other) => other !== (target ?? state))
      .map((other) => [`to ${other}`, [{ ...transition, target: other }]] as const),
  ];
}

function withCell(
  machine: AnyStateMachine,
  state: string,
  event: string,
  cell: readonly Written[],
): AnyStateMachine {
  const { states, ...config } = machine.config;
  const node = states![state]!;
  const changed = { ...states, [state]: { ...node, on: { ...node.on, [event]: cell } } };
  return createMachine({ ...config, states: changed } as never, machine.implementations as never) as never;
}

const nameOf = (action: unknown): string =>
  typeof action === 'string' ? action : (action as { type: string }).type;

function normal(cell: unknown): Written[] {
  const list = Array.isArray(cell) ? cell : [cell];
  return list.map((entry: string | (Omit<Written, 'actions'> & { actions?: unknown })) => {
    if (typeof entry === 'string') return { target: entry };
    const { actions = [], ...rest } = entry;
    return { ...rest, actions: Array.isArray(actions) ? actions : [actions] };
  });
}
