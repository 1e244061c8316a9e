/** Claims: a run that has ended shrinks and still says how it ended; a large payload is stored once. */
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { perform, score } from 'tutti';
import { memoryStore, resume, runs, shrinkRuns, type RunStore } from 'tutti/durable';
import { sqliteStore } from 'tutti/sqlite';

const folder = mkdtempSync(join(tmpdir(), 'tutti-retention-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
let files = 0;
const stores: Readonly<Record<string, (keepMs?: number) => RunStore>> = {
  'in memory': () => memoryStore(),
  SQLite: (keepMs) => sqliteStore(join(folder, `${++files}.db`), { keepMs }),
};
const input = { given: 'this' };
const chain = () => {
  let made: any = score('chain').step('s0', { agent: () => ({ text: 'x'.repeat(100), n: 0 }) });
  for (let i = 1; i < 50; i++)
    made = made.step(`s${i}`, { agent: ({ x }: any) => ({ ...x, n: i }), reads: { x: `s${i - 1}` } });
  return made.outputs({ n: 's49.n', given: 'input.given' });
};

for (const [name, make] of Object.entries(stores))
  test(`${name}: a run that has ended shrinks, and resuming it still gives its report`, async () => {
    const store = make();
    const begin = { durable: store, runId: 'r', input };
    const report = await perform(chain(), begin as never).result;
    const before = runs(store)[0]!;
    expect(before.isShrunk).toBe(false);
    expect(shrinkRuns(store, { endedMs: 60_000 }), 'too early').toEqual([]);
    await new Promise((resolve) => setTimeout(resolve, 5));
    expect(shrinkRuns(store, { endedMs: 0 })).toEqual(['r']);
    expect(shrinkRuns(store, { endedMs: 0 }), 'once').toEqual([]);
    const after = runs(store)[0]!;
    expect(after).toMatchObject({ isShrunk: true, state: 'completed', holder: undefined });
    expect([...store.read('r')].map(({ kind }) => kind)).toEqual(['begin', 'pulse', 'end']);
    const again = await (await resume(store, 'r', chain())).report;
    const { status, outputs, usage, makespan, criticalPath } = report;
    expect(again).toMatchObject({ status, outputs, usage, makespan, criticalPath });
    expect(outputs).toEqual({ n: 49, given: 'this' });
    expect(() => store.create('r', 'other')).toThrow(/ids are never used again/);
    expect(() => shrinkRuns(store, ['other'])).toThrow(expect.objectContaining({ name: 'UnknownRunError' }));
    expect(() => shrinkRuns(store, { endedMs: -1 })).toThrow(/endedMs must be 0 or more/);
    store.create('open', 'score').close();
    expect(() => shrinkRuns(store, ['r', 'open'])).toThrow(/'open' has not ended/);
    store.close();
  });

test('a store with keepMs shrinks runs when their time is over, as performances end', async () => {
  const store = sqliteStore(join(folder, 'keep.db'), { keepMs: 0 });
  await perform(chain(), { durable: store, runId: 'a', input } as never).result;
  await new Promise((resolve) => setTimeout(resolve, 5));
  await perform(chain(), { durable: store, runId: 'b', input } as never).result;
  await new Promise((resolve) => setTimeout(resolve, 5));
  expect(runs(store)[0]).toMatchObject({ id: 'a', isShrunk: true });
  store.close();
  expect(() => sqliteStore(folder, { keepMs: -1 })).toThrow(/keepMs must be from 0/);
});

test('what was shrunk or removed gives its room back when the store is compacted', async () => {
  const store = sqliteStore(join(folder, 'compact.db'));
  const large = score('large')
    .step('a', { agent: () => 'x'.repeat(2 ** 20) })
    .step('b', { agent: ({ x }: any) => x.length, reads: { x: 'a' } })
    .outputs({ b: 'b' });
  for (const id of ['kept', 'shrunk', 'removed']) {
    const other = score(id)
      .step('a', { agent: () => id + 'x'.repeat(2 ** 20) })
      .step('b', { agent: ({ x }: any) => x.length, reads: { x: 'a' } })
      .outputs({ b: 'b' });
    await perform(id === 'kept' ? large : other, { durable: store, runId: id }).result;
  }
  shrinkRuns(store, ['shrunk']);
  store.remove('removed');
  store.compact();
  expect(statSync(store.name).size).toBeLessThan(1.3 * 2 ** 20);
  expect([...store.read('kept')].some(({ value = '' }) => value.length > 2 ** 20)).toBe(true);
  store.close();
});

test('a result of 1 MiB that a hundred steps read, and give again, is stored once', async () => {
  const store = sqliteStore(join(folder, 'once.db'));
  let wide: any = score('wide').step('big', { agent: () => 'x'.repeat(2 ** 20) });
  for (let i = 0; i < 100; i++)
    wide = wide.step(`r${i}`, { agent: ({ x }: any) => (i % 10 === 0 ? x : x.length), reads: { x: 'big' } });
  await perform(wide, { durable: store, runId: 'r' }).result;
  store.close();
  expect(statSync(store.name).size).toBeLessThan(1.3 * 2 ** 20);
});

test('the log grows with the steps, and by less than 400 bytes a step', { timeout: 60_000 }, async () => {
  const sizeOf = async (count: number) => {
    const store = sqliteStore(join(folder, `size${count}.db`));
    let made: any = score('long').step('s0', { agent: () => 0 });
    for (let i = 1; i < count; i++)
      made = made.step(`s${i}`, { agent: async ({ x }: any) => x + 1, reads: { x: `s${i - 1}` } });
    await perform(made.outputs({ last: `s${count - 1}` }), { durable: store, runId: 'r' }).result;
    store.close();
    return statSync(store.name).size;
  };
  const [short, long] = [await sizeOf(1_000), await sizeOf(10_000)];
  expect(short).toBeLessThan(400 * 1_000);
  expect(long).toBeLessThan(10.5 * short);
});
