/** Coherent shared state: every agent reads its own copy, and no copy is stale without a bound that was asked for. */
import type { Bus } from '../../actors/bus/bus.ts';
import { realClock, type Clock } from '../../actors/bus/clock.ts';
import {
  nameOf,
  Replica,
  type Faults,
  type Inspect,
  type ReplicaSnapshot,
} from '../../actors/coherence/index.ts';
import { InProcessBus } from '../../actors/bus/in-process-bus.ts';
import type { ReaderPolicy } from '../../machines/coherence/cache-line.ts';
import { SchemaError, type Infer, type Schema } from '../score/schema.ts';
import { AgentState } from './agent-state.ts';
import { SharedAgent } from './agent.ts';
import { refuseWithinRecipe } from './compute.ts';
import { ClosedAgentError, CoherenceError, UnknownKeyError, UsageError } from './errors.ts';
import { refuseUnknown } from './known-options.ts';
import { sharedCopy, type Values } from './json.ts';
import type { TokenLedger } from './ledger.ts';
import type { AgentSpace, Counts, Passport, Strategies } from './space.ts';
import { strategyOf, type Strategy, type StrategyOption } from './strategy.ts';
import { Transaction } from './transaction.ts';

export type Schemas = Readonly<Record<string, Schema>>;
export type ValuesOf<S extends Schemas> = { [K in keyof S]: Infer<S[K]> };

export interface CoherenceOptions<S extends Schemas> {
  readonly bus: Bus;
  /** One Standard Schema per key. A schema must accept what it returned. */
  readonly schema: S;
  /** Values to begin with, the same on every replica: a replica with others is refused. Default: what the schema makes of
   *  `undefined`. */
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
  /** How long the owner of a key may be silent while another agent waits for it. 1 … 2^31 − 1 ms; default 30,000. */
  readonly leaseMs?: number;
  /** How long a bus that fails is tried again before the space gives up. 0 … 2^31 − 1 ms; default 30,000. */
  readonly outageMs?: number;
  /** Changes remembered per key, for deltas and conflicts: 0 … 65,536. Default 64. */
  readonly history?: number;
  readonly ledger?: TokenLedger;
  readonly clock?: Clock;
  /** Names the space; several may share a bus. Default `shared`. */
  readonly scope?: string;
  /** Tells this process from every other on the bus; without '@'. Default: random. */
  readonly session?: string;
  /** Where to begin. Default: with the initial values, and with all that the bus has carried for this space since its
   *  beginning. `new`: no entry of this space is on the bus yet. Or another replica's `checkpoint`, on the same bus or on
   *  a new one. Agents wait until this replica is up to date; `ready` resolves then. */
  readonly from?: 'new' | ReplicaSnapshot;
  /** XState's inspection of every cache line. Costs when present, free when absent. */
  readonly inspect?: Inspect | undefined;
  /** Mistakes to make on purpose, for tests. */
  readonly faults?: Faults;
}
const OPTIONS = [
  ...['bus', 'schema', 'initial', 'strategy', 'keys', 'agents', 'delta', 'readers', 'leaseMs', 'outageMs'],
  ...['history', 'ledger', 'clock', 'scope', 'session', 'from', 'inspect', 'faults'],
];

/** By bus: the scopes that a space of this process uses (true) or has used. */
const scopes = new WeakMap<Bus, Map<string, boolean>>();

/** Creates a shared space.
 *  @throws {UsageError | UnknownKeyError | SchemaError | ValueError} at once, naming the option
 *  @example
 *  ```ts
 *  const shared = coherence({ bus: createBus(), schema: { plan: z.object({ steps: z.array(z.string()) }) },
 *    initial: { plan: { steps: [] } } });
 *  const planner = shared.agent('planner');
 *  await planner.write('plan', (plan) => void plan.steps.push('read the issue'));
 *  (await shared.agent('writer').read('plan')).steps; // ['read the issue']
 *  ``` */
export function coherence<const S extends Schemas>(options: CoherenceOptions<S>): Coherence<ValuesOf<S>> {
  return new Coherence<ValuesOf<S>>(options);
}

/** Who holds a key, and who waits for it, by the names of the agents. */
export interface KeyReport {
  readonly key: string;
  readonly version: number;
  /** The agent that may write the key without asking, if there is one. */
  readonly owner: string | undefined;
  /** Whether the owner is at work: others wait. */
  readonly held: boolean;
  /** Agents that wait to write, first in, first out. */
  readonly writers: readonly string[];
  /** Agents that wait for a copy. */
  readonly readers: readonly string[];
  /** Agents that may have a copy. */
  readonly copies: readonly string[];
}

export class Coherence<V extends Values> implements AgentSpace {
  readonly replica: Replica;
  readonly ledger: TokenLedger | undefined;
  readonly clock: Clock;
  readonly delta: boolean;
  readonly schemas: Map<string, Schema>;
  readonly counts: Counts = { misses: 0, staleHits: 0, invalidations: 0, writes: 0, conflicts: 0 };
  readonly #bus: Bus;
  readonly #scope: string;
  readonly #agents = new Map<string, SharedAgent<Values>>();
  /** Agents that close and still have something on the bus. */
  readonly #closing = new Set<SharedAgent<Values>>();
  #ordinal = 0;
  /** Hits of agents that have left. */
  #hitsBefore = 0;
  readonly #byKey: Map<string, Strategy>;
  readonly strategies: Strategies;

  constructor(options: CoherenceOptions<Schemas>) {
    check(options);
    const { bus, schema, scope = 'shared', history = 64, leaseMs = 30_000, outageMs = 30_000 } = options;
    this.#bus = bus;
    this.#scope = scope;
    this.#byKey = strategies(options.keys ?? {});
    const byAgent = strategies(options.agents ?? {});
    this.strategies = { byAgent, byKey: this.#byKey, all: strategyOf(options.strategy ?? 'lazy') };
    this.clock = options.clock ?? realClock;
    this.ledger = options.ledger;
    this.delta = options.delta ?? true;
    this.schemas = new Map(Object.entries(schema));
    const initial = Object.keys(schema).map(
      (key) => [key, initialValue(key, schema[key] as Schema, options.initial)] as const,
    );
    const session = options.session ?? globalThis.crypto.randomUUID().slice(0, 8);
    const from = start(options, session);
    const { clock } = this;
    const { readers = 'wait', faults, inspect } = options;
    this.replica = new Replica({
      ...{ bus, scope, initial, readers, history, clock, leaseMs, outageMs, session, from, inspect },
      ...(faults === undefined ? {} : { faults }),
      onLost: (cause) => {
        const why = cause instanceof Error ? cause.message : String(cause);
        this.#leave(new CoherenceError(`this space has left its bus: ${why}`, { cause }));
      },
    });
    scopes.set(bus, (scopes.get(bus) ?? new Map<string, boolean>()).set(scope, true));
  }

  /** Resolves when history that was on the bus before this space has been applied.
   *  @throws {MissedHistoryError | OriginError} when that cannot be: every call of an agent reports it, too. */
  get ready(): Promise<void> {
    return this.replica.ready;
  }

  /** The agent of this name; the same object for the same name while it is open.
   *  @param options `passport`: from `leave()` at another replica: the agent will not see less here. */
  agent(name: string, options: { passport?: Passport } = {}): SharedAgent<V> {
    if (typeof name !== 'string' || name === '') throw new UsageError('an agent needs a name.');
    refuseUnknown('agent', options, ['passport']);
    const known = this.#agents.get(name);
    if (known !== undefined) return known as unknown as SharedAgent<V>;
    if (this.replica.left !== undefined) throw this.replica.left;
    const state = new AgentState(this, name, ++this.#ordinal, options.passport);
    const agent = new SharedAgent<Values>(state, this.#left);
    this.#agents.set(name, agent);
    for (const key of this.schemas.keys()) this.#push(state, key);
    return agent as unknown as SharedAgent<V>;
  }
  /** An agent whose writes wait until they are published: what a step has.
   *  @param waits takes each promise that another agent may have to settle, and returns it */
  transaction(name: string, waits: <T>(work: Promise<T>) => Promise<T> = (work) => work): Transaction<V> {
    const agent = this.agent(name);
    return new Transaction<V>(agent, agent.state, waits);
  }
  /** With the strategy `broadcast` an agent gets its copies without asking. */
  #push(state: AgentState, key: string): void {
    if (this.strategyFor(state.name, key).name !== 'broadcast') return;
    const load = () => {
      const { line } = state.slot(key);
      if (line.state === 'I') this.replica.send(line, 'LOAD');
    };
    if (state.arriving === undefined) load();
    else state.arriving.then(load, () => undefined);
  }
  /** Closes an agent: what it holds is given back, and what it still tries is refused. */
  async evict(name: string): Promise<void> {
    await this.#agents.get(name)?.close();
  }
  strategyFor(agent: string, key: string): Strategy {
    const { byAgent, byKey, all } = this.strategies;
    return byAgent.get(agent) ?? byKey.get(key) ?? all;
  }
  readonly #left = (agent: SharedAgent<Values>, over: boolean): void => {
    if (over) {
      this.#hitsBefore += agent.hits;
      this.#closing.delete(agent);
      return;
    }
    this.#closing.add(agent);
    if (this.#agents.get(agent.name) === agent) this.#agents.delete(agent.name);
  };

  /** Adds a key while the space is in use. Every replica whose agents use the key has to define it, with the same schema;
   *  the first definition on the bus gives the initial value.
   *  @returns this space, with the key in its type, when its replica has the key.
   *  @throws {UsageError} when this space has the key already
   *  @example
   *  ```ts
   *  const more = await shared.define('notes', z.array(z.string()), { initial: [] });
   *  await more.agent('writer').write('notes', (notes) => void notes.push('first'));
   *  ``` */
  async define<K extends string, S extends Schema>(
    key: K,
    schema: S,
    options: { readonly initial?: Infer<S>; readonly strategy?: StrategyOption } = {},
  ): Promise<Coherence<V & { [P in K]: Infer<S> }>> {
    refuseWithinRecipe(key);
    refuseUnknown('define', options, ['initial', 'strategy']);
    if (this.schemas.has(key)) throw new UsageError(`define: this space has a key '${key}' already.`);
    const strategy = options.strategy === undefined ? undefined : strategyOf(options.strategy);
    const { initial } = options;
    const value = initialValue(key, schema, initial === undefined ? {} : { [key]: initial });
    await this.ready;
    await this.replica.define(key, value);
    this.schemas.set(key, schema);
    if (strategy !== undefined) this.#byKey.set(key, strategy);
    return this;
  }

  /** Who holds which key, and who waits, as this replica knows it now. */
  holders(): KeyReport[] {
    return [...this.replica.memory.cells.values()].map(
      ({ key, version, owner, held, queue, readers, sharers }) => ({
        ...{ key, version, held },
        owner: owner === undefined ? undefined : nameOf(owner),
        writers: queue.map(nameOf),
        readers: readers.map(nameOf),
        copies: [...sharers].map(nameOf),
      }),
    );
  }

  /** This replica as JSON, for a newcomer's `from`. */
  checkpoint(): ReplicaSnapshot {
    return this.replica.snapshot();
  }
  /** Reads answered locally, of all agents. */
  get hits(): number {
    let hits = this.#hitsBefore;
    for (const agent of [...this.#agents.values(), ...this.#closing]) hits += agent.hits;
    return hits;
  }
  /** Closes every agent and leaves the bus. Settles also when the bus is gone. */
  async close(): Promise<void> {
    await Promise.all([...this.#agents.values()].map((agent) => agent.close()));
    this.replica.leave();
    this.stop();
  }
  /** Leaves the bus at once, as a crash would: what is held is reclaimed by the others after its lease. */
  stop(): void {
    this.#leave(new ClosedAgentError('*', 'was closed: the shared space has left the bus.'));
  }
  #leave(why: CoherenceError): void {
    this.replica.stop(why);
    for (const agent of [...this.#agents.values(), ...this.#closing]) agent.abandon(why);
    scopes.get(this.#bus)?.set(this.#scope, false);
  }
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

/** @throws {UsageError | UnknownKeyError} naming the option that makes no sense. */
function check(options: CoherenceOptions<Schemas>): void {
  refuseUnknown('coherence', options, OPTIONS);
  const {
    schema,
    history = 64,
    leaseMs = 30_000,
    outageMs = 30_000,
    readers,
    session,
    scope = 'shared',
  } = options;
  if (!Number.isInteger(history) || history < 0 || history > 65_536)
    throw new UsageError(`coherence: history must be a whole number from 0 to 65536, not ${history}.`);
  if (!(leaseMs >= 1 && leaseMs < 2 ** 31))
    throw new UsageError(`coherence: leaseMs must be 1 … 2^31 − 1, not ${leaseMs}.`);
  if (!(outageMs >= 0 && outageMs < 2 ** 31))
    throw new UsageError(`coherence: outageMs must be 0 … 2^31 − 1, not ${outageMs}.`);
  if (readers !== undefined && !['wait', 'committed'].includes(readers))
    throw new UsageError(`coherence: readers must be wait or committed, not ${String(readers)}.`);
  if (session?.includes('@') === true)
    throw new UsageError(`coherence: session must not contain '@', as '${session}' does.`);
  for (const key of [...Object.keys(options.keys ?? {}), ...Object.keys(options.initial ?? {})])
    if (!Object.hasOwn(schema, key)) throw new UnknownKeyError(key, Object.keys(schema));
  if (scopes.get(options.bus)?.get(scope) === true)
    throw new UsageError(
      `the scope '${scope}' is in use on this bus; share that object, or give another scope.`,
    );
}

/** Where the replica begins. Mistakes in a checkpoint would be requests that no replica answers. */
function start(
  { bus, from, scope = 'shared', schema }: CoherenceOptions<Schemas>,
  session: string,
): 'log' | 'tip' | ReplicaSnapshot {
  if (from === 'new') return 'tip';
  // On a bus of this process every space of a scope is known.
  if (from === undefined)
    return bus instanceof InProcessBus && scopes.get(bus)?.has(scope) !== true ? 'tip' : 'log';
  if (typeof from !== 'object' || !Array.isArray((from as Partial<ReplicaSnapshot>).memory?.cells))
    throw new UsageError("coherence: `from` must be 'new' or a checkpoint of another replica.");
  const { agents, left, cells } = from.memory;
  const sessions = new Set([
    ...agents.map(([agent]) => agent.replace(/^.*@/s, '').replace(/\.\d+$/, '')),
    ...left.map(([known]) => known),
  ]);
  if (sessions.has(session))
    throw new UsageError(
      `the session '${session}' is in the checkpoint already; every replica needs its own.`,
    );
  const held = new Set(cells.map(({ key }) => key));
  const missing = Object.keys(schema).find((key) => !held.has(key));
  if (missing !== undefined)
    throw new UsageError(
      `the checkpoint has no key '${missing}'; it has ${[...held].slice(0, 8).join(', ')}. Add new keys with define().`,
    );
  return from;
}

function initialValue(key: string, schema: Schema, initial: Readonly<Record<string, unknown>> = {}): unknown {
  const given = Object.hasOwn(initial, key) && initial[key] !== undefined;
  const checked = schema['~standard'].validate(given ? initial[key] : undefined);
  if (checked instanceof Promise) {
    checked.then(undefined, () => undefined);
    if (given)
      throw new UsageError(`the initial value of '${key}' needs a schema that validates synchronously.`);
    return undefined;
  }
  if (checked.issues === undefined)
    return checked.value === undefined ? undefined : sharedCopy(key, checked.value);
  if (given) throw new SchemaError(`the initial value of '${key}'`, checked.issues);
  return undefined;
}

const strategies = (options: Readonly<Record<string, StrategyOption | undefined>>): Map<string, Strategy> =>
  new Map(Object.entries(options).map(([name, option]) => [name, strategyOf(option ?? 'lazy')]));
