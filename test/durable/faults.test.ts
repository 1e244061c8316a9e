/** Claims: what goes wrong with the log, the clock, the process or an answer ends in a typed error, and can be resumed. */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, copyFileSync, existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { fileURLToPath } from 'node:url';
import { afterAll, expect, test, vi } from 'vitest';
import { z } from 'zod';
import { agent, perform, score, sharedOf, type AgentContext, type RunEvent } from 'tutti';
import { memoryStore, resume, type LogEntry, type MemoryStore } from 'tutti/durable';
import { sqliteStore } from 'tutti/sqlite';

const folders: string[] = [];
const folder = () => {
  const made = mkdtempSync(join(tmpdir(), 'tutti-faults-'));
  folders.push(made);
  return made;
};
afterAll(() => folders.forEach((made) => rmSync(made, { recursive: true, force: true })));
const child = fileURLToPath(new URL('./paused.child.ts', import.meta.url));
const hang = (): Promise<never> => new Promise(() => {});

/** Performs until a condition holds, and then loses the process. */
async function lose(store: MemoryStore, run: any, until: () => boolean): Promise<void> {
  await vi.waitFor(() => expect(until()).toBe(true), { timeout: 20_000, interval: 2 });
  await new Promise((resolve) => setTimeout(resolve, 5)); // what nothing waits for is committed
  store.crash('r');
  run.cancel();
  await run.report;
}
/** A store whose run has these records. */
function storeWith(entries: readonly LogEntry[]): MemoryStore {
  const store = memoryStore();
  const log = store.create('r', 'score');
  for (const { seq: _, ...record } of entries) log.append(record);
  log.commit();
  log.close();
  return store;
}

/** Steps of many kinds; what each call gives is its own. */
const KINDS = (ran: string[]): any => {
  let nonce = 0;
  const made =
    (n: number) =>
    (o: any, { stepId }: AgentContext) => (
      ran.push(stepId),
      { n: Object.values(o).reduce((sum: number, x: any) => sum + (x?.n ?? 0), n), nonce: ++nonce }
    );
  return (score('kinds') as any)
    .step('a', { agent: made(1) })
    .step('flaky', {
      reads: { a: 'a' },
      retry: { attempts: 3, delayMs: 1 },
      agent: (o: any, context: AgentContext) => {
        if (context.attempt < 3) throw new Error('again');
        return made(10)(o, context);
      },
    })
    .step('fault', { agent: () => Promise.reject(new RangeError('always')), default: { n: 5 } })
    .step('vamp', {
      reads: { a: 'a' },
      vamp: { max: 4, until: ({ n }: any) => n >= 4 },
      agent: ({ previous, a }: any, context: AgentContext) => made(1)({ previous: previous ?? a }, context),
    })
    .step('list', { agent: () => [1, 2, 3] })
    .map('each', { over: 'list', agent: ({ item }: any, c: AgentContext) => made(item)({}, c) })
    .step('held', {
      reads: { flaky: 'flaky' },
      agent: made(0),
      fermata: { timeoutMs: 1, onTimeout: 'resume' },
    })
    .step('end', { reads: { f: 'fault', v: 'vamp', h: 'held' }, after: ['each'], agent: made(0) })
    .outputs({ n: 'end.n' });
};

test(
  'a log that ends at any record is resumed from there: what it has is not done again',
  { timeout: 120_000 },
  async () => {
    const store = memoryStore();
    const { outputs } = await perform(KINDS([]), { durable: store, runId: 'r' }).result;
    const entries = [...store.read('r')];
    expect(entries.length).toBeGreaterThan(30);
    for (let length = 0; length < entries.length; length++) {
      const kept = entries.slice(0, length);
      const cut = storeWith(kept);
      if (length < 2) {
        if (length === 0) await expect(resume(cut, 'r', KINDS([]))).rejects.toThrow(/has not begun/);
        continue; // the score is in the same commit as the beginning
      }
      const ran: string[] = [];
      const report = await (await resume(cut, 'r', KINDS(ran))).report;
      expect({ length, status: report.status, outputs: report.outputs }).toEqual({
        length,
        status: 'completed',
        outputs,
      });
      const done = kept.filter(({ kind }) => kind === 'pulse').map(({ about }) => about);
      expect(
        ran.filter((id) => done.includes(id)),
        `${length}`,
      ).toEqual([]);
      const all = [...cut.read('r')];
      for (const id of new Set(all.map(({ about }) => about)))
        expect(
          all.filter(({ kind, about }) => kind === 'pulse' && about === id).length,
          id,
        ).toBeLessThanOrEqual(1);
    }
  },
);

test('shared state goes on from any commit that a file ends with', { timeout: 120_000 }, async () => {
  const notes = () => {
    let made: any = score('notes').shared({ list: z.array(z.string()) }, { initial: { list: [] } });
    for (let i = 0; i < 6; i++)
      made = made.step(`s${i}`, {
        after: i > 0 ? [`s${i - 1}`] : [],
        agent: async (_: unknown, context: AgentContext) =>
          sharedOf<{ list: string[] }>(context).write('list', (list) => void list.push(`s${i}`)),
      });
    return made;
  };
  const store = sqliteStore(folder());
  await perform(notes(), { durable: store, runId: 'r' }).result;
  store.close();
  const db = new DatabaseSync(store.name);
  const commits = db.prepare('SELECT seq FROM batch ORDER BY seq').all() as { seq: number }[];
  db.close();
  expect(commits.length).toBeGreaterThan(6);
  for (const { seq } of commits.slice(1)) {
    const copy = join(folder(), 'runs.db');
    copyFileSync(store.name, copy);
    const cut = new DatabaseSync(copy);
    cut.exec(`DELETE FROM batch WHERE seq >= ${seq}; UPDATE run SET state = 'open'`);
    cut.close();
    const again = sqliteStore(copy);
    const { shared } = await (await resume(again, 'r', notes())).result;
    expect(shared, `cut before ${seq}`).toEqual({ list: ['s0', 's1', 's2', 's3', 's4', 's5'] });
    again.close();
  }
});

test('a full disk ends the performance with a typed error, and there is room again: it is resumed', async () => {
  const ran: string[] = [];
  const large = () => {
    let made: any = score('large');
    for (let i = 0; i < 20; i++)
      made = made.step(`s${i}`, {
        after: i > 0 ? [`s${i - 1}`] : [],
        agent: (_: unknown, { stepId }: AgentContext) => (ran.push(stepId), `${stepId}${'x'.repeat(30_000)}`),
      });
    return made;
  };
  const store = sqliteStore(folder());
  const pragma = (text: string) => (store as any).statement(`PRAGMA ${text}`).get();
  pragma('max_page_count = 60');
  const report = await perform(large(), { durable: store, runId: 'r' }).report;
  expect(report.status).toBe('failed');
  expect(report.errors[0]).toMatchObject({ name: 'LogError' });
  expect(report.errors[0]!.message).toMatch(/full\. Make room on the disk, then resume the run/);
  const done = [...store.read('r')].filter(({ kind }) => kind === 'pulse').map(({ about }) => about);
  expect(done.length).toBeGreaterThan(0);
  expect(store.list()).toMatchObject([{ state: 'open', holder: undefined }]);
  pragma('max_page_count = 100000');
  ran.length = 0;
  expect((await (await resume(store, 'r', large())).report).status).toBe('completed');
  expect(ran.filter((id) => done.includes(id))).toEqual([]);
  store.close();
});

test.skipIf(process.platform === 'win32')('a folder that must not be written is named', () => {
  const path = folder();
  sqliteStore(path).close();
  chmodSync(join(path, 'runs.db'), 0o444);
  chmodSync(path, 0o555);
  // A superuser may write anywhere.
  const user = process.getuid!() === 0 ? { uid: 65_534, gid: 65_534 } : {};
  const { stdout } = spawnSync(process.execPath, [child, 'read-only', path], { ...user, encoding: 'utf8' });
  chmodSync(path, 0o755);
  expect(stdout).toMatch(/^LogError: .*runs\.db cannot be opened: .*Make the file and its folder writable/s);
});

test.skipIf(process.platform === 'win32')(
  'a process that was stopped for longer than its lease appends nothing more, and aborts its agents',
  { timeout: 120_000 },
  async () => {
    const path = folder();
    const notes = join(path, 'notes');
    const paused = spawn(process.execPath, [child, 'paused', path, notes], { stdio: 'ignore' });
    const ended = once(paused, 'exit');
    await vi.waitFor(() => expect(existsSync(notes)).toBe(true), 60_000);
    const store = sqliteStore(path, { leaseMs: 400 });
    const next = score('slow')
      .step('before', { agent: () => 'again' })
      .step('slow', { after: ['before'], agent: () => 'by another' });
    paused.kill('SIGSTOP');
    await expect(resume(store, 'r', next), 'not before the lease is over').rejects.toThrow(
      /performed by process/,
    );
    const run = await vi.waitFor(async () => resume(store, 'r', next), { timeout: 30_000, interval: 100 });
    expect((await run.result).outputs).toEqual({ slow: 'by another', before: 'done' });
    const records = [...store.read('r')];
    paused.kill('SIGCONT');
    await ended;
    expect(readFileSync(notes, 'utf8')).toBe('began\naborted\nFencedLogError\n');
    expect([...store.read('r')]).toEqual(records);
    store.close();
  },
);

test(
  'a clock that was set back by an hour lengthens no rest, no hold and no deadline',
  { timeout: 60_000 },
  async () => {
    const HOUR = 3_600_000;
    const later = (entries: readonly LogEntry[]): LogEntry[] =>
      entries.map((entry) => ({
        ...entry,
        at: entry.at + HOUR,
        ...(entry.kind === 'hold' && { data: String(Number(entry.data) + HOUR) }),
      }));
    let tries = 0;
    const resting = (fails: boolean) =>
      score('resting').step('a', {
        retry: { attempts: 2, delayMs: 300 },
        agent: () => {
          tries++;
          if (fails) throw new Error('once');
          return 'went on';
        },
      });
    const first = memoryStore();
    await lose(first, perform(resting(true), { durable: first, runId: 'r', graceMs: 5 }), () => tries === 1);
    const rested = await resume(storeWith(later([...first.read('r')])), 'r', resting(false));
    expect((await rested.result).outputs).toEqual({ a: 'went on' });

    const held = score('held').step('a', {
      agent: () => 1,
      fermata: { timeoutMs: 300, onTimeout: 'resume' },
    });
    const second = memoryStore();
    await perform(held, { durable: second, runId: 'r', heldMs: 1 }).report;
    const lifted = await resume(storeWith(later([...second.read('r')])), 'r', held);
    expect((await lifted.result).outputs).toEqual({ a: 1 });

    let began = false;
    const slow = score('slow').step('a', { agent: () => ((began = true), hang()) });
    const third = memoryStore();
    const options = { durable: third, runId: 'r', graceMs: 5, timeout: { totalMs: 300 } };
    await lose(third, perform(slow, options), () => began);
    const late = await resume(storeWith(later([...third.read('r')])), 'r', slow, { graceMs: 5 });
    expect((await late.report).errors[0]!.message).toMatch(/did not finish within 0.3 s/);
  },
);

test(
  'a hundred crashes of a run whose budget is almost spent: never one call too many',
  { timeout: 120_000 },
  async () => {
    const CALLS = 101;
    let calls = 0;
    let stopAt = 0;
    const many = () => {
      let made: any = score('many');
      for (let i = 0; i < 60; i++)
        made = made.step(`s${i}`, {
          after: i > 0 ? [`s${i - 1}`] : [],
          agent: () => (++calls === stopAt ? hang() : 1),
        });
      return made;
    };
    const store = memoryStore();
    const begin = { durable: store, runId: 'r', graceMs: 1, budget: { calls: CALLS } };
    stopAt = 1;
    await lose(store, perform(many(), begin), () => calls === stopAt);
    for (let crash = 2; crash <= 100; crash++) {
      stopAt = calls + 1; // the first call of each life is cut off
      await lose(store, await resume(store, 'r', many(), { graceMs: 1 }), () => calls === stopAt);
    }
    stopAt = -1;
    const report = await (await resume(store, 'r', many())).report;
    expect(calls).toBe(CALLS);
    expect(report.status).toBe('failed');
    expect(report.errors[0]!.message).toMatch(/budget of 101 calls is spent/);
  },
);

test('an answer from another process that does not fit is refused when the run goes on, and the step stays held', async () => {
  const asks = score('asks').step('a', {
    agent: (_: unknown, { answer }: AgentContext) => answer,
    fermata: { question: 'How many?', answer: z.number().int(), timeoutMs: 600_000 },
  });
  const store = memoryStore();
  expect((await perform(asks, { durable: store, runId: 'r', heldMs: 1 }).report).status).toBe('held');
  for (const value of ['many', undefined]) {
    store.tell('r', JSON.stringify({ cue: 'a', ...(value === undefined ? {} : { value }) }));
    const events: RunEvent[] = [];
    const run = await resume(store, 'r', asks, { heldMs: 20, onEvent: (event) => void events.push(event) });
    expect((await run.report).status).toBe('held');
    const refused = events.flatMap((event) => (event.type === 'signal.unmatched' ? [event.reason] : []));
    expect(refused.at(-1)).toMatch(value === undefined ? /needs an answer/ : /How many\?.*still held/);
  }
  store.tell('r', JSON.stringify({ cue: 'a', value: 7 }));
  expect((await (await resume(store, 'r', asks)).result).outputs).toEqual({ a: 7 });
});

test(
  'external steps inside maps and loops: one that was cut off is asked about, or waits for a person',
  { timeout: 60_000 },
  async () => {
    for (const canTell of [true, false]) {
      let sent: string[] = [];
      let cutOff = '';
      const asked: string[] = [];
      const job = () => {
        const send = agent({
          name: 'send',
          effects: 'external',
          run: async ({ item = 0 }: { item?: number }, { stepId, effectKey }: AgentContext) => {
            sent.push(effectKey);
            if (stepId === cutOff) await hang();
            return item;
          },
          ...(canTell && {
            reconcile: (key: string) => (
              asked.push(key),
              Promise.resolve(sent.includes(key) ? { value: 'found' } : undefined)
            ),
          }),
        });
        const round = score('round')
          .step('out', { agent: send, reads: { item: 'input.n' } as never })
          .step('up', { agent: ({ n }: any) => n + 1, reads: { n: 'input.n' } as never, after: ['out'] })
          .outputs({ n: 'up' } as never);
        return (score('job') as any)
          .step('list', { agent: () => [1, 2] })
          .map('each', { over: 'list', agent: send })
          .step('zero', { agent: () => ({ n: 0 }), after: ['each'] })
          .repeat('loop', { score: round, reads: { n: 'zero.n' }, until: ({ n }: any) => n >= 2, max: 3 });
      };
      const plain = await perform(job()).report;
      const all = sent.map((key) => key.slice(key.indexOf('/') + 1));
      expect(all.length).toBe(4);
      for (const stepId of all) {
        sent = [];
        asked.length = 0;
        cutOff = stepId;
        const store = memoryStore();
        const run = perform(job(), { durable: store, runId: 'r', graceMs: 1 });
        await lose(store, run, () => sent.includes(`r/${stepId}`));
        cutOff = '';
        const doubtful: string[] = [];
        const again = await resume(store, 'r', job(), {
          onEvent: (event) => {
            if (event.type !== 'step.doubtful') return;
            doubtful.push(event.stepId);
            if (!canTell) setTimeout(() => again.decide(event.stepId, { did: 'found' }), 1);
          },
        });
        const report = await again.report;
        expect({ stepId, errors: report.errors, loop: report.outputs.loop }).toEqual({
          ...{ stepId, errors: [], loop: plain.outputs.loop },
        });
        expect(doubtful, stepId).toContain(stepId);
        expect(asked).toEqual(canTell ? [`r/${stepId}`] : []);
        expect(sent.toSorted(), 'each once').toEqual(all.map((id) => `r/${id}`).toSorted());
      }
    }
  },
);
