/** A short cut for stations. XState makes three objects and two calls of every event that is inspected, twice per
 *  event, which is most of what a trace would cost; so where nobody else looks, stations are heard where XState would
 *  begin with that. All else goes its usual way. Where XState is not as it was in 5.33, or somebody else looks, too,
 *  nothing is cut short, and the trace is the same. */
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
/** What XState says before it adds the root's id. */
export type Raw = Extract<InspectionEvent, { type: '@xstate.snapshot' }>;

/** Hears the snapshots of all actors of one logic in an actor's system, and keeps their events from being told.
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
    undo(); // somebody else looks now
    return inspect(observer);
  };
  return undo;
}
