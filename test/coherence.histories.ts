/** Random histories on several lagging replicas, and what must hold in each of them. */
import {
  ClosedAgentError,
  coherence,
  ConflictError,
  FencedError,
  InDoubtError,
  RecipeError,
  type Coherence,
  type StrategyOption,
} from 'tutti';
import type { Faults } from 'tutti/actors';
import type { Slot } from '../src/coherence/slot.ts';
import type { Schema } from '../src/schema.ts';
import { generator, LaggingLog, ManualClock, settle } from './coherence.lagging.ts';

/** A value is the list of the writes that it contains, so that a lost one shows. */
type Log = readonly string[];
const schema: Schema<Log, Log> = {
  '~standard': { version: 1, vendor: 'test', validate: (value) => ({ value: value as Log }) },
};

export interface HistoryPlan {
  readonly seed: number;
  readonly agents: number;
  readonly keys: number;
  readonly replicas: number;
  readonly readers: 'wait' | 'committed';
  /** Whether a replica may stop for good. */
  readonly crash: boolean;
  readonly faults?: Faults;
}
export interface HistoryFigures {
  readonly writes: number;
  readonly reads: number;
  readonly conflicts: number;
  readonly reclaims: number;
  readonly entries: number;
}

const STRATEGIES: readonly StrategyOption[] = [
  ...(['lazy', 'eager', 'broadcast'] as const),
  { name: 'lease', ttlMs: 500 },
  { name: 'accessCount', reads: 2 },
];
type Shared = Coherence<Record<string, Log>>;
const LEASE = 1_000;

/** Runs one history.
 *  @throws when an invariant is broken, in words. */
export async function runHistory(plan: HistoryPlan): Promise<HistoryFigures> {
  const random = generator(plan.seed);
  const log = new LaggingLog({ direct: false });
  const clock = new ManualClock();
  const keys = Array.from({ length: plan.keys }, (_, index) => `k${index}`);
  const spaces: Shared[] = Array.from({ length: plan.replicas }, (_, index) =>
    coherence({
      bus: log.view(),
      schema: Object.fromEntries(keys.map((key) => [key, schema])),
      initial: Object.fromEntries(keys.map((key) => [key, []])),
      ...{ readers: plan.readers, clock, leaseMs: LEASE, session: `r${index}`, faults: plan.faults ?? {} },
      strategy: STRATEGIES[random(STRATEGIES.length)]!,
    }),
  );
  const figures = { writes: 0, reads: 0, conflicts: 0, reclaims: 0, entries: 0 };
  const accepted = new Map<string, Set<string>>(keys.map((key) => [key, new Set()]));
  const maybe = new Set<string>(); // said by an agent that crashed before it knew
  const crashed = new Set<Shared>();
  let running = 0;

  for (let index = 0; index < plan.agents; index++) {
    const shared = spaces[index % spaces.length] as Shared;
    void live(shared, `a${index}`);
  }

  async function live(shared: Shared, name: string): Promise<void> {
    running++;
    const agent = shared.agent(name);
    const last = new Map<string, Log>();
    const saw = (key: string, value: Log) => {
      const before = last.get(key) ?? [];
      if (value.length < before.length) throw new Broken(`${name} saw ${key} go back`);
      for (const id of before)
        if (!value.includes(id)) throw new Broken(`${name} saw ${id} vanish from ${key}`);
      last.set(key, value);
    };
    try {
      for (let operation = 0; operation < 4; operation++) {
        const key = keys[random(keys.length)] as string;
        const id = `${name}.${operation}`;
        maybe.add(id);
        try {
          await act(agent, key, id, random(12), saw);
        } catch (error) {
          if (!(error instanceof ConflictError || error instanceof FencedError)) throw error;
          figures.conflicts++;
        }
        maybe.delete(id);
      }
    } catch (error) {
      const cause = error instanceof RecipeError ? error.cause : error; // a recipe looks, too
      if (!(error instanceof ClosedAgentError || error instanceof InDoubtError)) failure ??= cause;
    } finally {
      running--;
    }
  }
  let failure: unknown;

  async function act(
    agent: ReturnType<Shared['agent']>,
    key: string,
    id: string,
    kind: number,
    saw: (key: string, value: Log) => void,
  ) {
    const done = (at: string) => {
      accepted.get(at)!.add(id);
      figures.writes++;
    };
    const append = (value: Log): Log => {
      const before = [...value]; // a draft dies with its recipe
      saw(key, before);
      return [...before, id];
    };
    if (kind <= 2) {
      saw(key, await agent.read(key, kind === 0 ? { fresh: true } : {}));
      figures.reads++;
    } else if (kind <= 5) {
      await agent.write(key, append);
      done(key);
    } else if (kind === 9) {
      const next = async (value: Log) => (
        random(2) === 0 && (await settle()),
        saw(key, value),
        [...value, id]
      );
      await agent.update(key, next, { attempts: 50 });
      done(key);
    } else if (kind === 10) {
      await agent.evict(key);
    } else if (kind === 11) {
      // Two of its own at once.
      const said = [`${id}u`, `${id}w`] as const;
      for (const one of said) maybe.add(one);
      const both = await Promise.allSettled([
        agent.update(key, (value) => [...value, said[0]], { attempts: 50 }),
        agent.write(key, (value) => [...value, said[1]]),
      ]);
      both.forEach(({ status }, at) => status === 'fulfilled' && accepted.get(key)!.add(said[at]!));
      for (const one of both) if (one.status === 'rejected') throw one.reason;
    } else if (kind === 6) {
      const value = await agent.read(key);
      await agent.compareAndSet(key, agent.version(key), append(value));
      done(key);
    } else if (kind === 7) {
      const hold = await agent.hold(key);
      await settle();
      await hold.write(append(hold.value));
      done(key);
    } else {
      const session = await agent.session([key, keys[0] as string]);
      const other = keys[0] as string;
      for (const at of new Set([key, other])) {
        const value = session.read(at);
        await session.write(at, [...value, id]);
      }
      await session.publish();
      for (const at of new Set([key, other])) accepted.get(at)!.add(id);
      figures.writes++;
    }
  }

  let crashLeft = plan.crash && plan.replicas > 1 ? 1 : 0;
  let idle = 0;
  for (let step = 0; running > 0; step++) {
    await settle();
    if (failure !== undefined) throw failure;
    if (step > 20_000) throw new Broken('a request never ends');
    const moves: (() => void)[] = [];
    for (const source of log.waiting()) moves.push(() => log.append(source));
    for (const view of log.views)
      if (!view.cut && view.delivered < view.tip) moves.push(() => void view.deliver());
    if (moves.length === 0) {
      // Only a lease can help now: somebody who will never answer holds a key.
      if (++idle > 50) throw new Broken('a request never ends: nothing is left to deliver');
      clock.advance(LEASE);
      continue;
    }
    idle = 0;
    if (log.log.length > 0 && random(6) === 0) log.repeat(random(log.log.length));
    else if (random(200) === 0)
      clock.advance(LEASE); // an owner that lives loses its lease, too
    else if (crashLeft > 0 && random(25) === 0) {
      crashLeft--;
      const victim = spaces[random(spaces.length - 1) + 1] as Shared;
      crashed.add(victim);
      log.views[spaces.indexOf(victim)]!.cut = true;
      victim.stop();
    } else (moves[random(moves.length)] as () => void)();
    for (const space of spaces) if (!crashed.has(space)) checkReplica(space, plan.readers);
  }
  await settle();
  log.drain();
  await settle();
  if (failure !== undefined) throw failure;

  const alive = spaces.filter((space) => !crashed.has(space));
  const [first] = alive as [Shared];
  for (const key of keys) {
    const cell = first.replica.memory.cells.get(key)!;
    const value = cell.value as Log;
    for (const id of accepted.get(key)!) {
      const times = value.filter((other) => other === id).length;
      if (times !== 1) throw new Broken(`${id} is ${times} times in ${key}: a lost or doubled update`);
    }
    for (const id of value) {
      if (!accepted.get(key)!.has(id) && !maybe.has(id))
        throw new Broken(`${id} is in ${key} though it was refused`);
    }
    if (new Set(value).size !== cell.version)
      throw new Broken(`${key} has version ${cell.version}, and ${value.length} writes`);
    for (const space of alive) {
      const other = space.replica.memory.cells.get(key)!;
      if (JSON.stringify(other.value) !== JSON.stringify(value))
        throw new Broken(`the replicas differ in ${key}`);
    }
  }
  figures.reclaims = first.replica.memory.counts.reclaim;
  figures.entries = log.log.length;
  for (const space of alive) space.stop();
  return figures;
}

export class Broken extends Error {}
const versions = new WeakMap<object, number>();
const answered = new WeakMap<object, number>();

/** Single writer, data value, versions only grow: at one replica, between two entries. */
function checkReplica({ replica }: Shared, readers: 'wait' | 'committed'): void {
  if (replica.impossible > 0) throw new Broken('a line heard what the table says is impossible');
  for (const cell of replica.memory.cells.values()) {
    if (cell.version < (versions.get(cell) ?? 0)) throw new Broken(`the version of ${cell.key} fell`);
    versions.set(cell, cell.version);
  }
  const owners = new Map<string, string>();
  for (const line of replica.lines.values()) {
    const { value, context } = line.actor.getSnapshot();
    const hits = ['S', 'E', 'M', 'SM'].includes(value) || (value === 'MP' && context.copy);
    if (value !== line.state || hits !== line.readable)
      throw new Broken(`the actor of ${line.agent}/${line.cell.key} is in ${value}, not in ${line.state}`);
    // A hit looks only at the slot: its answer must be there for readable copies alone.
    const answer = (line.client as Slot).agent.answers[line.cell.index];
    if (answer !== undefined) {
      const version = answered.get(answer) ?? line.version;
      answered.set(answer, version);
      if (!line.readable || version !== line.version)
        throw new Broken(`${line.agent} would answer ${line.cell.key} from a copy that it may not read`);
    }
    for (const snoop of ['SNOOP_GETS', 'SNOOP_GETM', 'SNOOP_PUT'] as const)
      if (
        line.actor.getSnapshot().can({ type: snoop }) &&
        ![...replica.listening(line.cell, snoop)].includes(line)
      )
        throw new Broken(`${line.agent}'s line of ${line.cell.key} does not receive ${snoop} in ${value}`);
    if (!line.readable) continue;
    const { cell } = line;
    if (line.version !== cell.version)
      throw new Broken(`${line.agent} reads ${cell.key} v${line.version}, not v${cell.version}`);
    if (line.value !== cell.value) throw new Broken(`${line.agent} reads another value of ${cell.key}`);
    if (line.state === 'M' || line.state === 'E') {
      if (owners.has(cell.key)) throw new Broken(`${cell.key} has two owners`);
      owners.set(cell.key, line.agent);
    }
  }
  for (const { agent, cell, state, readable } of replica.lines.values()) {
    const owner = owners.get(cell.key);
    if (owner === undefined || owner === agent || !readable || state === 'MP') continue;
    const held = cell.held && readers === 'committed';
    if (!held) throw new Broken(`${agent} has a copy of ${cell.key} while ${owner} owns it`);
  }
}
