/** Claim: the real actors on a real bus do, step by step, the same as the explored worlds: every step of a space is
 *  taken by replicas' lines, senders and memory, and both are compared. */
import { describe, expect, it } from 'vitest';
import { Replica } from '../../actors/coherence/replica.ts';
import type { Write } from '../../actors/coherence/entry.ts';
import { Bench } from '../../specs/coherence/bench.ts';
import { searchWorlds, type SearchSetting, type SearchedSpace } from '../../specs/coherence/search.ts';
import {
  agentName,
  keyName,
  OFF,
  ON,
  writesOf,
  type SessionWrite,
  type WorldStep,
} from '../../specs/coherence/world.ts';
import { LaggingLog, ManualClock } from '../../specs/harness/lagging.ts';

const DEEP = process.env.TUTTI_DEEP !== undefined;
const replays: SearchSetting[] = [
  { agents: 3, readers: 'wait', bus: 'atomic' },
  { agents: 3, readers: 'committed', bus: 'atomic', events: ['LOAD', 'STORE', 'EVICT', 'CAS', 'RECLAIM'] },
  { agents: 2, readers: 'wait', bus: 'queued' },
  { agents: 2, readers: 'committed', bus: 'queued' },
  { agents: 2, keys: 2, readers: 'wait', bus: 'atomic', events: ['LOAD', 'STORE', 'OFF'] },
  { agents: 2, keys: 2, readers: 'wait', bus: 'queued', events: ['LOAD', 'OFF', 'BOTH'] },
];
const further: SearchSetting[] = [{ agents: 4, readers: 'wait', bus: 'atomic' }];

describe('mesi: the real actors', () => {
  it.each(DEEP ? [...replays, ...further] : replays)('%o: no step differs', async (setting) => {
    const whole: SearchSetting = { ...setting, alike: 'none', keep: true };
    const space = searchWorlds(whole);
    const { walked, mismatches } = await replay(space, whole);
    expect(mismatches.slice(0, 3)).toEqual([]);
    expect(walked).toBe(space.edges);
    expect(walked).toBeGreaterThan(200);
  });
});

/** Walks over every edge of the space, on actors on a bus. */
async function replay(
  space: SearchedSpace,
  setting: SearchSetting,
): Promise<{ walked: number; mismatches: string[] }> {
  const bench = new Bench(setting, space.lanes);
  const open = space.next.map((row) => row.map((_, index) => index));
  const mismatches: string[] = [];
  let walked = 0;
  for (let from = 0; from < open.length; from++) {
    while (open[from]!.length > 0) {
      const actors = new Actors(setting);
      const way = space.wayTo(from);
      for (const [i, at] of way.slice(0, -1).entries())
        actors.take(space.next[at]!.find(({ to }) => to === way[i + 1])!.step);
      for (let at = from; open[at]!.length > 0;) {
        const { step, to } = space.next[at]![open[at]!.pop()!]!;
        actors.take(step);
        walked++;
        bench.load(space.worlds[to]!);
        const [seen, expected] = [actors.view(), viewOf(bench)];
        if (seen !== expected) mismatches.push(`${JSON.stringify(step)}: ${seen} is not ${expected}`);
        at = to;
      }
      actors.stop();
      await Promise.resolve(); // what the leases put off to the end of the instant would pile up
    }
  }
  return { walked, mismatches };
}

class Actors {
  readonly #log = new LaggingLog({ direct: false });
  readonly #view = this.#log.view();
  readonly #replica: Replica;
  readonly #names: readonly string[];
  readonly #keys: readonly string[];
  readonly #atomic: boolean;
  readonly #sessions = new Map<number, SessionWrite>();

  constructor({ agents, keys = 1, readers, bus }: SearchSetting) {
    this.#names = Array.from({ length: agents }, (_, index) => agentName(index));
    this.#keys = Array.from({ length: keys }, (_, key) => keyName(key));
    this.#atomic = bus === 'atomic';
    this.#replica = new Replica({
      bus: this.#view,
      initial: this.#keys.map((key) => [key, ON] as const),
      readers,
      history: 0,
      clock: new ManualClock(),
      session: 'test',
    });
    for (const name of this.#names)
      for (const key of this.#keys) this.#replica.line(name, this.#replica.memory.cells.get(key)!);
  }
  take({ by, event, key }: WorldStep): void {
    const cell = this.#replica.memory.cells.get(this.#keys[key]!)!;
    if (event === 'APPEND') this.#append(by);
    else if (event === 'RECLAIM') this.#say('memory', { op: 'reclaim', key: cell.key, epoch: cell.epoch });
    else if (event === 'CAS' || event === 'BOTH' || event === 'OFF') {
      const seen = this.#keys.map((name) => this.#replica.memory.cells.get(name)!.version);
      this.#sessions.set(by, { form: event.toLowerCase() as SessionWrite['form'], key, seen });
      if (!this.#atomic) this.#publish(by);
    } else if (event === 'SAY') this.#publish(by);
    else {
      const line = this.#replica.line(this.#names[by]!, cell);
      if (event === 'STORE') this.#replica.store(line, { value: ON, base: line.version, patches: undefined });
      else this.#replica.send(line, event as 'LOAD');
    }
    while (this.#atomic) {
      const next = [...this.#names, 'memory'].findIndex((name) => this.#log.waiting().includes(name));
      if (next < 0) break;
      this.#append(next);
    }
  }
  #publish(by: number): void {
    const session = this.#sessions.get(by)!;
    const { form, key, seen } = session;
    const write = (k: number): Write => {
      const value = form === 'off' ? OFF : ON;
      return { key: this.#keys[k]!, base: seen[k]!, value };
    };
    const reads = this.#keys.map((name, k) => ({ key: name, version: seen[k]! }));
    if (form === 'cas') this.#say(this.#names[by]!, { op: 'cas', ...write(key) });
    else this.#say(this.#names[by]!, { op: 'publish', reads, writes: writesOf(session).map(write) });
  }
  #say(name: string, entry: Parameters<Replica['ask']>[1]): void {
    void Promise.resolve(this.#replica.ask(this.#replica.sender(name), entry)).catch(() => undefined);
  }
  #append(by: number): void {
    this.#log.append(this.#names[by] ?? 'memory');
    this.#view.deliver();
  }
  view(): string {
    const cells = [...this.#replica.memory.cells.values()].map((cell) => {
      const { owner, held, queue, readers, sharers, value } = cell;
      return [owner ?? null, held, queue, readers, [...sharers].sort(), value];
    });
    const lines = [...this.#replica.lines.values()].map(({ state, readable, version, cell }) => [
      state,
      readable,
      readable && version === cell.version,
    ]);
    return JSON.stringify([lines, cells, this.#replica.impossible]);
  }
  stop(): void {
    this.#replica.stop();
  }
}

function viewOf(bench: Bench): string {
  const cells = bench.cells.map(({ owner, held, queue, readers, sharers, value }) => [
    ...[owner ?? null, held, queue, readers, [...sharers].sort(), value],
  ]);
  const lines = bench.state.map((state, i) => {
    const readable = bench.table.readable(state, bench.copy[i]!);
    return [bench.table.states[state], readable, readable && bench.version[i] === 1];
  });
  return JSON.stringify([lines, cells, 0]);
}
