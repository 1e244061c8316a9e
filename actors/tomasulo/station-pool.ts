/** The pool of stations: bounded, recycled, made as they are needed.
 *
 *  Owns one reservation-station actor per place in the window, and which step each of them holds. The machines' output
 *  is written into lists that the orchestrator reads; `orchestrator.ts` explains why. */
import { createActor, type Actor, type AnyActorRef } from 'xstate';
import { compile, type CompiledLogic } from '../../machines/table/compile.ts';
import {
  reservationStation,
  type ReservationStationMachine,
  type StationEvent,
} from '../../machines/tomasulo/reservation-station.ts';
import { grownInts } from './columns.ts';
import { Runner, type Attempt, type Settle } from './attempt.ts';
import type { StepError } from './errors.ts';
import type { Unit } from './unit.ts';

type StationActor = Actor<CompiledLogic<ReservationStationMachine>>;

/** What a station is about to put on the bus. */
export type WriteKind = 'value' | 'default' | 'fault';

/** One station, with what its actor keeps between two events. */
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
  /** What the agent answered, until it is settled. */
  ok: boolean;
  answer: unknown;
  result: unknown;
  fault: StepError | undefined;
  /** An operand of it is absent, and others are still due. */
  absence: StepError | undefined;
  written: WriteKind;
  /** Failures since the last success; back-off grows with them. */
  failures: number;
  /** Why the last try failed, for the next one. */
  lastError: unknown;
  /** Its next start is a retry. */
  retrying: boolean;
  /** Its next start is in the journal. */
  noted: boolean;
  /** Why the budget does not allow that start. */
  refusal: Error | undefined;
  /** Why its agent is to stop. */
  stopReason: Error | undefined;
  /** Its work is other steps: it takes none of the places of the window, since they need those. */
  isScope: boolean;
  /** Whether its condition holds; `broken` if asking it failed. */
  condition: 'unasked' | 'holds' | 'fails' | 'broken';
}

/** The machines' outputs that the orchestrator has not yet acted on. */
export interface PendingOutputs {
  readonly requests: Station[];
  readonly withdrawals: Station[];
  readonly starts: Station[];
  readonly writes: Station[];
  readonly rests: Station[];
  readonly aborts: Station[];
}

let compiled: CompiledLogic<ReservationStationMachine> | undefined;
/** Compiled when first needed, and once. */
const stationLogic = () => (compiled ??= compile(reservationStation));

/** Stations to begin with. Steps that settle at once never need more: few stations are quick to make and stay in
 *  the processor's own cache. */
const FIRST = 64;

export class StationPool {
  readonly notes: PendingOutputs = {
    requests: [],
    withdrawals: [],
    starts: [],
    writes: [],
    rests: [],
    aborts: [],
  };
  readonly #stations: Station[] = [];
  readonly #free: Station[] = [];
  /** By step: the index of the station that holds it, or −1. */
  #holder: Int32Array;
  /** Stations of scopes. */
  #scopes = 0;
  readonly #window: number;
  #size: number;
  readonly #parent: AnyActorRef;
  readonly #settle: Settle;
  readonly #logic: CompiledLogic<ReservationStationMachine>;

  constructor(options: {
    /** How many steps there are. */
    steps: number;
    /** How many stations there may be. */
    window: number;
    /** Whether the pool begins with {@link FIRST} stations and grows when it is asked to. */
    grows: boolean;
    parent: AnyActorRef;
    settle: Settle;
    /** A station has become free of a step. */
    released: (step: number) => void;
    impossible: (what: string) => void;
  }) {
    this.#window = options.window;
    this.#size = options.grows ? Math.min(FIRST, options.window) : options.window;
    this.#holder = new Int32Array(options.steps).fill(-1);
    this.#parent = options.parent;
    this.#settle = options.settle;
    const { notes } = this;
    const at = (context: { station: number }) => this.#stations[context.station] as Station;
    const write = (written: WriteKind) => (context: { station: number }) => {
      const station = at(context);
      station.written = written;
      notes.writes.push(station);
    };
    const [value, standIn, fault] = [write('value'), write('default'), write('fault')];
    this.#logic = stationLogic().provide({
      actions: {
        requestUnit: ({ context }) => void notes.requests.push(at(context)),
        withdraw: ({ context }) => void notes.withdrawals.push(at(context)),
        start: ({ context }) => void notes.starts.push(at(context)),
        broadcast: ({ context }) => value(context),
        broadcastDefault: ({ context }) => standIn(context),
        broadcastFault: ({ context }) => fault(context),
        backOff: ({ context }) => void notes.rests.push(at(context)),
        abort: ({ context }) => void notes.aborts.push(at(context)),
        refuse: ({ context }) => void notes.aborts.push(at(context)),
        release: ({ context }) => {
          const station = at(context);
          options.released(station.step);
          this.#recycle(station);
        },
        impossible: ({ context, event }) => options.impossible(`station ${context.station}: ${event.type}`),
      },
    });
  }

  /** Stations that hold a step. */
  get busy(): number {
    return this.#stations.length - this.#free.length;
  }
  /** Stations that hold a scope. */
  get scopes(): number {
    return this.#scopes;
  }
  /** How many steps can be issued, scopes aside. */
  get room(): number {
    return this.#size - (this.busy - this.#scopes);
  }
  /** Whether a step can be issued. */
  get hasRoom(): boolean {
    return this.room > 0;
  }
  /** Whether another scope can be issued: they are as many as the window, at most. */
  get hasRoomForScope(): boolean {
    return this.#scopes < this.#window;
  }
  /** Makes room for the tags of steps that a scope has added. */
  reach(steps: number): void {
    const known = this.#holder.length;
    this.#holder = grownInts(this.#holder, steps);
    if (this.#holder.length > known) this.#holder.fill(-1, known);
  }
  /** Doubles the pool, up to its window. @returns whether there was anything to gain. */
  grow(): boolean {
    const size = Math.min(this.#window, this.#size * 2);
    const grown = size > this.#size;
    this.#size = size;
    return grown;
  }
  get atWindow(): boolean {
    return this.#size === this.#window;
  }
  at(index: number): Station {
    return this.#stations[index] as Station;
  }
  /** The station that holds a step, if any. */
  holding(step: number): Station | undefined {
    const index = this.#holder[step];
    return index === undefined || index < 0 ? undefined : this.#stations[index];
  }
  /** Every station that holds a step. */
  held(): Station[] {
    return this.#stations.filter(({ step }) => step >= 0);
  }
  /** The stations whose broadcast is on its way, on a bus that answers later. */
  writing(): Station[] {
    return this.#stations.filter(isWriting);
  }

  issue(step: number, event: StationEvent, isScope: boolean): Station {
    const station = this.#free.pop() ?? this.#create();
    station.step = step;
    station.isScope = isScope;
    if (isScope) this.#scopes++;
    this.#holder[step] = station.index;
    station.actor.send(event);
    return station;
  }
  /** Stops waiting for an agent that ignores its abort; its answer is dropped. */
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
    const actor = createActor(this.#logic, {
      parent: this.#parent,
      id: `station:${index}`,
      input: { station: index },
    });
    actor.start();
    const station: Station = {
      index,
      actor,
      runner: new Runner(index, this.#settle),
      step: -1,
      order: 0,
      unit: undefined,
      attempt: undefined,
      ok: false,
      answer: undefined,
      result: undefined,
      fault: undefined,
      absence: undefined,
      written: 'value',
      failures: 0,
      lastError: undefined,
      retrying: false,
      noted: false,
      refusal: undefined,
      stopReason: undefined,
      isScope: false,
      condition: 'unasked',
    };
    this.#stations.push(station);
    return station;
  }
  #recycle(station: Station): void {
    this.#holder[station.step] = -1;
    station.step = -1;
    station.attempt = undefined;
    station.result = undefined;
    station.fault = undefined;
    station.absence = undefined;
    station.failures = 0;
    station.lastError = undefined;
    station.retrying = false;
    station.noted = false;
    station.refusal = undefined;
    station.stopReason = undefined;
    station.condition = 'unasked';
    if (station.isScope) this.#scopes--;
    this.#free.push(station);
  }
}

/** Whether a station's broadcast is on its way. */
export const isWriting = ({ actor }: Station): boolean => {
  const { value } = actor.getSnapshot();
  return value === 'writing' || value === 'poisoned';
};
