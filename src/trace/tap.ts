/** A shorter path for stations. For each inspected event XState makes three objects and two calls, twice, which is most of
 *  the cost of a trace. So where the trace is the only inspector, it intercepts the events of stations before that. All
 *  other actors are inspected as usual. With a version of XState that differs from 5.33 here, or with a second inspector,
 *  nothing is intercepted, and the trace is the same. */
import type { InspectionEvent } from 'xstate';

interface System {
  _sendInspectionEvent?: (event: InspectionEvent) => void;
  inspect: (observer: never) => unknown;
}
interface Inspected {
  readonly system?: object;
  readonly options?: { readonly inspect?: unknown };
  readonly _parent?: Inspected;
}
/** An inspection event of XState before the root's id is added. */
export type Raw = Extract<InspectionEvent, { type: '@xstate.snapshot' }>;

/** Receives the snapshots of all actors of one logic in an actor's system, and suppresses the inspection of their events.
 *  @param only the inspector that has to be the only one
 *  @returns what undoes it; undefined when nothing was done. */
export function tap(
  actor: Inspected,
  logic: unknown,
  only: unknown,
  hear: (event: Raw) => void,
): (() => void) | undefined {
  const system = actor.system as System | undefined;
  let root = actor;
  while (root._parent !== undefined) root = root._parent;
  const send = system?._sendInspectionEvent;
  if (system === undefined || typeof send !== 'function' || root.options?.inspect !== only) return undefined;
  const { inspect } = system;
  const tapped = (event: InspectionEvent): void => {
    if ((event.actorRef as { logic?: unknown }).logic !== logic) send(event);
    else if (event.type === '@xstate.snapshot') hear(event);
    else if (event.type !== '@xstate.event') send(event);
  };
  const undo = (): void => {
    if (system._sendInspectionEvent === tapped) system._sendInspectionEvent = send;
    system.inspect = inspect;
  };
  system._sendInspectionEvent = tapped;
  system.inspect = (observer) => {
    undo(); // there is a second inspector now
    return inspect(observer);
  };
  return undo;
}
