import { expect, test, vi } from 'vitest';
import { z } from 'zod';
import { agent, perform, score, sharedOf, type AgentContext } from 'tutti';
import { memoryStore, resume, type MemoryStore, type Decision } from 'tutti/durable';

const ID = 'r';
/** Never answers. */
const hang = (): Promise<never> => new Promise(() => {});
const options = (store: MemoryStore) => ({ durable: store, runId: ID, graceMs: 5 });

/** Performs until a condition holds, and then loses the process: nothing more is committed. */
async function performUntil(started: any, extra: object, until: () => boolean): Promise<MemoryStore> {
  const store = memoryStore();
  const run = perform(started, { ...options(store), ...extra });
  await vi.waitFor(() => expect(until()).toBe(true), 10_000);
  await new Promise((resolve) => setTimeout(resolve, 10)); // what nothing waits for is committed
  store.crash(ID);
  run.cancel();
  await run.report;
  return store;
}

test('what is done is not done again, and its results are those of the first life', async () => {
  const ran: string[] = [];
  const chain = (stop: boolean) =>
    score('chain')
      .step('a', { agent: () => (ran.push('a'), Math.random()) })
      .step('b', { agent: ({ x }: { x: number }) => (ran.push('b'), { x }), reads: { x: 'a' } })
      .step('c', { agent: ({ b }: { b: any }) => (ran.push('c'), stop ? hang() : b), reads: { b: 'b' } });
  const store = await performUntil(chain(true), {}, () => ran.includes('c'));
  const value = JSON.parse(
    [...store.read(ID)].find(({ kind, about }) => kind === 'pulse' && about === 'a')!.value!,
  );
  expect(store.list()).toMatchObject([{ id: ID, score: 'chain', state: 'open', holder: undefined }]);
  const run = await resume(store, ID, chain(false));
  const report = await run.result;
  expect(report.outputs.c).toEqual({ x: value });
  expect(ran).toEqual(['a', 'b', 'c', 'c']);
  expect(report.timeline.map(({ id, status, attempts }) => [id, status, attempts])).toEqual([
    ['a', 'done', 1],
    ['b', 'done', 1],
    ['c', 'done', 2],
  ]);
  for (const { id, start, end } of report.timeline) expect(end, id).toBeGreaterThanOrEqual(start!);
  expect(report.usage.calls).toBe(4);
  expect(store.list()).toMatchObject([{ state: 'completed' }]);
  const again = await (await resume(store, ID, chain(false))).result;
  expect(again.outputs).toEqual(report.outputs);
  expect(ran, 'a run that has ended is not performed').toHaveLength(4);
});

test('a fault, its path and its cause are the same after a crash', async () => {
  let late = false;
  const faulty = (stop: boolean) =>
    score('faulty')
      .step('a', { agent: () => Promise.reject(new TypeError('no such file')) })
      .step('b', { agent: () => 1, reads: { x: 'a' } })
      .step('c', { agent: () => 1, reads: { x: 'b' } })
      .step('slow', { agent: () => ((late = true), stop ? hang() : 1) });
  const before = await perform(faulty(false)).report;
  const store = await performUntil(faulty(true), {}, () => late);
  const after = await (await resume(store, ID, faulty(false))).report;
  expect(after.errors.map(({ message }) => message)).toEqual(before.errors.map(({ message }) => message));
  expect((after.errors[0] as any).path).toEqual((before.errors[0] as any).path);
  expect((after.errors[0] as any).cause).toMatchObject({ name: 'TypeError', message: 'no such file' });
  expect(after.timeline.map(({ status }) => status)).toEqual(['failed', 'skipped', 'skipped', 'done']);
});

test.each(['none', 'idempotent', undefined] as const)(
  'a cut-off step with effects %s runs again',
  async (effects) => {
    let calls = 0;
    const one = (stop: boolean) =>
      score('one').step('a', { ...(effects && { effects }), agent: () => (calls++, stop ? hang() : 'ok') });
    const store = await performUntil(one(true), {}, () => calls === 1);
    expect((await (await resume(store, ID, one(false))).result).outputs).toEqual({ a: 'ok' });
    expect(calls).toBe(2);
  },
);

const sender = (stop: boolean, sent: string[], more: object = {}) =>
  score('send')
    .step('send', {
      agent: agent({
        name: 'sender',
        effects: 'external',
        run: (_: unknown, { effectKey }: AgentContext) => (sent.push(effectKey), stop ? hang() : 'sent'),
        ...more,
      }),
    })
    .step('after', { agent: ({ x }: { x: unknown }) => x, reads: { x: 'send' } });

test('a cut-off external step waits for a decision: done, again, or given up', async () => {
  const decisions: [Decision, unknown, number][] = [
    [{ did: 'by hand' }, { status: 'completed', after: 'by hand' }, 1],
    [{ redo: true }, { status: 'completed', after: 'sent' }, 2],
    [{ fail: 'not known' }, { status: 'failed', after: undefined }, 1],
  ];
  for (const [decision, expected, calls] of decisions)
    for (const when of ['before', 'during', 'while not performed'] as const) {
      const sent: string[] = [];
      const store = await performUntil(sender(true, sent), {}, () => sent.length === 1);
      if (when === 'while not performed') store.tell(ID, JSON.stringify({ decide: 'send', decision }));
      const run = await resume(
        store,
        ID,
        sender(false, sent),
        when === 'before' ? { decide: { send: decision } } : {},
      );
      if (when === 'during') {
        await new Promise((resolve) => setTimeout(resolve, 20));
        expect(sent, 'not repeated by itself').toHaveLength(1);
        void run.cue(); // a cue to everyone is no decision
        await new Promise((resolve) => setTimeout(resolve, 20));
        expect(sent).toHaveLength(1);
        run.decide('send', decision);
      }
      const { status, outputs } = await run.report;
      expect({ status, after: outputs['after'] }).toEqual(expected);
      expect(sent).toHaveLength(calls);
      expect(new Set(sent)).toEqual(new Set([`${ID}/send`]));
    }
});

test('a cut-off external step runs again where its agent uses the effect key, or its retry says so', async () => {
  for (const more of [{ usesEffectKey: true }, { retry: { attempts: 1, repeatsEffect: true } }]) {
    const sent: string[] = [];
    const store = await performUntil(sender(true, sent, more), {}, () => sent.length === 1);
    await (
      await resume(store, ID, sender(false, sent, more))
    ).result;
    expect(sent).toEqual([`${ID}/send`, `${ID}/send`]);
  }
});

test('reconcile says whether the effect took place; when it cannot tell, a person decides', async () => {
  for (const [reconcile, calls, outcome] of [
    [async (key: string) => ({ value: `found ${key}` }), 1, `found ${ID}/send`],
    [async () => undefined, 2, 'sent'],
  ] as const) {
    const sent: string[] = [];
    const store = await performUntil(sender(true, sent), {}, () => sent.length === 1);
    const { outputs } = await (await resume(store, ID, sender(false, sent, { reconcile }))).result;
    expect([outputs['after'], sent.length]).toEqual([outcome, calls]);
  }
  const sent: string[] = [];
  const store = await performUntil(sender(true, sent), {}, () => sent.length === 1);
  const unsure = { reconcile: () => Promise.reject(new Error('offline')) };
  const report = await (await resume(store, ID, sender(false, sent, unsure), { heldMs: 1 })).report;
  expect(report.status).toBe('held');
  expect(report.errors[0]!.message).toMatch(/'send' waits for a decision: its effect may have taken place/);
  expect(sent).toHaveLength(1);
  expect(store.list()).toMatchObject([{ state: 'open', holder: undefined }]);
});

test('a vamp goes on in its round with its last result, and the effect key names the round', async () => {
  const keys: string[] = [];
  const vamping = (stopAt: number) =>
    score('vamp').step('v', {
      vamp: { max: 5, until: (result) => (result as number) >= 4 },
      agent: ({ previous = 0 }: { previous?: number }, { effectKey }: AgentContext) => {
        keys.push(effectKey);
        return previous === stopAt ? hang() : previous + 1;
      },
    });
  const store = await performUntil(vamping(2), {}, () => keys.length === 3);
  const { outputs, timeline } = await (await resume(store, ID, vamping(-1))).result;
  expect(outputs).toEqual({ v: 4 });
  expect(keys).toEqual(['r/v#1', 'r/v#2', 'r/v#3', 'r/v#3', 'r/v#4']);
  expect(timeline[0]!.attempts).toBe(5);
});

test('tries that have failed count after a crash, and a rest goes on where it was', async () => {
  let calls = 0;
  const failing = score('failing').step('a', {
    retry: { attempts: 3, delayMs: 300, factor: 1 },
    agent: () => {
      calls++;
      throw new Error('again');
    },
  });
  const store = await performUntil(failing, {}, () => calls === 2);
  const report = await (await resume(store, ID, failing)).report;
  expect(report.status).toBe('failed');
  expect(calls).toBe(3);
  expect(report.usage.retries).toBe(2);
});

test('a result, an input and a default that JSON would change are refused by name', async () => {
  const store = memoryStore();
  const result = await perform(
    score('bad').step('a', { agent: () => ({ list: [1, NaN] }), retry: { attempts: 3 } }),
    { durable: store, runId: 'result' },
  ).report;
  expect(result.errors[0]!.message).toMatch(
    /the result of 'a' cannot be kept in the log: list.1: not a finite number/,
  );
  expect(result.usage.calls, 'it is not tried again').toBe(1);
  const fine = score('fine').step('a', { agent: () => undefined });
  const input = await perform(fine, { durable: store, runId: 'input', input: { at: new Date() } }).report;
  expect(input.errors[0]!.message).toMatch(
    /the input cannot be kept in the log: at: an object that is not plain/,
  );
  const fallback = score('bad').step('a', { agent: () => 1, default: new Map() as never });
  expect(() => perform(fallback as never, { durable: store, runId: 'default' })).toThrow(/step 'a'.default/);
  expect((await perform(fine, { durable: store, runId: 'fine' }).result).outputs).toEqual({ a: undefined });
  expect((await (await resume(store, 'fine', fine)).result).outputs).toEqual({ a: undefined });
});

test('a changed score: refused by step and difference where it has begun, adopted elsewhere', async () => {
  let at = 0;
  const original = () =>
    score('s')
      .step('a', { agent: () => 1 })
      .step('b', { agent: () => ((at = 1), hang()), reads: { x: 'a' } })
      .step('c', { agent: () => 3, reads: { x: 'b' } });
  const crashed = () => ((at = 0), performUntil(original(), {}, () => at === 1));
  const other = score('s')
    .step('a', { agent: () => 1 })
    .step('b', { agent: () => 2, reads: { y: 'a' } })
    .step('c', { agent: () => 3, reads: { x: 'b' } });
  await expect(resume(await crashed(), ID, other)).rejects.toMatchObject({
    name: 'ChangedScoreError',
    message: expect.stringMatching(
      /step 'b' has another reads: it was {"x":"a"}, and is {"y":"a"}.*cannot change/,
    ),
  });
  const later = score('s')
    .step('a', { agent: () => 1 })
    .step('b', { agent: () => 2, reads: { x: 'a' } })
    .step('c', { agent: () => 3, reads: { x: 'a' } })
    .step('d', { agent: () => 4 });
  const store = await crashed();
  await expect(resume(store, ID, later)).rejects.toThrow(
    /step 'c' has another reads.*step 'd' is new.*adopt/,
  );
  expect((await (await resume(store, ID, later, { adopt: true })).result).outputs).toEqual({
    a: 1,
    b: 2,
    c: 3,
    d: 4,
  });
  const version = (v: string) =>
    score('s').step('a', { agent: agent({ name: 'x', version: v, run: () => ((at = 1), hang()) }) });
  at = 0;
  const old = await performUntil(version('1'), {}, () => at === 1);
  await expect(resume(old, ID, version('2'))).rejects.toThrow(/another version: it was "1", and is "2"/);
});

test('a hold is answered while no process performs the run, and an answer that came too late does not count', async () => {
  const held = (timeoutMs: number) =>
    score('held').step('a', {
      agent: () => 'went on',
      fermata: { holdType: 'human', timeoutMs, onTimeout: 'fail' },
    });
  const waiting = (timeoutMs: number) => {
    const store = memoryStore();
    return perform(held(timeoutMs), { ...options(store), heldMs: 5 }).report.then((report) => ({
      store,
      report,
    }));
  };
  const { store, report } = await waiting(60_000);
  expect(report.status).toBe('held');
  store.tell(ID, JSON.stringify({ cue: 'a' }));
  expect((await (await resume(store, ID, held(60_000))).result).outputs).toEqual({ a: 'went on' });
  const short = (await waiting(60)).store;
  await new Promise((resolve) => setTimeout(resolve, 80));
  short.tell(ID, JSON.stringify({ cue: 'a' }));
  const late = await (await resume(short, ID, held(60))).report;
  expect(late.errors[0]!.message).toMatch(/the fermata on 'a' was not lifted within/);
  const refused = (await waiting(60_000)).store;
  refused.tell(ID, JSON.stringify({ refuse: 'a', reason: 'not today' }));
  expect((await (await resume(refused, ID, held(60_000))).report).errors[0]!.message).toMatch(/not today/);
});

test('a running performance is answered by another process', async () => {
  const store = memoryStore();
  const held = score('held').step('a', { agent: () => 'went on', fermata: { timeoutMs: 60_000 } });
  const run = perform(held, options(store));
  store.tell(ID, JSON.stringify({ cue: 'a' }));
  expect((await run.result).outputs).toEqual({ a: 'went on' });
  expect(store.list()).toMatchObject([{ waiting: 0 }]);
});

test('holds and deadlines are absolute: they run out while no process performs the run, and never last longer than planned', async () => {
  const held = score('held').step('a', { agent: () => 1, fermata: { timeoutMs: 100, onTimeout: 'resume' } });
  const store = memoryStore();
  await perform(held, { ...options(store), heldMs: 1 }).report;
  await new Promise((resolve) => setTimeout(resolve, 120));
  await (
    await resume(store, ID, held)
  ).result;

  let at = false;
  const slow = score('slow').step('a', { agent: () => ((at = true), hang()) });
  const timed = await performUntil(slow, { timeout: { totalMs: 400 } }, () => at);
  const report = await (await resume(timed, ID, slow, { graceMs: 1 })).report;
  expect(report.errors[0]!.message).toMatch(/the performance did not finish within 0.4 s/);
  expect(timed.list()).toMatchObject([{ state: 'failed' }]);
});

test('a cancelled run stays cancelled; an interrupted one can be resumed', async () => {
  const slow = (stop: boolean) => score('slow').step('a', { agent: () => (stop ? hang() : 1) });
  const store = memoryStore();
  const run = perform(slow(true), { ...options(store) });
  run.cancel('enough');
  await run.report;
  expect(store.list()).toMatchObject([{ state: 'cancelled' }]);
  const report = await (await resume(store, ID, slow(false))).report;
  expect([report.status, report.errors[0]!.message]).toEqual([
    'cancelled',
    'the performance was cancelled: enough',
  ]);
  const other = memoryStore();
  const abort = new AbortController();
  const interrupted = perform(slow(true), { ...options(other), signal: abort.signal });
  abort.abort(new Error('SIGINT'));
  expect((await interrupted.report).errors[0]!.name).toBe('InterruptedError');
  expect((await (await resume(other, ID, slow(false))).result).outputs).toEqual({ a: 1 });
});

test('a budget of calls counts the starts of every life', async () => {
  let calls = 0;
  const many = (stop: boolean) => {
    let all: any = score('many');
    for (let i = 0; i < 5; i++)
      all = all.step(`s${i}`, {
        agent: () => (++calls === 3 && stop ? hang() : 1),
        ...(i > 0 && { after: [`s${i - 1}`] }),
      });
    return all;
  };
  const store = await performUntil(many(true), { budget: { calls: 4 } }, () => calls === 3);
  const report = await (await resume(store, ID, many(false))).report;
  expect(report.status).toBe('failed');
  expect(report.errors[0]!.message).toMatch(/budget of 4 calls is spent/);
  expect(calls, 'the call that was cut off counts').toBe(4);
});

test('shared state goes on with its values and versions, and a write counts together with its result', async () => {
  let at = '';
  const notes = (stop: boolean) =>
    score('notes')
      .shared({ list: z.array(z.string()) }, { initial: { list: [] } })
      .step('a', {
        agent: (_: unknown, context: AgentContext) =>
          sharedOf(context).write('list', (l: string[]) => void l.push('a')),
      })
      .step('b', {
        after: ['a'],
        agent: async (_: unknown, context: AgentContext) => {
          const { version } = await sharedOf(context).copy('list');
          await sharedOf(context).write('list', (l: string[]) => void l.push(`b${version}`));
          at = 'b';
          if (stop) await hang();
        },
      })
      .step('c', {
        after: ['b'],
        agent: (_: unknown, context: AgentContext) =>
          sharedOf(context).write('list', (l: string[]) => void l.push('c')),
      });
  const store = await performUntil(notes(true), {}, () => at === 'b');
  const report = await (await resume(store, ID, notes(false))).result;
  expect(report.shared).toEqual({ list: ['a', 'b1', 'c'] });
  expect((await (await resume(store, ID, notes(false))).result).shared).toEqual({ list: ['a', 'b1', 'c'] });
});

test('a writer that has lost its run aborts its agents, ends with a typed error, and appends nothing more', async () => {
  const store = memoryStore();
  let aborted = false;
  const slow = score('slow').step('a', {
    agent: (_: unknown, { signal }: AgentContext) =>
      new Promise((_resolve, reject) =>
        signal.addEventListener('abort', () => ((aborted = true), reject(signal.reason))),
      ),
  });
  const run = perform(slow, options(store));
  await new Promise((resolve) => setTimeout(resolve, 20));
  store.crash(ID);
  const next = store.open(ID);
  const before = [...next.read()].length;
  const report = await run.report;
  expect(report.errors[0]!.name).toBe('FencedLogError');
  expect(aborted).toBe(true);
  expect([...next.read()].length).toBe(before);
});

test('a crash while both attempts of a hedge run: the try begins again, and both calls stay counted', async () => {
  const seen: boolean[] = [];
  const late = (stop: boolean) =>
    score('late').step('a', {
      agent: (_: {}, { hedged }: AgentContext) => (seen.push(hedged === true), stop ? hang() : 'done'),
      effects: 'idempotent',
      hedge: { afterMs: 1 },
    });
  const store = await performUntil(late(true), { budget: { calls: 3 } }, () => seen.length === 2);
  const { outputs, usage } = await (await resume(store, ID, late(false))).result;
  expect(outputs.a).toBe('done');
  expect(seen).toEqual([false, true, false]);
  expect(usage.calls).toBe(3);
  const short = await performUntil(late(true), { budget: { calls: 2 } }, () => seen.length === 5);
  const report = await (await resume(short, ID, late(false))).report;
  expect(report.errors[0]!.message).toMatch(/budget of 2 calls is spent/);
});
