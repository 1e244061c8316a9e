/** Every small mistake that could be made in a machine's table, one at a time.
 *
 *  They measure a check: it should detect each of them. A mutant that it does not detect is either equivalent (it
 *  behaves the same), and then `equivalentTo` shows it, or it is a hole in the check. */
import { createMachine, type AnyStateMachine } from 'xstate';

/** What was done to a transition. */
export type Mistake = 'unguarded' | 'left out' | 'action dropped' | 'actions swapped' | 'retargeted';

/** A machine with one mistake in it. */
export interface Mutant {
  /** `state EVENT[transition] mistake`, such as `ready SQUASH[0] with release before withdraw`. No two of a machine bear
   *  the same, and it stays the same for as long as the cell does. */
  readonly name: string;
  readonly mistake: Mistake;
  readonly state: string;
  readonly event: string;
  readonly machine: AnyStateMachine;
}

interface Written {
  guard?: unknown;
  target?: string;
  actions?: readonly unknown[];
}

/** The machine's mutants: each transition once left out, once without its guard, once led to each other state, once
 *  without each of its actions and once with each two neighbours of them swapped. Cells that are impossible stay as they
 *  are. Where nothing follows a transition that does nothing, leaving it out changes nothing, and is no mutant.
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
        mistakes(transition, state, states, list.length > i + 1).map(([mistake, name, changed]) => ({
          name: `${state} ${event}[${i}] ${name}`,
          mistake,
          state,
          event,
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

/** The mutant of that name.
 *  @throws {RangeError} when the machine has none: the name is wrong, or the cell has changed since. */
export function mutant(machine: AnyStateMachine, name: string): Mutant {
  const found = mutants(machine).find((one) => one.name === name);
  if (found === undefined)
    throw new RangeError(`'${machine.id}' has no mutant '${name}'; \`mutants\` lists them.`);
  return found;
}

type Made = readonly [mistake: Mistake, name: string, transitions: readonly Written[]];

function mistakes(transition: Written, state: string, states: readonly string[], followed: boolean): Made[] {
  const { guard, target, actions = [] } = transition;
  if (actions.includes('impossible')) return [];
  const { guard: _, ...unguarded } = transition;
  const does = actions.length > 0 || (target ?? state) !== state;
  const names = numbered(actions.map(nameOf));
  return [
    ...(guard === undefined ? [] : [['unguarded', 'without its guard', [unguarded]] as const]),
    ...(does || followed ? [['left out', 'left out', []] as const] : []),
    ...names.map(
      (name, i) =>
        [
          'action dropped',
          `without ${name}`,
          [{ ...transition, actions: actions.filter((_, k) => k !== i) }],
        ] as const,
    ),
    ...names
      .slice(1)
      .map(
        (name, i) =>
          [
            'actions swapped',
            `with ${name} before ${names[i]}`,
            [{ ...transition, actions: swapped(actions, i) }],
          ] as const,
      ),
    ...states
      .filter((other) => other !== (target ?? state))
      .map((other) => ['retargeted', `to ${other}`, [{ ...transition, target: other }]] as const),
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
  const { [event]: _, ...others } = node.on as Record<string, unknown>;
  const on = cell.length === 0 ? others : { ...node.on, [event]: cell }; // a cell with nothing in it is a hole
  const changed = { ...states, [state]: { ...node, on } };
  return createMachine({ ...config, states: changed } as never, machine.implementations as never) as never;
}

const swapped = <T>(list: readonly T[], i: number): T[] =>
  list.map((item, k) => (k === i ? list[i + 1]! : k === i + 1 ? list[i]! : item));

/** An action that is named twice gets a number. */
const numbered = (names: readonly string[]): string[] =>
  names.map((name, i) => {
    const before = names.slice(0, i).filter((other) => other === name).length;
    return before === 0 ? name : `${name}#${before + 1}`;
  });

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
