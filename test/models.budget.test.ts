/** Claims about the budget of a whole performance: shared by all its model agents, and never overrun. */
import { expect, test } from 'vitest';
import { inputBound } from '../src/models/meter.ts';
import { perform, scoreOf, type StepPlan } from 'tutti';
import { modelAgent } from '../src/models/model-agent.ts';
import { loadPrices } from '../src/routing/prices.ts';
import { BudgetExceededError } from '../src/routing/ledger.ts';
import { RunAccount } from '../src/routing/run-account.ts';
import { scriptedModel } from '../src/testing/index.ts';

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

test('without a budget everybody runs, and the report says what was used', async () => {
  const { score } = fifty();
  const { usage } = await perform(score, { input: 7 }).result;
  expect(usage).toMatchObject({ calls: 50, modelCalls: 50, tokens: 6_000 });
  expect(usage.usd).toBeCloseTo(50 * (100 * 1e-3 + 20 * 1e-2), 9);
});

test('without a limit in money a model whose price nobody knows runs, and its cost is not known', async () => {
  const model = scriptedModel({ provider: 'nobody', modelId: 'knows', script: ['fine'] });
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
    /budget.euros: unknown limit. Use calls, tokens, usd/,
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
  expect(left()).toBe(1); // whoever asks still runs
});

test.each([
  ['image/png', 16_384],
  ['application/pdf', 2 ** 20],
])('a file of %s is bounded by what it could cost, whatever its bytes', (mediaType, least) => {
  const data = { type: 'url', url: new URL('https://example.org/f') } as const;
  const content = [{ type: 'file', mediaType, data }];
  const prompt = [{ role: 'user', content }] as unknown as Parameters<typeof inputBound>[0]['prompt'];
  expect(inputBound({ prompt })).toBeGreaterThanOrEqual(least);
  expect(inputBound({ prompt: [...prompt, ...prompt] })).toBeGreaterThanOrEqual(2 * least);
});
