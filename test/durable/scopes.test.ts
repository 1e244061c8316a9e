/** Claim: what a map, a loop and a sub-score have done is not done again; elements and rounds are known by their ids. */
import { expect, test, vi } from 'vitest';
import { perform, score, type AgentContext } from 'tutti';
import { memoryStore, resume } from 'tutti/durable';

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
