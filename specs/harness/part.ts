/** One machine's state in a situation, as plain data, and its output on the way to the next. */
import { createEmptyActor, type AnyStateMachine, type EventObject, type StateValue } from 'xstate';
import { NotExplorableError } from './plain.ts';

/** The parent of every machine, which receives what `sendParent` sends. */
export const outside = createEmptyActor();

/** Where one machine is. Plain data. */
export interface Part {
  /** As XState has it: `'idle'`, `{ up: 'fast' }`. */
  readonly value: StateValue;
  readonly context: any;
  /** `done` in a final state: it receives nothing more. */
  readonly status: 'active' | 'done';
  readonly output?: unknown;
  /** Delays (`after`, a delayed `raise`) that have not ended. */
  readonly timers: readonly Timer[];
  /** Invoked or spawned actors that have not ended. */
  readonly running: readonly Running[];
  /** Of history states: the ids of the states to go back to. */
  readonly history?: Readonly<Record<string, readonly string[]>>;
}
export interface Timer {
  readonly id: string;
  readonly event: EventObject;
  /** Milliseconds. */
  readonly delay: number;
}
export interface Running {
  readonly id: string;
  readonly src: string;
}

/** One output of a machine in a step. */
export interface MachineOutput {
  /** `action`: a named action, whose params are the event's fields. `emitted`: by `emit`. `sent`: by `sendTo`. */
  readonly kind: 'action' | 'emitted' | 'sent';
  readonly type: string;
  readonly event: EventObject;
  /** Of what was sent: the child's id, or `parent`. */
  readonly to?: string;
}

/** What XState would have done, as far as other machines receive it. */
export function outputOf(name: string, { type, params }: { type: string; params: any }): MachineOutput[] {
  if (type === 'xstate.emit') return [{ kind: 'emitted', type: params.event.type, event: params.event }];
  if (type === 'xstate.sendTo') {
    if (typeof params.delay === 'number')
      throw new NotExplorableError(
        `${name} sends ${params.event.type} with a delay; use after or a delayed raise instead.`,
      );
    const to = params.to === outside ? 'parent' : String(params.targetId ?? params.to?.id);
    return [{ kind: 'sent', type: params.event.type, event: params.event, to }];
  }
  if (type.startsWith('xstate.')) return [];
  return [{ kind: 'action', type, event: { ...(params as object), type } }];
}

/** The delays that are under way after a step. */
export function timersAfter(
  before: readonly Timer[],
  heard: readonly { type: string; params: any }[],
): Timer[] {
  let timers = [...before];
  for (const { type, params } of heard) {
    if (type === 'xstate.cancel') timers = timers.filter(({ id }) => id !== params.sendId);
    if (type !== 'xstate.raise' || typeof params.delay !== 'number') continue;
    const id = String(params.id ?? params.event.type);
    timers = [...timers.filter((timer) => timer.id !== id), { id, event: params.event, delay: params.delay }];
  }
  return timers;
}

/** The names of the innermost states that are active: `['idle']`, `['play.fast', 'light.on']`. */
export function stateNames(machine: AnyStateMachine, value: StateValue): string[] {
  if (typeof value === 'string' && machine.states[value]?.type === 'atomic') return [value];
  const snapshot: any = machine.resolveState({ value, context: {} });
  return (snapshot._nodes as { path: string[]; states: object }[])
    .filter(({ states }) => Object.keys(states).length === 0)
    .map(({ path }) => path.join('.'));
}
