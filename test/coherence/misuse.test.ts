/** Claims: what agents do at the same time with one key, and what goes wrong around them, loses no update and leaves no
 *  request that never ends. Each was once otherwise. */
import { describe, expect, it } from 'vitest';
import { coherence, createBus } from 'tutti';
import { accessCount, lease } from '../../src/coherence/strategy.ts';
import { ClosedAgentError, UsageError } from '../../src/coherence/errors.ts';
import { ConflictError, gptTokenizer, TokenLedger } from 'tutti/coherence';
import { z } from 'zod';
import { Cell, remember } from '../../actors/coherence/cell.ts';
import { patchesSince } from '../../actors/coherence/changes.ts';
import { restoreCell, snapshotCell } from '../../actors/coherence/snapshot.ts';
import { LaggingLog, settle } from '../../specs/harness/lagging.ts';

const schema = { n: z.number(), text: z.string() };
const initial = { n: 0, text: '' };
const make = (more: object = {}) => coherence({ bus: createBus(), schema, initial, ...more });
/** Fails instead of waiting indefinitely. */
const soon = <T>(promise: Promise<T>): Promise<T> =>
  Promise.race([
    promise,
    new Promise<never>((_, reject) => setTimeout(() => reject(new Error('never ends')), 2_000).unref()),
  ]);

describe('coherence: no update is lost', () => {
  it('when one agent updates and writes at once', async () => {
    const a = make().agent('a');
    for (let round = 0; round < 20; round++)
      await Promise.all([a.update('n', (n) => n + 1), a.write('n', (n) => n + 1)]);
    expect(await a.read('n')).toBe(40);
  });

  it('when copy() and compareAndSet go together, no matter what the agent does in between', async () => {
    const a = make().agent('a');
    const { value, version } = await a.copy('n');
    await a.write('n', (n) => n + 10);
    await expect(a.compareAndSet('n', version, value + 1)).rejects.toThrow(ConflictError);
  });

  it.each([lease({ ttlMs: 60_000 }), accessCount({ reads: 5 })])('under %j', async (strategy) => {
    const shared = make({ strategy });
    const [a, b] = [shared.agent('a'), shared.agent('b')];
    await a.read('n');
    await b.write('n', (n) => n + 10);
    expect(await a.read('n')).toBe(0); // within its bound
    await a.update('n', (n) => n + 1); // one conflict, and then what is current
    await a.compareAndSet('n', 2, 100);
    expect(await a.read('n')).toBe(100); // never older than what it wrote itself
    expect(await b.read('n', { fresh: true })).toBe(100);
  });

  it('when a recipe is to change a version that has not arrived yet', async () => {
    const log = new LaggingLog();
    const [one, two] = [log.view(), log.view()];
    const make2 = (bus: typeof one, session: string) => coherence({ bus, schema, initial, session });
    const [a, b] = [make2(one, 'one').agent('a'), make2(two, 'two').agent('b')];
    const written = a.write('n', 100, { overwrite: true });
    for (let turn = 0; turn < 8; turn++) {
      await settle();
      while (one.deliver()) await settle();
    }
    await written;
    await expect(b.compareAndSet('n', 1, (n) => n + 1)).rejects.toThrow(ConflictError);
  });

  it('when a session writes a key twice at once', async () => {
    const session = await make().agent('a').session(['n']);
    await Promise.all([session.write('n', (n) => n + 1), session.write('n', (n) => n + 1)]);
    await session.publish();
  });
});

describe('coherence: every request ends', () => {
  it('at a space that was closed', async () => {
    const shared = make();
    await shared.close();
    expect(() => shared.agent('late')).toThrow(ClosedAgentError);
  });

  it('at a bus that was closed', async () => {
    const bus = createBus();
    const shared = coherence({ bus, schema, initial });
    const a = shared.agent('a');
    await a.read('n');
    await bus.close();
    await expect(soon(a.write('n', 1, { overwrite: true }))).rejects.toThrow(/left|bus/);
    await soon(shared.close());
  });

  it('when a document holds what a tokenizer takes for its own, or the counter throws', async () => {
    for (const counter of [
      await gptTokenizer(),
      { name: 'broken', count: () => JSON.parse('no') as number },
    ]) {
      const shared = make({ ledger: new TokenLedger({ counter }), strategy: 'eager' });
      const [a, b] = [shared.agent('a'), shared.agent('b')];
      await b.read('text');
      await soon(a.write('text', 'before <|endoftext|> after', { overwrite: true }));
      expect(await soon(b.read('text'))).toContain('endoftext');
    }
  });

  it('after an eviction that was aborted', async () => {
    const shared = make();
    const [a, b] = [shared.agent('a'), shared.agent('b')];
    const hold = await b.hold('n');
    const reading = a.read('n').catch(() => undefined);
    await expect(soon(a.evict('n', { signal: AbortSignal.timeout(5) }))).rejects.toThrow(/timeout/i);
    await hold.release();
    await reading;
    await soon(a.write('n', 5, { overwrite: true }));
  });

  it('when a session is published under the agent’s own hold', async () => {
    const a = make().agent('a');
    await using _hold = await a.hold('n');
    const session = await a.session(['n']);
    await session.write('n', 1);
    await expect(soon(session.publish())).rejects.toThrow(UsageError);
  });

  it('when an agent closes while it waits behind another’s hold, and its name is free at once', async () => {
    const shared = make();
    const [a, b] = [shared.agent('a'), shared.agent('b')];
    const hold = await b.hold('n');
    const reading = a.read('n').catch((error: unknown) => error);
    await soon(a.close());
    expect(await reading).toBeInstanceOf(ClosedAgentError);
    expect(shared.agent('a')).not.toBe(a);
    await hold.release();
    const { sharers, readers } = shared.replica.memory.cells.get('n')!;
    expect([...sharers, ...readers].filter((name) => name.startsWith('a@'))).toEqual([]);
  });

  it('after an entry that is no entry', async () => {
    const bus = createBus();
    const a = coherence({ bus, schema, initial }).agent('a');
    await a.read('n');
    for (const entry of [
      null,
      7,
      { op: 'put' },
      { op: 'nonsense', key: 'n', agent: 'x', number: 0, floor: 0 },
    ])
      void bus.publish({
        type: 'cue',
        source: 'x',
        targets: ['memory'],
        intent: 'update',
        payload: { coherence: 'shared', entry },
      });
    expect(await soon(a.write('n', (n) => n + 1))).toBe(1);
  });
});

describe('coherence: what cannot go well is refused', () => {
  it('a session’s name that the snapshot has already, and a snapshot of other keys', async () => {
    const shared = make({ session: 'w' });
    await shared.agent('a').write('n', 1);
    const from = shared.checkpoint();
    expect(() => make({ session: 'w', from })).toThrow(/session 'w' is in the checkpoint/);
    expect(() => coherence({ bus: createBus(), schema: { m: z.number() }, from })).toThrow(/no key 'm'/);
  });

  it('a newcomer that was given no history leaves, and says what it needs', async () => {
    const log = new LaggingLog();
    const first = coherence({ bus: log.view(), schema, initial, session: 'first' });
    const a = first.agent('a');
    for (let round = 0; round < 3; round++) {
      const written = a.write('n', (n) => n + 1);
      for (let turn = 0; turn < 8; turn++) {
        await settle();
        log.drain();
      }
      await written;
    }
    const late = log.view();
    late.retains = false;
    const second = coherence({ bus: late, schema, initial, session: 'second' });
    const b = second.agent('b');
    const reading = b.read('n');
    reading.catch(() => undefined);
    const written = a.write('n', (n) => n + 1);
    for (let turn = 0; turn < 8; turn++) {
      await settle();
      log.drain();
    }
    await written;
    expect(() => second.agent('c')).toThrow(/left/);
  });

  it('keys with the names of an object’s own properties are keys like any other', async () => {
    const keys = ['constructor', '__proto__', 'toString', ''];
    const own = Object.fromEntries(keys.map((key) => [key, z.number()]));
    const ledger = new TokenLedger();
    const values = Object.fromEntries(keys.map((key) => [key, 0]));
    const a = coherence({ bus: createBus(), schema: own, initial: values, ledger }).agent('a');
    for (const key of keys) {
      expect(a.version(key)).toBe(0);
      await a.write(key, 5);
      await a.update(key, (n) => n + 1);
      expect(await a.read(key)).toBe(6);
    }
    expect(Object.keys(ledger.report().byKey).every((key) => keys.includes(key))).toBe(true);
  });

  it.each([NaN, -1, 1.5])('compareAndSet with the version %s', async (version) => {
    await expect(make().agent('a').compareAndSet('n', version, 1)).rejects.toThrow(UsageError);
  });
  it('a session without an end, and readers that are not known', async () => {
    await expect(make().agent('a').session(['n'], { ttlMs: Infinity })).rejects.toThrow(UsageError);
    expect(() => make({ readers: 'bogus' })).toThrow(/readers must be wait or committed/);
  });
});

it('patches of a conflict can be applied: what was replaced as a whole later is not told in parts', () => {
  const replace = (path: string[], value: unknown) => ({ op: 'replace', path, value }) as const;
  const changes = [[replace(['a', 'b'], 1)], [replace(['a'], 7)], [replace(['c'], 1)], [replace(['c'], 2)]];
  const cell = new Cell('k', 0, {});
  for (const patches of changes) remember(cell, { version: ++cell.version, agent: 'x', patches }, 64);
  expect(patchesSince(cell, 0)).toEqual([replace(['a'], 7), replace(['c'], 2)]);
});
it.each([0, 1, 3, 4])(
  'a cell remembers at least the latest %i changes, and at most twice as many',
  (history) => {
    const cell = new Cell('k', 0, {});
    const patch = (value: number) => ({ op: 'replace', path: [`p${value}`], value }) as const;
    for (let version = 1; version <= 20; version++) {
      cell.version = version;
      remember(cell, { version, agent: 'x', patches: [patch(version)] }, history);
      const { changes } = snapshotCell(cell);
      expect(changes.map((change) => change.version)).toEqual(
        changes.map((_, i) => version - changes.length + 1 + i),
      );
      expect(changes.length).toBeGreaterThanOrEqual(Math.min(history, version));
      expect(changes.length).toBeLessThanOrEqual(Math.max(2, 2 * history));
      expect(snapshotCell(restoreCell(new Cell('k', 0, cell.value), snapshotCell(cell), history))).toEqual(
        snapshotCell(cell),
      );
      for (let from = version - 1; from >= version - history && from >= 0; from--)
        expect(patchesSince(cell, from)).toEqual(
          Array.from({ length: version - from }, (_, i) => patch(from + 1 + i)),
        );
      expect(patchesSince(cell, version - changes.length - 1)).toBeUndefined();
    }
  },
);
