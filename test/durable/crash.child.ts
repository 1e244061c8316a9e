/** The score that the crash tests perform: faults, retries, holds, a vamp, external effects, a budget, shared state, a map,
 *  a loop, a sub-score and a condition. */
import { z } from 'zod';
import { agent, score, sharedOf, type AgentContext } from '../../src/index.ts';
import { crashJob } from '../../src/testing/crash.ts';

type Made = { n: number; nonce: number };
const made = (n: number): Made => ({ n, nonce: Math.random() });
const sum = (operands: Record<string, any>): number =>
  Object.values(operands)
    .flat()
    .reduce((total: number, { n = 0 } = {}) => total + n, 0);
const push = (context: AgentContext, what: string) =>
  sharedOf<{ list: string[] }>(context).write('list', (list) => void list.push(what));

const inner = score('inner')
  .step('x', { agent: async () => made(1) })
  .step('y', {
    agent: async (o: any, context: AgentContext) => (await push(context, 'y'), made(sum(o) + 1)),
    reads: { x: 'x' },
    fermata: { timeoutMs: 600_000 },
  })
  .outputs({ y: 'y' });
const round = score('round')
  .step('up', { agent: async ({ n }: any) => made((n?.n ?? 0) + 1), reads: { n: 'input.n' } as never })
  .step('tell', {
    agent: agent({ name: 'tell', effects: 'external', run: async (o: any) => made(sum(o)) }),
    reads: { n: 'up' },
  })
  .outputs({ n: 'tell' } as never);

const job = (score('crash') as any)
  .shared({ list: z.array(z.string()) }, { initial: { list: [] } })
  .step('a', { agent: async () => made(1) })
  .step('list', { agent: async () => [made(1), made(2), made(3)] })
  .map('each', {
    over: 'list',
    concurrency: 2,
    agent: agent({ name: 'each', effects: 'external', run: async ({ item }: any) => made(item.n) }),
  })
  .step('sub', { score: inner, after: ['each'] })
  .repeat('loop', { score: round, reads: { n: 'a' }, until: ({ n }: any) => n.n >= 3, max: 4 })
  .step('never', { agent: async () => made(100), reads: { a: 'a' }, when: () => false, default: { n: 0 } })
  .step('b', {
    agent: async (o: any, context: AgentContext) => (await push(context, 'b'), made(sum(o) + 1)),
    reads: { a: 'a' },
  })
  .step('flaky', {
    retry: { attempts: 3, delayMs: 5 },
    reads: { a: 'a' },
    agent: async (o: any, { attempt }: AgentContext) => {
      if (attempt === 1) throw new Error('once more');
      return made(sum(o) + 10);
    },
  })
  .step('fault', { agent: () => Promise.reject(new RangeError('always')), default: { n: 5, nonce: 0 } })
  .step('held', { agent: async (o: any) => made(sum(o)), reads: { b: 'b' }, fermata: { timeoutMs: 600_000 } })
  .step('vamp', {
    vamp: { max: 6, until: (result: unknown) => (result as Made).n >= 3 },
    reads: { a: 'a' },
    agent: async ({ previous = { n: 0 } }: any) => made(previous.n + 1),
  })
  .step('send', {
    reads: { flaky: 'flaky' },
    agent: agent({ name: 'send', effects: 'external', run: async (o: any) => made(sum(o)) }),
  })
  .step('keyed', {
    reads: { vamp: 'vamp' },
    agent: agent({
      name: 'keyed',
      effects: 'external',
      usesEffectKey: true,
      run: async (o: any, { effectKey }: AgentContext) => ({ ...made(sum(o)), key: effectKey }),
    }),
  })
  .step('c', {
    reads: { b: 'b', fault: 'fault' },
    agent: async (o: any, context: AgentContext) => (await push(context, 'c'), made(sum(o))),
  })
  .step('d', {
    reads: {
      c: 'c',
      send: 'send',
      keyed: 'keyed',
      held: 'held',
      loop: 'loop.n',
      sub: 'sub.y',
      never: 'never',
      each: 'each',
    },
    agent: async (o: any, context: AgentContext) => (await push(context, 'd'), made(sum(o))),
  })
  .outputs({ n: 'd.n', key: 'keyed.key' });

await crashJob(job, { budget: { calls: 500 }, graceMs: 50 });
