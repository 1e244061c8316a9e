/** Every (state, event) pair of a machine, and what kind of cell it is.
 *
 *  A machine is total when every state names every event. XState drops an event that a state does not name, without an
 *  error; naming it states whether it is ignored, impossible, or handled.
 *
 *  States are the innermost ones, by their path (`play.fast`). As in XState, a state that does not name an event leaves
 *  it to the one around it, and a wildcard names all. In parallel regions an event is a cell of each: leave it out of the
 *  alphabet, or name it as ignored, where it concerns another. */
import type { AnyStateMachine } from 'xstate';

/** `live` does something; `ignore` is observed without effect; `impossible` never happens; `missing` is a hole. */
export type CellKind = 'live' | 'ignore' | 'impossible' | 'missing';

export interface Transition {
  readonly guard: string | undefined;
  readonly target: string | undefined;
  readonly actions: readonly string[];
}
export interface TableCell {
  readonly state: string;
  readonly event: string;
  readonly kind: CellKind;
  readonly transitions: readonly Transition[];
}

/** Reads the machine's table.
 *  @param events the whole alphabet; default: every event that any state names.
 *  @example
 *  ```ts
 *  tableCells(functionalUnit).filter(({ kind }) => kind === 'missing'); // []
 *  ``` */
export function tableCells(
  machine: AnyStateMachine,
  events: readonly string[] = alphabet(machine),
): TableCell[] {
  return innermost(machine).flatMap((node) =>
    events.map((event) => {
      const declared = declaredFor(node, event);
      const transitions = declared === undefined ? [] : transitionsOf(declared);
      const kind = declared === undefined ? 'missing' : kindOf(transitions);
      return { state: node.path.join('.'), event, kind, transitions };
    }),
  );
}

/** Every event that some state names. */
export const alphabet = (machine: AnyStateMachine): string[] => [
  ...new Set(
    nodes(machine.root)
      .flatMap((node) => Object.keys(node.config.on ?? {}))
      .filter((event) => !event.endsWith('*')),
  ),
];

/** What is wrong with a table in the light of what occurred, in one sentence each: a hole, a live cell that never
 *  occurred, an impossible one that did.
 *  @param occurred `state EVENT`, as `walk(…).cells` and `occurredCells(…)` have them.
 *  @example
 *  ```ts
 *  const door = createMachine({
 *    initial: 'shut',
 *    states: { shut: { on: { OPEN: 'open' } }, open: { on: { OPEN: {}, SHUT: 'shut' } } },
 *  });
 *  unjustified(door, new Set(['shut OPEN', 'open OPEN'])); // ['shut does not name SHUT.', 'open SHUT never occurred.']
 *  ``` */
export function unjustified(
  machine: AnyStateMachine,
  occurred: ReadonlySet<string>,
  events: readonly string[] = alphabet(machine),
): string[] {
  return tableCells(machine, events).flatMap(({ state, event, kind }) => {
    const did = occurred.has(`${state} ${event}`);
    if (kind === 'missing') return [`${state} does not name ${event}.`];
    if (kind === 'live' && !did) return [`${state} ${event} never occurred.`];
    if (kind === 'impossible' && did) return [`${state} ${event} is called impossible, and occurred.`];
    return [];
  });
}

type Node = AnyStateMachine['root'];

const nodes = (node: Node): Node[] => [node, ...Object.values(node.states).flatMap(nodes)];

/** A final state receives nothing more, unless the machine goes on around it. */
const innermost = (machine: AnyStateMachine): Node[] =>
  nodes(machine.root).filter(
    (node) => node.type === 'atomic' || (node.type === 'final' && node.parent !== machine.root),
  );

/** What the state declares for an event, or what the nearest state around it declares. */
function declaredFor(node: Node, event: string): unknown {
  for (let at: Node | undefined = node; at !== undefined; at = at.parent) {
    const on = (at.config.on ?? {}) as Record<string, unknown>;
    const named = [event, ...wildcards(event)].find((name) => on[name] !== undefined);
    if (named !== undefined) return on[named];
  }
  return undefined;
}

/** The wildcards that match an event: `a.b.*`, `a.*`, `*` for `a.b.c`. */
const wildcards = (event: string): string[] => {
  const parts = event.split('.');
  return parts.map((_, i) => [...parts.slice(0, parts.length - 1 - i), '*'].join('.'));
};

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
