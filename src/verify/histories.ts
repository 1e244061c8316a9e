/** Random histories of agents on several lagging replicas, through the public API, and what must hold in each of them. */
import type { Faults } from '../../actors/coherence/index.ts';
import { LaggingLog, ManualClock, settle } from '../../specs/harness/lagging.ts';
import { Random } from '../../specs/harness/random.ts';
import { coherence, ConflictError, FencedError, InDoubtError, type Coherence } from '../coherence/index.ts';
import { ClosedAgentError, RecipeError } from '../coherence/errors.ts';
import type { StrategyOption } from '../coherence/strategy.ts';
import { anything } from './shared-values.ts';

/** A value is the list of the writes that it contains, so that a lost write shows. */
export type History = readonly string[];
export type HistorySpace = Coherence<Record<string, History>>;

export interface HistoryPlan {
  readonly seed: number;
  readonly agents: number;
  readonly keys: number;
  readonly replicas: number;
  readonly readers: 'wait' | 'committed';
  /** Whether a replica may stop for good. */
  readonly crash: boolean;
  readonly faults?: Faults;
  /** A further check of each replica that lives, after every move. */
  readonly check?: (space: HistorySpace) => void;
}
export interface HistoryFigures {
  readonly writes: number;
  readonly reads: number;
  readonly conflicts: number;
  readonly reclaims: number;
  readonly entries: number;
}

/** An invariant is broken. */
export class BrokenHistory extends Error {
  override name = 'BrokenHistory';
}

const CURRENT: readonly StrategyOption[] = ['lazy', 'eager', 'broadcast'];
const STRATEGIES: readonly StrategyOption[] = [
  ...CURRENT,
  { name: 'lease', ttlMs: 500 },
  { name: 'accessCount', reads: 2 },
];
const LEASE_MS = 1_000;
const OPERATIONS = 4;
const MOST_MOVES = 20_000;

/** Runs one history.
 *  @throws {BrokenHistory} when an invariant is broken, in words. */
export async function runHistory(plan: HistoryPlan): Promise<HistoryFigures> {
  return new RunningHistory(plan).run();
}

class RunningHistory {
  readonly #plan: HistoryPlan;
  readonly #random: Random;
  readonly #log = new LaggingLog({ direct: false });
  readonly #clock = new ManualClock();
  readonly #keys: readonly string[];
  readonly #spaces: HistorySpace[] = [];
  /** Spaces whose reads are never stale. */
  readonly #current = new Set<HistorySpace>();
  readonly #crashed = new Set<HistorySpace>();
  readonly #figures = { writes: 0, reads: 0, conflicts: 0, reclaims: 0, entries: 0 };
  readonly #accepted: Map<string, Set<string>>;
  /** Writes whose agent crashed before it received the outcome. */
  readonly #maybe = new Set<string>();
  readonly #paused = new Set<() => void>();
  #running = 0;
  #failure: unknown;

  constructor(plan: HistoryPlan) {
    this.#plan = plan;
    this.#random = new Random(plan.seed);
    this.#keys = Array.from({ length: plan.keys }, (_, index) => `k${index}`);
    this.#accepted = new Map(this.#keys.map((key) => [key, new Set()]));
    const { readers, faults = {} } = plan;
    for (let index = 0; index < plan.replicas; index++) {
      const strategy = STRATEGIES[this.#random.below(STRATEGIES.length)] as StrategyOption;
      const space = coherence({
        bus: this.#log.view(),
        schema: Object.fromEntries(this.#keys.map((key) => [key, anything<History>()])),
        initial: Object.fromEntries(this.#keys.map((key) => [key, []])),
        ...{ readers, clock: this.#clock, leaseMs: LEASE_MS, session: `r${index}`, faults, strategy },
      });
      this.#spaces.push(space);
      if (CURRENT.includes(strategy)) this.#current.add(space);
    }
  }

  async run(): Promise<HistoryFigures> {
    const { agents, check } = this.#plan;
    for (let index = 0; index < agents; index++)
      void this.#live(this.#spaces[index % this.#spaces.length] as HistorySpace, `a${index}`);
    let idle = 0;
    let crashes = this.#plan.crash && this.#spaces.length > 1 ? 1 : 0;
    for (let move = 0; this.#running > 0; move++) {
      await settle();
      if (this.#failure !== undefined) throw this.#failure;
      if (move > MOST_MOVES) throw new BrokenHistory('a request never ends');
      const moves = this.#moves();
      if (moves.length === 0) {
        // Only a lease can help now: the holder of a key will never answer.
        if (++idle > 50) throw new BrokenHistory('a request never ends: nothing is left to deliver');
        this.#clock.advance(LEASE_MS);
        continue;
      }
      idle = 0;
      const { log } = this.#log;
      if (log.length > 0 && this.#random.below(6) === 0) this.#log.repeat(this.#random.below(log.length));
      else if (this.#random.below(200) === 0)
        this.#clock.advance(LEASE_MS); // a living owner loses its lease, too
      else if (crashes > 0 && this.#random.below(25) === 0) {
        crashes--;
        this.#crash(this.#random.below(this.#spaces.length - 1) + 1);
      } else (moves[this.#random.below(moves.length)] as () => void)();
      if (check !== undefined) for (const space of this.#alive) check(space);
    }
    await settle();
    this.#log.drain();
    await settle();
    if (this.#failure !== undefined) throw this.#failure;
    this.#checkEnd();
    this.#figures.entries = this.#log.log.length;
    for (const space of this.#alive) space.stop();
    return this.#figures;
  }

  get #alive(): HistorySpace[] {
    return this.#spaces.filter((space) => !this.#crashed.has(space));
  }
  #moves(): (() => void)[] {
    const moves: (() => void)[] = this.#log.waiting().map((source) => () => this.#log.append(source));
    for (const goOn of this.#paused) moves.push(() => (this.#paused.delete(goOn), goOn()));
    for (const view of this.#log.views)
      if (!view.cut && view.delivered < view.tip) moves.push(() => void view.deliver());
    return moves;
  }
  /** Other agents may do anything meanwhile. */
  #pause(): Promise<void> {
    return new Promise((goOn) => void this.#paused.add(goOn));
  }
  #crash(index: number): void {
    const victim = this.#spaces[index] as HistorySpace;
    this.#crashed.add(victim);
    this.#log.views[index]!.cut = true;
    victim.stop();
  }

  /** One agent's operations, one after the other. */
  async #live(space: HistorySpace, name: string): Promise<void> {
    this.#running++;
    const agent = space.agent(name);
    const looks = new Looks(name);
    try {
      for (let operation = 0; operation < OPERATIONS; operation++) {
        const key = this.#keys[this.#random.below(this.#keys.length)] as string;
        const id = `${name}.${operation}`;
        this.#maybe.add(id);
        try {
          await this.#act({ agent, space, key, id, looks }, this.#random.below(12));
        } catch (error) {
          if (!isRefusal(error)) throw error;
          this.#figures.conflicts++;
        }
        this.#maybe.delete(id);
        if (this.#current.has(space) && !this.#crashed.has(space)) refuseStaleCopy(space, name, this.#keys);
      }
    } catch (error) {
      const cause = error instanceof RecipeError ? error.cause : error; // a recipe looks, too
      if (!(error instanceof ClosedAgentError || error instanceof InDoubtError)) this.#failure ??= cause;
    } finally {
      this.#running--;
    }
  }

  async #act({ agent, space, key, id, looks }: Act, kind: number): Promise<void> {
    const done = (at: string, write = id) => {
      this.#accepted.get(at)!.add(write);
      this.#figures.writes++;
    };
    const append = (value: History): History => {
      const before = [...value]; // a draft ends with its recipe
      looks.see(key, before);
      return [...before, id];
    };
    if (kind <= 2) {
      looks.see(key, await agent.read(key, kind === 0 ? { fresh: true } : {}));
      this.#figures.reads++;
    } else if (kind <= 5) {
      await agent.write(key, append);
      done(key);
    } else if (kind === 6) {
      const value = await agent.read(key);
      await agent.compareAndSet(key, agent.version(key), append(value));
      done(key);
    } else if (kind === 7) {
      const hold = await agent.hold(key);
      await this.#pause();
      if (!hold.fenced && cellsOf(space).get(key)!.version !== hold.version)
        throw new BrokenHistory(`${key} was written while ${agent.name} held it`);
      await hold.write(append(hold.value));
      done(key);
    } else if (kind === 8) {
      const session = await agent.session([key, this.#keys[0] as string]);
      const both = new Set([key, this.#keys[0] as string]);
      for (const at of both) await session.write(at, [...session.read(at), id]);
      await session.publish();
      for (const at of both) this.#accepted.get(at)!.add(id);
      this.#figures.writes++;
    } else if (kind === 9) {
      const next = async (value: History) => {
        if (this.#random.below(2) === 0) await this.#pause();
        looks.see(key, value);
        return [...value, id];
      };
      await agent.update(key, next, { attempts: 50 });
      done(key);
    } else if (kind === 10) {
      await agent.evict(key);
    } else {
      await this.#twoAtOnce({ agent, space, key, id, looks }, done);
    }
  }
  /** Two tasks of one agent write at once. */
  async #twoAtOnce({ agent, key, id }: Act, done: (key: string, write: string) => void): Promise<void> {
    const writes = [`${id}u`, `${id}w`] as const;
    for (const write of writes) this.#maybe.add(write);
    const both = await Promise.allSettled([
      agent.update(key, (value) => [...value, writes[0]], { attempts: 50 }),
      agent.write(key, (value) => [...value, writes[1]]),
    ]);
    both.forEach(({ status }, at) => status === 'fulfilled' && done(key, writes[at]!));
    for (const one of both) if (one.status === 'rejected') throw one.reason;
  }

  /** No update is lost, doubled or made up; versions count writes; the replicas agree. */
  #checkEnd(): void {
    const cells = this.#alive.map((space) => cellsOf(space));
    for (const key of this.#keys) {
      const { value, version } = cells[0]!.get(key)!;
      const accepted = this.#accepted.get(key)!;
      for (const id of accepted) {
        const times = value.filter((other) => other === id).length;
        if (times !== 1)
          throw new BrokenHistory(`${id} is ${times} times in ${key}: a lost or doubled update`);
      }
      for (const id of value)
        if (!accepted.has(id) && !this.#maybe.has(id))
          throw new BrokenHistory(`${id} is in ${key} though it was refused`);
      if (new Set(value).size !== version)
        throw new BrokenHistory(`${key} has version ${version}, and ${value.length} writes`);
      for (const other of cells)
        if (JSON.stringify(other.get(key)!.value) !== JSON.stringify(value))
          throw new BrokenHistory(`the replicas differ in ${key}`);
    }
    this.#figures.reclaims = this.#log.log.filter(({ signal }) => opOf(signal) === 'reclaim').length;
  }
}

/** Nothing was written, and the agent may go on. */
const isRefusal = (error: unknown): boolean => error instanceof ConflictError || error instanceof FencedError;

type Agent = ReturnType<HistorySpace['agent']>;
interface Act {
  readonly agent: Agent;
  readonly space: HistorySpace;
  readonly key: string;
  readonly id: string;
  readonly looks: Looks;
}

/** What one agent has seen: a key never goes back, and no write vanishes. */
class Looks {
  readonly #name: string;
  readonly #last = new Map<string, History>();

  constructor(name: string) {
    this.#name = name;
  }
  see(key: string, value: History): void {
    const before = this.#last.get(key) ?? [];
    if (value.length < before.length) throw new BrokenHistory(`${this.#name} saw ${key} go back`);
    for (const id of before)
      if (!value.includes(id)) throw new BrokenHistory(`${this.#name} saw ${id} vanish from ${key}`);
    this.#last.set(key, value);
  }
}

/** A copy that may be read without asking is the value at the position that its replica has applied. */
function refuseStaleCopy(space: HistorySpace, name: string, keys: readonly string[]): void {
  const cells = cellsOf(space);
  const agent = space.agent(name);
  for (const key of keys) {
    const copy = agent.peek(key);
    if (copy === undefined) continue;
    const { value } = cells.get(key)!;
    if (JSON.stringify(copy) !== JSON.stringify(value))
      throw new BrokenHistory(
        `${name} still has ${key} = [${copy.join(' ')}], and it is [${value.join(' ')}] at its replica`,
      );
  }
}

/** Values and versions at the position that a replica has applied. */
const cellsOf = (space: HistorySpace) =>
  new Map(
    space
      .checkpoint()
      .memory.cells.map(({ key, value, version }) => [key, { value: value as History, version }]),
  );

const opOf = (signal: object): unknown =>
  ((signal as { payload?: { entry?: { op?: unknown } } }).payload?.entry ?? {}).op;
