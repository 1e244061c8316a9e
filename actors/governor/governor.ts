/** The governor of one unit pool.
 *
 *  Owns a tempo-governor machine. Receives how full the pool is, the verdicts of its verifiers, and the budget and time
 *  that are left. Reports the operating point, also as a cue if it has a bus. It only translates; the machine decides. */
import { createActor, type Actor, type AnyActorRef, type InspectionEvent, type Observer } from 'xstate';
import { compile, type CompiledLogic } from '../../machines/table/compile.ts';
import { cue } from '../../machines/hct/factories.ts';
import {
  CAPACITY,
  GOVERNORS,
  type GovernorName,
  type GovernorTunables,
} from '../../machines/governor/governor.ts';
import {
  floorOf,
  resolve,
  type Ladder,
  type LadderPoint,
  type OperatingPoint,
} from '../../machines/governor/operating-point.ts';
import { MODES, type Mode } from '../../machines/hct/performance.ts';
import {
  operatingPointOf,
  tempoGovernor,
  type TempoGovernorMachine,
} from '../../machines/governor/tempo-governor.ts';
import type { Bus } from '../bus/bus.ts';
import { realClock, type Clock } from '../bus/clock.ts';

/** What a pool looks like. */
export interface PoolState {
  /** Steps that run, 0 or more. */
  readonly inUse: number;
  /** Steps that wait for a unit, 0 or more. */
  readonly queued: number;
  /** How many may run at once, 1 or more. */
  readonly capacity: number;
  /** Whether a step has come back from waiting for something outside the pool, such as a rate limit. */
  readonly resumed?: boolean | undefined;
  /** Milliseconds on the caller's clock. Default: now, on the governor's. */
  readonly at?: number | undefined;
  /** Which pool it is, where several of them share a governor, as those of two performances of one agent do. */
  readonly pool?: object | undefined;
}

export interface UnitGovernorOptions {
  readonly unit: string;
  readonly ladder?: Ladder | undefined;
  /** Default schedutil. */
  readonly policy?: GovernorName | undefined;
  readonly tunables?: Partial<GovernorTunables> | undefined;
  /** Called with each new operating point; the bus, if given, receives it too. */
  readonly onPoint?: ((point: OperatingPoint) => void) | undefined;
  readonly bus?: Bus | undefined;
  readonly clock?: Clock | undefined;
  readonly parent?: AnyActorRef | undefined;
  readonly inspect?: Observer<InspectionEvent> | ((event: InspectionEvent) => void) | undefined;
}

/**
 * The load of a pool: 1 - (1 - pressure)(1 - failures), each 0 to 1, so that a full queue raises it without rejections,
 * and rejections raise it without a queue. (The simple product would be 0 whenever nothing is rejected.)
 */
export function loadOf({ inUse, queued, capacity }: PoolState, failures = 0): number {
  const pressure = Math.min(1, (inUse + queued) / capacity);
  return 1 - (1 - pressure) * (1 - failures);
}

let compiled: CompiledLogic<TempoGovernorMachine> | undefined;
/** Compiled when first needed, and once. */
const governorLogic = () => (compiled ??= compile(tempoGovernor));

/** @example
 *  ```ts
 *  const governor = new UnitGovernor({ unit: 'writers', policy: 'ondemand' });
 *  governor.observe({ inUse: 4, queued: 9, capacity: 4 });
 *  governor.point; // { tempo: 'presto', dynamics: 'ff' }
 *  ``` */
export class UnitGovernor {
  readonly unit: string;
  readonly #actor: Actor<CompiledLogic<TempoGovernorMachine>>;
  readonly #clock: Clock | undefined;
  /** The last sample of each pool that is at work. */
  readonly #pools = new Map<object, PoolState>();
  readonly #allowances = new Map<unknown, number>();
  readonly #deadlines = new Map<unknown, number>();
  #seenAt = Number.NEGATIVE_INFINITY;
  #shift = 0;
  #idleCalls = 0;
  #wasBusy = true;
  #verified = 0;
  #rejected = 0;

  constructor(options: UnitGovernorOptions) {
    const { unit, ladder, tunables, policy, bus, onPoint, parent, inspect } = options;
    this.unit = unit;
    this.#clock = options.clock;
    const say = () => {
      const { point } = this;
      onPoint?.(point);
      if (bus === undefined) return;
      const key = `operating-point/${unit}`;
      void bus.publish(cue({ source: `governor:${unit}`, targets: [unit], intent: 'update', key, ...point }));
    };
    const logic = governorLogic().provide({
      actions: {
        // The snapshot is not yet the new one while an action runs.
        setOperatingPoint: () => (this.#moved = true),
      },
    });
    this.#actor = createActor(logic, {
      id: `governor:${unit}`,
      input: {
        unit,
        ...(ladder === undefined ? {} : { ladder }),
        ...(tunables === undefined ? {} : { tunables }),
      },
      ...(parent === undefined ? {} : { parent }),
      ...(inspect === undefined ? {} : { inspect }),
    });
    this.#actor.subscribe(() => {
      if (!this.#moved) return;
      this.#moved = false;
      say();
    });
    this.#actor.start();
    if (policy !== undefined) this.setPolicy(policy);
  }
  #moved = false;

  get #context() {
    return this.#actor.getSnapshot().context;
  }
  /** The pool's operating point now. */
  get point(): OperatingPoint {
    return operatingPointOf(this.#context);
  }
  get policy(): GovernorName {
    return this.#actor.getSnapshot().value as GovernorName;
  }
  get ladder(): Ladder {
    return this.#context.ladder;
  }
  /** The highest point that budget and deadline allow. */
  get ceiling(): LadderPoint {
    return this.#at(this.#context.memory.max);
  }

  /** Takes a sample of the pool, with the verdicts since the last one. Of several pools the fullest counts, as of the
   *  processors that share a clock. */
  observe(seen: PoolState): void {
    const { inUse, queued, pool = this, resumed = false } = seen;
    if (inUse + queued > 0) this.#pools.set(pool, seen);
    else this.#pools.delete(pool);
    const failures = this.#verified === 0 ? 0 : this.#rejected / this.#verified;
    this.#verified = this.#rejected = 0;
    let [load, busy] = [loadOf(seen, failures), inUse > 0];
    for (const other of this.#pools.values()) {
      load = Math.max(load, loadOf(other, failures));
      busy ||= other.inUse > 0;
    }
    if (!busy && this.#wasBusy) this.#idleCalls++;
    this.#wasBusy = busy;
    this.#actor.send({
      type: 'LOAD',
      at: this.#timeOf(seen),
      load: Math.round(load * 100),
      util: Math.round(load * CAPACITY),
      idleCalls: this.#idleCalls,
      ioWait: resumed,
    });
  }
  /** Time does not fall: a performance in virtual time may begin before the last one ended. */
  #timeOf({ at }: PoolState): number {
    const now = this.#clock?.now() ?? at ?? realClock.now();
    if (now < this.#seenAt) this.#shift += this.#seenAt - now;
    this.#seenAt = now;
    return now + this.#shift;
  }
  /** A verifier's verdict on a step of this pool. A rejection boosts the pool at once, one step up. */
  verdict(accepted: boolean): void {
    this.#verified++;
    if (accepted) return;
    this.#rejected++;
    this.#actor.send({ type: 'BOOST' });
  }
  /** What a step may cost at most relative to moderato and mf. Of several limits the strictest counts, as with the
   *  kernel's requests (`freq_qos`).
   *  @param allowance null lifts the limit
   *  @param by the owner of the limit; each has one */
  budget(allowance: number | null, by: unknown = 'caller'): void {
    const strictest = least(this.#allowances, by, allowance);
    // The kernel takes a new limit as a reason to sample at once; the same limit again is none.
    if (strictest !== this.#context.allowance) this.#actor.send({ type: 'BUDGET', allowance: strictest });
  }
  /** Milliseconds that are left. @param remainingMs null lifts the limit; @param by the owner of the limit */
  deadline(remainingMs: number | null, by: unknown = 'caller'): void {
    const { ladder, mode, remainingMs: before } = this.#context;
    const soonest = least(this.#deadlines, by, remainingMs);
    if (mode === null && floorOf(ladder, soonest) === floorOf(ladder, before)) return;
    this.#actor.send({ type: 'DEADLINE', remainingMs: soonest });
  }
  setPolicy(policy: GovernorName, frequency?: number): void {
    among('policy', policy, GOVERNORS);
    if (frequency !== undefined && !(frequency > 0))
      throw new RangeError(`frequency must be above 0, not ${frequency}.`);
    this.#actor.send(frequency === undefined ? { type: 'SET', policy } : { type: 'SET', policy, frequency });
  }
  /** @param mode sprint, conservation, crisis; null leaves the mode and keeps its policy. */
  setMode(mode: Mode | null): void {
    if (mode !== null) among('mode', mode, Object.keys(MODES));
    this.#actor.send({ type: 'SET', mode });
  }

  /**
   * The point for one task. Under a fixed policy or a mode, the pool's. Otherwise from the task's own demand by
   * schedutil's formula, within the limits: more difficulty never gives a cheaper point, a lower ceiling never a more
   * expensive one.
   *
   * @param difficulty - 0 to 1; left out, the pool's point
   */
  pointFor(difficulty?: number): OperatingPoint {
    const { memory, mode, ladder } = this.#context;
    const fixed = this.policy === 'performance' || this.policy === 'powersave' || this.policy === 'userspace';
    if (difficulty === undefined || fixed || mode !== null) return this.point;
    const frequencies = ladder.map(({ frequency }) => frequency);
    const wanted = 1.25 * frequencies.at(-1)! * Math.min(Math.max(difficulty, 0), 1);
    const { tempo, dynamics } = this.#at(
      resolve(frequencies, Math.min(Math.max(wanted, memory.min), memory.max)),
    );
    return { tempo, dynamics };
  }
  /** The next point above, or undefined where the ceiling is reached. A point beside the ladder has none above. */
  above(point: OperatingPoint): OperatingPoint | undefined {
    const { ladder, memory } = this.#context;
    const place = ladder.findIndex(
      ({ tempo, dynamics }) => tempo === point.tempo && dynamics === point.dynamics,
    );
    const next = place < 0 ? undefined : ladder[place + 1];
    if (next === undefined || next.frequency > memory.max) return undefined;
    return { tempo: next.tempo, dynamics: next.dynamics };
  }
  stop(): void {
    this.#actor.stop();
  }

  #at(frequency: number): LadderPoint {
    return this.#context.ladder.find((point) => point.frequency === frequency)!;
  }
}

/** Sets or lifts one of several limits. @returns the strictest, null where there is none */
function least(limits: Map<unknown, number>, by: unknown, limit: number | null): number | null {
  if (limit === null) limits.delete(by);
  else limits.set(by, limit);
  return limits.size === 0 ? null : Math.min(...limits.values());
}

function among(what: string, given: string, known: readonly string[]): void {
  if (!known.includes(given))
    throw new RangeError(`${what} must be one of ${known.join(', ')}, not '${given}'.`);
}
