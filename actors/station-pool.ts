/** The pool of stations: bounded, recycled, made as they are needed.
 *
 *  Owns one reservation-station actor per place in the window, and which step each of them holds. What the
 *  machines say is written into lists that the orchestrator reads; see there why. */
import { createActor, type Actor, type AnyActorRef } from 'xstate';
import { compile, type CompiledLogic } from '../machines/compile.ts';
import { reservationStation, type ReservationStationMachine, type StationEvent } from '../machines/reservation-station.ts';
import { Runner, type Attempt, type Settle } from './attempt.ts';
import type { StepError } from './errors.ts';
import type { Unit } from './unit.ts';

type StationActor = Actor<CompiledLogic<ReservationStationMachine>>;

/** What a station is about to put on the bus. */
export type Written = 'value' | 'default' | 'fault';

/** One station, with what its actor must remember between two events. */
export interface Station {
  readonly index: number;
  readonly actor: StationActor;
  runner: Runner;
  /** The step that it holds, or −1. */
  step: number;
  /** When it became ready, in order of becoming ready. */
  order: number;
  /** The unit that it waits for or has; none where nothing limits its agent. */
  unit: Unit<Station> | undefined;
  attempt: Attempt | undefined;
  result: unknown;
  fault: StepError | undefined;
  written: Written;
}

/** What machines have said and the orchestrator has not yet done. */
export interface Notes {
  readonly requests: Station[];
  readonly withdrawals: Station[];
  readonly starts: Station[];
  readonly writes: Station[];
  readonly rests: Station[];
  readonly aborts: Station[];
}

export class StationPool {
  readonly notes: Notes = { requests: [], withdrawals: [], starts: [], writes: [], rests: [], aborts: [] };
  readonly #stations: Station[] = [];
  readonly #free: Station[] = [];
  /** By step: the station that holds it. */
  readonly #holder = new Map<number, Station>();
  readonly #window: number;
  readonly #parent: AnyActorRef;
  readonly #settle: Settle;
  readonly #logic: CompiledLogic<ReservationStationMachine>;

  constructor(options: {
    window: number;
    parent: AnyActorRef;
    settle: Settle;
    /** A station has become free of a step. */
    released: (step: number) => void;
    impossible: (what: string) => void;
  }) {
    this.#window = options.window;
    this.#parent = options.parent;
    this.#settle = options.settle;
    const { notes } = this;
    const at = (context: { station: number }) => this.#stations[context.station] as Station;
    const write = (written: Written) => (context: { station: number }) => {
      const station = at(context);
      station.written = written;
      notes.writes.push(station);
    };
    const [value, standIn, fault] = [write('value'), write('default'), write('fault')];
    this.#logic = compile(
      reservationStation.provide({
        actions: {
          requestUnit: ({ context }) => void notes.requests.push(at(context)),
          withdraw: ({ context }) => void notes.withdrawals.push(at(context)),
          start: ({ context }) => void notes.starts.push(at(context)),
          broadcast: ({ context }) => value(context),
          broadcastDefault: ({ context }) => standIn(context),
          broadcastFault: ({ context }) => fault(context),
          backOff: ({ context }) => void notes.rests.push(at(context)),
          abort: ({ context }) => void notes.aborts.push(at(context)),
          release: ({ context }) => {
            const station = at(context);
            options.released(station.step);
            this.#recycle(station);
          },
          impossible: ({ context, event }) => options.impossible(`station ${context.station}: ${event.type}`),
        },
      }),
    ) as unknown as CompiledLogic<ReservationStationMachine>;
  }

  /** Stations that hold a step. */
  get busy(): number {
    return this.#stations.length - this.#free.length;
  }
  /** Whether a step can be issued. */
  get hasRoom(): boolean {
    return this.#free.length > 0 || this.#stations.length < this.#window;
  }
  at(index: number): Station {
    return this.#stations[index] as Station;
  }
  /** The station that holds a step, if any. */
  holding(step: number): Station | undefined {
    return this.#holder.get(step);
  }
  /** Every station that holds a step. */
  held(): Station[] {
    return [...this.#holder.values()];
  }

  issue(step: number, event: StationEvent): Station {
    const station = this.#free.pop() ?? this.#create();
    station.step = step;
    this.#holder.set(step, station);
    station.actor.send(event);
    return station;
  }
  /** Stops waiting for an agent that ignores its abort; its answer will go nowhere. */
  detach(station: Station): void {
    station.runner.detach();
    station.runner = new Runner(station.index, this.#settle);
  }
  stop(): void {
    for (const { actor, runner } of this.#stations) {
      runner.detach();
      actor.send({ type: 'xstate.stop' } as never);
    }
  }

  #create(): Station {
    const index = this.#stations.length;
    const actor = createActor(this.#logic, { parent: this.#parent, id: `station:${index}`, input: { station: index } });
    actor.start();
    const station: Station = {
      index,
      actor,
      runner: new Runner(index, this.#settle),
      step: -1,
      order: 0,
      unit: undefined,
      attempt: undefined,
      result: undefined,
      fault: undefined,
      written: 'value',
    };
    this.#stations.push(station);
    return station;
  }
  #recycle(station: Station): void {
    this.#holder.delete(station.step);
    station.step = -1;
    station.attempt = undefined;
    station.result = undefined;
    station.fault = undefined;
    this.#free.push(station);
  }
}
