/** Records what XState's inspection reports of every actor. */
import type { InspectionEvent } from 'xstate';
import type { StationContext } from '../../machines/tomasulo/reservation-station.ts';
import { Actors, type InspectedActor, type InspectedSnapshot, type ActorRecord } from './actors.ts';
import type { Recorder, RowText } from './recorder.ts';
import { Pool, stationText, takeStation } from './stations.ts';
import { tap } from './tap.ts';

type Sighting = InspectionEvent & { readonly actorRef: InspectedActor; readonly rootId: string };
type Change = Extract<Sighting, { type: '@xstate.snapshot' }>;

export class Sightings {
  readonly actors: Actors;
  readonly #recorder: Recorder;
  /** By number, for as long as a waiting row refers to them. */
  readonly #pools = new Map<number, Pool>();
  #made = 0;
  readonly #poolOf = new Map<unknown, Pool>();

  constructor(recorder: Recorder) {
    this.#recorder = recorder;
    this.actors = new Actors(recorder.shower, recorder.definitions);
  }
  /** Both messages of a station's row. */
  readonly text: RowText = (waiting, row, end) => stationText(waiting, row, this.#pools, end);

  take(event: Sighting, inspect: unknown): void {
    const { actorRef, type } = event;
    const pool = this.#poolOf.get(actorRef.logic);
    if (type === '@xstate.actor') this.#register(actorRef, event.rootId, inspect);
    else if (pool === undefined) this.#other(event, inspect);
    // An event of a station is recorded with the snapshot that it leads to: there is always one.
    else if (type === '@xstate.snapshot') this.#station(pool, event);
  }
  /** Registers an actor that existed before the inspection began. */
  meet(actor: InspectedActor, inspect: unknown): void {
    let root = actor;
    while (root._parent !== undefined) root = root._parent;
    this.#register(actor, root.sessionId, inspect, true);
  }
  close(): void {
    for (const pool of this.#pools.values()) pool.untap?.();
  }

  // ── stations
  #station(pool: Pool, { actorRef, event, snapshot: taken }: Change): void {
    const recorder = this.#recorder;
    const { writer, sampling } = recorder;
    const snapshot = taken as unknown as InspectedSnapshot & { context: StationContext; value: string };
    const { context, value, status } = snapshot;
    recorder.turn();
    const plain = status === 'active' && pool.actors[context.station] === actorRef;
    if (plain && takeStation(pool, event, value, context, writer, sampling)) return;
    const known = this.actors.find(actorRef);
    if (known === undefined) return;
    if (value === 'poisoned' && pool.poisoned[context.station] !== context.tag) {
      pool.poisoned[context.station] = context.tag;
      recorder.faults++;
    }
    if (event.type === 'ISSUE') pool.kept[context.station] = sampling.keeps(context.tag);
    const fault = value === 'poisoned' || event.type === 'FAILED' || event.type === 'FAULT';
    if (!fault && pool.kept[context.station] === false) recorder.skip(2);
    else {
      const source = event.type === 'xstate.init' ? actorRef._parent?.sessionId : undefined;
      recorder.say(this.actors.event(known.who, event, source));
      recorder.say(this.actors.change(known.who, event, snapshot, undefined));
    }
    if (status !== 'active') this.#leave(pool, actorRef);
  }
  #leave(pool: Pool, actor: InspectedActor): void {
    this.actors.forget(actor);
    if (--pool.live > 0) return;
    this.#poolOf.delete(actor.logic);
    pool.untap?.();
    this.#recorder.writer.after(() => void this.#pools.delete(pool.index));
  }
  #join(station: number, actor: InspectedActor, rootId: string, inspect: unknown): void {
    let pool = this.#poolOf.get(actor.logic);
    if (pool === undefined) {
      const made = new Pool(this.#made++);
      pool = made;
      this.#pools.set(made.index, made);
      this.#poolOf.set(actor.logic, made);
      made.untap = tap(actor, actor.logic, inspect, (event) => {
        try {
          this.#station(made, event as unknown as Change);
        } catch (error) {
          this.#recorder.fail(error);
        }
      });
    }
    pool.add(station, actor, actor.sessionId, rootId);
  }

  // ── all others
  #other(event: Sighting, inspect: unknown): void {
    if (event.type !== '@xstate.event' && event.type !== '@xstate.snapshot') return; // how it got there is in neither
    const recorder = this.#recorder;
    const { sampling } = recorder;
    recorder.turn();
    const { actorRef } = event;
    const known = this.actors.find(actorRef) ?? this.#register(actorRef, event.rootId, inspect, true);
    if (known === undefined) return;
    if (event.type === '@xstate.event') {
      const keeps = sampling.rate === 1 || sampling.keeps(known.events++);
      known.kept = keeps ? event.event : undefined;
      if (!keeps) return recorder.skip(1);
      const source = event.sourceRef?.sessionId;
      return recorder.say(this.actors.event(known.who, event.event, source));
    }
    const snapshot = event.snapshot as unknown as InspectedSnapshot;
    const ended = snapshot.status !== 'active';
    if (snapshot.status === 'error') recorder.faults++;
    if (ended) this.actors.forget(actorRef);
    if (ended && actorRef._parent === undefined) this.actors.forgetRoot(event.rootId);
    // An event is kept together with its effect, and the end of an actor is always recorded.
    if (sampling.rate > 1 && known.kept !== event.event && !ended) return recorder.skip(1);
    recorder.say(this.actors.change(known.who, event.event, snapshot, known.more));
  }
  #register(actor: InspectedActor, rootId: string, inspect: unknown, late = false): ActorRecord | undefined {
    const recorder = this.#recorder;
    if (this.actors.made >= recorder.limits.actors) {
      recorder.skipActor();
      return undefined;
    }
    recorder.say(this.actors.register(actor, rootId, late));
    const station = stationOf(actor);
    if (station >= 0) this.#join(station, actor, rootId, inspect);
    return this.actors.find(actor);
  }
}

/** The number of a station of a performance's pool; −1 for anything else. */
function stationOf({ id, logic }: InspectedActor): number {
  const { id: machine, machine: compiled } = (logic ?? {}) as { id?: unknown; machine?: unknown };
  if (machine !== 'reservation-station' || compiled === undefined) return -1;
  const station = /^station:(\d{1,7})$/.exec(id);
  return station === null ? -1 : Number(station[1]);
}
