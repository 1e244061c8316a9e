/** A unit: a functional-unit actor with the queue of those who wait for it.
 *
 *  Owns who waits for which unit. Hears requests and releases; says which stations are granted. The
 *  machine decides whether there is room, the queue decides who is next. */
import { createActor, type Actor, type AnyActorRef } from 'xstate';
import { compile, type CompiledLogic } from '../../machines/table/compile.ts';
import {
  functionalUnit,
  grantable,
  type FunctionalUnitMachine,
} from '../../machines/tomasulo/functional-unit.ts';
import type { PoolState } from '../governor/governor.ts';
import { ReadyQueue, type Before } from './ready-queue.ts';

type UnitActor = Actor<CompiledLogic<FunctionalUnitMachine>>;

const ACQUIRE = Object.freeze({ type: 'ACQUIRE' } as const);
const WITHDRAW = Object.freeze({ type: 'WITHDRAW' } as const);
const RELEASE = Object.freeze({ type: 'RELEASE' } as const);
const TRY = Object.freeze({ type: 'TRY' } as const);
const TACET = Object.freeze({ type: 'TACET' } as const);
const WAKE = Object.freeze({ type: 'WAKE' } as const);

let compiled: CompiledLogic<FunctionalUnitMachine> | undefined;
/** Compiled when first needed, and once. */
const unitLogic = () => (compiled ??= compile(functionalUnit));

/** A functional unit with the stations that wait for it. */
export class Unit<T> {
  readonly name: string;
  readonly queue: ReadyQueue<T>;
  readonly #actor: UnitActor;
  readonly #granted: (station: T) => void;
  readonly #observe: ((pool: PoolState) => void) | undefined;
  /** What was last shown. */
  #inUse = 0;
  #queued = 0;
  #lent = false;

  constructor(options: {
    name: string;
    capacity?: number | undefined;
    before: Before<T>;
    patience: number;
    parent: AnyActorRef;
    granted: (station: T) => void;
    /** Told how full the pool is; see {@link show}. */
    observe?: ((pool: PoolState) => void) | undefined;
    impossible: (event: string) => void;
  }) {
    this.name = options.name;
    this.queue = new ReadyQueue(options.before, options.patience);
    this.#granted = options.granted;
    this.#observe = options.observe;
    const logic = unitLogic().provide({
      actions: {
        grant: () => this.#grant(1),
        grantQueued: ({ context }) => this.#grant(grantable(context)),
        lend: () => void (this.#lent = true),
        impossible: ({ event }) => options.impossible(`unit '${options.name}': ${event.type}`),
      },
    });
    this.#actor = createActor(logic, {
      parent: options.parent,
      id: `unit:${options.name}`,
      input: {
        unit: options.name,
        ...(options.capacity === undefined ? {} : { capacity: options.capacity }),
      },
    });
    this.#actor.start();
  }

  /** Puts stations in the queue and then asks for one grant each, so that the best of them goes first. */
  enqueue(station: T): void {
    this.queue.push(station);
  }
  acquire(): void {
    this.#actor.send(ACQUIRE);
  }
  /** @returns whether the station was waiting here. */
  withdraw(station: T): boolean {
    if (!this.queue.delete(station)) return false;
    this.#actor.send(WITHDRAW);
    return true;
  }
  release(): void {
    this.#actor.send(RELEASE);
  }
  /** Takes a place for a second attempt, if one is free at once; `release` gives it back. @returns whether there was one */
  lend(): boolean {
    this.#lent = false;
    this.#actor.send(TRY);
    return this.#lent;
  }
  silence(): void {
    this.#actor.send(TACET);
  }
  wake(): void {
    this.#actor.send(WAKE);
  }
  /** Shows the governor how full the pool is, if that has changed. @param at milliseconds */
  show(at: number): void {
    const { inUse, queued, capacity } = this.#actor.getSnapshot().context;
    if (inUse === this.#inUse && queued === this.#queued) return;
    this.#inUse = inUse;
    this.#queued = queued;
    try {
      this.#observe?.({ inUse, queued, capacity, at, pool: this });
    } catch (error) {
      console.error(`tutti: what observes the unit '${this.name}' threw:`, error);
    }
  }
  stop(): void {
    this.#actor.send({ type: 'xstate.stop' } as never);
  }

  #grant(count: number): void {
    for (let i = 0; i < count; i++) {
      const station = this.queue.pop();
      if (station !== undefined) this.#granted(station);
    }
  }
}
