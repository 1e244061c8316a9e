/** Random performances: scores, signals, agents, buses and clocks (`scenarios`), how one is played (`play`), and what must
 *  hold of each (`faultsOf`). What a score returns is judged by `fuzz.reference.ts`. */
import { isDeepStrictEqual } from 'node:util';
import fc from 'fast-check';
import { Subject } from 'rxjs';
import {
  perform,
  SchemaError,
  scoreOf,
  StepError,
  VirtualClock,
  type AgentContext,
  type Report,
  type RunEvent,
  type StepPlan,
} from 'tutti';
import { InvariantError } from '../../actors/tomasulo/errors.ts';
import { BusClosedError, UnavailableError, type Bus } from '../../actors/bus/bus.ts';
import { realClock, type Clock, type TimerId } from '../../actors/bus/clock.ts';
import { createBus } from '../../actors/bus/in-process-bus.ts';
import { CUE_INTENTS, type Envelope, type HctSignal, type Signal } from '../../machines/hct/signal.ts';
import * as make from '../../machines/hct/factories.ts';
import { TEMPI, type Tempo } from '../../machines/hct/tempo.ts';
import {
  FAILS,
  fallbackOf,
  HANGS,
  Reference,
  resultOf,
  SUCCEEDS,
  valueOf,
  type Behaviour,
  type Expected,
  type FuzzStep,
  type FuzzVamp,
  type Order,
} from './fuzz.reference.ts';

// ── scenarios

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
export interface Scenario {
  readonly clock: 'virtual' | 'real';
  readonly bus: BusPlan;
  readonly steps: readonly FuzzStep[];
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
  /** Whether the caller's signal is aborted before the performance exists. */
  readonly aborted: boolean;
  readonly listens: boolean;
  readonly inspects: boolean;
}

const AGENTS = ['a', 'b', 's1'] as const; // one is called as a step
const RUN_ID = 'run';
/** Never equal to a sleep, so that it is certain which of them ends first. */
const LIMITS = [2.5, 5.5];
/** Once in `oneIn` times; else undefined. */
const rarely = <T>(arbitrary: fc.Arbitrary<T>, oneIn = 5): fc.Arbitrary<T | undefined> =>
  fc.oneof({ weight: oneIn - 1, arbitrary: fc.constant(undefined) }, { weight: 1, arbitrary });

const behaviour: fc.Arbitrary<Behaviour> = fc.record({
  kind: fc.oneof(
    { weight: 12, arbitrary: fc.constantFrom(...SUCCEEDS) },
    { weight: 6, arbitrary: fc.constantFrom(...FAILS) },
    { weight: 1, arbitrary: fc.constantFrom(...HANGS) },
  ),
  ms: fc.nat({ max: 7 }),
  thrown: fc.nat({ max: 8 }),
});
const stepShape = fc.record({
  agent: fc.constantFrom(...AGENTS),
  sharedName: rarely(fc.constant('x'), 5),
  reads: fc.array(
    fc.record({
      from: fc.nat({ max: 9 }),
      path: fc.oneof(
        { weight: 20, arbitrary: fc.constantFrom('', '', '.v') },
        { weight: 1, arbitrary: fc.constant('.missing') },
      ),
    }),
    {
      maxLength: 3,
    },
  ),
  list: fc.boolean(),
  after: fc.array(fc.nat({ max: 9 }), { maxLength: 1 }),
  tolerant: fc.boolean(),
  tries: rarely(fc.integer({ min: 1, max: 3 }), 2),
  fallback: fc.boolean(),
  timeoutMs: rarely(fc.constantFrom(...LIMITS)),
  external: rarely(fc.constant(true), 6).map((given) => given === true),
  tacet: rarely(fc.constant(true), 14).map((given) => given === true),
  downbeat: rarely(fc.constant(true), 14).map((given) => given === true),
  fermata: rarely(
    fc.record({
      timeoutMs: fc.integer({ min: 1, max: 6 }),
      onTimeout: fc.constantFrom('fail' as const, 'resume' as const),
    }),
    5,
  ),
  vamp: rarely(
    fc.record<FuzzVamp>({
      max: fc.integer({ min: 1, max: 4 }),
      enough: fc.integer({ min: 1, max: 5 }),
      until: fc.constantFrom('sync', 'sync', 'async', 'async', 'throws', 'rejects'),
      onCap: fc.constantFrom('fail', 'accept'),
    }),
    5,
  ),
  quality: rarely(fc.constantFrom(0.5, 1), 5),
  behaviours: fc.array(behaviour, { minLength: 1, maxLength: 3 }),
});
type StepShape = typeof stepShape extends fc.Arbitrary<infer T> ? T : never;

/** Numbers become names that are written above. */
function stepsOf(shapes: readonly StepShape[], stepMs: number | undefined): FuzzStep[] {
  const names = ['input'];
  return shapes.map(({ sharedName, reads, after, ...shape }, i) => {
    const id = `s${i}`;
    const nameAt = (from: number) => names[from % names.length]!;
    const step: FuzzStep = {
      ...shape,
      id,
      writes: sharedName,
      reads: reads.map(({ from, path }) => nameAt(from) + path),
      after: after.map(nameAt),
      timeoutMs:
        shape.timeoutMs ?? (shape.behaviours.some(hangs) && stepMs === undefined ? LIMITS[0] : undefined),
    };
    const name = sharedName ?? id;
    if (!names.includes(name)) names.push(name);
    return step;
  });
}

const targets = fc.oneof(
  { weight: 6, arbitrary: fc.subarray(['s0', 's1', 's2', 'a', 'b'], { minLength: 1, maxLength: 3 }) },
  { weight: 2, arbitrary: fc.constantFrom(['*'], [], [RUN_ID], ['unknown'], ['unknown', 's0']) },
);
const order: fc.Arbitrary<Order> = fc
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
    targets,
    intent: fc.constantFrom(...CUE_INTENTS, 'resume'),
    syncPoint: fc.constantFrom(undefined, 'bar', 'coda'),
    timeoutMs: rarely(fc.integer({ min: 1, max: 6 }), 2),
    onTimeout: fc.constantFrom(undefined, 'fail' as const, 'resume' as const),
    durationMs: rarely(fc.integer({ min: 0, max: 6 }), 2),
    rounds: fc.integer({ min: 1, max: 3 }),
    quality: fc.constantFrom(0.9, 0.5),
  })
  .map((drawn) => (drawn.type === 'downbeat' ? { ...drawn, syncPoint: drawn.syncPoint ?? 'bar' } : drawn));
const act: fc.Arbitrary<Act> = fc.oneof(
  {
    weight: 12,
    arbitrary: fc.record({
      do: fc.constant('signal' as const),
      order,
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
  readonly clock: Scenario['clock'];
  readonly buses: readonly BusPlan['kind'][];
  /** When signals are sent. */
  readonly moments: readonly Moment['at'][];
}
export const scenarios = ({ clock, buses, moments: kinds }: Kind): fc.Arbitrary<Scenario> =>
  fc
    .record({
      clock: fc.constant(clock),
      bus: fc.record({ kind: fc.constantFrom(...buses), k: fc.integer({ min: 1, max: 8 }) }),
      shapes: fc.array(stepShape, { minLength: 1, maxLength: 7 }),
      capacities: fc.record({
        a: rarely(fc.integer({ min: 1, max: 2 }), 2),
        b: rarely(fc.integer({ min: 1, max: 2 }), 2),
        s1: fc.constant(undefined),
      }),
      input: fc.oneof(
        { weight: 12, arbitrary: fc.constantFrom<Scenario['input'][]>('none', 'sync', 'async') },
        { weight: 1, arbitrary: fc.constantFrom<Scenario['input'][]>('unfit', 'asyncUnfit') },
      ),
      acts: fc.array(fc.record({ moment: moments(kinds), act }), { maxLength: 4 }),
      focus: rarely(targets, 2),
      together: rarely(fc.constant(true), 2),
      calm: rarely(fc.constant(true), 2),
      window: rarely(fc.integer({ min: 1, max: 4 }), 3),
      maxConcurrency: rarely(fc.integer({ min: 1, max: 3 }), 3),
      dispatch: fc.oneof(
        { weight: 3, arbitrary: fc.constant('reactive' as const) },
        { weight: 2, arbitrary: fc.constantFrom('batch' as const, 'sequential' as const) },
      ),
      priority: fc.constantFrom<Scenario['priority'][]>('path', 'fifo'),
      patience: rarely(fc.integer({ min: 1, max: 3 })),
      tries: rarely(fc.integer({ min: 1, max: 3 })),
      stepMs: rarely(fc.constantFrom(...LIMITS)),
      totalMs: rarely(fc.integer({ min: 0, max: 9 }), 9),
      calls: rarely(fc.nat({ max: 9 }), 6),
      aborted: rarely(fc.constant(true), 30).map((given) => given === true),
      listens: fc.boolean(),
      inspects: fc.boolean(),
    })
    .map(({ shapes, focus, together, calm, acts, ...rest }) => {
      const limits = calm === undefined ? {} : { stepMs: undefined, totalMs: undefined };
      const given = { ...rest, ...limits };
      return {
        ...given,
        steps: stepsOf(calm === undefined ? shapes : shapes.map(calmed), given.stepMs),
        acts: acts.map(({ moment, act }, i) => ({
          moment: together === undefined || i === 0 ? moment : acts[1]!.moment,
          act: focus === undefined ? act : aimedAt(focus, act),
        })),
      };
    });

/** A step that no limit of time can change, so that its outcome is determined in real time, too. */
const calmed = (shape: StepShape): StepShape => ({
  ...shape,
  timeoutMs: undefined,
  behaviours: shape.behaviours.map((one) => (hangs(one) ? { ...one, kind: 'sleep' } : one)),
});
const hangs = ({ kind }: Behaviour): boolean => (HANGS as readonly string[]).includes(kind);

/** Signals meet more often when all of them have the same targets, and all but the first come at one moment. */
const aimedAt = (targets: readonly string[], act: Act): Act =>
  act.do === 'signal' ? { ...act, order: { ...act.order, targets } } : act;

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
  /** How often each agent was called, by step. */
  readonly starts: readonly number[];
  /** How often a result of each step was published. */
  readonly published: readonly number[];
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
  readonly starts: number[];
  readonly published: number[];
  calls = 0;
  readonly #scenario: Scenario;
  readonly #running = new Map<number, number>();
  readonly #onCall: (n: number) => void;

  constructor(scenario: Scenario, onCall: (n: number) => void) {
    this.#scenario = scenario;
    this.#onCall = onCall;
    this.starts = scenario.steps.map(() => 0);
    this.published = scenario.steps.map(() => 0);
  }
  publishes(signal: Signal): void {
    if (signal.type === 'pulse' && signal.source === RUN_ID) this.published[signal.tag as number]!++;
  }
  begin(i: number): void {
    const { steps, capacities, maxConcurrency = Infinity, dispatch } = this.#scenario;
    this.starts[i]!++;
    this.#running.set(i, (this.#running.get(i) ?? 0) + 1);
    const { id, agent } = steps[i]!;
    if (this.#running.get(i)! > 1) this.faults.push(`two tries of '${id}' at once`);
    let all = 0;
    let ofAgent = 0;
    for (const [step, count] of this.#running) {
      all += count;
      if (steps[step]!.agent === agent) ofAgent += count;
    }
    if (ofAgent > (capacities[agent] ?? Infinity)) this.faults.push(`${ofAgent} of '${agent}' at once`);
    if (all > (dispatch === 'sequential' ? 1 : maxConcurrency)) this.faults.push(`${all} steps at once`);
    this.#onCall(this.calls++);
  }
  end(i: number): void {
    this.#running.set(i, this.#running.get(i)! - 1);
  }
}

/** Runs one try of a step as its behaviour says. */
function tryStep(
  scenario: Scenario,
  i: number,
  clock: Clock,
  watch: Watch,
  operands: Record<string, unknown>,
  context: AgentContext,
): unknown {
  const step = scenario.steps[i]!;
  const { kind, ms, thrown } = step.behaviours[Math.min(context.attempt, step.behaviours.length) - 1]!;
  const value = () => resultOf(step, valueOf(i, context.attempt, operands));
  const fails = (): never => {
    throw thrownValue(thrown);
  };
  watch.begin(i);
  const during = async (work: () => unknown): Promise<unknown> => {
    try {
      return await work();
    } finally {
      watch.end(i);
    }
  };
  /** An agent that does not stop: from its abort on it no longer counts as one that runs. */
  const hang = async (then: () => unknown): Promise<unknown> => {
    try {
      await context.sleep(1e6);
    } catch {
      watch.end(i);
    }
    return then();
  };
  switch (kind) {
    case 'return':
      watch.end(i);
      return value();
    case 'throw':
      watch.end(i);
      return fails();
    case 'getter':
      watch.end(i);
      return {
        get v() {
          return fails();
        },
      };
    case 'thenable':
    case 'thenableThrow':
      watch.end(i);
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

function plansOf(scenario: Scenario, clock: Clock, watch: Watch): StepPlan[] {
  return scenario.steps.map((step, i) => {
    const { id, agent, writes, reads, list, after, tries, fallback, timeoutMs, fermata, vamp } = step;
    return {
      id,
      agent: {
        name: agent,
        capacity: scenario.capacities[agent],
        run: (operands: Record<string, unknown>, context: AgentContext) =>
          tryStep(scenario, i, clock, watch, operands, context),
      },
      reads: list ? { all: reads } : Object.fromEntries(reads.map((read, k) => [`r${k}`, read])),
      after,
      writes,
      join: step.tolerant ? 'allSettled' : 'all',
      retry: tries === undefined ? undefined : { attempts: tries, delayMs: 1.25, repeatsEffect: true },
      timeoutMs,
      fermata,
      ...(fallback ? { fallback: { value: fallbackOf(i) } } : {}),
      effects: step.external ? 'external' : 'none',
      tacet: step.tacet,
      downbeat: step.downbeat,
      vamp: vamp && {
        max: vamp.max,
        onCap: vamp.onCap,
        until: (_: unknown, round: number) => {
          if (vamp.until === 'throws') throw new Error('cannot judge');
          if (vamp.until === 'rejects') return Promise.reject(new Error('cannot judge'));
          return vamp.until === 'async' ? Promise.resolve(round >= vamp.enough) : round >= vamp.enough;
        },
      },
    };
  });
}

const INPUT = { v: 4 };
/** A Standard Schema that takes or refuses the input, at once or later. */
const schemaOf = (kind: Scenario['input']) => ({
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
class Stage {
  readonly scenario: Scenario;
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
  #results = 0;

  constructor(scenario: Scenario) {
    const { bus: plan, acts, input, aborted } = scenario;
    this.scenario = scenario;
    this.time = scenario.clock === 'virtual' ? new VirtualClock() : realClock;
    this.clock = scenario.clock === 'virtual' ? this.timers.wrap(this.time) : realClock;
    this.watch = new Watch(scenario, (n) => this.act('call', n));
    if (plan.kind === 'shared') {
      this.bus = createBus({ runId: 'house', clock: this.clock });
      this.bus.signals.subscribe(({ signal }) => this.#published(signal));
    } else if (plan.kind !== 'own') this.bus = new PlannedBus(plan, (signal) => this.#published(signal));
    if (aborted) this.#abort.abort('drawn');
    const steps = plansOf(scenario, this.clock, this.watch);
    const score = scoreOf('fuzz', steps, input === 'none' ? {} : { input: schemaOf(input) });
    this.run = perform(score, this.#options());
    this.act('start');
    for (const n of new Set(acts.flatMap(({ moment }) => (moment.at === 'time' ? [moment.n] : []))))
      this.#alarms.push(this.time.setTimeout(() => this.act('time', n), n));
  }
  #options(): Parameters<typeof perform>[1] {
    const { bus, stepMs, totalMs, calls, tries, acts, listens, inspects, clock } = this.scenario;
    const { window, maxConcurrency, dispatch, priority, patience } = this.scenario;
    const hears = listens || acts.some(({ moment }) => moment.at === 'event');
    return {
      ...{ window, maxConcurrency, dispatch, priority, patience },
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
  }
  #noteActor(actor: { id?: unknown }): void {
    const { id } = actor;
    if (typeof id === 'string' && id.startsWith('station:')) this.stations.set(id, actor as never);
  }

  /** Does what the scenario says for this moment. */
  act(at: Moment['at'], n?: number): void {
    for (const { moment, act } of this.scenario.acts) {
      if (moment.at !== at || (n !== undefined && moment.n !== n)) continue;
      if (act.do === 'abort') this.#abort.abort('drawn');
      else if (act.do === 'cancel') this.run.cancel('drawn');
      else if (act.do === 'stray') strayPulse(this.run.bus, act.tag);
      else this.run.signal(signalOf(act));
    }
  }

  /** Performs another score on the same bus and clock, which nothing here may touch. */
  async neighbour(): Promise<string[]> {
    if (this.scenario.bus.kind !== 'shared') return [];
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
    const [ofClock, ofReal] = [this.timers.live.size, realTimers.live.size];
    if (ofClock + ofReal > 0)
      faults.push(`${ofClock} timers of the clock and ${ofReal} of real time are left`);
    const { observers } = this.run.bus.signals as unknown as Subject<Envelope>;
    if (observers.length > (this.scenario.bus.kind === 'shared' ? 1 : 0))
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
const HEALTHY_BUSES: ReadonlySet<BusPlan['kind']> = new Set<BusPlan['kind']>(['own', 'shared', 'lags']);

/** Plays a scenario to its end. */
export async function play(scenario: Scenario): Promise<Played> {
  const stage = new Stage(scenario);
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
// ── judge

/** What the reference says of a scenario, where the outcome is determined. */
export function expectedOf(scenario: Scenario): Expected | undefined {
  const { steps, acts, bus, clock, dispatch, window = Infinity } = scenario;
  const early = acts.filter(({ moment }) => moment.at !== 'end');
  if (early.some(({ moment, act }) => moment.at !== 'start' && act.do !== 'stray')) return undefined;
  if (scenario.totalMs !== undefined || !HEALTHY_BUSES.has(bus.kind)) return undefined;
  const orders = early.flatMap(({ act }) => (act.do === 'signal' ? [ofEveryone(act.order)] : []));
  if (bus.kind === 'lags' && orders.length > 0) return undefined;
  if (orders.some(({ type, timeoutMs }) => type === 'vamp' && timeoutMs !== undefined)) return undefined;
  const timed = scenario.stepMs !== undefined || steps.some(({ timeoutMs }) => timeoutMs !== undefined);
  if (clock === 'real' && timed) return undefined;
  const inputFits = scenario.input !== 'unfit' && scenario.input !== 'asyncUnfit';
  const cancelled = scenario.aborted || early.some(({ act }) => act.do === 'cancel' || act.do === 'abort');
  const { tries, stepMs, calls } = scenario;
  const reference = new Reference({
    steps,
    input: INPUT,
    inputFits,
    cancelled,
    tries,
    stepMs,
    calls,
    orders,
  });
  if (reference.holds) {
    if (clock === 'real' || window < steps.length || dispatch !== 'reactive') return undefined;
    if (steps.some(({ downbeat }) => downbeat)) return undefined;
  }
  const expected = reference.play();
  if (expected.overBudget && window > 1) return undefined;
  if (!inputFits && expected.status === 'cancelled') return undefined; // whichever comes first
  return expected;
}

/** The run id addresses everyone, as no target does. */
const ofEveryone = (order: Order): Order =>
  order.targets.includes(RUN_ID) ? { ...order, targets: [] } : order;

/** The most tries that a step may have. */
function mostTries({ steps, acts, tries }: Scenario, i: number): number {
  const step = steps[i]!;
  const failures = (step.tries ?? tries ?? 1) - 1;
  const rounds = (step.vamp?.max ?? 1) - 1;
  const ordered = acts.reduce((sum, { act }) => sum + (act.do === 'signal' ? (act.order.rounds ?? 0) : 0), 0);
  return 1 + failures + rounds + ordered;
}

/** What is wrong with a performance; empty when nothing is. */
export function faultsOf(scenario: Scenario, played: Played): string[] {
  const { report, starts, published, events, stations } = played;
  const faults = [...played.faults];
  starts.forEach((count, i) => {
    if (count > mostTries(scenario, i)) faults.push(`'s${i}' was started ${count} times`);
  });
  published.forEach((count, i) => {
    if (count > 1) faults.push(`${count} results of 's${i}' were published`);
  });
  if (report === 'hangs') return [...faults, 'it hangs'];
  if ('rejectedWith' in report) return [...faults, `report rejects: ${String(report.rejectedWith)}`];
  const { status, errors } = report;
  for (const error of errors) if (error instanceof InvariantError) faults.push(error.message);
  if ((status === 'completed') !== (errors.length === 0))
    faults.push(`${status} with ${errors.length} errors`);
  if (errors.some((error) => !(error instanceof Error))) faults.push('an error is not an Error');
  const stopped = errors.some((error) => ENDS_EARLY.has(error.name));
  const lostBus = errors.some((e) => e instanceof BusClosedError || e instanceof UnavailableError);
  if (played.busFailed && !lostBus && !stopped)
    faults.push(`the bus failed and the report is silent: ${String(errors)}`);
  if (!stopped && !lostBus && stations.some((state) => state !== 'free'))
    faults.push(`stations are left: ${stations.join(', ')}`);
  if (report.usage.calls > (scenario.calls ?? Infinity)) faults.push('more calls than the budget has');
  faults.push(...faultsOfEvents(scenario, events));
  const expected = expectedOf(scenario);
  if (expected !== undefined) faults.push(...differences(scenario, report, expected));
  return faults;
}
/** Reasons for which a performance stops before its steps have settled. */
const ENDS_EARLY = new Set(['CancelledError', 'TimeoutError', 'DeadlockError', 'SchemaError']);

function faultsOfEvents({ steps }: Scenario, events: readonly RunEvent[]): string[] {
  if (events.length === 0) return [];
  const faults: string[] = [];
  const count = (type: RunEvent['type'], id?: string) =>
    events.filter(
      (event) => event.type === type && (id === undefined || ('stepId' in event && event.stepId === id)),
    ).length;
  if (count('run.ended') !== 1 || events.at(-1)!.type !== 'run.ended')
    faults.push('run.ended is not the one last event');
  if (count('run.started') > 1) faults.push('the run started twice');
  for (const { id } of steps) {
    if (count('step.ended', id) > 1) faults.push(`'${id}' ended twice`);
    if (count('step.issued', id) > 1) faults.push(`'${id}' was issued twice`);
  }
  return faults;
}

function differences({ steps }: Scenario, report: Report, expected: Expected): string[] {
  const differ: string[] = [];
  const compare = (what: string, found: unknown, wanted: unknown) => {
    if (!isDeepStrictEqual(found, wanted))
      differ.push(`${what}: ${shown(found)} instead of ${shown(wanted)}`);
  };
  compare('status', report.status, expected.status);
  compare('outputs', report.outputs, expected.outputs);
  compare('calls', report.usage.calls, expected.calls);
  compare('retries', report.usage.retries, expected.retries);
  report.timeline.forEach(({ status, attempts }, i) => {
    const { id } = steps[i]!;
    if (!expected.statuses[i]!.has(status))
      differ.push(`'${id}' is ${status} instead of ${[...expected.statuses[i]!].join(' or ')}`);
    compare(`tries of '${id}'`, attempts, expected.attempts[i]);
  });
  if (expected.status === 'cancelled') return differ;
  const blamed = report.errors.flatMap((error) => (error instanceof StepError ? [error.stepId] : []));
  if (new Set(blamed).size < blamed.length) differ.push(`blamed twice: ${blamed.join(', ')}`);
  for (const roots of expected.roots)
    if (!blamed.some((id) => roots.has(id))) differ.push(`none of ${[...roots].join(', ')} is blamed`);
  for (const id of blamed)
    if (!expected.roots.some((roots) => roots.has(id))) differ.push(`'${id}' is blamed`);
  const others = report.errors.filter((error) => !(error instanceof StepError));
  const allowed = expected.deadlock
    ? ['DeadlockError']
    : report.errors[0] instanceof SchemaError
      ? ['SchemaError']
      : [];
  compare(
    'other errors',
    others.map(({ name }) => name),
    allowed,
  );
  return differ;
}
const shown = (value: unknown): string => JSON.stringify(value) ?? String(value);
