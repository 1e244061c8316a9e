/** What one agent after another has to see of shared state: the operations of several agents, one at a time, beside a
 *  model of one memory. Operations are drawn, run through the public API, and judged one by one. */
import { LaggingLog, ManualClock, settle } from '../../specs/harness/lagging.ts';
import type { Random } from '../../specs/harness/random.ts';
import { coherence, ConflictError, type Coherence, type Session } from '../coherence/index.ts';
import type { StrategyOption } from '../coherence/strategy.ts';
import type { ValueCopy } from '../coherence/read.ts';
import { must, text } from './sample.ts';
import { anything } from './shared-values.ts';

export type ItemLists = readonly string[];
export type ItemSpace = Coherence<Record<string, ItemLists>>;

const KINDS = ['read', 'peek', 'fresh', 'recipe', 'blind', 'expect', 'bare', 'cas', 'copy', 'writeCopy', 'update', 'hold'] as const; // prettier-ignore
const SESSION_KINDS = ['open', 'look', 'note', 'publish', 'drop'] as const;
type Kind = (typeof KINDS)[number] | (typeof SESSION_KINDS)[number];
/** Without these, few reads would be stale and few agents would write again. */
const OFTEN: readonly Kind[] = ['read', 'read', 'read', 'read', 'recipe', 'cas', 'cas'];
const LOOKS: readonly Kind[] = ['read', 'peek', 'fresh', 'copy'];

export interface MemoryOperation {
  readonly agent: number;
  readonly key: number;
  readonly kind: Kind;
  /** How far the version that a write expects is from the current one; or which of several things is meant. */
  readonly pick: number;
  /** Milliseconds that pass before it. */
  readonly after: number;
}
export interface MemoryCase {
  readonly agents: number;
  readonly keys: number;
  readonly strategies: readonly StrategyOption[];
  readonly readers: 'wait' | 'committed';
  readonly operations: readonly MemoryOperation[];
}

const STRATEGIES: readonly StrategyOption[] = [
  ...(['lazy', 'eager', 'broadcast'] as const),
  { name: 'lease', ttlMs: 50 },
  { name: 'accessCount', reads: 2 },
];

export const drawMemory =
  (kinds: 'memory' | 'sessions') =>
  (random: Random): MemoryCase => {
    const agents = random.whole(2, 3);
    const keys = random.pick(kinds === 'memory' ? [1, 1, 2, 3] : [1, 2, 3, 3]);
    const known: readonly Kind[] = kinds === 'memory' ? [...KINDS, ...OFTEN] : sessionKinds(random);
    return {
      ...{ agents, keys },
      strategies: Array.from({ length: agents }, () => random.pick(STRATEGIES)),
      readers: random.pick(['wait', 'committed'] as const),
      operations: Array.from(
        { length: kinds === 'memory' ? random.whole(4, 40) : random.whole(20, 80) },
        () => ({
          agent: random.below(agents),
          key: random.below(keys),
          kind: random.pick(known),
          pick: random.below(6),
          after: random.below(4) === 0 ? random.whole(1, 60) : 0,
        }),
      ),
    };
  };

/** In a third of the cases sessions only read, so that a change of what they read is all that can refuse them. */
function sessionKinds(random: Random): readonly Kind[] {
  const notes: readonly Kind[] = random.below(3) === 0 ? [] : ['note', 'note'];
  return ['open', 'look', 'look', 'look', 'publish', 'drop', ...notes, 'recipe', 'recipe', 'recipe', 'read'];
}

interface Version {
  readonly value: ItemLists;
  /** When it was written, on the clock. */
  readonly at: number;
}
interface OpenSession {
  readonly session: Session<Record<string, ItemLists>>;
  readonly agent: number;
  /** By key: the version in the cut. */
  readonly cut: ReadonlyMap<string, number>;
  readonly read: Set<string>;
  readonly written: Map<string, ItemLists>;
}

/** Runs the operations of a case, one after the other. */
export async function judgeMemory(given: MemoryCase): Promise<undefined> {
  const world = new World(given);
  for (const operation of given.operations) await world.take(operation);
  world.end();
}

class World {
  readonly #given: MemoryCase;
  readonly #clock = new ManualClock();
  readonly #log = new LaggingLog();
  readonly #space: ItemSpace;
  readonly #keys: readonly string[];
  /** By key: every version. */
  readonly #versions = new Map<string, Version[]>();
  /** By agent and key: the newest version that it has seen, and stale reads since the next one. */
  readonly #seen = new Map<string, { version: number; stale: number }>();
  readonly #copies: { readonly copy: ValueCopy<ItemLists>; readonly key: string; readonly agent: number }[] =
    [];
  #sessions: OpenSession[] = [];
  #count = 0;

  constructor(given: MemoryCase) {
    this.#given = given;
    this.#keys = Array.from({ length: given.keys }, (_, i) => `k${i}`);
    for (const key of this.#keys) this.#versions.set(key, [{ value: [], at: 0 }]);
    const bus = this.#log.view();
    // Delivered at once: one process.
    this.#space = coherence({
      ...{ bus, clock: this.#clock, readers: given.readers, session: 'r' },
      schema: Object.fromEntries(this.#keys.map((key) => [key, anything<ItemLists>()])),
      initial: Object.fromEntries(this.#keys.map((key) => [key, []])),
      agents: Object.fromEntries(given.strategies.map((strategy, i) => [`a${i}`, strategy])),
    });
  }

  /** A request is delivered as soon as it is on the log. */
  async #run<T>(request: Promise<T>): Promise<T> {
    let pending = true;
    request.then(
      () => (pending = false),
      () => (pending = false),
    );
    for (let turn = 0; pending && turn < 200; turn++) {
      this.#log.drain();
      await settle();
    }
    this.#log.drain();
    must(!pending, () => 'A request does not end, though no other agent is at work.');
    return request;
  }

  async take(operation: MemoryOperation): Promise<void> {
    this.#clock.advance(operation.after);
    const { kind } = operation;
    const key = this.#keys[operation.key % this.#keys.length]!;
    const agent = operation.agent % this.#given.agents;
    if (LOOKS.includes(kind)) await this.#look(kind, agent, key);
    else if (kind === 'open') await this.#open(agent, operation.pick);
    else if ((SESSION_KINDS as readonly Kind[]).includes(kind))
      await this.#useSession(kind, key, operation.pick);
    else await this.#write(kind, agent, key, operation.pick);
    this.#checkCopies();
  }

  #agent(agent: number) {
    return this.#space.agent(`a${agent}`);
  }
  #current(key: string): number {
    return this.#versions.get(key)!.length - 1;
  }
  #value(key: string, version = this.#current(key)): ItemLists {
    return this.#versions.get(key)![version]!.value;
  }

  // ── reads
  async #look(kind: Kind, agent: number, key: string): Promise<void> {
    const shared = this.#agent(agent);
    if (kind === 'peek') {
      const copy = shared.peek(key);
      if (copy === undefined) return;
      this.#expectCurrent(`a${agent} peeks ${key}`, key, copy);
      return this.#note(agent, key, this.#current(key));
    }
    if (kind === 'copy') {
      const copy = await this.#run(shared.copy(key));
      this.#expectAllowed(agent, key, copy.value);
      const right = this.#value(key, copy.version);
      must(text(copy.value) === text(right), () => `A copy of ${key} says version ${copy.version}, and has ${text(copy.value)}.`); // prettier-ignore
      this.#copies.push({ copy, key, agent });
      return;
    }
    const value = await this.#run(shared.read(key, kind === 'fresh' ? { fresh: true } : {}));
    if (kind !== 'fresh') return this.#expectAllowed(agent, key, value);
    this.#expectCurrent(`a${agent} reads ${key} fresh`, key, value);
    this.#note(agent, key, this.#current(key));
  }
  #expectCurrent(what: string, key: string, value: ItemLists): void {
    const right = text(this.#value(key));
    must(text(value) === right, () => `${what} and finds ${text(value)}; it is ${right}.`);
  }
  /** Current, or stale within the bound of the agent's strategy, and never older than what the agent has seen. */
  #expectAllowed(agent: number, key: string, value: ItemLists): void {
    const strategy = this.#given.strategies[agent]!;
    const version = this.#versions.get(key)!.findIndex((one) => text(one.value) === text(value));
    const what = (why: string) => () =>
      `a${agent} (${text(strategy)}) reads ${key} = ${text(value)}, ${why}.`;
    must(version >= 0, what('which no agent has written'));
    const seen = this.#seen.get(`${agent} ${key}`) ?? { version: 0, stale: 0 };
    must(version >= seen.version, what('and has seen a newer version'));
    if (version < this.#current(key)) {
      const right = `and it is ${text(this.#value(key))}`;
      must(typeof strategy !== 'string', what(right));
      const age = this.#clock.now() - this.#versions.get(key)![version + 1]!.at;
      if (strategy.name === 'lease') must(age <= strategy.ttlMs, what(`${right} for ${age} ms`));
      if (strategy.name === 'accessCount')
        must(
          seen.version !== version || seen.stale < strategy.reads,
          what(`${right} for ${seen.stale} reads`),
        );
      const stale = seen.version === version ? seen.stale + 1 : 1;
      this.#seen.set(`${agent} ${key}`, { version, stale });
    } else this.#note(agent, key, version);
  }
  #note(agent: number, key: string, version: number): void {
    this.#seen.set(`${agent} ${key}`, { version, stale: 0 });
  }
  /** What any agent would find without asking is current, at every moment. */
  #checkCopies(): void {
    for (let agent = 0; agent < this.#given.agents; agent++)
      for (const key of this.#keys) {
        const copy = this.#agent(agent).peek(key);
        if (copy !== undefined) this.#expectCurrent(`a${agent} peeks ${key}`, key, copy);
      }
  }

  // ── writes
  async #write(kind: Kind, agent: number, key: string, pick: number): Promise<void> {
    const id = `w${++this.#count}`;
    const shared = this.#agent(agent);
    const current = this.#current(key);
    const next = [...this.#value(key), id];
    const expected = Math.max(0, current - (pick === 0 ? 1 : 0) + (pick === 1 ? 1 : 0));
    const append = (value: ItemLists) => [...value, id];
    const kept = this.#copies[pick % Math.max(1, this.#copies.length)];
    if (kind === 'recipe') await this.#accepted(shared.write(key, append), agent, key, next);
    else if (kind === 'update') await this.#accepted(shared.update(key, append), agent, key, next);
    else if (kind === 'blind')
      await this.#accepted(shared.write(key, [id], { blind: true }), agent, key, [id]);
    else if (kind === 'expect')
      await this.#judged(
        shared.write(key, next, { expect: expected }),
        agent,
        key,
        next,
        expected === current,
      );
    else if (kind === 'bare') await this.#judged(shared.write(key, [id]), agent, key, [id], current === 0);
    else if (kind === 'cas')
      await this.#judged(shared.compareAndSet(key, expected, next), agent, key, next, expected === current);
    else if (kind === 'hold') {
      const hold = await this.#run(shared.hold(key));
      this.#expectCurrent(`a${agent} holds ${key}`, key, hold.value);
      this.#note(agent, key, current);
      if (pick > 1) await this.#accepted(hold.write(append), agent, key, next);
      else await this.#run(hold.release());
    } else if (kept !== undefined) {
      const { copy } = kept;
      const value = [...copy.value, id];
      const fits = copy.version === this.#current(kept.key);
      await this.#judged(copy.write(value), kept.agent, kept.key, value, fits);
    }
  }
  #accepted(written: Promise<number>, agent: number, key: string, value: ItemLists): Promise<void> {
    return this.#judged(written, agent, key, value, true);
  }
  /** @param fits whether it was computed from the current version */
  async #judged(
    written: Promise<number>,
    agent: number,
    key: string,
    value: ItemLists,
    fits: boolean,
  ): Promise<void> {
    const outcome = await this.#run(written).catch((error: unknown) => {
      if (error instanceof ConflictError) return error;
      throw error;
    });
    const current = this.#current(key);
    if (outcome instanceof ConflictError) {
      must(
        !fits,
        () => `A write of ${key} from its current version ${current} is refused: ${outcome.message}`,
      );
      must(
        outcome.actual === current && outcome.reason === 'version',
        () => `A refusal says that ${key} is at version ${outcome.actual}, and it is at ${current}.`,
      );
      return;
    }
    must(
      fits,
      () => `A write of ${key} that was not computed from its current version ${current} is accepted.`,
    );
    must(outcome === current + 1, () => `A write of version ${current + 1} of ${key} returns ${outcome}.`);
    this.#commit(agent, key, value);
  }
  #commit(agent: number, key: string, value: ItemLists): void {
    this.#versions.get(key)!.push({ value, at: this.#clock.now() });
    this.#note(agent, key, this.#current(key));
  }

  // ── sessions
  async #open(agent: number, pick: number): Promise<void> {
    const keys = pick === 0 ? this.#keys : this.#keys.slice(0, 1 + (pick % this.#keys.length));
    const session = await this.#run(this.#agent(agent).session(keys));
    const cut = new Map(keys.map((key) => [key, this.#current(key)]));
    this.#sessions.push({ session, agent, cut, read: new Set(), written: new Map() });
  }
  async #useSession(kind: Kind, key: string, pick: number): Promise<void> {
    const open = this.#sessions[pick % Math.max(1, this.#sessions.length)];
    if (open === undefined || !open.cut.has(key)) return;
    const { session, cut, read, written } = open;
    const inCut = written.get(key) ?? this.#value(key, cut.get(key));
    if (kind === 'publish') return this.#publish(open);
    if (kind === 'drop') {
      session.close();
      this.#sessions = this.#sessions.filter((one) => one !== open);
      return;
    }
    if (kind === 'look') {
      const value = session.read(key);
      if (!written.has(key)) read.add(key);
      must(
        text(value) === text(inCut),
        () => `A session reads ${key} = ${text(value)}, and its cut has ${text(inCut)}.`,
      );
    } else {
      const next = [...inCut, `w${++this.#count}`];
      if (!written.has(key)) read.add(key);
      await this.#run(session.write(key, (value) => [...value, next.at(-1)!]));
      written.set(key, next);
    }
  }
  /** Accepted exactly if nothing that was read or written has changed since the cut; and then all of it. */
  async #publish(open: OpenSession): Promise<void> {
    this.#sessions = this.#sessions.filter((one) => one !== open);
    const { session, agent, cut, read, written } = open;
    const changed = [...new Set([...read, ...written.keys()])].filter(
      (key) => cut.get(key) !== this.#current(key),
    );
    const outcome = await this.#run(session.publish()).catch((error: unknown) => {
      if (error instanceof ConflictError) return error;
      throw error;
    });
    if (outcome instanceof ConflictError) {
      const named = outcome.conflicts.map(({ key }) => key).toSorted();
      must(changed.length > 0, () => 'A session is refused, and nothing that it read or wrote has changed.');
      must(
        text(named) === text(changed.toSorted()),
        () => `A refusal names ${text(named)}, and ${text(changed)} have changed.`,
      );
      return;
    }
    must(
      changed.length === 0,
      () => `A session is published, and ${text(changed)} have changed since its cut.`,
    );
    for (const [key, value] of written) {
      must(
        outcome[key] === this.#current(key) + 1,
        () => `Publishing ${key} returns version ${outcome[key]}.`,
      );
      this.#commit(agent, key, value);
    }
  }

  /** Memory has what was accepted, and nothing else. */
  end(): void {
    for (const { key, value, version } of this.#space.checkpoint().memory.cells) {
      const [right, current] = [text(this.#value(key)), this.#current(key)];
      must(text(value) === right && version === current, () => `${key} is ${text(value)} (version ${version}), and has to be ${right} (version ${current}).`); // prettier-ignore
    }
    this.#space.stop();
  }
}

export const shownMemory = ({ operations, ...setting }: MemoryCase): string[] => [
  text(setting),
  ...operations.map(({ agent, key, kind, pick, after }) => `${after > 0 ? `after ${after} ms, ` : ''}a${agent} ${kind} k${key} (${pick})`), // prettier-ignore
];
