/** Coherent shared state: every agent reads its own copy, and no copy is ever stale unseen (design §6). */
import type { Bus } from '../../actors/bus.ts';
import { realClock, type Clock } from '../../actors/clock.ts';
import { freeze } from '../../actors/freeze.ts';
import { Replica, type Faults, type ReplicaSnapshot } from '../../actors/coherence/index.ts';
import type { ReaderPolicy } from '../../machines/cache-line.ts';
import { SchemaError, type Infer, type Schema } from '../schema.ts';
import { SharedAgent, type Values } from './agent.ts';
import { Answers } from './answers.ts';
import { Computer } from './compute.ts';
import { Desk, type AgentHost, type Passport } from './desk.ts';
import { ClosedAgentError, CoherenceError, UnknownKeyError, UsageError } from './errors.ts';
import type { TokenLedger } from './ledger.ts';
import type { Counts } from './slot.ts';
import { strategyOf, type Strategy, type StrategyOption } from './strategy.ts';

export type Schemas = Readonly<Record<string, Schema>>;
export type ValuesOf<S extends Schemas> = { [K in keyof S]: Infer<S[K]> };

export interface CoherenceOptions<S extends Schemas> {
  readonly bus: Bus;
  /** One Standard Schema per key. A schema must accept what it returned. */
  readonly schema: S;
  /** Values to begin with, the same on every replica. Default: what the schema makes of `undefined`. */
  readonly initial?: { readonly [K in keyof S]?: Infer<S[K]> };
  /** See {@link Strategy}. Default `lazy`. */
  readonly strategy?: StrategyOption;
  /** Strategies of single keys. */
  readonly keys?: { readonly [K in keyof S]?: StrategyOption };
  /** Strategies of single agents; they go before those of keys. */
  readonly agents?: Readonly<Record<string, StrategyOption>>;
  /** Whether a reader that has an older version is sent the difference when that is smaller. Default true. */
  readonly delta?: boolean;
  /** What readers do while another agent holds a key. Default `wait`, as the textbook has it. */
  readonly readers?: ReaderPolicy;
  /** How long the owner of a key may be silent before it loses it. Default 30,000 ms. */
  readonly leaseMs?: number;
  /** Changes remembered per key, for deltas and conflicts: 0 … 65,536. Default 64. */
  readonly history?: number;
  readonly ledger?: TokenLedger;
  readonly clock?: Clock;
  /** Names the space; several may share a bus. Default `shared`. */
  readonly scope?: string;
  /** Tells this process from every other on the bus. Default: random. */
  readonly session?: string;
  /** Where to begin, from another replica's `checkpoint`; then `await shared.ready`. */
  readonly from?: ReplicaSnapshot;
  /** Mistakes to make on purpose, for tests. */
  readonly faults?: Faults;
}

const inUse = new WeakMap<Bus, Set<string>>();

/** Creates a shared space.
 *  @example
 *  ```ts
 *  const shared = coherence({ bus: createBus(), schema: { plan: z.object({ steps: z.array(z.string()) }) },
 *    initial: { plan: { steps: [] } } });
 *  const planner = shared.agent('planner');
 *  await planner.write('plan', (plan) => void plan.steps.push('read the issue'));
 *  (await shared.agent('writer').read('plan')).steps; // ['read the issue']
 *  ``` */
export function coherence<const S extends Schemas>(options: CoherenceOptions<S>): Coherence<ValuesOf<S>> {
  return new Coherence<ValuesOf<S>>(options as unknown as CoherenceOptions<Schemas>);
}

export class Coherence<V extends Values> implements AgentHost {
  readonly replica: Replica;
  readonly ledger: TokenLedger | undefined;
  readonly clock: Clock;
  readonly delta: boolean;
  readonly computer: Computer;
  readonly answers: Answers;
  readonly session: string;
  readonly counts: Counts = { misses: 0, staleHits: 0, invalidations: 0, writes: 0, conflicts: 0 };
  /** Resolves when history that `from` does not have has been applied. */
  readonly ready: Promise<void>;
  readonly #bus: Bus;
  readonly #scope: string;
  readonly #agents = new Map<string, SharedAgent<Values>>();
  /** Of agents that have left. */
  #hitsBefore = 0;
  readonly #incarnations = new Map<string, number>();
  readonly #strategy: Strategy;
  readonly #byKey: ReadonlyMap<string, Strategy>;
  readonly #byAgent: ReadonlyMap<string, Strategy>;

  constructor(options: CoherenceOptions<Schemas>) {
    const {
      bus,
      schema,
      strategy = 'lazy',
      keys = {},
      agents = {},
      scope = 'shared',
      history = 64,
      leaseMs = 30_000,
    } = options;
    if (!Number.isInteger(history) || history < 0 || history > 65_536) {
      throw new UsageError(`coherence: history must be a whole number from 0 to 65536, not ${history}.`);
    }
    if (!(leaseMs >= 1 && leaseMs < 2 ** 31))
      throw new UsageError(`coherence: leaseMs must be 1 … 2^31 − 1, not ${leaseMs}.`);
    if (options.readers !== undefined && !['wait', 'committed'].includes(options.readers))
      throw new UsageError(`coherence: readers must be wait or committed, not ${String(options.readers)}.`);
    for (const key of [...Object.keys(keys), ...Object.keys(options.initial ?? {})]) {
      if (!Object.hasOwn(schema, key)) throw new UnknownKeyError(key, Object.keys(schema));
    }
    this.#bus = bus;
    this.#scope = scope;
    this.#strategy = strategyOf(strategy);
    this.#byKey = strategies(keys);
    this.#byAgent = strategies(agents);
    this.clock = options.clock ?? realClock;
    this.ledger = options.ledger;
    this.delta = options.delta ?? true;
    this.session = options.session ?? globalThis.crypto.randomUUID().slice(0, 8);
    const initial = Object.keys(schema).map(
      (key) => [key, this.#initial(key, schema[key] as Schema, options.initial)] as const,
    );
    checkSnapshot(options.from, this.session, Object.keys(schema));
    const used = inUse.get(bus) ?? new Set();
    if (used.has(scope))
      throw new UsageError(
        `the scope '${scope}' is in use on this bus; share that object, or give another scope.`,
      );
    inUse.set(bus, used.add(scope));
    const { clock, session } = this;
    const { readers = 'wait', from, faults } = options;
    this.replica = new Replica({
      ...{ bus, scope, initial, readers, history, clock, leaseMs, session },
      ...(from === undefined ? {} : { from }),
      ...(faults === undefined ? {} : { faults }),
      onLost: (cause) =>
        this.#leave(new CoherenceError('the bus takes nothing any more; this space has left it.', { cause })),
    });
    this.answers = new Answers(this.replica.memory.places.size);
    this.computer = new Computer([...this.replica.memory.places.keys()].map((key) => schema[key] as Schema));
    this.ready = from === undefined ? Promise.resolve() : this.replica.catchUp();
  }

  /** The agent of this name; the same object for the same name while it is open.
   *  @param passport from `leave()` at another replica: the agent will not see less here. */
  agent(name: string, { passport }: { passport?: Passport } = {}): SharedAgent<V> {
    if (typeof name !== 'string' || name === '') throw new UsageError('an agent needs a name.');
    const known = this.#agents.get(name);
    if (known !== undefined) return known as unknown as SharedAgent<V>;
    if (this.replica.left !== undefined) throw this.replica.left;
    const count = (this.#incarnations.get(name) ?? 0) + 1;
    this.#incarnations.set(name, count);
    const incarnation = `${name}@${this.session}${count > 1 ? `.${count}` : ''}`;
    const agent = new SharedAgent<Values>(new Desk(this, name, incarnation, passport), this.#left);
    this.#agents.set(name, agent);
    for (const key of this.replica.memory.cells.keys()) {
      if (this.strategyFor(name, key).name === 'broadcast') agent.subscribe(key);
    }
    return agent as unknown as SharedAgent<V>;
  }
  /** Puts an agent out: what it holds is given back, and what it still tries is refused. */
  async evict(name: string): Promise<void> {
    await this.#agents.get(name)?.close();
  }
  strategyFor(agent: string, key: string): Strategy {
    return this.#byAgent.get(agent) ?? this.#byKey.get(key) ?? this.#strategy;
  }
  readonly #left = (agent: SharedAgent<Values>): void => {
    this.#hitsBefore += agent.hits;
    if (this.#agents.get(agent.name) === agent) this.#agents.delete(agent.name);
  };

  /** This replica as JSON, for a newcomer's `from`. */
  checkpoint(): ReplicaSnapshot {
    return this.replica.snapshot();
  }
  /** Reads answered locally, of all agents. */
  get hits(): number {
    let hits = this.#hitsBefore;
    for (const agent of this.#agents.values()) hits += agent.hits;
    return hits;
  }
  /** Closes every agent and leaves the bus. */
  async close(): Promise<void> {
    await Promise.all([...this.#agents.values()].map((agent) => agent.close()));
    this.stop();
  }
  /** Leaves the bus at once, as a crash would: what is held is reclaimed by the others after its lease. */
  stop(): void {
    this.#leave(new ClosedAgentError('*', 'was closed: the shared space has left the bus.'));
  }
  #leave(why: CoherenceError): void {
    this.replica.stop(why);
    for (const agent of this.#agents.values()) agent.abandon(why);
    inUse.get(this.#bus)?.delete(this.#scope);
  }
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #initial(key: string, schema: Schema, initial: Readonly<Record<string, unknown>> = {}): unknown {
    const given = Object.hasOwn(initial, key);
    const checked = schema['~standard'].validate(given ? initial[key] : undefined);
    if (checked instanceof Promise) {
      checked.then(undefined, () => undefined);
      if (given)
        throw new UsageError(`the initial value of '${key}' needs a schema that validates synchronously.`);
      return undefined;
    }
    if (checked.issues === undefined) return freeze(checked.value);
    if (given) throw new SchemaError(`the initial value of '${key}'`, checked.issues);
    return undefined;
  }
}

/** What is wrong here would be a request that nobody answers, or a key without a schema. */
function checkSnapshot(from: ReplicaSnapshot | undefined, session: string, keys: readonly string[]): void {
  if (from === undefined) return;
  const known = from.memory.agents.find(([agent]) => agent.replace(/^.*@/s, '').split('.')[0] === session);
  if (known !== undefined)
    throw new UsageError(
      `the session '${session}' is in the snapshot already; a replica needs one of its own.`,
    );
  const held = new Set(from.memory.cells.map(({ key }) => key));
  if (held.size !== keys.length || keys.some((key) => !held.has(key)))
    throw new UsageError(`the snapshot has other keys than the schema: ${[...held].slice(0, 8).join(', ')}.`);
}

const strategies = (
  options: Readonly<Record<string, StrategyOption | undefined>>,
): ReadonlyMap<string, Strategy> =>
  new Map(Object.entries(options).map(([name, option]) => [name, strategyOf(option ?? 'lazy')]));
