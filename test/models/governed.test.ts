/** Claims: a governor sees the orchestrator's queue; money that runs out lowers its ceiling in mid-performance, and more of it lifts it; what verifiers say is learnt, and reported beside its cost. */
import { describe, expect, test } from 'vitest';
import { perform, scoreOf, VirtualClock, type StepPlan } from 'tutti';
import { UnitGovernor, type PoolState } from '../../actors/governor/governor.ts';
import { relativeCost } from '../../machines/governor/operating-point.ts';
import { agent } from '../../src/score/agent.ts';
import { governed } from '../../src/models/choose.ts';
import { escalatingAgent, modelAgent } from '../../src/models/model-agent.ts';
import { modelCall } from '../../src/models/model-call.ts';
import { BudgetExceededError, Ledger } from '../../src/budget/budget.ts';
import { loadPrices } from '../../src/budget/prices.ts';
import { createRouter } from '../../src/routing/router.ts';
import { throttle } from '../../src/routing/throttle.ts';
import { scriptedModel } from '../../src/testing/index.ts';
import { stepContext } from './helpers.ts';

const named = (modelId: string, script: Parameters<typeof scriptedModel>[0]['script']) =>
  scriptedModel({ provider: 'own', modelId, script });
const table = [
  { tempo: 'andante', dynamics: 'pp', model: 'own:small' },
  { tempo: 'allegro', dynamics: 'mf', model: 'own:medium' },
  { tempo: 'presto', dynamics: 'ff', model: 'own:large' },
] as const;
const router = createRouter({ table, nearest: true });
const prices = await loadPrices({
  lookUp: false,
  overrides: {
    'own:small': { input: 1, output: 10 },
    'own:medium': { input: 10, output: 100 },
    'own:large': { input: 100, output: 1_000 },
  },
});
const asAgent = (given: unknown) => given as StepPlan['agent'];
/** Steps one after the other, or all at once. */
const steps = (count: number, run: unknown, chained: boolean): StepPlan[] =>
  Array.from({ length: count }, (_, i) => ({
    id: `s${i}`,
    agent: asAgent(run),
    ...(chained && i > 0 ? { after: [`s${i - 1}`] } : {}),
  }));

describe('load', () => {
  test('a pool and its queue are reported at every change, before any step starts, and empty at the end', async () => {
    const seen: PoolState[] = [];
    let atFirstStart: PoolState | undefined;
    const busy = agent({
      name: 'busy',
      capacity: 2,
      observe: (pool) => seen.push(pool),
      run: async (_: object, { sleep }) => {
        atFirstStart ??= seen.at(-1);
        await sleep(1_000);
      },
    });
    const clock = new VirtualClock();
    await perform(scoreOf('five', steps(5, busy.plan, false)), { clock }).result;
    expect(seen.map(({ inUse, queued, capacity, at }) => [inUse, queued, capacity, at])).toEqual([
      [2, 3, 2, 0],
      [2, 1, 2, 1_000], // both slots pass on
      [1, 0, 2, 2_000],
      [0, 0, 2, 3_000],
    ]);
    expect(atFirstStart).toBe(seen[0]);
  });

  test('a queue raises the point of a model’s pool, and idling lowers it', async () => {
    const clock = new VirtualClock();
    const points: string[] = [];
    const governor = new UnitGovernor({
      unit: 'writers',
      policy: 'schedutil',
      onPoint: ({ dynamics }) => points.push(`${clock.now()} ${dynamics}`),
    });
    const model = governed({
      governor,
      router,
      models: {
        'own:small': named('small', () => 'x'),
        'own:medium': named('medium', () => 'x'),
        'own:large': named('large', () => 'x'),
      },
    });
    const writer = modelAgent({ name: 'writer', model, capacity: 4, prompt: 'Write.' });
    const think = {
      name: 'think',
      run: (_: object, { sleep }: { sleep(ms: number): Promise<void> }) => sleep(60_000),
    };
    const plans: StepPlan[] = [
      ...steps(9, writer, false), // four run, five wait
      { id: 'think', agent: asAgent(think), after: ['s8'] },
      { id: 'alone', agent: asAgent(writer), after: ['think'] },
    ];
    await perform(scoreOf('rush', plans), { clock }).result;
    expect(points[0]).toBe('0 ff');
    expect(points.at(-1)).toBe('60000 pp'); // one of four, after a minute of nothing
  });

  test.each(['ondemand', 'schedutil'] as const)(
    'of two performances that share a governor the fuller one counts, until it is empty (%s)',
    (policy) => {
      const governor = new UnitGovernor({ unit: 'u', policy });
      const [full, light] = [{}, {}];
      governor.observe({ inUse: 2, queued: 6, capacity: 2, at: 0, pool: full });
      expect(governor.point.dynamics).toBe('ff');
      governor.observe({ inUse: 0, queued: 0, capacity: 2, at: 5_000, pool: light });
      governor.observe({ inUse: 1, queued: 0, capacity: 4, at: 10_000, pool: light });
      expect(governor.point.dynamics).toBe('ff');
      governor.observe({ inUse: 0, queued: 0, capacity: 2, at: 15_000, pool: full });
      governor.observe({ inUse: 0, queued: 0, capacity: 4, at: 20_000, pool: light });
      governor.observe({ inUse: 1, queued: 0, capacity: 100, at: 25_000, pool: light });
      expect(governor.point.dynamics).toBe('pp');
    },
  );

  test('a pool that becomes idle does not make another one idle, which keeps its point while it works', () => {
    const governor = new UnitGovernor({ unit: 'u', policy: 'schedutil' });
    const [steady, other] = [{}, {}];
    governor.observe({ inUse: 4, queued: 0, capacity: 4, at: 0, pool: steady });
    governor.observe({ inUse: 1, queued: 0, capacity: 4, at: 5_000, pool: steady });
    governor.observe({ inUse: 1, queued: 0, capacity: 4, at: 10_000, pool: other });
    governor.observe({ inUse: 0, queued: 0, capacity: 4, at: 15_000, pool: other });
    expect(governor.point.dynamics).toBe('ff');
    governor.observe({ inUse: 0, queued: 0, capacity: 4, at: 20_000, pool: steady });
    expect(governor.point.dynamics).toBe('pp');
  });

  test('a performance in virtual time that begins at nought again is not the past', () => {
    const governor = new UnitGovernor({ unit: 'u', policy: 'schedutil' });
    governor.observe({ inUse: 1, queued: 0, capacity: 4, at: 1e9 });
    for (const at of [0, 5_000]) governor.observe({ inUse: 4, queued: 4, capacity: 4, at });
    expect(governor.point.dynamics).toBe('ff');
  });

  test('an observer that throws harms no other', async () => {
    const said: unknown[] = [];
    const { error } = console;
    console.error = (...words) => said.push(words);
    try {
      const observe = () => {
        throw new Error('not my day');
      };
      const odd = agent({ name: 'odd', capacity: 1, observe, run: () => 7 });
      const { outputs } = await perform(scoreOf('s', steps(2, odd.plan, false))).result;
      expect(outputs).toEqual({ s0: 7, s1: 7 });
    } finally {
      console.error = error;
    }
    expect(String(said[0])).toMatch(/observes the unit 'odd' threw.*not my day/);
  });
});

/** Every task is as hard as can be, and an answer uses a fifth of what is set aside for it. */
function writers({ growing = false } = {}) {
  const asked: string[] = [];
  const governor = new UnitGovernor({ unit: 'writers' });
  const ceilings: string[] = [];
  const model = (name: string) =>
    named(name, () => {
      asked.push(name);
      ceilings.push(governor.ceiling.dynamics);
      return { text: 'fine', usage: { input: 60, output: growing ? Math.min(100, 2 * asked.length) : 20 } };
    });
  const choose = governed({
    governor,
    router,
    estimator: { estimate: () => 1 },
    models: { 'own:small': model('small'), 'own:medium': model('medium'), 'own:large': model('large') },
  });
  const writer = modelAgent({
    name: 'writer', model: choose, prompt: 'Write.', maxOutputTokens: 100, prices,
  }); // prettier-ignore
  return { asked, ceilings, governor, writer, choose };
}
/** Dollars that one answer of the large model costs. */
const LARGE = (60 * 100 + 20 * 1_000) / 1e6;

describe('throttling', () => {
  test('as money runs out a performance changes model, gets to its end, and never overruns', async () => {
    const { asked, ceilings, writer } = writers({ growing: true });
    const usd = 30 * LARGE;
    const run = perform(scoreOf('book', steps(40, writer, true)), { budget: { usd } });
    const { usage, status } = await run.report;
    expect(status).toBe('completed');
    expect(usage.usd!).toBeLessThanOrEqual(usd);
    expect(usage.usd!).toBeGreaterThan(usd / 2); // and it is no miser
    // Nothing is known at first; then answers turn out short; then they grow, and money runs out.
    const order = asked.join(' ').replaceAll(/\b(\w+)(?: \1\b)+/g, '$1');
    expect(order).toMatch(/^(?:small|medium) (?:medium )?large (?:medium|small)/);
    expect(ceilings.indexOf('ff')).toBeLessThan(ceilings.lastIndexOf('mf'));
    expect(asked).toHaveLength(40);
  });

  test('without a limit the hardest tasks all get the largest model', async () => {
    const { asked, writer } = writers();
    await perform(scoreOf('book', steps(40, writer, true))).result;
    expect(new Set(asked)).toEqual(new Set(['large']));
  });

  test('a budget that is extended lifts the ceiling again', async () => {
    const { asked, writer } = writers();
    const run = perform(scoreOf('book', steps(20, writer, true)), {
      budget: { usd: LARGE },
      onEvent: (event) => {
        if (event.type === 'step.ended' && event.stepId === 's9') run.extend({ usd: 100 * LARGE });
      },
    });
    const { usage } = await run.result;
    expect(asked.slice(0, 10)).not.toContain('large');
    expect(asked.slice(10)).toEqual(Array.from({ length: 10 }, () => 'large'));
    expect(usage.usd!).toBeLessThanOrEqual(101 * LARGE);
  });

  test('tokens that run out lower it as well, where a row allows longer answers', async () => {
    const { asked, writer } = writers();
    const budget = { tokens: 30_000 };
    const long = createRouter({
      nearest: true,
      table: [table[0], table[1], { ...table[2], maxOutputTokens: 20_000 }],
    });
    const governor = new UnitGovernor({ unit: 'u' });
    const models = {
      'own:small': named('small', () => (asked.push('small'), 'x')),
      'own:medium': named('medium', () => (asked.push('medium'), 'x')),
      'own:large': named('large', () => (asked.push('large'), 'x')),
    };
    const talker = modelAgent({
      name: 'talker', prompt: 'Talk.', maxOutputTokens: 100, prices,
      model: governed({ governor, router: long, models, estimator: { estimate: () => 1 } }),
    }); // prettier-ignore
    await perform(scoreOf('talk', steps(4, talker, true)), { budget }).result;
    expect(asked[0]).toBe('medium'); // a fourth of the budget is less than a long answer
    expect(writer.spends).toBe(true);
  });

  test('steps that pay nothing, and those that are silent, have no share', async () => {
    const { asked, writer } = writers();
    const plain = { name: 'plain', run: () => 1 };
    const silent: StepPlan = { id: 'silent', agent: asAgent(writer), tacet: true, fallback: { value: 1 } };
    const plans = [...steps(20, plain, false), silent, { id: 'one', agent: asAgent(writer) }];
    await perform(scoreOf('mixed', plans), { budget: { usd: 0.2 } }).result;
    expect(asked).toEqual(['large']);
  });

  test('two performances with one governor each get what their own budget allows', async () => {
    const { asked, writer } = writers();
    const rich = perform(scoreOf('rich', steps(6, writer, true)), { budget: { usd: 1_000 * LARGE } });
    const poor = perform(scoreOf('poor', steps(6, writer, true)), { budget: { usd: LARGE / 5 } });
    const [{ usage: much }, { usage: little }] = await Promise.all([rich.result, poor.result]);
    expect(much.usd!).toBeCloseTo(6 * LARGE, 9);
    expect(little.usd!).toBeLessThanOrEqual(LARGE / 5);
    expect(asked.filter((name) => name === 'large')).toHaveLength(6);
  });

  test('a limit that another caller set stays, and of two the stricter counts', () => {
    const governor = new UnitGovernor({ unit: 'u', policy: 'performance' });
    const need = (point: Parameters<typeof relativeCost>[0]) => ({ usd: relativeCost(point) });
    governor.budget(1.5);
    throttle(governor, [new Ledger({ usd: 100 })], { stepsLeft: 1, need });
    expect(governor.point.dynamics).toBe('mf');
    throttle(governor, [new Ledger({ usd: 0.4 })], { stepsLeft: 1, need });
    expect(governor.point.dynamics).toBe('p');
    governor.budget(null);
    expect(governor.point.dynamics).toBe('p');
    throttle(governor, [new Ledger()], { stepsLeft: 1, need });
    expect(governor.point.dynamics).toBe('ff');
  });

  test.each([
    ['far away lets an easy task go to the small model', 600, 0, 0, ['0 small', '0 small']],
    ['that comes near raises the tempo', 60, 58, 0, ['0 small', '58000 large']],
    ['that eleven more steps have to meet leaves five seconds each', 65, 0, 11, ['0 medium', '0 medium']],
  ])('a deadline %s', async (_, total, rest, more, said) => {
    const clock = new VirtualClock();
    const asked: string[] = [];
    const governor = new UnitGovernor({ unit: 'u' });
    const answer = (name: string) => named(name, () => (asked.push(`${clock.now()} ${name}`), 'x'));
    const model = governed({
      governor, router, estimator: { estimate: () => 0 },
      models: { 'own:small': answer('small'), 'own:medium': answer('medium'), 'own:large': answer('large') },
    }); // prettier-ignore
    const writer = asAgent(modelAgent({ name: 'writer', model, prompt: 'x', prices }));
    const sleep = {
      name: 'sleep',
      run: (_: object, context: { sleep(ms: number): Promise<void> }) => context.sleep(rest * 1_000),
    };
    const then = { name: 'then', run: () => 1 };
    const plans: StepPlan[] = [
      { id: 'early', agent: writer },
      { id: 'rest', agent: sleep, after: ['early'], cost: 0 },
      { id: 'late', agent: writer, after: ['rest'] },
    ];
    for (let i = 0; i < more; i++) plans.push({ id: `then-${i}`, agent: then, after: [plans.at(-1)!.id] });
    await perform(scoreOf('timely', plans), { clock, timeout: { totalMs: total * 1_000 } }).result;
    expect(asked).toEqual(said);
  });

  test('a climb is made only where every other step still has a call', async () => {
    const { choose } = writers();
    const ledger = new Ledger({ calls: 3 });
    const call = modelCall<object>({ prompt: 'x', prices, budget: ledger });
    const points = await call.within({}, stepContext().context, choose);
    const start = { tempo: 'andante', dynamics: 'pp' } as const;
    expect(points.above(start)).toEqual({ tempo: 'moderato', dynamics: 'p' });
    (await ledger.acquire({ calls: 3, tokens: 0, usd: 0 })).settle({ calls: 3, tokens: 0, usd: 0 });
    expect(points.above(start)).toBeUndefined();
  });

  test('a climb heeds what has been spent since the step began', async () => {
    const { choose } = writers();
    const ledger = new Ledger({ usd: 1 });
    const call = modelCall<object>({ prompt: 'x', prices, budget: ledger, maxOutputTokens: 100 });
    const points = await call.within({}, stepContext().context, choose);
    const start = points.pointFor(0);
    expect(points.above(start)).toEqual({ tempo: 'moderato', dynamics: 'p' });
    ledger.reserve({ calls: 1, tokens: 0, usd: 1 }).settle({ calls: 1, tokens: 0, usd: 1 });
    expect(points.above(start)).toBeUndefined();
  });

  test('what no model can do for the money is refused, with the limit named', async () => {
    const { asked, writer } = writers();
    const { errors, usage } = await perform(scoreOf('none', steps(2, writer, true)), {
      budget: { usd: 1e-9 },
    }).report;
    expect(errors[0]!.cause).toBeInstanceOf(BudgetExceededError);
    expect([asked, usage.modelCalls]).toEqual([[], undefined]);
  });

  test.each([{ usd: -1 }, { tokens: 0.5 }, { euros: 1 }])(
    'extending by %o is refused, and changes nothing',
    async (more) => {
      const run = perform(scoreOf('s', steps(1, { name: 'a', run: () => 1 }, false)), {
        budget: { calls: 1 },
      });
      expect(() => run.extend(more as never)).toThrow(/budget\.(usd|tokens|euros)/);
      await run.result;
    },
  );

  test('more calls let a performance go on that would have ended', async () => {
    const plain = { name: 'a', run: () => 1 };
    const run = perform(scoreOf('s', steps(3, plain, true)), {
      budget: { calls: 1 },
      onEvent: (event) => {
        if (event.type === 'step.ended' && event.stepId === 's0') run.extend({ calls: 2 });
      },
    });
    expect((await run.result).usage.calls).toBe(3);
  });
});

describe('verdicts', () => {
  /** Answers of the small model are no good; those of the medium one are. */
  function checked(learnt: unknown[], accepts = 'medium', difficulty = 0) {
    const governor = new UnitGovernor({ unit: 'u', policy: 'schedutil' });
    const answer = (name: string) => named(name, () => ({ text: name, usage: { input: 60, output: 20 } }));
    const estimator = {
      estimate: () => difficulty,
      learn: (task: string, verdict: string) => void learnt.push([task, verdict]),
    };
    const model = governed({
      governor, router, estimator,
      models: { 'own:small': answer('small'), 'own:medium': answer('medium'), 'own:large': answer('large') },
    }); // prettier-ignore
    return escalatingAgent<{ q: string }>({
      name: 'checked', model, prices, prompt: 'Solve {q}. {rejection}', maxAttempts: 3,
      verify: () => [{ name: 'v', kind: 'program', check: (value) => ({ accepted: value === accepts, quality: value === accepts ? 0.9 : 0.2, reason: 'no', usd: 0.001 }) }],
    }); // prettier-ignore
  }
  const work = (run: unknown): StepPlan[] => [{ id: 'solve', agent: asAgent(run), reads: { q: 'input' } }];

  test('reach the estimator that learns, once for each task, with the task as it was asked', async () => {
    const learnt: unknown[] = [];
    await perform(scoreOf('s', work(checked(learnt))), { input: 'it' }).result;
    expect(learnt).toEqual([['Solve it. ', 'rejected']]);
    await perform(scoreOf('s', work(checked(learnt, 'small'))), { input: 'that' }).result;
    expect(learnt.slice(1)).toEqual([['Solve that. ', 'accepted']]);
  });

  test.each([
    ['an answer further up that is accepted says nothing of the cheap model', 'medium', 0.5, []],
    [
      'one that is rejected does: who fails there would have failed below',
      'large',
      0.5,
      [['Solve it. ', 'rejected']],
    ],
    ['the top model’s failure says nothing', 'nothing', 1, []],
  ])('%s', async (_, accepts, difficulty, said) => {
    const learnt: unknown[] = [];
    await perform(scoreOf('s', work(checked(learnt, accepts, difficulty))), { input: 'it' }).report;
    expect(learnt).toEqual(said);
  });

  test('and the report of the performance, quality and cost together', async () => {
    const { usage } = await perform(scoreOf('s', work(checked([]))), { input: 'it' }).result;
    const { checked: found } = usage;
    const cost = (input: number, output: number) => (60 * input + 20 * output) / 1e6;
    // andante/pp and moderato/p are the small model's, allegro/mf is the medium one's.
    const usd = 2 * cost(1, 10) + cost(10, 100) + 3 * 0.001;
    expect(found).toMatchObject({ accepted: 1, quality: 0.9 });
    expect(found!.usd).toBeCloseTo(usd, 12);
    expect(found!.steps).toMatchObject([{ stepId: 'solve', accepted: true, quality: 0.9, attempts: 3 }]);
    expect(usage.modelCalls).toBe(3);
  });

  test('a step whose answers are all rejected is reported with its cost', async () => {
    const { usage, status } = await perform(scoreOf('s', work(checked([], 'nothing'))), { input: 'it' })
      .report;
    expect(status).toBe('failed');
    expect(usage.checked).toMatchObject({
      accepted: 0,
      quality: 0.2,
      steps: [{ accepted: false, attempts: 3 }],
    });
    expect(usage.checked!.usd).toBeGreaterThan(0.003);
  });
});
