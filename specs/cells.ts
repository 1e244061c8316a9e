/** Every (state, event) pair of a flat machine, and what kind of cell it is.
 *
 *  A machine is total when every state names every event. An event that a state does not name vanishes in
 *  XState without a word; naming it says whether it is ignored, impossible, or handled. */
import type { AnyStateMachine } from 'xstate';

/** `live` does something; `ignore` is observed without effect; `impossible` never happens; `missing` is a hole. */
export type CellKind = 'live' | 'ignore' | 'impossible' | 'missing';

export interface Transition {
  readonly guard: string | undefined;
  readonly target: string | undefined;
  readonly actions: readonly string[];
}
export interface Cell {
  readonly state: string;
  readonly event: string;
  readonly kind: CellKind;
  readonly transitions: readonly Transition[];
}

/** Reads the machine's table.
 *  @param events the whole alphabet; default: every event that any state names.
 *  @example
 *  ```ts
 *  cells(functionalUnit).filter(({ kind }) => kind === 'missing'); // []
 *  ``` */
export function cells(machine: AnyStateMachine, events: readonly string[] = alphabet(machine)): Cell[] {
  return Object.keys(machine.states).flatMap((state) =>
    events.map((event) => {
      const declared = machine.states[state]!.config.on?.[event] as unknown;
      const transitions = declared === undefined ? [] : transitionsOf(declared);
      return { state, event, kind: declared === undefined ? 'missing' : kindOf(transitions), transitions };
    }),
  );
}

/** Every event that some state names. */
export const alphabet = (machine: AnyStateMachine): string[] => [
  ...new Set(Object.values(machine.states).flatMap((node) => Object.keys(node.config.on ?? {}))),
];

function transitionsOf(declared: unknown): Transition[] {
  const list = Array.isArray(declared) ? declared : [declared];
  return list.map((entry: string | { guard?: unknown; target?: string; actions?: unknown }) => {
    if (typeof entry === 'string') return { guard: undefined, target: entry, actions: [] };
    const actions =
      entry.actions === undefined ? [] : Array.isArray(entry.actions) ? entry.actions : [entry.actions];
    return {
      guard: entry.guard === undefined ? undefined : nameOf(entry.guard),
      target: entry.target,
      actions: actions.map(nameOf),
    };
  });
}

const nameOf = (item: unknown): string =>
  typeof item === 'string'
    ? item
    : ((item as { type?: string }).type ?? (item as { name?: string }).name ?? 'inline');

function kindOf(transitions: readonly Transition[]): CellKind {
  if (transitions.every(({ actions }) => actions.includes('impossible'))) return 'impossible';
  return transitions.every(({ target, actions }) => target === undefined && actions.length === 0)
    ? 'ignore'
    : 'live';
}
