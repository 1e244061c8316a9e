/** Runs one step of a flat machine and records its actions with the context that each of them sees. */
import { createActor, enqueueActions, type AnyStateMachine, type EventObject } from 'xstate';
import { scopeOf } from './scope.ts';

export type Snapshot = ReturnType<AnyStateMachine['resolveState']>;

/** An action that a machine named in a step, with the parameters and the context that it receives. */
export interface NamedAction {
  readonly type: string;
  readonly params: unknown;
  /** As it was when the action's turn came; an assignment behind it has not been made yet. */
  readonly context: any;
}
export type StepFunction = (from: Snapshot, event: EventObject) => [Snapshot, readonly NamedAction[]];

/** A machine's step: what XState's `transition` does.
 *  @throws what a guard or an assignment throws. */
export function stepOf(machine: AnyStateMachine, input: unknown): StepFunction {
  const self = createActor(machine, { input } as never);
  let said: NamedAction[] = [];
  const scope = scopeOf(
    self,
    ({ type, params, info }: Performed) => void said.push({ type, params, context: info.context }),
  );
  return (from, event) => {
    said = [];
    return [machine.transition(from, event, scope as never), said];
  };
}

interface Performed {
  readonly type: string;
  readonly params: unknown;
  readonly info: { readonly context: unknown };
}

/** What is read of the context, by the action's name. */
export type Reads = Readonly<Record<string, (context: any) => unknown>>;

/** A machine that records what an action reads of the context, in addition to its name. Names alone hide the order of
 *  an action and an assignment: `grantQueued` before a count grants another number than `grantQueued` after it.
 *  @returns the machine with each of those actions followed by what was read when its turn came: `grantQueued 2`. */
export function withReads(machine: AnyStateMachine, reads: Reads): AnyStateMachine {
  const actions = Object.entries(reads).map(([name, read]) => [
    name,
    enqueueActions(({ context, enqueue }) => enqueue({ type: `${name} ${JSON.stringify(read(context))}` })),
  ]);
  return machine.provide({ actions: Object.fromEntries(actions) } as never) as AnyStateMachine;
}
