/** Actors of every kind, a user's own among them: registered, and their events and snapshots as text. */
import { replicaOf, type Line } from '../../actors/coherence/index.ts';
import { operatingPointOf, type TempoGovernorContext } from '../../machines/governor/tempo-governor.ts';
import type { Definitions } from './definitions.ts';
import type { Shower } from './digest.ts';
import type { CellState, TracedLine } from './format.ts';

/** An actor as XState's inspection hands it out; what is more than its public type has been so in all of XState 5. */
export interface InspectedActor {
  readonly sessionId: string;
  readonly id: string;
  readonly logic?: unknown;
  readonly system?: object;
  readonly _parent?: InspectedActor;
  getSnapshot(): InspectedSnapshot | undefined;
}
export interface InspectedSnapshot {
  readonly status: string;
  readonly value?: unknown;
  readonly context?: unknown;
  readonly output?: unknown;
  readonly error?: unknown;
}

/** The record of one actor. */
export interface ActorRecord {
  /** `"sessionId":…,"rootId":…` */
  readonly who: string;
  readonly rootId: string;
  /** What its context is shown with. */
  readonly more: ((context: object) => object) | undefined;
  /** Counts its events, for sampling. */
  events: number;
  /** The event that was kept last, so that what it led to is kept with it. */
  kept: unknown;
}

type More = ActorRecord['more'];

export class Actors {
  readonly #shower: Shower;
  readonly #definitions: Definitions;
  readonly #known = new Map<object, ActorRecord>();

  constructor(shower: Shower, definitions: Definitions) {
    this.#shower = shower;
    this.#definitions = definitions;
  }
  /** By root. Children that were not stopped are removed with it. */
  readonly #byRoot = new Map<string, Set<object>>();
  /** How many there have been. */
  made = 0;
  find(actor: object): ActorRecord | undefined {
    return this.#known.get(actor);
  }
  forget(actor: object): void {
    const known = this.#known.get(actor);
    if (known === undefined) return;
    this.#known.delete(actor);
    this.#byRoot.get(known.rootId)?.delete(actor);
  }
  forgetRoot(rootId: string): void {
    for (const actor of this.#byRoot.get(rootId) ?? []) this.#known.delete(actor);
    this.#byRoot.delete(rootId);
  }

  /** @param late whether the actor has been at work already; else it has no snapshot yet
   *  @returns the message of an actor, but for its end. */
  register(actor: InspectedActor, rootId: string, late: boolean): string {
    const who = `"sessionId":${JSON.stringify(actor.sessionId)},"rootId":${JSON.stringify(rootId)}`;
    const more = actor.id.startsWith('line:') ? lineMore(actor) : governorMore(actor);
    this.made++;
    const family = this.#byRoot.get(rootId);
    if (family === undefined) this.#byRoot.set(rootId, new Set([actor]));
    else family.add(actor);
    this.#known.set(actor, { who, rootId, more, events: 0, kept: undefined });
    return this.#begin(actor, who, late ? actor.getSnapshot() : undefined, more);
  }
  #begin(actor: InspectedActor, who: string, snapshot: InspectedSnapshot | undefined, more: More): string {
    const parent = actor._parent?.sessionId;
    const definition = this.#definitions.of(actor.logic);
    let text = `{"type":"@xstate.actor",${who},"name":${this.#shower.text(actor.id)}`;
    if (parent !== undefined) text += `,"parentId":${JSON.stringify(parent)}`;
    if (definition !== undefined) {
      text += `,"machine":${definition.machine}`;
      if (definition.text !== undefined) text += `,"definition":${JSON.stringify(definition.text)}`;
    }
    return `${text},"snapshot":${this.snapshot(snapshot, more)}`;
  }
  event(who: string, event: object, source: string | undefined): string {
    const from = source === undefined ? '' : `,"sourceId":${JSON.stringify(source)}`;
    return `{"type":"@xstate.event",${who}${from},"event":${this.#shower.json(event)}`;
  }
  change(who: string, event: object, snapshot: InspectedSnapshot, more: More): string {
    return `{"type":"@xstate.snapshot",${who},"event":${this.#shower.json(event)},"snapshot":${this.snapshot(snapshot, more)}`;
  }
  snapshot(snapshot: InspectedSnapshot | undefined, more?: More): string {
    if (snapshot === undefined) return '{"status":"active"}';
    const { status, value, context, output, error } = snapshot;
    let text = `{"status":"${status}"`;
    if (value !== undefined) text += `,"value":${this.#shower.json(value)}`;
    if (context !== undefined) {
      const shown =
        more !== undefined && typeof context === 'object' && context !== null ? more(context) : context;
      text += `,"context":${this.#shower.json(shown)}`;
    }
    if (output !== undefined) text += `,"output":${this.#shower.json(output)}`;
    if (error !== undefined) text += `,"error":${this.#shower.json(error)}`;
    return `${text}}`;
  }
}

/** What memory holds of a key. */
export const cellState = ({ version, epoch, owner, held, queue }: Line['cell']): CellState => ({
  version,
  epoch,
  ...(owner === undefined ? {} : { owner }),
  held,
  queued: queue.length,
});
/** What a cache line's context is shown with: its line and its cell, found by the actor. */
function lineMore(actor: InspectedActor): More {
  const replica = actor.system && replicaOf(actor.system);
  if (replica === undefined) return undefined;
  return (context): TracedLine | object => {
    const line = replica.lines.get(actor);
    if (line === undefined) return context; // it is being made, or its agent has left
    const { agent, cell, version } = line;
    return { ...context, agent, key: cell.key, copyVersion: version, ...cellState(cell) };
  };
}
function governorMore({ logic }: InspectedActor): More {
  if ((logic as { id?: unknown } | undefined)?.id !== 'tempo-governor') return undefined;
  return (context) => {
    const point = operatingPointOf(context as TempoGovernorContext);
    const { ladder: _same, tunables: _fixed, ...rest } = context as TempoGovernorContext;
    return { point, ...rest };
  };
}
