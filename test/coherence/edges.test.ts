/** Claims about the edges of a space: joining, restarting, outages, closing, holds, values and steps. In every case,
 *  nothing acknowledged is lost, nothing waits indefinitely, and a reported outcome is true or in doubt. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { coherence, ConflictError, createBus, VirtualClock, type Coherence } from 'tutti';
import { HoldDeadlockError, InDoubtError, NestedCallError, ValueError } from '../../src/coherence/errors.ts';
import { MissedHistoryError, OriginError } from 'tutti/actors';
import { LaggingLog, ManualClock, settle } from '../../specs/harness/lagging.ts';
import { Random } from '../../specs/harness/random.ts';

const RUNS = process.env.TUTTI_DEEP === undefined ? 150 : 5_000;
const list = z.array(z.string());
type Shared = Coherence<{ k: string[] }>;
const space = (bus: ReturnType<LaggingLog['view']>, session: string, more: object = {}) =>
  coherence({ bus, schema: { k: list }, initial: { k: [] }, session, ...more }) as unknown as Shared;

describe('coherence: joining', () => {
  it('a replica on a log in use catches up by itself, and reads nothing old', async () => {
    const log = new LaggingLog();
    const first = space(log.view(), 'one');
    const a = first.agent('a');
    for (let i = 0; i < 5; i++)
      await pumped(
        log,
        a.write('k', (k) => void k.push(`${i}`)),
      );
    const second = space(log.view(), 'two');
    expect(await pumped(log, second.agent('b').read('k'))).toHaveLength(5);
    expect(
      await pumped(
        log,
        second.agent('b').write('k', (k) => void k.push('b')),
      ),
    ).toBe(6);
    expect(await pumped(log, a.read('k', { fresh: true }))).toHaveLength(6);
  });
  it('a replica whose history is gone is refused, and so is every call', async () => {
    const log = new LaggingLog();
    await pumped(log, space(log.view(), 'one').agent('a').write('k', ['x']));
    const view = log.view();
    view.retains = false;
    const late = space(view, 'two');
    const read = late.agent('b').read('k');
    await expect(late.ready).rejects.toThrow(MissedHistoryError);
    await expect(read).rejects.toThrow(/checkpoint/);
  });
  it('a replica with other initial values is refused before it reads', async () => {
    const log = new LaggingLog();
    await pumped(
      log,
      space(log.view(), 'one')
        .agent('a')
        .write('k', (k) => void k.push('x')),
    );
    const other = space(log.view(), 'two', { initial: { k: ['other'] } });
    const read = other.agent('b').read('k');
    await expect(other.ready).rejects.toThrow(OriginError);
    await expect(read).rejects.toThrow(/initial values/);
  });
  it('of two that begin at once with other values, the later on the log leaves', async () => {
    const log = new LaggingLog();
    const [one, two] = [space(log.view(), 'one'), space(log.view(), 'two', { initial: { k: ['other'] } })];
    const reads = [one.agent('a').read('k'), two.agent('b').read('k')];
    const ended = await pumped(log, Promise.allSettled(reads));
    expect(ended.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
  });
  it('a checkpoint works on the same bus, and on a new one for several replicas', async () => {
    const old = new LaggingLog();
    const before = space(old.view(), 'one');
    await pumped(old, before.agent('a').write('k', ['x']));
    const saved = JSON.parse(JSON.stringify(before.checkpoint()));
    await pumped(
      old,
      before.agent('a').write('k', (k) => void k.push('y')),
    );
    const same = space(old.view(), 'two', { from: saved });
    expect(await pumped(old, same.agent('b').read('k'))).toEqual(['x', 'y']);

    const log = new LaggingLog();
    for (let i = 0; i < 3; i++) void log.publish({ type: 'pulse', tag: 1, value: i } as never); // other traffic
    const restored = space(log.view(), 'three', { from: saved });
    const c = restored.agent('c');
    expect(await pumped(log, c.read('k'))).toEqual(['x']);
    for (let i = 0; i < 4; i++)
      await pumped(
        log,
        c.write('k', (k) => void k.push(`${i}`)),
      );
    const joined = space(log.view(), 'four', { from: saved });
    expect(await pumped(log, joined.agent('d').read('k'))).toEqual(['x', '0', '1', '2', '3']);
    await pumped(
      log,
      joined.agent('d').write('k', (k) => void k.push('d')),
    );
    expect(await pumped(log, c.read('k', { fresh: true }))).toContain('d');
    const wrong = space(log.view(), 'five'); // without the checkpoint
    await expect(wrong.ready).rejects.toThrow(OriginError);
  });
});

describe('coherence: outages and ends', () => {
  it('a bus that fails for a while costs a delay, and applies every write once', async () => {
    const clock = new ManualClock();
    const log = new LaggingLog();
    const bus = log.view();
    const shared = space(bus, 'one', { clock });
    const a = shared.agent('a');
    await pumped(log, a.write('k', ['x']));
    const publish = bus.publish.bind(bus);
    let tries = 0;
    bus.publish = (signal) => {
      tries++;
      void publish(signal); // it arrives, and the answer is lost
      return Promise.reject(new Error('ECONNRESET'));
    };
    const write = a.write('k', (k) => void k.push('y'));
    for (let i = 0; i < 10; i++) {
      await settle();
      clock.advance(50);
    }
    expect(tries).toBeGreaterThan(2);
    bus.publish = publish;
    for (let i = 0; i < 30; i++) {
      await settle();
      clock.advance(1_000);
      log.drain();
    }
    expect(await write).toBe(2);
    expect(await pumped(log, a.read('k', { fresh: true }))).toEqual(['x', 'y']);
  });
  it('an outage that lasts too long ends the space, and the write in flight is in doubt', async () => {
    const clock = new ManualClock();
    const log = new LaggingLog();
    const bus = log.view();
    const shared = space(bus, 'one', { clock, outageMs: 5_000 });
    const a = shared.agent('a');
    await pumped(log, a.read('k')); // E: the write needs one entry
    bus.publish = () => Promise.reject(new Error('ECONNRESET'));
    const write = a.write('k', (k) => void k.push('y'));
    const failed = write.catch((error: unknown) => error);
    for (let i = 0; i < 20; i++) {
      await settle();
      clock.advance(1_000);
    }
    expect(await failed).toBeInstanceOf(InDoubtError);
    expect(() => shared.agent('b')).toThrow(/ECONNRESET/);
    await shared.close();
  });
  it('nothing acknowledged is lost and everything settles, while replicas join, close, crash and fail', async () => {
    const total = { acknowledged: 0, doubtful: 0, refused: 0, joined: 0 };
    await fc.assert(
      fc.asyncProperty(fc.nat(), async (seed) => {
        const figures = await rough(seed);
        for (const name of Object.keys(total) as (keyof typeof total)[]) total[name] += figures[name];
      }),
      { numRuns: RUNS, endOnFailure: true },
    );
    console.log(`edges: ${RUNS}; ${JSON.stringify(total)}`);
    for (const count of Object.values(total)) expect(count).toBeGreaterThan(RUNS / 10);
  }, 600_000);
});

/** One rough history: replicas that join, restart from a checkpoint, close, crash and lose their bus for a while. */
async function rough(seed: number) {
  const draw = new Random(seed);
  const random = (limit: number) => draw.below(limit);
  const log = new LaggingLog({ direct: random(2) === 0 });
  const clock = new ManualClock();
  const live: { shared: Shared; view: ReturnType<LaggingLog['view']> }[] = [];
  const figures = { acknowledged: 0, doubtful: 0, refused: 0, joined: 0 };
  const acknowledged: string[] = [];
  const possible = new Set<string>();
  const refused = new Set<string>();
  let [sessions, running, ids] = [0, 0, 0];
  let checkpoint: unknown;
  const join = (): void => {
    const view = log.view();
    const from = checkpoint !== undefined && random(2) === 0 ? { from: checkpoint } : {};
    const shared = space(view, `s${sessions++}`, { clock, leaseMs: 1_000, outageMs: 60_000, ...from });
    if (log.log.length > 0) figures.joined++;
    live.push({ shared, view });
  };
  const work = async (shared: Shared): Promise<void> => {
    running++;
    const id = `w${ids++}`;
    possible.add(id);
    try {
      const agent = shared.agent(`a${random(3)}`);
      const kind = random(6);
      if (kind < 2) await agent.write('k', (k) => void k.push(id));
      else if (kind === 2) await agent.update('k', async (k) => (await settle(), [...k, id]));
      else if (kind === 3) {
        const copy = await agent.copy('k');
        await settle();
        await copy.write([...copy.value, id]);
      } else if (kind === 4) {
        await using hold = await agent.hold('k');
        await settle();
        await hold.write((k) => void k.push(id));
      } else {
        const session = await agent.session(['k']);
        await session.write('k', (k) => void k.push(id));
        await session.publish();
      }
      acknowledged.push(id);
      figures.acknowledged++;
    } catch (error) {
      if (error instanceof InDoubtError) figures.doubtful++;
      else {
        refused.add(id);
        figures.refused++;
      }
    } finally {
      running--;
    }
  };
  join();
  join();
  for (let step = 0; step < 120; step++) {
    const { shared, view } = live[random(live.length)]!;
    const roll = random(40);
    if (roll < 8) void work(shared);
    else if (roll === 8 && live.length < 4) join();
    else if (roll === 9) checkpoint = JSON.parse(JSON.stringify(shared.checkpoint()));
    else if (roll === 10) view.down = !view.down;
    else if (roll === 11) void shared.agent(`a${random(3)}`).close();
    else if (roll === 12 && live.length > 1 && random(3) === 0) {
      live.splice(
        live.findIndex((one) => one.shared === shared),
        1,
      );
      if (random(2) === 0) void shared.close();
      else shared.stop();
    } else if (roll === 13) clock.advance(1_000);
    else {
      const [source] = log.waiting();
      if (random(2) === 0 && source !== undefined) log.append(source);
      else view.deliver();
    }
    await settle();
  }
  for (const view of log.views) view.down = false; // also those of spaces that are closing
  for (let round = 0; running > 0; round++) {
    if (round > 400) throw new Error(`${running} calls never settle`);
    log.drain();
    await settle();
    clock.advance(500);
  }
  log.drain();
  await settle();
  const values = live.map(({ shared }) => shared.replica.memory.cells.get('k')!.value as string[]);
  for (const value of values) {
    expect(value).toEqual(values[0]);
    for (const id of acknowledged)
      expect(
        value.filter((one) => one === id),
        `acknowledged ${id}`,
      ).toHaveLength(1);
    for (const id of value) expect(refused.has(id), `${id} was refused and is there`).toBe(false);
    expect(new Set(value).size).toBe(value.length);
  }
  for (const { shared } of live) {
    expect(shared.replica.impossible).toBe(0);
    const closed = shared.close();
    for (let i = 0; i < 20; i++) {
      await settle();
      log.drain();
      clock.advance(500);
    }
    await closed;
  }
  return figures;
}

describe('coherence: holds', () => {
  const n = z.number();
  const make = (more: object = {}) =>
    coherence({ bus: createBus(), schema: { x: n, y: n }, initial: { x: 0, y: 0 }, ...more });
  it('a circle of waits is refused for the agent that closes it, with its keys, and the others go on', async () => {
    const shared = make();
    const [a, b] = [shared.agent('a'), shared.agent('b')];
    const [x, y] = [await a.hold('x'), await b.hold('y')];
    const waits = a.hold('y');
    const refused = await b.hold('x').catch((error: unknown) => error);
    expect(refused).toBeInstanceOf(HoldDeadlockError);
    expect((refused as HoldDeadlockError).keys).toEqual(['x', 'y']);
    await expect(b.read('x')).rejects.toBeInstanceOf(HoldDeadlockError);
    await y.release();
    await (await waits).write(1);
    await x.write(1);
    expect(await b.read('x')).toBe(1);
  });
  it('several keys are taken in one order, so that crosswise holders take turns', async () => {
    const shared = make();
    const work = async (name: string, keys: ('x' | 'y')[]) => {
      await using holds = await shared.agent(name).holdAll(keys);
      await Promise.resolve();
      for (const key of keys) await holds.get(key).write((value) => value + 1);
    };
    await Promise.all([work('a', ['x', 'y']), work('b', ['y', 'x']), work('c', ['y'])]);
    expect([await shared.agent('r').read('x'), await shared.agent('r').read('y')]).toEqual([2, 3]);
  });
  it('a hold that works longer than the lease is renewed while others wait', async () => {
    const clock = new VirtualClock();
    const shared = make({ bus: createBus({ clock }), clock, leaseMs: 1_000 });
    const hold = await shared.agent('a').hold('x');
    const next = shared.agent('b').write('x', (x) => x + 10);
    await new Promise<void>((resolve) => void clock.setTimeout(resolve, 10_000));
    expect(await hold.write(1)).toBe(1);
    expect(await next).toBe(2);
  });
  it('updates under contention all succeed, and compute at most twice', async () => {
    const shared = make();
    let computed = 0;
    const think = async (x: number) => {
      computed++;
      await settle();
      return x + 1;
    };
    await Promise.all(Array.from({ length: 20 }, (_, i) => shared.agent(`a${i % 10}`).update('x', think)));
    expect(await shared.agent('r').read('x')).toBe(20);
    expect(computed).toBeLessThanOrEqual(40);
  });
  it('says who holds what, and who waits', async () => {
    const shared = make();
    const hold = await shared.agent('a').hold('x');
    const write = shared.agent('b').write('x', (x) => x + 1);
    const read = shared.agent('c').read('x');
    expect(shared.holders()[0]).toMatchObject({
      key: 'x',
      owner: 'a',
      held: true,
      writers: ['b'],
      readers: ['c'],
    });
    await hold.release();
    await Promise.all([write, read]);
  });
});

describe('coherence: whole values', () => {
  it('carry the version that they were computed from: parallel tasks of one agent bury nothing', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.nat(5), { minLength: 2, maxLength: 6 }), async (waits) => {
        const shared = coherence({ bus: createBus(), schema: { k: list }, initial: { k: [] } });
        const task = async (wait: number, index: number) => {
          const agent = shared.agent(index % 3 === 2 ? 'other' : 'planner');
          const copy = await agent.copy('k');
          for (let i = 0; i < wait; i++) await Promise.resolve();
          return copy.write([...copy.value, `${index}`]);
        };
        const ended = await Promise.allSettled(waits.map(task));
        const done = ended.filter(({ status }) => status === 'fulfilled').length;
        expect(await shared.agent('reader').read('k')).toHaveLength(done);
        expect(done).toBeGreaterThan(0);
      }),
    );
  });
  it('without a version replace the initial value only, unless they are blind', async () => {
    const shared = coherence({ bus: createBus(), schema: { k: list }, initial: { k: [] } });
    const a = shared.agent('a');
    expect(await a.write('k', ['one'])).toBe(1);
    await expect(a.write('k', ['two'])).rejects.toBeInstanceOf(ConflictError);
    expect(await a.write('k', ['two'], { blind: true })).toBe(2);
    expect(await a.write('k', ['three'], { expect: 2 })).toBe(3);
    await expect(a.write('k', ['x'], { expct: 3 } as never)).rejects.toThrow(
      /no option 'expct'; did you mean 'expect'/,
    );
  });
});

describe('coherence: values', () => {
  const any = z.any();
  const make = () => coherence({ bus: createBus(), schema: { v: any }, initial: { v: null } });
  const json = fc.jsonValue({ maxDepth: 4 }).map((value) => JSON.parse(JSON.stringify(value)) as unknown);
  it('that are JSON are copied: the writer may change its own object, and readers get frozen ones', async () => {
    await fc.assert(
      fc.asyncProperty(json, async (value) => {
        const shared = make();
        const before = JSON.stringify(value);
        await shared.agent('a').write('v', value, { blind: true });
        spoil(value);
        const read = (await shared.agent('b').read('v')) as unknown;
        expect(JSON.stringify(read)).toBe(before);
        expect(deeplyFrozen(read)).toBe(true);
      }),
    );
  });
  const bad: [string, () => unknown, RegExp][] = [
    ['a Date', () => new Date(0), /is a Date/],
    ['a Map', () => new Map(), /is a Map/],
    ['a Set', () => new Set(), /is a Set/],
    ['an instance of a class', () => new URL('http://box'), /is a URL/],
    ['a BigInt', () => 1n, /is a bigint/],
    ['a function', () => ({ f: () => 1 }), /v.*f is a function/],
    ['undefined in an array', () => [1, undefined], /1 is undefined/],
    ['a hole in an array', () => [1, , 2], /1 is undefined/], // oxlint-disable-line no-sparse-arrays
    ['NaN', () => NaN, /is NaN/],
    ['a symbol', () => Symbol('s'), /is a symbol/],
    [
      'a property that throws',
      () => Object.defineProperty({}, 'x', { enumerable: true, get: () => fail() }),
      /cannot be read/,
    ],
    ['a cycle', () => cycle(), /contains itself/],
    ['a very deep value', () => deep(20_000), /nested deeper than 500 levels/],
    ['a property named __proto__', () => JSON.parse('{"__proto__": 1}') as unknown, /__proto__/],
  ];
  it.each(bad)(
    '%s is refused by its path on every way of writing, and nothing changes',
    async (_, value, message) => {
      const shared = make();
      const a = shared.agent('a');
      const inside = () => ({ ok: { here: value() } });
      const session = await a.session(['v']);
      const hold = await shared.agent('h').hold('v');
      const ways: (() => Promise<unknown>)[] = [
        () => a.write('v', inside(), { blind: true }),
        () => shared.agent('c').compareAndSet('v', 0, inside()),
        () => session.write('v', inside()),
        () => hold.write(inside()),
        () => hold.write(() => inside()),
      ];
      for (const way of ways) {
        const error = await Promise.resolve().then(way).then(() => undefined, (thrown: unknown) => thrown); // prettier-ignore
        expect(error).toBeInstanceOf(ValueError);
        expect((error as Error).message).toMatch(message);
        expect((error as ValueError).path.slice(0, 2)).toEqual(['ok', 'here']);
      }
      await hold.release();
      expect(await shared.agent('b').copy('v')).toMatchObject({ value: null, version: 0 });
    },
  );
  it('that came from another process or from a checkpoint cannot be changed by a reader, however deep', async () => {
    const deep = z.object({ list: z.array(z.object({ n: z.number() })) });
    const log = new LaggingLog();
    const of = (session: string) =>
      coherence({ bus: log.view(), schema: { k: deep }, initial: { k: { list: [{ n: 0 }] } }, session });
    const [one, two] = [of('one'), of('two')];
    await pumped(
      log,
      one.agent('a').write('k', (k) => void k.list.push({ n: 1 })),
    );
    const restored = coherence({
      bus: createBus(),
      schema: { k: deep },
      from: JSON.parse(JSON.stringify(two.checkpoint())),
    });
    const values = [await pumped(log, two.agent('b').read('k')), await restored.agent('c').read('k')];
    for (const value of values) {
      expect(value).toEqual({ list: [{ n: 0 }, { n: 1 }] });
      expect(() => ((value.list[1] as { n: number }).n = 9)).toThrow(TypeError);
      expect(() => value.list.push({ n: 2 })).toThrow(TypeError);
    }
  });
  it('that a recipe puts into its draft stay the writer’s own', async () => {
    const shared = coherence({ bus: createBus(), schema: { v: any }, initial: { v: { list: [] } } });
    const mine = { tags: ['a'] };
    await shared.agent('a').write('v', (v: { list: unknown[] }) => void v.list.push(mine));
    mine.tags.push('b');
    expect(await shared.agent('b').read('v')).toEqual({ list: [{ tags: ['a'] }] });
    const changes = shared.replica.memory.cells.get('v')!.changes;
    expect(changes.at(-1)!.patches).toEqual([{ op: 'add', path: ['list', 0], value: { tags: ['a'] } }]);
  });
  it('are the schema’s output on every way of writing', async () => {
    const clamped = z.number().transform((n) => Math.min(n, 10));
    const shared = coherence({ bus: createBus(), schema: { n: clamped }, initial: { n: 99 } });
    const a = shared.agent('a');
    expect(await a.read('n')).toBe(10);
    const ways: (() => Promise<unknown>)[] = [
      () => a.write('n', 50, { blind: true }),
      () => a.write('n', () => 50),
      () => a.update('n', () => 50),
      async () => a.compareAndSet('n', a.version('n'), 50),
      async () => (await a.hold('n')).write(50),
      async () => {
        const session = await a.session(['n']);
        await session.write('n', () => 50);
        await session.publish();
      },
    ];
    for (const way of ways) {
      await way();
      expect(await shared.agent('b').read('n')).toBe(10);
    }
  });
  it('of other keys cannot be used within a recipe, on any way', async () => {
    const shared = coherence({ bus: createBus(), schema: { v: any, w: any }, initial: { v: 0, w: 0 } });
    const [a, b] = [shared.agent('a'), shared.agent('b')];
    const ways: (() => unknown)[] = [
      () => b.read('w'),
      () => b.peek('w'),
      () => b.copy('w'),
      () => b.write('w', 1),
      () => b.compareAndSet('w', 0, 1),
      () => b.update('w', () => 1),
      () => b.hold('w'),
      () => b.holdAll(['w']),
      () => b.session(['w']),
      () => b.evict('w'),
    ];
    for (const way of ways) {
      await a.write('v', (v: number) => {
        expect(way).toThrow(NestedCallError);
        return v + 1;
      });
    }
    expect(await b.copy('w')).toMatchObject({ value: 0, version: 0 });
    expect(await a.read('v')).toBe(ways.length);
  });
});

describe('coherence: watching and run-time keys', () => {
  it('a watcher is called for every change of what it selects, and not after it has ended', async () => {
    const shared = coherence({
      bus: createBus(),
      schema: { v: z.object({ a: z.number(), b: z.number() }) },
      initial: { v: { a: 0, b: 0 } },
    });
    const seen: number[] = [];
    const stop = shared.agent('w').watch('v', { select: ({ a }) => a }, (a: number) => seen.push(a));
    const writer = shared.agent('writer');
    for (const key of ['a', 'b', 'a'] as const) await writer.write('v', (v) => void v[key]++);
    stop();
    await writer.write('v', (v) => void v.a++);
    expect(seen).toEqual([0, 1, 2]);
  });
  it('a store has a stable snapshot, and a listener that throws harms no other', async () => {
    const shared = coherence({ bus: createBus(), schema: { k: list }, initial: { k: [] } });
    const store = shared.agent('view').store('k');
    const errors: unknown[] = [];
    const { error } = console;
    console.error = (...said) => errors.push(said);
    let calls = 0;
    const stops = [
      store.subscribe(() => {
        throw new Error('mine');
      }),
      store.subscribe(() => calls++),
    ];
    const before = store.getSnapshot();
    expect(store.getSnapshot()).toBe(before);
    await shared.agent('a').write('k', ['x']);
    console.error = error;
    expect([store.getSnapshot(), errors.length > 0]).toEqual([['x'], true]);
    expect(calls).toBeGreaterThan(0);
    for (const stop of stops) stop();
    await shared.close();
  });
  it('a key defined at run time exists once, for every replica that defines it', async () => {
    const log = new LaggingLog();
    const [one, two] = [space(log.view(), 'one'), space(log.view(), 'two')];
    const [more, same] = await pumped(
      log,
      Promise.all([one.define('n', z.number(), { initial: 1 }), two.define('n', z.number(), { initial: 2 })]),
    );
    await pumped(
      log,
      more.agent('a').write('n', (n) => n + 10),
    );
    expect(await pumped(log, same.agent('b').read('n', { fresh: true }))).toBe(11);
    await expect(one.define('n', z.number())).rejects.toThrow(/has a key 'n' already/);
  });
  it('ten thousand agents that come and go leave nothing behind', async () => {
    const shared = coherence({ bus: createBus(), schema: { k: list }, initial: { k: [] } });
    const sizes: number[] = [];
    for (let i = 0; i < 2_000; i++) {
      await using agent = shared.agent(`a${i}`);
      await agent.read('k');
      if (i % 1_000 === 999) sizes.push(JSON.stringify(shared.checkpoint()).length);
    }
    expect(Math.abs(sizes[1]! - sizes[0]!)).toBeLessThan(20);
    expect([shared.replica.lines.size, shared.replica.memory.cells.get('k')!.sharers.size]).toEqual([0, 0]);
  });
});

async function pumped<T>(log: LaggingLog, promise: Promise<T>): Promise<T> {
  let settled = false;
  const watched = promise.finally(() => (settled = true));
  watched.catch(() => undefined);
  for (let turn = 0; turn < 400 && !settled; turn++) {
    await settle();
    log.drain();
  }
  if (!settled) throw new Error('it never settles');
  return watched;
}
function spoil(value: unknown): void {
  if (Array.isArray(value)) value.push('spoiled');
  else if (typeof value === 'object' && value !== null) (value as Record<string, unknown>)['spoiled'] = true;
}
const deeplyFrozen = (value: unknown): boolean =>
  typeof value !== 'object' ||
  value === null ||
  (Object.isFrozen(value) && Object.values(value).every((part) => deeplyFrozen(part)));
const fail = (): never => {
  throw new Error('unreadable');
};
function cycle(): unknown {
  const value: Record<string, unknown> = {};
  value['self'] = value;
  return value;
}
function deep(levels: number): unknown {
  let value: unknown = 1;
  for (let i = 0; i < levels; i++) value = [value];
  return value;
}
