/** Claim: the user's API does what it says, and every bad input is a typed error after which nothing has changed
 *  and nothing is held. */
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { coherence, ConflictError, createBus, SchemaError, VirtualClock } from 'tutti';
import {
  ClosedAgentError,
  LapsedError,
  NestedCallError,
  RecipeError,
  RetryError,
  UnknownKeyError,
  UnsetError,
  UsageError,
} from '../../src/coherence/errors.ts';
import { retry } from '../../src/coherence/retry.ts';
import { TokenLedger } from '../../src/coherence/ledger.ts';

const schema = { plan: z.object({ steps: z.array(z.string()) }), n: z.number(), late: z.string() };
const make = () =>
  coherence({ bus: createBus(), schema, initial: { plan: { steps: [] }, n: 0 }, session: 'test' });
/** What must be so after any refusal: the same values, no agent holds anything, and every agent can write. */
async function intact(shared: ReturnType<typeof make>, before: unknown) {
  const cells = [...shared.replica.memory.cells.values()];
  expect(cells.map(({ key, value, version }) => [key, value, version])).toEqual(before);
  expect(cells.filter(({ held, queue }) => held || queue.length > 0)).toEqual([]);
  expect(shared.replica.impossible).toBe(0);
  await shared.agent('probe').write('n', (n) => n);
}
const cellsOf = (shared: ReturnType<typeof make>) =>
  [...shared.replica.memory.cells.values()].map(({ key, value, version }) => [key, value, version]);

describe('coherence: use', () => {
  it('reads, writes by recipe, and shows the write to every agent', async () => {
    const shared = make();
    const [planner, writer] = [shared.agent('planner'), shared.agent('writer')];
    expect(planner.peek('plan')).toBeUndefined();
    expect(await planner.read('plan')).toEqual({ steps: [] });
    expect(await planner.write('plan', (plan) => void plan.steps.push('read'))).toBe(1);
    expect(await writer.read('plan')).toEqual({ steps: ['read'] });
    expect(writer.peek('plan')).toBe(await writer.read('plan'));
    expect(Object.isFrozen(writer.peek('plan')!.steps)).toBe(true);
    expect([planner.version('plan'), writer.version('plan')]).toEqual([1, 1]);
  });
  it('answers a hit without an entry on the bus, only while the line may be read', async () => {
    const bus = createBus();
    const shared = coherence({ bus, schema, initial: { plan: { steps: [] }, n: 0 } });
    const agent = shared.agent('a');
    await agent.read('n');
    const { tip } = bus;
    for (let i = 0; i < 100; i++) await agent.read('n');
    expect([bus.tip, shared.hits]).toEqual([tip, 100]);
    await shared.agent('b').write('n', (n) => n + 1);
    expect([agent.has('n'), agent.peek('n')]).toEqual([false, undefined]);
  });
  it('replaces a whole value without fetching it, and charges nothing for it', async () => {
    const ledger = new TokenLedger();
    const shared = coherence({ bus: createBus(), schema, initial: { n: 0 }, ledger });
    await shared.agent('a').write('n', 5);
    expect([ledger.tokens, shared.counts.misses, await shared.agent('a').read('n')]).toEqual([0, 0, 5]);
  });
  it('refuses to bury what the writer has not seen, and says what changed', async () => {
    const shared = make();
    const [a, b] = [shared.agent('a'), shared.agent('b')];
    const seen = await a.read('plan');
    await b.write('plan', (plan) => void plan.steps.push('b'));
    const refused = await a.write('plan', { steps: [...seen.steps, 'a'] }).catch((error: unknown) => error);
    expect(refused).toBeInstanceOf(ConflictError);
    const patches = [{ op: 'add', path: ['steps', 0], value: 'b' }];
    expect(refused).toMatchObject({ key: 'plan', expected: 0, actual: 1, reason: 'version', patches });
    expect((refused as ConflictError).recover).toContain('read');
    expect(await a.write('plan', { steps: ['mine'] }, { overwrite: true })).toBe(2);
  });
  it('update retries up to its bound, and then says so', async () => {
    const shared = make();
    const [a, b] = [shared.agent('a'), shared.agent('b')];
    let rivals = 2;
    const slow = async (n: number) => (rivals-- > 0 && (await b.write('n', (m) => m + 10)), n + 1);
    expect(await a.update('n', slow, { attempts: 3 })).toBe(3);
    expect(await a.read('n')).toBe(21);
    const never = a.update('n', async (n) => (await b.write('n', (m) => m + 1), n), {
      attempts: 3,
      queue: false,
    });
    await expect(never).rejects.toThrow(RetryError);
    await expect(retry(() => Promise.reject(new TypeError('mine')))).rejects.toThrow(TypeError);
  });
  it('a hold makes writers queue and readers wait; with `committed` they go on', async () => {
    for (const readers of ['wait', 'committed'] as const) {
      const shared = coherence({ bus: createBus(), schema, initial: { n: 1 }, readers });
      const [a, b] = [shared.agent('a'), shared.agent('b')];
      await b.read('n');
      const hold = await a.hold('n');
      const settled: string[] = [];
      const read = b.read('n').finally(() => settled.push('read'));
      const write = b.write('n', (n) => n * 10).finally(() => settled.push('write'));
      await new Promise((resolve) => setImmediate(resolve));
      expect(settled).toEqual(readers === 'wait' ? [] : ['read']);
      expect([await hold.write((n) => n + 1), await write]).toEqual([1, 2]);
      expect(await read).not.toBe(readers === 'wait' ? 1 : undefined);
      expect(await a.read('n')).toBe(20);
    }
  });
  it('reclaims a hold by its lease, in virtual time', async () => {
    const clock = new VirtualClock();
    const shared = coherence({ bus: createBus({ clock }), schema, initial: { n: 0 }, clock, leaseMs: 1_000 });
    const hold = await shared.agent('a').hold('n', { maxMs: 0 });
    expect(await shared.agent('b').write('n', (n) => n + 1)).toBe(1);
    expect(clock.now()).toBe(1_000);
    expect(hold.fenced).toBe(true);
    await expect(hold.write(7)).rejects.toMatchObject({ name: 'FencedError', key: 'n' });
    expect(await shared.agent('a').read('n')).toBe(1);
  });
  it('an agent goes on after its hold was reclaimed, also when it still has the hold', async () => {
    const clock = new VirtualClock();
    const shared = coherence({ bus: createBus({ clock }), schema, initial: { n: 0 }, clock, leaseMs: 1_000 });
    const [a, b] = [shared.agent('a'), shared.agent('b')];
    const lost = await a.hold('n', { maxMs: 0 });
    await b.write('n', (n) => n + 1);
    expect(await a.write('n', (n) => n + 1)).toBe(2);
    expect(lost.fenced).toBe(true);
    await expect(lost.write(7)).rejects.toMatchObject({ name: 'FencedError', key: 'n' });
    await using second = await a.hold('n');
    await expect(a.write('n', 9)).rejects.toThrow(/held by this agent itself/);
    expect([second.value, second.fenced]).toEqual([2, false]);
    await second.release();
    const again = await b.hold('n', { maxMs: 0 });
    await a.write('n', (n) => n + 1);
    const session = await b.session(['n']);
    await session.write('n', 8);
    expect(await session.publish()).toEqual({ n: 4 });
    expect(again.fenced).toBe(true);
  });
  it('an agent that has closed, or crashed, writes nothing, and the others go on', async () => {
    for (const end of ['close', 'abandon'] as const) {
      const shared = coherence({ bus: createBus(), schema, initial: { n: 0 } });
      const [a, b] = [shared.agent('a'), shared.agent('b')];
      await a.read('n');
      await a[end]();
      await expect(a.write('n', (n) => n + 1)).rejects.toBeInstanceOf(ClosedAgentError);
      expect(await b.write('n', (n) => n + 1)).toBe(1);
      await expect(a.write('n', (n) => n + 1)).rejects.toBeInstanceOf(ClosedAgentError);
      await expect(a.read('n')).rejects.toBeInstanceOf(ClosedAgentError);
      expect([await b.read('n'), shared.replica.impossible]).toEqual([1, 0]);
    }
  });
  it('closes while a hold is queued: it is refused, and nothing is held afterwards', async () => {
    for (const close of ['agent', 'space'] as const) {
      const shared = coherence({ bus: createBus(), schema, initial: { n: 0 } });
      const [a, b] = [shared.agent('a'), shared.agent('b')];
      const hold = await a.hold('n');
      const waiting = b.hold('n').catch((error: unknown) => error);
      await Promise.resolve();
      await (close === 'agent' ? b : shared).close();
      expect(await waiting).toBeInstanceOf(ClosedAgentError);
      if (close === 'space') continue;
      await hold.release();
      expect(await shared.agent('c').write('n', (n) => n + 1)).toBe(1);
    }
  });
  it('reclaims a hold that began in the same turn as one that has ended', async () => {
    const clock = new VirtualClock();
    const shared = coherence({
      ...{ bus: createBus({ clock }), schema: { n: z.number(), m: z.number() }, initial: { n: 0, m: 0 } },
      ...{ clock, leaseMs: 1_000 },
    });
    const [ended, silent] = await Promise.all([
      shared.agent('a').hold('n'),
      shared.agent('b').hold('m', { maxMs: 0 }),
    ]);
    await ended.release();
    expect(await shared.agent('c').write('m', (m) => m + 1)).toBe(1);
    expect([silent.fenced, clock.now()]).toEqual([true, 1_000]);
  });
  it('a newcomer goes on from a checkpoint and what came after it', async () => {
    const bus = createBus({ retain: 'all' });
    const options = { schema, initial: { n: 0 } } as const;
    const first = coherence({ bus, ...options, session: 'one' });
    await first.agent('a').write('n', 1);
    const from = JSON.parse(JSON.stringify(first.checkpoint())) as ReturnType<typeof first.checkpoint>;
    await first.agent('a').write('n', 2, { expect: 1 });
    await first.close();
    const second = coherence({ bus, ...options, session: 'two', from });
    await second.ready;
    expect(await second.agent('b').read('n')).toBe(2);
    expect(await second.agent('b').write('n', (n) => n + 1)).toBe(3);
  });
});

describe('coherence: bad input', () => {
  const cases: [string, new (...args: never[]) => Error, (shared: ReturnType<typeof make>) => unknown][] = [
    ['an unknown key, read', UnknownKeyError, (shared) => shared.agent('a').read('nope' as 'n')],
    ['an unknown key, written', UnknownKeyError, (shared) => shared.agent('a').write('nope' as 'n', 1)],
    ['an unknown key, in a session', UnknownKeyError, (shared) => shared.agent('a').session(['nope' as 'n'])],
    ['a value that fails its schema', SchemaError, (shared) => shared.agent('a').write('n', 'x' as never)],
    [
      'a recipe whose result fails its schema',
      SchemaError,
      (shared) => shared.agent('a').write('n', () => 'x' as never),
    ],
    [
      'a recipe that throws',
      RecipeError,
      (shared) =>
        shared.agent('a').write('n', () => {
          throw new Error('mine');
        }),
    ],
    [
      'a recipe that returns a promise',
      RecipeError,
      (shared) => shared.agent('a').write('plan', (async () => ({ steps: [] })) as never),
    ],
    [
      'a write inside a recipe',
      NestedCallError,
      (shared) =>
        shared.agent('a').write('n', () => {
          void shared.agent('b').write('n', 1);
        }),
    ],
    ['a key without a value, read', UnsetError, (shared) => shared.agent('a').read('late')],
    [
      'a key without a value, by recipe',
      UnsetError,
      (shared) => shared.agent('a').write('late', (late) => late + 'x'),
    ],
    ['a stale compare-and-set', ConflictError, (shared) => shared.agent('a').compareAndSet('n', 4, 1)],
    [
      '`expect` together with `overwrite`',
      UsageError,
      (shared) => shared.agent('a').write('n', 1, { expect: 0, overwrite: true }),
    ],
    [
      'a write by a closed agent',
      ClosedAgentError,
      async (shared) => {
        const a = shared.agent('a');
        await a.close();
        await a.write('n', 1);
      },
    ],
    [
      'a read by a closed agent',
      ClosedAgentError,
      async (shared) => {
        const a = shared.agent('a');
        await a.read('n');
        await a.close();
        await a.read('n');
      },
    ],
    [
      'a write by an evicted agent',
      ClosedAgentError,
      async (shared) => {
        const a = shared.agent('a');
        await a.read('n');
        await shared.evict('a');
        await a.write('n', 1);
      },
    ],
    [
      'a hold used after its end',
      LapsedError,
      async (shared) => {
        const hold = await shared.agent('a').hold('n');
        await hold.release();
        await hold.write(1);
      },
    ],
    [
      'a hold whose recipe throws',
      RecipeError,
      async (shared) => {
        await using hold = await shared.agent('a').hold('n');
        await hold.write(() => {
          throw new Error('mine');
        });
      },
    ],
    [
      'a session used after it was closed',
      LapsedError,
      async (shared) => {
        const s = await shared.agent('a').session();
        s.close();
        s.read('n');
      },
    ],
    [
      'a session published twice',
      LapsedError,
      async (shared) => {
        const s = await shared.agent('a').session(['n']);
        s.read('n');
        await s.publish();
        await s.publish();
      },
    ],
    [
      'a write to one’s own held key',
      UsageError,
      async (shared) => {
        const a = shared.agent('a');
        await using hold = await a.hold('n');
        await a.write('n', hold.value);
      },
    ],
    ['an agent without a name', UsageError, (shared) => shared.agent('')],
    [
      'an aborted signal',
      DOMException,
      (shared) => shared.agent('a').write('n', 1, { signal: AbortSignal.abort() }),
    ],
  ];
  it.each(cases)('%s', async (_, error, run) => {
    const shared = make();
    const before = cellsOf(shared);
    await expect((async () => run(shared))()).rejects.toThrow(error);
    await intact(shared, before);
  });
  it('a session used after it lapsed', async () => {
    const clock = new VirtualClock();
    const shared = coherence({ bus: createBus({ clock }), schema, initial: { n: 0 }, clock });
    const session = await shared.agent('a').session(['n'], { ttlMs: 50 });
    await new Promise<void>((resolve) => void clock.setTimeout(resolve, 60));
    expect(() => session.read('n')).toThrow(LapsedError);
  });
  it.each([
    ['an unknown strategy', () => coherence({ bus: createBus(), schema, strategy: 'lazzy' as 'lazy' })],
    [
      'an unknown key in `keys`',
      () => coherence({ bus: createBus(), schema, keys: { nope: 'lazy' } as never }),
    ],
    [
      'an initial value that does not fit',
      () => coherence({ bus: createBus(), schema, initial: { n: 'x' as never } }),
    ],
    ['a lease of no time', () => coherence({ bus: createBus(), schema, leaseMs: 0 })],
    [
      'a scope that is in use',
      () => {
        const bus = createBus();
        coherence({ bus, schema });
        coherence({ bus, schema });
      },
    ],
  ])('%s', (_, run) => expect(run).toThrow(/strategy|no key|does not fit|leaseMs|in use/));
  it('an abort while waiting takes the request back, and the next in the queue has its turn', async () => {
    const shared = make();
    const hold = await shared.agent('a').hold('n');
    const aborting = new AbortController();
    const waiting = shared.agent('b').write('n', 1, { signal: aborting.signal });
    const next = shared.agent('c').write('n', (n) => n + 5);
    const read = shared.agent('d').read('n', { signal: aborting.signal });
    aborting.abort(new Error('enough'));
    await expect(waiting).rejects.toThrow('enough');
    await expect(read).rejects.toThrow('enough');
    await hold.release();
    expect([await next, await shared.agent('b').read('n')]).toEqual([1, 5]);
  });
});
