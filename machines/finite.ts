/** A machine whose whole state is finite, its context included, as one table of small numbers.
 *
 *  `compile` looks up a state's cell and evaluates its guards. Where the context can only have a few values, even that
 *  can be done in advance: here every snapshot that the machine can reach is a row, and a cell holds the next row and
 *  the actions of an event. Rows and cells are made by XState's own `transition`, so that they cannot differ from the
 *  machine. A line then is a number, and thirty thousand lines fit where a thousand actors did (docs/decisions/0030). */
import {
  initialTransition,
  transition,
  type AnyMachineSnapshot,
  type AnyStateMachine,
  type EventFromLogic,
  type InputFrom,
} from 'xstate';

/** What an event does in a row. */
export interface FiniteCell {
  /** The row it leads to. */
  readonly next: number;
  /** The actions it takes, in order. Assignments are in `next`. */
  readonly says: readonly string[];
}
export interface FiniteRow<M extends AnyStateMachine> {
  readonly value: string;
  readonly context: ReturnType<M['getInitialSnapshot']>['context'];
  readonly cells: Readonly<Record<EventFromLogic<M>['type'], FiniteCell>>;
}

/** The machine's table over its reachable snapshots. Row 0 is the initial one.
 *  @param events the alphabet; each is sent without a payload, so its transitions may not need one.
 *  @param limit more rows than this are not few: 1 … 10,000.
 *  @throws {RangeError} when there are more.
 *  @example
 *  ```ts
 *  const rows = finite(cacheLine, { events: ['LOAD', 'GRANT_E'] });
 *  const asked = rows[0].cells.LOAD; // says ['requestShared']
 *  rows[asked.next].value; //           'IS'
 *  ``` */
export function finite<M extends AnyStateMachine>(
  machine: M,
  {
    input,
    events,
    limit = 1_000,
  }: { input?: InputFrom<M>; events: readonly EventFromLogic<M>['type'][]; limit?: number },
): readonly FiniteRow<M>[] {
  const [first] = initialTransition(machine, input as never);
  const snapshots: AnyMachineSnapshot[] = [first];
  const known = new Map([[keyOf(first), 0]]);
  const rows: FiniteRow<M>[] = [];
  for (const from of snapshots) {
    const cells: Record<string, FiniteCell> = {};
    for (const type of events) {
      const [to, actions] = transition(machine, from as never, { type } as never);
      const key = keyOf(to);
      let next = known.get(key);
      if (next === undefined) known.set(key, (next = snapshots.push(to) - 1));
      if (next >= limit) throw new RangeError(`finite(${machine.id}): more than ${limit} snapshots.`);
      cells[type] = { next, says: actions.map((action) => action.type as string) };
    }
    rows.push({ value: from.value as string, context: from.context, cells: cells as never });
  }
  return rows;
}

const keyOf = ({ value, context }: { value: unknown; context: unknown }): string =>
  JSON.stringify([value, context]);
