/** The dispatcher: which of the ready stations get a unit, and when.
 *
 *  Owns the units: one per agent, and one for the whole orchestra when concurrency is limited. Receives requests,
 *  withdrawals and answers; returns which stations are granted a unit. All requests of a round join their queues before
 *  the first unit is granted, and before released units are granted again, so that the station with the highest
 *  priority goes first. */
import type { AnyActorRef } from 'xstate';
import { clear } from './clear.ts';
import type { DynamicProgram } from './dynamic-program.ts';
import type { AgentPlan } from './program.ts';
import type { Station } from './station-pool.ts';
import { Unit } from './unit.ts';

/** When ready steps start: each at once; level by level, as behind a barrier; one by one. */
export type Dispatch = 'reactive' | 'batch' | 'sequential';

export interface DispatcherOptions {
  readonly program: DynamicProgram;
  readonly dispatch: Dispatch;
  readonly priority: 'path' | 'fifo';
  readonly maxConcurrency: number | undefined;
  readonly patience: number;
  readonly parent: AnyActorRef;
  readonly impossible: (what: string) => void;
}

export class Dispatcher {
  readonly #options: DispatcherOptions;
  readonly #units = new Map<string, Unit<Station>>();
  readonly #orchestra: Unit<Station> | undefined;
  readonly #before: (a: Station, b: Station) => boolean;
  /** By step: how much sooner or later than others a signal wants it. */
  readonly #preferences = new Map<number, number>();
  /** Stations that asked for a unit and whose agents have not answered. */
  #admitted = 0;
  #order = 0;
  #granted: Station[] = [];
  /** What the last round returned; the two lists take turns. */
  #handedOut: Station[] = [];
  readonly #forOrchestra: Station[] = [];
  readonly #released: Unit<Station>[] = [];
  /** Units that have a governor. */
  readonly #governed: Unit<Station>[] = [];

  constructor(options: DispatcherOptions) {
    this.#options = options;
    this.#before = options.priority === 'fifo' ? this.#olderFirst : this.#longerPathFirst;
    const capacity = options.dispatch === 'sequential' ? 1 : options.maxConcurrency;
    if (capacity !== undefined)
      this.#orchestra = this.#create('(orchestra)', capacity, (s) => this.#granted.push(s));
  }

  /** Whether a round with these requests would do anything. */
  hasWork(requests: readonly Station[]): boolean {
    return (
      (requests.length > 0 && this.#opens) ||
      this.#released.length + this.#granted.length + this.#forOrchestra.length > 0
    );
  }

  /** One round. Takes requests off the list when their time has come. Governors see how full their pools are after all
   *  requests and before the first start, so that a step at the head of a queue counts as queued.
   *  @param at the time of the round, in milliseconds
   *  @returns the stations that are granted a unit; valid until the next round. */
  round(requests: Station[], ready: (station: Station) => void, at: number): readonly Station[] {
    if (requests.length > 0 && this.#opens) this.#admit(requests, ready);
    if (this.#released.length > 0 || this.#forOrchestra.length > 0) this.#passOn();
    if (this.#governed.length > 0) for (const unit of this.#governed) unit.show(at);
    const granted = this.#granted;
    this.#granted = this.#handedOut;
    clear(this.#granted);
    this.#handedOut = granted;
    return granted;
  }

  #passOn(): void {
    const released = this.#released.splice(0);
    for (const unit of released) if (unit !== this.#orchestra) unit.release();
    if (this.#orchestra === undefined) return;
    const waiting = this.#forOrchestra.splice(0);
    for (const station of waiting) this.#orchestra.enqueue(station);
    for (let i = 0; i < waiting.length; i++) this.#orchestra.acquire();
    for (const unit of released) if (unit === this.#orchestra) unit.release();
  }

  /** A station's agent has answered: its units are free at the next round. */
  answered(station: Station): void {
    this.#admitted--;
    if (station.unit !== undefined) this.#released.push(station.unit);
    if (this.#orchestra !== undefined) this.#released.push(this.#orchestra);
    station.unit = undefined;
  }

  /** A place for a second attempt of an agent, if one is free at once: of the agent's unit, and of the whole orchestra
   *  where that is limited. @returns what gives it back; undefined if none is free */
  lend(agent: AgentPlan): (() => void) | undefined {
    const unit = this.#unitOf(agent);
    const orchestra = this.#orchestra;
    if (unit?.lend() === false) return undefined;
    if (orchestra?.lend() === false) {
      unit?.release();
      return undefined;
    }
    this.#admitted++;
    return () => {
      this.#admitted--;
      for (const one of [unit, orchestra]) if (one !== undefined) this.#released.push(one);
    };
  }

  /** A ready station no longer wants a unit. It waits in a queue, or was granted a unit since the last round. */
  withdraw(station: Station): void {
    this.#admitted--;
    const { unit } = station;
    const granted = remove(this.#granted, station);
    if (granted && this.#orchestra !== undefined) this.#released.push(this.#orchestra);
    if (granted || remove(this.#forOrchestra, station) || this.#orchestra?.withdraw(station)) {
      if (unit !== undefined) this.#released.push(unit);
    } else unit?.withdraw(station);
    station.unit = undefined;
  }

  /** Tacet: starts nothing new for the agents of this name. */
  silence(agent: AgentPlan): void {
    const unit = this.#unitOf(agent) ?? this.#create(agent.name, undefined, this.#onward);
    this.#units.set(agent.name, unit);
    unit.silence();
  }
  wake(agent: AgentPlan): void {
    this.#units.get(agent.name)?.wake();
  }
  /** A signal wants a step sooner (positive) or later (negative) than others; Infinity: before all others. Call it
   *  before the step is ready, or withdraw and ask again. */
  prefer(step: number, preference: number): void {
    this.#preferences.set(step, preference);
  }
  stop(): void {
    for (const unit of this.#units.values()) unit.stop();
    this.#orchestra?.stop();
  }

  /** A batch opens only when nothing of the last one is left. */
  get #opens(): boolean {
    return this.#options.dispatch !== 'batch' || this.#admitted === 0;
  }

  #admit(requests: Station[], ready: (station: Station) => void): void {
    this.#admitted += requests.length;
    let asking = 0;
    for (let i = 0; i < requests.length; i++) {
      const station = requests[i]!;
      station.order = ++this.#order;
      ready(station);
      station.unit = this.#unitOf(this.#options.program.steps[station.step]!.agent);
      if (station.unit === undefined) this.#onward(station);
      else {
        station.unit.enqueue(station);
        asking++;
      }
    }
    if (asking > 0) for (const station of requests) station.unit?.acquire();
    clear(requests);
  }

  /** Granted by its agent's unit, if it has one: now the orchestra decides, if it is limited. */
  readonly #onward = (station: Station): void => {
    (this.#orchestra === undefined ? this.#granted : this.#forOrchestra).push(station);
  };

  /** The unit of an agent; none for an agent without a limit, which needs no request. */
  #unitOf(agent: AgentPlan): Unit<Station> | undefined {
    const known = this.#units.get(agent.name);
    if (known !== undefined || agent.capacity === undefined) return known;
    const { name, capacity, observe } = agent;
    const unit = this.#create(name, capacity, this.#onward, observe);
    this.#units.set(name, unit);
    if (observe !== undefined) this.#governed.push(unit);
    return unit;
  }

  #create(
    name: string,
    capacity: number | undefined,
    granted: (station: Station) => void,
    observe?: AgentPlan['observe'],
  ): Unit<Station> {
    const { patience, parent, impossible } = this.#options;
    const before = this.#before;
    return new Unit<Station>({ name, capacity, granted, observe, before, patience, parent, impossible });
  }

  readonly #longerPathFirst = (a: Station, b: Station): boolean => {
    const { remaining, steps } = this.#options.program;
    const [first, second] = [steps[a.step]!, steps[b.step]!];
    const [preferred, other] = [this.#preference(a.step), this.#preference(b.step)];
    if (preferred !== other) return preferred > other;
    const longer = remaining[a.step]! - remaining[b.step]!;
    if (longer !== 0) return longer > 0;
    const sooner = (first.urgency ?? 5) - (second.urgency ?? 5);
    return sooner === 0 ? a.order < b.order : sooner > 0;
  };
  readonly #olderFirst = (a: Station, b: Station): boolean => {
    const [preferred, other] = [this.#preference(a.step), this.#preference(b.step)];
    return preferred === other ? a.order < b.order : preferred > other;
  };
  #preference(step: number): number {
    if (this.#options.program.steps[step]!.attacca) return Infinity;
    return this.#preferences.size === 0 ? 0 : (this.#preferences.get(step) ?? 0);
  }
}

/** @returns whether the item was in the list */
function remove<T>(list: T[], item: T): boolean {
  const at = list.indexOf(item);
  if (at >= 0) list.splice(at, 1);
  return at >= 0;
}
