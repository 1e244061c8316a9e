/** What random performances are made of: signals, buses, clocks and behaviours of agents (`setups`), how one is played
 *  (`Stage`, `playOn`), and what must hold of each score (`troubles`). */
import fc from 'fast-check';
import { Subject } from 'rxjs';
import {
  perform,
  scoreOf,
  VirtualClock,
  type AgentContext,
  type Report,
  type RunEvent,
  type Score,
} from 'tutti';
import { InvariantError } from '../../actors/tomasulo/errors.ts';
import { BusClosedError, UnavailableError, type Bus } from '../../actors/bus/bus.ts';
import { realClock, type Clock, type TimerId } from '../../actors/bus/clock.ts';
import { createBus } from '../../actors/bus/in-process-bus.ts';
import { CUE_INTENTS, type Envelope, type HctSignal, type Signal } from '../../machines/hct/signal.ts';
import * as make from '../../machines/hct/factories.ts';
import { TEMPI, type Tempo } from '../../machines/hct/tempo.ts';
import { FAILS, HANGS, SUCCEEDS, type Behaviour, type Order } from './fuzz.reference.ts';

/** When something is done to the performance: right after `perform`, at a time of its clock, at its n-th event, inside
 *  the n-th call of an agent, when the n-th result is published, or after its end. */
export interface Moment {
  readonly at: 'start' | 'time' | 'event' | 'call' | 'publish' | 'end';
  readonly n: number;
}
export type Act =
  | { readonly do: 'signal'; readonly order: Order; readonly urgency: number; readonly tempo: Tempo }
  | { readonly do: 'stray'; readonly tag: number }
  | { readonly do: 'cancel' }
  | { readonly do: 'abort' };
export interface BusPlan {
  readonly kind: 'own' | 'shared' | 'lags' | 'loses' | 'throws' | 'rejects' | 'closes' | 'breaks';
  /** The append at which it fails, from 1. */
  readonly k: number;
}

/** How a score is performed: with which limits, on which bus, and what is done to it meanwhile. */
export interface Setup {
  readonly clock: 'virtual' | 'real';
  readonly bus: BusPlan;
  readonly capacities: Readonly<Record<string, number | undefined>>;
  readonly input: 'none' | 'sync' | 'async' | 'unfit' | 'asyncUnfit';
  readonly acts: readonly { readonly moment: Moment; readonly act: Act }[];
  readonly window: number | undefined;
  readonly maxConcurrency: number | undefined;
  readonly dispatch: 'reactive' | 'batch' | 'sequential';
  readonly priority: 'path' | 'fifo';
  readonly patience: number | undefined;
  readonly tries: number | undefined;
  readonly stepMs: number | undefined;
  readonly totalMs: number | undefined;
  readonly calls: number | undefined;
  readonly onFailure?: 'settle' | 'cancel' | undefined;
  /** Whether the caller's signal is aborted before the performance exists. */
  readonly aborted: boolean;
  readonly listens: boolean;
  readonly inspects: boolean;
}

export const RUN_ID = 'run';

/** Never equal to a sleep, so that it is certain which of them ends first. */
export const LIMITS = [2.5, 5.5];

/** Once in `oneIn` times; else undefined. */
export const rarely = <T>(arbitrary: fc.Arbitrary<T>, oneIn = 5): fc.Arbitrary<T | undefined> =>
  fc.oneof({ weight: oneIn - 1, arbitrary: fc.constant(undefined) }, { weight: 1, arbitrary });

export const behaviour: fc.Arbitrary<Behaviour> = fc.record({
  kind: fc.oneof(
    { weight: 12, arbitrary: fc.constantFrom(...SUCCEEDS) },
    { weight: 6, arbitrary: fc.constantFrom(...FAILS) },
    { weight: 1, arbitrary: fc.constantFrom(...HANGS) },
  ),
  ms: fc.nat({ max: 7 }),
  thrown: fc.nat({ max: 8 }),
});

const FLAT_NAMES = ['s0', 's1', 's2', 'a', 'b'];
const targetsIn = (names: readonly string[]) =>
  fc.oneof(
    { weight: 6, arbitrary: fc.subarray([...names], { minLength: 1, maxLength: 3 }) },
    { weight: 2, arbitrary: fc.constantFrom(['*'], [], [RUN_ID], ['unknown'], ['unknown', 's0']) },
  );

const orderTo = (names: readonly string[]): fc.Arbitrary<Order> =>
  fc
    .record({
      type: fc.constantFrom(
        'fermata',
        'fermata',
        'cue',
        'cue',
        'caesura',
        'tacet',
        'attacca',
        'vamp',
        'downbeat',
      ),
      targets: targetsIn(names),
      intent: fc.constantFrom(...CUE_INTENTS, 'resume'),
      syncPoint: fc.constantFrom(undefined, 'bar', 'coda'),
      timeoutMs: rarely(fc.integer({ min: 1, max: 6 }), 2),
      onTimeout: fc.constantFrom(undefined, 'fail' as const, 'resume' as const),
      durationMs: rarely(fc.integer({ min: 0, max: 6 }), 2),
      rounds: fc.integer({ min: 1, max: 3 }),
      quality: fc.constantFrom(0.9, 0.5),
    })
    .map((drawn) => (drawn.type === 'downbeat' ? { ...drawn, syncPoint: drawn.syncPoint ?? 'bar' } : drawn));

const actOn = (names: readonly string[]): fc.Arbitrary<Act> =>
  fc.oneof(
    {
      weight: 12,
      arbitrary: fc.record({
        do: fc.constant('signal' as const),
        order: orderTo(names),
        urgency: fc.integer({ min: 1, max: 10 }),
        tempo: fc.constantFrom(...TEMPI),
      }),
    },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('stray' as const), tag: fc.nat({ max: 5 }) }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constantFrom('cancel' as const, 'abort' as const) }) },
  );

const moments = (kinds: readonly Moment['at'][]): fc.Arbitrary<Moment> =>
  fc.record({ at: fc.constantFrom(...kinds), n: fc.oneof(fc.nat({ max: 4 }), fc.nat({ max: 12 })) });

export interface Kind {
  readonly clock: Setup['clock'];
  readonly buses: readonly BusPlan['kind'][];
  /** When signals are sent. */
  readonly moments: readonly Moment['at'][];
  /** What signals may name. */
  readonly names?: readonly string[];
}

export const hangs = ({ kind }: Behaviour): boolean => (HANGS as readonly string[]).includes(kind);

/** Signals meet more often when all of them have the same targets, and all but the first come at one moment. */
const aimedAt = (targets: readonly string[], act: Act): Act =>
  act.do === 'signal' ? { ...act, order: { ...act.order, targets } } : act;

/** How scores are performed. The scores themselves come from `shapes`. */
export const setups = <Shape>(
  { clock, buses, moments: kinds, names = FLAT_NAMES }: Kind,
  shapes: fc.Arbitrary<Shape>,
): fc.Arbitrary<Setup & { readonly shape: Shape; readonly calm: boolean }> =>
  fc
    .record({
      shape: shapes,
      clock: fc.constant(clock),
      bus: fc.record({ kind: fc.constantFrom(...buses), k: fc.integer({ min: 1, max: 8 }) }),
      capacities: fc.record({
        a: rarely(fc.integer({ min: 1, max: 2 }), 2),
        b: rarely(fc.integer({ min: 1, max: 2 }), 2),
        s1: fc.constant(undefined),
      }),
      input: fc.oneof(
        { weight: 12, arbitrary: fc.constantFrom<Setup['input'][]>('none', 'sync', 'async') },
        { weight: 1, arbitrary: fc.constantFrom<Setup['input'][]>('unfit', 'asyncUnfit') },
      ),
      acts: fc.array(fc.record({ moment: moments(kinds), act: actOn(names) }), { maxLength: 4 }),
      focus: rarely(targetsIn(names), 2),
      together: rarely(fc.constant(true), 2),
      calm: rarely(fc.constant(true), 2),
      window: rarely(fc.integer({ min: 1, max: 4 }), 3),
      maxConcurrency: rarely(fc.integer({ min: 1, max: 3 }), 3),
      dispatch: fc.oneof(
        { weight: 3, arbitrary: fc.constant('reactive' as const) },
        { weight: 2, arbitrary: fc.constantFrom('batch' as const, 'sequential' as const) },
      ),
      priority: fc.constantFrom<Setup['priority'][]>('path', 'fifo'),
      patience: rarely(fc.integer({ min: 1, max: 3 })),
      tries: rarely(fc.integer({ min: 1, max: 3 })),
      stepMs: rarely(fc.constantFrom(...LIMITS)),
      totalMs: rarely(fc.integer({ min: 0, max: 9 }), 9),
      calls: rarely(fc.nat({ max: 9 }), 6),
      aborted: rarely(fc.constant(true), 30).map((given) => given === true),
      listens: fc.boolean(),
      inspects: fc.boolean(),
    })
    .map(({ focus, together, calm, acts, ...rest }) => ({
      ...rest,
      ...(calm === undefined ? {} : { stepMs: undefined, totalMs: undefined }),
      calm: calm !== undefined,
      acts: acts.map(({ moment, act }, i) => ({
        moment: together === undefined || i === 0 ? moment : acts[1]!.moment,
        act: focus === undefined ? act : aimedAt(focus, act),
      })),
    }));

// ── the parts of a performance

export function signalOf({ order, urgency, tempo }: Act & { do: 'signal' }): HctSignal {
  const { type, targets, timeoutMs, durationMs } = order;
  const common = { source: 'caller', targets, urgency, tempo };
  switch (type) {
    case 'fermata': {
      const { syncPoint, onTimeout } = order;
      return make.fermata({ ...common, ...said({ timeoutMs, syncPoint, onTimeout }) });
    }
    case 'cue':
      return make.cue({ ...common, intent: order.intent as (typeof CUE_INTENTS)[number] });
    case 'caesura':
      return make.caesura({ ...common, reason: 'drawn' });
    case 'tacet':
      return make.tacet({ ...common, ...said({ durationMs }) });
    case 'attacca':
      return make.attacca({ source: 'caller', targets });
    case 'vamp':
      return make.vamp({
        ...common,
        maxIterations: order.rounds!,
        qualityThreshold: order.quality!,
        ...said({ timeoutMs }),
      });
    default:
      return make.downbeat({ ...common, syncPoint: order.syncPoint! });
  }
}
const said = <T extends object>(fields: T): { [K in keyof T]?: Exclude<T[K], undefined> } =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as never;

/** What agents throw. */
function thrownValue(which: number): unknown {
  return [
    new Error('broken'),
    { message: 'broken', code: 500 },
    Object.create(null) as unknown,
    undefined,
    null,
    'text',
    Symbol('thrown'),
    Object.freeze(new RangeError('frozen')),
    {
      get message(): string {
        throw new Error('unreadable');
      },
    },
  ][which];
}

/** Counts the timers that have neither fired nor been cleared. */
class TimerCount {
  readonly live = new Set<TimerId>();
  wrap(clock: Clock): Clock {
    const { live } = this;
    return {
      ...(clock.isVirtual === true ? { isVirtual: true } : {}),
      now: () => clock.now(),
      setTimeout(callback, ms) {
        const timer = clock.setTimeout(() => {
          live.delete(timer);
          callback();
        }, ms);
        live.add(timer);
        return timer;
      },
      clearTimeout(timer) {
        live.delete(timer);
        clock.clearTimeout(timer);
      },
      atEndOfInstant: (callback) => clock.atEndOfInstant(callback),
      afterThisTurn: (callback) => clock.afterThisTurn(callback),
      work: () => clock.work(),
      rest: () => clock.rest(),
    };
  }
}

/** Real time as the orchestrator itself uses it, for graces and deliveries. Runs are played one after the other. */
export const realTimers = new TimerCount();
const { setTimeout: setReal, clearTimeout: clearReal } = realTimers.wrap({ ...realClock });
realClock.setTimeout = setReal;
realClock.clearTimeout = clearReal;

/** A bus that lags or fails as planned, and counts. */
class PlannedBus implements Bus {
  readonly runId = 'house';
  tip = 0;
  readonly signals = new Subject<Envelope>();
  readonly faults = new Subject<never>();
  /** Whether the performance has ended. */
  over = false;
  /** Whether it has failed where a performance must notice. */
  failed = false;
  readonly #plan: BusPlan;
  readonly #onPublish: (signal: Signal) => void;
  #closed = false;
  #late: Envelope[] = [];
  #queue: Envelope[] | undefined;

  constructor(plan: BusPlan, onPublish: (signal: Signal) => void) {
    this.#plan = plan;
    this.#onPublish = onPublish;
  }
  get observed(): boolean {
    return this.signals.observed;
  }
  publish(signal: Signal, options?: { runId?: string }): number | Promise<number> {
    if (this.#closed) throw new BusClosedError();
    const { kind, k } = this.#plan;
    const seq = ++this.tip;
    this.#onPublish(signal);
    if (seq === k && kind !== 'lags') {
      const result = signal.type === 'pulse' && signal.source === RUN_ID;
      const notices =
        result || kind === 'closes' || kind === 'breaks' || (kind !== 'loses' && signal.type !== 'pulse');
      this.failed = notices && !this.over;
      if (kind === 'loses') return seq;
      if (kind === 'throws') throw thrownValue(k);
      if (kind === 'rejects') return Promise.reject(thrownValue(k) as Error);
      if (kind === 'breaks') this.signals.error(thrownValue(k));
      void this.close();
      throw new BusClosedError();
    }
    const envelope = { seq, runId: options?.runId ?? this.runId, signal, timestamp: 0 };
    if (kind !== 'lags') this.#deliver(envelope);
    else if (this.#late.push(envelope) === 1) setImmediate(this.#deliverLate);
    return k % 2 === 0 ? seq : Promise.resolve(seq);
  }
  on(): never {
    throw new Error('not needed');
  }
  replay(): never {
    throw new Error('not needed');
  }
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.signals.complete();
  }
  /** A publish during a delivery queues. */
  #deliver(envelope: Envelope): void {
    if (this.#queue !== undefined) return void this.#queue.push(envelope);
    this.#queue = [envelope];
    for (const next of this.#queue) this.signals.next(next);
    this.#queue = undefined;
  }
  readonly #deliverLate = (): void => {
    const first = this.#late.shift();
    if (first !== undefined) this.#deliver(first);
    if (this.#late.length > 0) setImmediate(this.#deliverLate);
  };
}

// ── play

export interface Played {
  readonly report: Report | 'hangs' | { readonly rejectedWith: unknown };
  /** What went wrong while it was played. */
  readonly faults: string[];
  readonly busFailed: boolean;
  /** How often each step was started. */
  readonly starts: ReadonlyMap<string, number>;
  /** How often a result was published, by tag. */
  readonly published: ReadonlyMap<number, number>;
  readonly events: readonly RunEvent[];
  /** States of the stations at the end; empty without inspection. */
  readonly stations: readonly string[];
}

/** Every run ends within this time, in milliseconds. Generous: machines are slow. */
const GUARD_MS = Number(process.env['TUTTI_GUARD_MS'] ?? 20_000);
const unhandled: unknown[] = [];
process.on('unhandledRejection', (reason) => unhandled.push(reason));
process.on('uncaughtException', (error) => unhandled.push(error));
const macrotask = () => new Promise<void>((resolve) => setImmediate(resolve));

/** Counts what each step and agent has under way. */
class Watch {
  readonly faults: string[] = [];
  readonly starts = new Map<string, number>();
  readonly published = new Map<number, number>();
  calls = 0;
  readonly #setup: Setup;
  /** What runs: by step, its agent. */
  readonly #running = new Map<string, string>();
  readonly #onCall: (n: number) => void;

  constructor(setup: Setup, onCall: (n: number) => void) {
    this.#setup = setup;
    this.#onCall = onCall;
  }
  publishes(signal: Signal): void {
    if (signal.type !== 'pulse' || signal.source !== RUN_ID) return;
    const tag = signal.tag as number;
    this.published.set(tag, (this.published.get(tag) ?? 0) + 1);
  }
  begin(id: string, agent: string): void {
    const { capacities, maxConcurrency = Infinity, dispatch } = this.#setup;
    this.starts.set(id, (this.starts.get(id) ?? 0) + 1);
    if (this.#running.has(id)) this.faults.push(`two tries of '${id}' at once`);
    this.#running.set(id, agent);
    const ofAgent = [...this.#running.values()].filter((name) => name === agent).length;
    const all = this.#running.size;
    if (ofAgent > (capacities[agent] ?? Infinity)) this.faults.push(`${ofAgent} of '${agent}' at once`);
    if (all > (dispatch === 'sequential' ? 1 : maxConcurrency)) this.faults.push(`${all} steps at once`);
    this.#onCall(this.calls++);
  }
  end(id: string): void {
    this.#running.delete(id);
  }
  get running(): readonly string[] {
    return [...this.#running.keys()];
  }
}

/** One try of an agent, as its behaviour says.
 *  @param value makes its result */
export function behave(
  { kind, ms, thrown }: Behaviour,
  agent: string,
  { clock, watch }: Stage,
  context: AgentContext,
  value: () => unknown,
): unknown {
  const id = context.stepId;
  const fails = (): never => {
    throw thrownValue(thrown);
  };
  watch.begin(id, agent);
  const during = async (work: () => unknown): Promise<unknown> => {
    try {
      return await work();
    } finally {
      watch.end(id);
    }
  };
  /** An agent that does not stop: from its abort on it no longer counts as one that runs. */
  const hang = async (then: () => unknown): Promise<unknown> => {
    try {
      await context.sleep(1e6);
    } catch {
      watch.end(id);
    }
    return then();
  };
  switch (kind) {
    case 'return':
      watch.end(id);
      return value();
    case 'throw':
      watch.end(id);
      return fails();
    case 'getter':
      watch.end(id);
      return {
        get v() {
          return fails();
        },
      };
    case 'thenable':
    case 'thenableThrow':
      watch.end(id);
      return {
        then(resolve: (value: unknown) => void, reject: (error: unknown) => void) {
          if (kind === 'thenable') resolve(value());
          else reject(thrownValue(thrown));
          resolve('second');
          reject(new Error('third'));
          fails();
        },
      };
    case 'async':
      return during(value);
    case 'reject':
      return during(fails);
    case 'sleep':
      return during(() => context.sleep(ms).then(value));
    case 'dangling': // a sleep that is not awaited, such as one that lost a race
      return during(() => {
        void context.sleep(1e7);
        return context.sleep(ms).then(value);
      });
    case 'sleepThrow':
      return during(() => context.sleep(ms).then(fails));
    case 'nested':
      return during(async () => {
        const agent = { name: 'inner', run: (_: unknown, inner: AgentContext) => inner.sleep(ms) };
        await perform(scoreOf('nested', [{ id: 'inner', agent }]), { clock, signal: context.signal }).result;
        return value();
      });
    case 'obey':
      return during(() => context.sleep(1e6));
    case 'late':
      return during(() => context.sleep(1e6).catch(value));
    case 'deaf':
      return hang(() => new Promise(() => {}));
    case 'tardy':
      return hang(async () => {
        await new Promise((resolve) => setTimeout(resolve, 45));
        return thrown % 2 === 0 ? value() : fails();
      });
  }
}

/** What every score reads as its input. */
export const INPUT = {
  v: 4,
  list: [
    { v: 5, list: [] },
    {
      v: 6,
      list: [
        { v: 7, list: [] },
        { v: 8, list: [] },
      ],
    },
  ],
};
/** A Standard Schema that takes or refuses the input, at once or later. */
export const schemaOf = (kind: Setup['input']) => ({
  '~standard': {
    version: 1 as const,
    vendor: 'fuzz',
    validate: (value: unknown) => {
      const result =
        kind === 'unfit' || kind === 'asyncUnfit' ? { issues: [{ message: 'unfit' }] } : { value };
      return kind.startsWith('async') ? macrotask().then(() => result) : result;
    },
  },
});

/** One performance under way, with all that is done to it. */
export class Stage {
  readonly #setup: Setup;
  readonly time: Clock;
  /** The time of the performance, counted. */
  readonly clock: Clock;
  readonly timers = new TimerCount();
  readonly watch: Watch;
  readonly bus: ReturnType<typeof createBus> | PlannedBus | undefined;
  readonly events: RunEvent[] = [];
  readonly stations = new Map<string, { getSnapshot(): { value?: unknown } }>();
  readonly run: ReturnType<typeof perform>;
  readonly #abort = new AbortController();
  readonly #alarms: TimerId[] = [];
  readonly #answer: ((event: RunEvent, stage: Stage) => void) | undefined;
  #results = 0;

  /** @param scoreOn makes the score
   *  @param answer is called for every event, also by runs without listeners if it is given */
  constructor(
    setup: Setup,
    scoreOn: (stage: Stage) => Score<any, any>,
    answer?: (event: RunEvent, stage: Stage) => void,
  ) {
    const { bus: plan, acts, aborted } = setup;
    this.#setup = setup;
    this.#answer = answer;
    this.time = setup.clock === 'virtual' ? new VirtualClock() : realClock;
    this.clock = setup.clock === 'virtual' ? this.timers.wrap(this.time) : realClock;
    this.watch = new Watch(setup, (n) => this.act('call', n));
    if (plan.kind === 'shared') {
      this.bus = createBus({ runId: 'house', clock: this.clock });
      this.bus.signals.subscribe(({ signal }) => this.#published(signal));
    } else if (plan.kind !== 'own') this.bus = new PlannedBus(plan, (signal) => this.#published(signal));
    if (aborted) this.#abort.abort('drawn');
    this.run = perform(scoreOn(this), this.#options());
    this.act('start');
    for (const n of new Set(acts.flatMap(({ moment }) => (moment.at === 'time' ? [moment.n] : []))))
      this.#alarms.push(this.time.setTimeout(() => this.act('time', n), n));
  }
  #options(): Parameters<typeof perform>[1] {
    const { bus, stepMs, totalMs, calls, tries, acts, listens, inspects, clock } = this.#setup;
    const { window, maxConcurrency, dispatch, priority, patience, onFailure } = this.#setup;
    const hears = listens || this.#answer !== undefined || acts.some(({ moment }) => moment.at === 'event');
    return {
      ...{ window, maxConcurrency, dispatch, priority, patience, onFailure },
      input: INPUT,
      runId: RUN_ID,
      clock: this.clock,
      bus: this.bus,
      signal: this.#abort.signal,
      graceMs: 30,
      deliveryMs: HEALTHY_BUSES.has(bus.kind) ? GUARD_MS : 30,
      stallMs: clock === 'virtual' ? 500 : 10,
      timeout: { stepMs, totalMs },
      retry: tries === undefined ? undefined : { attempts: tries, delayMs: 1.5, maxDelayMs: 2 },
      budget: { calls },
      onEvent: hears ? (event) => this.#noteEvent(event) : undefined,
      inspect: inspects ? ({ actorRef }) => this.#noteActor(actorRef as { id?: unknown }) : undefined,
    };
  }
  #published(signal: Signal): void {
    this.watch.publishes(signal);
    if (signal.type === 'pulse') this.act('publish', this.#results++);
  }
  #noteEvent(event: RunEvent): void {
    this.events.push(event);
    if (this.bus instanceof PlannedBus && event.type === 'run.ended') this.bus.over = true;
    this.act('event', this.events.length);
    this.#answer?.(event, this);
  }
  #noteActor(actor: { id?: unknown }): void {
    const { id } = actor;
    if (typeof id === 'string' && id.startsWith('station:')) this.stations.set(id, actor as never);
  }

  /** Does what the scenario says for this moment. */
  act(at: Moment['at'], n?: number): void {
    for (const { moment, act } of this.#setup.acts) {
      if (moment.at !== at || (n !== undefined && moment.n !== n)) continue;
      if (act.do === 'abort') this.#abort.abort('drawn');
      else if (act.do === 'cancel') this.run.cancel('drawn');
      else if (act.do === 'stray') strayPulse(this.run.bus, act.tag);
      else this.run.signal(signalOf(act));
    }
  }

  /** Performs another score on the same bus and clock, which nothing here may touch. */
  async neighbour(): Promise<string[]> {
    if (this.#setup.bus.kind !== 'shared') return [];
    const agent = { name: 'a', run: (_: unknown, context: AgentContext) => context.sleep(3).then(() => 1) };
    const steps = [
      { id: 's0', agent },
      { id: 's1', agent, reads: { x: 's0' } },
    ];
    const { status } = await perform(scoreOf('neighbour', steps), { clock: this.clock, bus: this.bus })
      .report;
    return status === 'completed' ? [] : [`another performance on the bus ${status}`];
  }

  /** What the performance has left behind. */
  async remains(report: Played['report']): Promise<string[]> {
    const faults: string[] = [];
    for (const alarm of this.#alarms) this.time.clearTimeout(alarm);
    this.act('end');
    await macrotask();
    await macrotask();
    const { running } = this.watch;
    if (running.length > 0) faults.push(`still running: ${running.join(', ')}`);
    const [ofClock, ofReal] = [this.timers.live.size, realTimers.live.size];
    if (ofClock + ofReal > 0)
      faults.push(`${ofClock} timers of the clock and ${ofReal} of real time are left`);
    const { observers } = this.run.bus.signals as unknown as Subject<Envelope>;
    if (observers.length > (this.#setup.bus.kind === 'shared' ? 1 : 0))
      faults.push('a listener of the bus is left');
    if (this.time !== realClock && !(await timePasses(this.time))) faults.push('virtual time stands still');
    const thrown: unknown = await this.run.result.then(
      () => undefined,
      (error: unknown) => error,
    );
    const completed = typeof report === 'object' && 'status' in report && report.status === 'completed';
    if (completed !== (thrown === undefined)) faults.push(`result and report disagree: ${String(thrown)}`);
    return faults;
  }
}
export const HEALTHY_BUSES: ReadonlySet<BusPlan['kind']> = new Set<BusPlan['kind']>([
  'own',
  'shared',
  'lags',
]);

/** Plays a performance to its end. */
export async function playOn(stage: Stage): Promise<Played> {
  const { run, watch, bus, events } = stage;
  let guard: ReturnType<typeof setTimeout> | undefined;
  const ended = Promise.all([
    run.report.catch((error: unknown) => ({ rejectedWith: error })),
    stage.neighbour(),
  ]);
  const hangs = new Promise<['hangs', string[]]>((resolve) => {
    guard = setTimeout(() => resolve(['hangs', []]), GUARD_MS);
  });
  const [report, faults] = await Promise.race([ended, hangs]);
  clearTimeout(guard);
  const busFailed = bus instanceof PlannedBus && bus.failed;
  if (report !== 'hangs') faults.push(...(await stage.remains(report)));
  if (unhandled.length > 0) faults.push(`not handled: ${unhandled.splice(0).map(String).join('; ')}`);
  realTimers.live.clear();
  const stations = [...stage.stations.values()].map((actor) => String(actor.getSnapshot().value));
  const { starts, published } = watch;
  return { report, faults: [...faults, ...watch.faults], busFailed, starts, published, events, stations };
}

/** A pulse that another program publishes. */
function strayPulse(bus: Bus, tag: number): void {
  try {
    const published = bus.publish({ type: 'pulse', tag, value: 'stray' } as Signal, { runId: RUN_ID });
    if (published instanceof Promise) published.catch(() => {});
  } catch {
    // the bus has closed
  }
}
async function timePasses(clock: Clock): Promise<boolean> {
  let passed = false;
  clock.setTimeout(() => (passed = true), 1);
  for (let turn = 0; turn < 20 && !passed; turn++) await macrotask();
  return passed;
}

/** The run id addresses everyone, as no target does. */
export const ofEveryone = (order: Order): Order =>
  order.targets.includes(RUN_ID) ? { ...order, targets: [] } : order;

/** Reasons for which a performance stops before its steps have settled. */
export const ENDS_EARLY = new Set(['CancelledError', 'TimeoutError', 'DeadlockError', 'SchemaError']);

/** What is wrong with a performance of any score; empty when nothing is. */
export function troubles(setup: Setup, played: Played): string[] {
  const { report, published, events, stations } = played;
  const faults = [...played.faults];
  for (const [tag, count] of published)
    if (count > 1) faults.push(`${count} results of step ${tag} were published`);
  if (report === 'hangs') return [...faults, 'it hangs'];
  if ('rejectedWith' in report) return [...faults, `report rejects: ${String(report.rejectedWith)}`];
  const { status, errors } = report;
  for (const error of errors)
    if (error instanceof InvariantError)
      faults.push(`${error.message} ${(error.cause as Error | undefined)?.stack ?? ''}`);
  if ((status === 'completed') !== (errors.length === 0))
    faults.push(`${status} with ${errors.length} errors`);
  if (errors.some((error) => !(error instanceof Error))) faults.push('an error is not an Error');
  const cut = setup.onFailure === 'cancel' && errors.length > 0;
  const stopped = cut || errors.some((error) => ENDS_EARLY.has(error.name));
  const lostBus = errors.some((e) => e instanceof BusClosedError || e instanceof UnavailableError);
  if (played.busFailed && !lostBus && !stopped)
    faults.push(`the bus failed and the report is silent: ${String(errors)}`);
  if (!stopped && !lostBus && stations.some((state) => state !== 'free'))
    faults.push(`stations are left: ${stations.join(', ')}`);
  if (report.usage.calls > (setup.calls ?? Infinity)) faults.push('more calls than the budget has');
  return [...faults, ...faultsOfEvents(events)];
}

function faultsOfEvents(events: readonly RunEvent[]): string[] {
  if (events.length === 0) return [];
  const faults: string[] = [];
  const count = (type: RunEvent['type']) => events.filter((event) => event.type === type).length;
  if (count('run.ended') !== 1 || events.at(-1)!.type !== 'run.ended')
    faults.push('run.ended is not the one last event');
  if (count('run.started') > 1) faults.push('the run started twice');
  const seen = new Set<string>();
  for (const event of events) {
    if (event.type !== 'step.ended' && event.type !== 'step.issued') continue;
    const what = `'${event.stepId}': ${event.type}`;
    if (seen.has(what)) faults.push(`${what} twice`);
    seen.add(what);
  }
  return faults;
}
