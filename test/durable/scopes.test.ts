/** Claim: what a map, a loop and a sub-score have done is not done again; elements and rounds are known by their ids. */
import { expect, test, vi } from 'vitest';
import { perform, score, sharedOf, type AgentContext } from 'tutti';
import { memoryStore, resume } from 'tutti/durable';
import { z } from 'zod';

const hang = (): Promise<never> => new Promise(() => {});

test('a map, a loop, a sub-score and a condition go on where they were', async () => {
  const ran: string[] = [];
  const job = (stopAt: string) => {
    const note = (value: unknown, { stepId }: AgentContext) => (
      ran.push(stepId),
      stepId === stopAt ? hang() : value
    );
    const inner = score('inner')
      .step('x', { agent: (_: unknown, c) => note(1, c) })
      .step('y', { agent: (_: unknown, c) => note(2, c), after: ['x'] });
    const round = score('round')
      .step('up', { agent: ({ n }: any, c) => note(n + 1, c), reads: { n: 'input.n' } as never })
      .outputs({ n: 'up' } as never);
    return (score('job') as any)
      .step('list', { agent: (_: unknown, c: AgentContext) => note([10, 20, 30], c) })
      .map('each', { over: 'list', agent: ({ item }: any, c: AgentContext) => note(item + 1, c) })
      .step('skipped', {
        agent: (_: unknown, c: AgentContext) => note(0, c),
        reads: { list: 'list' },
        when: () => false,
      })
      .step('start', { agent: (_: unknown, c: AgentContext) => note({ n: 0 }, c), after: ['each'] })
      .repeat('loop', { score: round, reads: { n: 'start.n' }, until: ({ n }: any) => n >= 3, max: 5 })
      .step('sub', { score: inner, after: ['loop'] });
  };
  const plain = await perform(job('')).report;
  expect(plain.errors).toEqual([]);
  const all = [...ran];
  for (const stopAt of all) {
    ran.length = 0;
    const store = memoryStore();
    const run = perform(job(stopAt), { durable: store, runId: 'r', graceMs: 5 });
    await vi.waitFor(() => expect(ran).toContain(stopAt), 10_000);
    await new Promise((resolve) => setTimeout(resolve, 10));
    store.crash('r');
    run.cancel();
    await run.report;
    const report = await (await resume(store, 'r', job(''))).report;
    expect({ stopAt, status: report.status, outputs: report.outputs, errors: report.errors }).toEqual({
      ...{ stopAt, status: 'completed', outputs: plain.outputs, errors: [] },
    });
    expect(ran.toSorted(), stopAt).toEqual([...all, stopAt].toSorted());
  }
});

test('maps, loops, sub-scores and conditions that do not hold are no calls: not of the budget, not of the usage', async () => {
  let stopAt = '';
  const job = () => {
    const run = (_: unknown, { stepId }: AgentContext) => (stepId === stopAt ? hang() : 1);
    return (score('job') as any)
      .step('list', { agent: () => [1, 2] })
      .map('each', { over: 'list', agent: run })
      .step('skipped', { agent: run, reads: { list: 'list' }, when: () => false, default: 0 })
      .step('sub', { score: score('inner').step('x', { agent: run }), after: ['each'] });
  };
  const options = { budget: { calls: 4 }, graceMs: 1 };
  const plain = await perform(job(), options).result;
  const store = memoryStore();
  const durable = await perform(job(), { ...options, durable: store, runId: 'whole' }).result;
  expect(durable.usage).toEqual(plain.usage);
  expect(plain.usage.calls).toBe(4);
  const attempts = ({ timeline }: typeof plain) => timeline.map((step) => [step.id, step.attempts]);
  expect(attempts(durable)).toEqual(attempts(plain));
  stopAt = 'sub/x';
  const run = perform(job(), { ...options, budget: { calls: 5 }, durable: store, runId: 'r' });
  await vi.waitFor(() => expect([...store.read('r')].some(({ about }) => about === stopAt)).toBe(true));
  store.crash('r');
  run.cancel();
  await run.report;
  stopAt = '';
  const resumed = await (await resume(store, 'r', job())).result;
  expect(resumed.usage.calls).toBe(5);
  // A map that had ended is not opened again, so its elements are not in the picture.
  const twice = attempts(plain).flatMap(([id, times]) =>
    String(id).startsWith('each[') ? [] : [[id, id === 'sub/x' ? 2 : times]],
  );
  expect(attempts(resumed)).toEqual(twice);
});

test('traffic of shared state is no signal: it is not in the log, and wakes no step that is called memory', async () => {
  const job = (score('job') as any)
    .shared({ list: z.array(z.string()) }, { initial: { list: [] } })
    .step('a', {
      agent: async (_: unknown, context: AgentContext) =>
        sharedOf<{ list: string[] }>(context).write('list', (list) => void list.push('a')),
    })
    .step('memory', { agent: () => 1, after: ['a'], fermata: { timeoutMs: 600_000 } });
  const store = memoryStore();
  const report = await perform(job, { durable: store, runId: 'r', heldMs: 50 }).report;
  expect(report.status).toBe('held');
  expect([...store.read('r')].filter(({ kind }) => kind === 'signal')).toEqual([]);
});
