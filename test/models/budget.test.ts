/** Claims about the budget of a whole performance: shared by all its model agents, and never overrun. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { BudgetError } from '../../actors/tomasulo/errors.ts';
import type { AgentContext } from '../../actors/tomasulo/program.ts';
import { inputBound } from '../../src/models/meter.ts';
import { perform, scoreOf, type StepPlan } from 'tutti';
import { modelAgent } from '../../src/models/model-agent.ts';
import { modelCall } from '../../src/models/model-call.ts';
import { loadPrices } from '../../src/budget/prices.ts';
import { BudgetExceededError } from '../../src/budget/budget.ts';
import { RunAccount } from '../../src/budget/run-account.ts';
import { scriptedModel } from '../../src/testing/index.ts';

const prices = await loadPrices({
  lookUp: false,
  overrides: { 'scripted:scripted': { input: 1_000, output: 10_000 } },
});

/** Fifty steps that ask a model which reports its usage late, each later than the one before it. */
function fifty() {
  let late = Promise.resolve();
  const usage = { input: 100, output: 20 };
  const model = scriptedModel({
    script: () => {
      late = late.then(() => new Promise((done) => setTimeout(done, 1)));
      return { text: 'fine', usage, until: late };
    },
  });
  const agent = modelAgent({ name: 'asker', model, prompt: 'Say {n}.', maxOutputTokens: 100, prices });
  const plans: StepPlan[] = Array.from({ length: 50 }, (_, n) => ({
    id: `s${n}`,
    agent: agent as unknown as StepPlan['agent'],
    reads: { n: 'input' },
  }));
  return { model, score: scoreOf('fifty', plans) };
}

test.each([
  ['tokens', { tokens: 1_500 }],
  ['usd', { usd: 3 }],
] as const)('%s: 50 agents at once with late reports never overrun it', async (kind, budget) => {
  const { model, score } = fifty();
  const { usage, timeline, errors, status } = await perform(score, { input: 7, budget }).report;
  const spent = kind === 'tokens' ? usage.tokens! : usage.usd!;
  expect(spent).toBeGreaterThan(0);
  expect(spent).toBeLessThanOrEqual(kind === 'tokens' ? 1_500 : 3);
  const done = timeline.filter((step) => step.status === 'done').length;
  expect([usage.modelCalls, model.calls.length, usage.tokens]).toEqual([done, done, done * 120]);
  expect([status, done > 0 && done < 50]).toEqual(['failed', true]);
  expect(errors[0]!.cause).toBeInstanceOf(BudgetExceededError);
  expect(String(errors[0]!.cause)).toContain(`raise budget.${kind}`);
});

test('without a budget every step runs, and the report says what was used', async () => {
  const { score } = fifty();
  const { usage } = await perform(score, { input: 7 }).result;
  expect(usage).toMatchObject({ calls: 50, modelCalls: 50, tokens: 6_000 });
  expect(usage.usd).toBeCloseTo(50 * (100 * 1e-3 + 20 * 1e-2), 9);
});

test('without a limit in money a model without a known price runs, and its cost is not known', async () => {
  const model = scriptedModel({ provider: 'unpriced', modelId: 'model', script: ['fine'] });
  const asker = modelAgent({ name: 'asker', model, prompt: 'x' });
  const plan = { id: 'a', agent: asker as unknown as StepPlan['agent'] };
  const { usage } = await perform(scoreOf('s', [plan])).result;
  expect(usage).toMatchObject({ modelCalls: 1, usd: undefined });
  expect(usage.tokens).toBeGreaterThan(0);
});

test('a performance without models says nothing of tokens', async () => {
  const { usage } = await perform(scoreOf('plain', [{ id: 'a', agent: { name: 'a', run: () => 1 } }])).result;
  expect(usage).toEqual({ calls: 1, retries: 0, stalls: 0 });
});

test('a limit that there is not is refused at once, with those that there are', () => {
  const budget = { euros: 1 } as never;
  expect(() => perform(fifty().score, { input: 7, budget })).toThrow(
    /budget.euros: unknown limit. Known are calls, tokens, usd/,
  );
});

test.each([{ tokens: -1 }, { tokens: 1.5 }, { usd: Number.NaN }, { usd: -0.01 }])(
  'a budget of %o is refused at once, with a remedy',
  (budget) => {
    expect(() => perform(fifty().score, { input: 7, budget })).toThrow(/budget\.(tokens|usd).*Correct it/s);
  },
);

test('a step that begins again, by a retry, has its share again', () => {
  const performed = { spenders: () => 3, deadline: undefined, shareOfTime: () => 1 };
  const account = new RunAccount({}, performed);
  const left = () => account.stepsLeft;
  const seen = [left(), account.begin('a'), left(), account.end('a'), left(), account.begin('a'), left()];
  expect(seen.filter((count) => count !== undefined)).toEqual([3, 3, 2, 3]);
  for (const step of ['a', 'b', 'c']) account.end(step);
  expect(left()).toBe(1); // the step that asks still runs
});

test.each([
  ['image/png', 16_384],
  ['application/pdf', 2 ** 20],
])('a file of %s is bounded by what it could cost, independent of its bytes', (mediaType, least) => {
  const data = { type: 'url', url: new URL('https://example.org/f') } as const;
  const content = [{ type: 'file', mediaType, data }];
  const prompt = [{ role: 'user', content }] as unknown as Parameters<typeof inputBound>[0]['prompt'];
  expect(inputBound({ prompt })).toBeGreaterThanOrEqual(least);
  expect(inputBound({ prompt: [...prompt, ...prompt] })).toBeGreaterThanOrEqual(2 * least);
});

test('random scores: neither starts of agents nor requests to models exceed budget.calls, and nothing else stops a run', async () => {
  const step = fc.record({
    /** Requests that a model agent makes one after the other; 0 is an agent without a model. */
    requests: fc.integer({ min: 0, max: 3 }),
    /** Requests that the provider refuses for the moment before each answer. */
    busy: fc.integer({ min: 0, max: 2 }),
    /** Starts that fail before the one that does not. */
    fails: fc.integer({ min: 0, max: 1 }),
    afterLast: fc.boolean(),
  });
  const reached = new Set<boolean>();
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 6 }), fc.nat(24), async (steps, calls) => {
      let [starts, requests, within] = [0, 0, true];
      const plans = steps.map(({ requests: count, busy, fails, afterLast }, i): StepPlan => {
        const refused = Object.assign(new Error('slow down'), { statusCode: 429 });
        let n = 0;
        const model = scriptedModel({
          script: () => {
            requests++;
            return n++ % (busy + 1) < busy ? { error: refused } : 'fine';
          },
        });
        const ask = modelCall({ prompt: 'x', retry: { attempts: 3, delayMs: 0 } });
        const run = async (_operands: unknown, context: AgentContext) => {
          starts++;
          for (let k = 0; k < count; k++) await ask({}, context, { model });
          within &&= Math.max(starts, requests) <= calls;
          if (context.attempt <= fails) throw new Error('not yet');
          return i;
        };
        return {
          id: `s${i}`,
          agent: { name: `a${i}`, run },
          retry: { attempts: 2, delayMs: 0 },
          ...(afterLast && i > 0 ? { after: [`s${i - 1}`] } : {}),
        };
      });
      const { status, errors, usage } = await perform(scoreOf('random', plans), { budget: { calls } }).report;
      // What it takes: each start, and each request beyond the first of a start.
      const needed = steps.reduce(
        (sum, { requests: count, busy, fails }) => sum + (fails + 1) * Math.max(1, count * (busy + 1)),
        0,
      );
      expect(within && Math.max(starts, requests) <= calls).toBe(true);
      expect([usage.calls, usage.modelCalls ?? 0]).toEqual([starts, requests]);
      expect(status).toBe(needed <= calls ? 'completed' : 'failed');
      for (const error of errors) expect(error.cause).toBeInstanceOf(BudgetError);
      reached.add(status === 'completed');
    }),
    { numRuns: 150 },
  );
  expect(reached.size).toBe(2);
});

test('a budget of calls that is extended counts for requests, too', async () => {
  const model = scriptedModel({ script: () => 'fine' });
  const ask = modelCall({ prompt: 'x' });
  const twice = async (_operands: unknown, context: AgentContext) => {
    await ask({}, context, { model });
    run.extend({ calls: 1 });
    return (await ask({}, context, { model })).output;
  };
  const run = perform(scoreOf('s', [{ id: 'a', agent: { name: 'a', run: twice } }]), {
    budget: { calls: 1 },
  });
  expect((await run.result).outputs).toEqual({ a: 'fine' });
  expect(model.calls).toHaveLength(2);
});
