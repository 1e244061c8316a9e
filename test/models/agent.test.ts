/** Claims: model agents of V3 and V4 plug into a score; governor and router choose at dispatch; budgets hold; nothing secret shows. */
import { mkdtemp, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { tool } from 'ai';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { UnitGovernor } from '../../actors/governor/governor.ts';
import type { Clock } from '../../actors/bus/clock.ts';
import { BudgetError } from '../../actors/tomasulo/errors.ts';
import { governed, lookUp } from '../../src/models/choose.ts';
import { UnknownModelError } from '../../src/models/errors.ts';
import { modelAgent } from '../../src/models/model-agent.ts';
import { modelCall } from '../../src/models/model-call.ts';
import { MissingKeyError, modelFromEnvironment } from '../../src/models/provider.ts';
import { redactor } from '../../src/models/redact.ts';
import { UsageMeter } from '../../src/models/usage.ts';
import { perform, PerformanceError } from '../../src/score/perform.ts';
import { Ledger } from '../../src/budget/budget.ts';
import { loadPrices } from '../../src/budget/prices.ts';
import { createRouter } from '../../src/routing/router.ts';
import { score } from '../../src/score/score.ts';
import {
  ModelMissError,
  recordingModel,
  replayingModel,
  scriptedModel,
  scriptedModelV3,
  type Recording,
} from '../../src/testing/index.ts';
import { chatServer, stepContext } from './helpers.ts';

const SECRET = 'tutti-secret-0123456789abcdef';

describe.each([
  ['v3', scriptedModelV3],
  ['v4', scriptedModel],
] as const)('a model of specification %s', (version, make) => {
  test.each([true, false])(
    'answers in a score, with tools, a schema and usage (stream: %s)',
    async (stream) => {
      const model = make({
        script: [
          { toolCalls: [{ name: 'look', input: { at: 'a' } }], usage: { input: 7, output: 3 } },
          { object: { found: ['x'] }, usage: { input: 11, output: 2 } },
        ],
      });
      expect(model.specificationVersion).toBe(version);
      const looked: string[] = [];
      const meter = new UsageMeter();
      const agent = modelAgent({
      name: 'finder', model, prompt: 'Find in {files}.', stream, meter,
      prices: await loadPrices({ lookUp: false, overrides: { 'scripted:scripted': { input: 1_000, output: 10_000 } } }),
      outputSchema: z.object({ found: z.array(z.string()) }),
      tools: { look: tool({ inputSchema: z.object({ at: z.string() }), execute: ({ at }) => (looked.push(at), `seen ${at}`) }) },
    }); // prettier-ignore
      const work = score('w')
        .input(z.object({ files: z.array(z.string()) }))
        .step('find', { agent, reads: { files: 'input.files' } });
      const run = perform(work, { input: { files: ['a', 'b'] } });
      const { outputs } = await run.result;
      expect(outputs.find).toEqual({ found: ['x'] });
      expect(looked).toEqual(['a']);
      expect(JSON.stringify(model.calls[0]!.prompt)).toContain('[\\"a\\",\\"b\\"]');
      expect(meter.step(run.id, 'find')).toMatchObject({
        calls: 2,
        usage: { inputTokens: { total: 18 }, outputTokens: { total: 5 } },
      });
      expect(meter.run(run.id).usd).toBeCloseTo(0.068, 12);
      model.assertDone();
    },
  );
});

describe('choice', () => {
  const models = {
    'a:small': scriptedModel({ provider: 'a', modelId: 'small', script: () => 'small' }),
    'a:large': () => scriptedModel({ provider: 'a', modelId: 'large', script: () => 'large' }),
  };
  const router = createRouter({
    nearest: true,
    table: [
      { tempo: 'andante', dynamics: 'pp', model: 'a:small', maxOutputTokens: 50, reasoning: 'low' },
      { tempo: 'presto', dynamics: 'ff', model: 'a:large' },
    ],
  });

  test('difficulty, budget and load decide at dispatch, not before', async () => {
    const governor = new UnitGovernor({ unit: 'u' });
    const choose = governed({
      governor,
      router,
      models,
      estimator: { estimate: (task) => (task.includes('hard') ? 1 : 0) },
    });
    const call = modelCall({ prompt: '{task}' });
    const said = async (task: string) => (await call({ task }, stepContext().context, choose)).output;
    expect(await said('easy')).toBe('small');
    expect(await said('hard')).toBe('large');
    governor.budget(0.1);
    expect(await said('hard')).toBe('small');
    expect(models['a:small'].calls[0]).toMatchObject({ maxOutputTokens: 50, reasoning: 'low' });
  });

  test('a pool that fills up shows its governor a load, and one that empties lets it fall', async () => {
    const clock = { now: () => (time += 5_000) } as Clock;
    let time = 0;
    const points: string[] = [];
    const governor = new UnitGovernor({
      unit: 'u',
      policy: 'ondemand',
      clock,
      onPoint: ({ dynamics }) => points.push(dynamics),
    });
    const agent = modelAgent({
      name: 'a',
      capacity: 2,
      model: governed({ governor, router, models }),
      prompt: 'x',
    });
    await perform(score('s').step('a', { agent }).step('b', { agent })).result;
    expect(points).toContain('ff'); // both units busy
    expect(governor.point.dynamics).toBe('pp'); // no step is left
  });

  test('an unknown model or provider, and anything that is no model, is refused with a remedy', async () => {
    const governor = new UnitGovernor({ unit: 'u' });
    expect(() => governed({ governor, router, models: { 'a:small': models['a:small'] } })).toThrow(
      /model 'a:large': provider 'a' has no model 'large'. Register it; known: a:small/,
    );
    expect(() => lookUp(models, 'b:x')).toThrow(/there is no provider 'b'.*known: a:small, a:large/);
    expect(() => modelAgent({ name: 'x', model: 'openai/gpt' as never, prompt: '' })).toThrow(
      UnknownModelError,
    );
    expect(() =>
      modelAgent({ name: 'x', model: { specificationVersion: 'v2' } as never, prompt: '' }),
    ).toThrow(/specification 'v2'.*v3 or v4 is needed/);
    expect(() => modelAgent({ name: 'x', model: models['a:small'], prompt: '', colour: 1 } as never)).toThrow(
      /unknown option 'colour'/,
    );
    expect(() =>
      modelAgent({ name: 'x', model: models['a:small'], prompt: '', retry: { tries: 1 } } as never),
    ).toThrow(/retry: unknown option 'tries'/);
    expect(() => modelAgent({ name: 'x', model: models['a:small'], prompt: '', maxSteps: 0 })).toThrow(
      /maxSteps/,
    );
    expect(() =>
      modelAgent({ name: 'x', model: models['a:small'], prompt: '', budget: { usd: -1 } }),
    ).toThrow(/budget.usd: -1/);
  });

  test('models from the environment: name, key, provider', async () => {
    expect(await modelFromEnvironment('ollama:some/model:8b', {})).toMatchObject({
      modelId: 'some/model:8b',
      provider: 'ollama.chat',
    });
    expect(
      await modelFromEnvironment('own:m', { TUTTI_OWN_BASE_URL: 'http://127.0.0.1:1/v1' }),
    ).toMatchObject({ modelId: 'm' });
    await expect(modelFromEnvironment('openai:m', {})).rejects.toThrow(
      /no key. Set OPENAI_API_KEY, or use a local model/,
    );
    await expect(modelFromEnvironment('openai:m', {})).rejects.toBeInstanceOf(MissingKeyError);
    await expect(modelFromEnvironment('unknown:m', {})).rejects.toThrow(
      /no provider 'unknown'. Use anthropic.*or set TUTTI_UNKNOWN_BASE_URL/,
    );
    await expect(modelFromEnvironment('m', {})).rejects.toThrow(/'m' names no model. Write 'provider:name'/);
  });

  test('without the AI SDK the error names the package to install', async () => {
    const missing = async () => {
      throw Object.assign(new Error('Cannot find package'), { code: 'ERR_MODULE_NOT_FOUND' });
    };
    const call = modelCall({ prompt: 'x', sdk: missing });
    await expect(call({}, stepContext().context, { model: models['a:small'] })).rejects.toThrow(
      /needs the package 'ai'.*npm install ai/,
    );
  });
});

describe('the budget', () => {
  test('fifty agents at once, slow answers, late reports: never overrun, and the orchestrator does not retry what it refuses', async () => {
    const limit = { calls: 30, tokens: 40_000, usd: 0.2 };
    const ledger = new Ledger(limit);
    let most = 0;
    const watch = () => {
      const { spent, reserved } = ledger;
      most = Math.max(most, spent.tokens + reserved.tokens);
      expect(spent.calls + reserved.calls).toBeLessThanOrEqual(limit.calls);
      expect(spent.tokens + reserved.tokens).toBeLessThanOrEqual(limit.tokens);
      expect(spent.usd + reserved.usd).toBeLessThanOrEqual(limit.usd);
    };
    const late: (() => void)[] = [];
    const model = scriptedModel({
      script: (_call, number) => (
        watch(),
        {
          text: 'ok',
          until: new Promise<void>((resolve) => late.push(resolve)),
          usage: { input: 100, output: (number * 37) % 200 },
        }
      ),
    });
    const prices = await loadPrices({
      lookUp: false,
      overrides: { 'scripted:scripted': { input: 1, output: 5 } },
    });
    const agent = modelAgent({
      name: 'a',
      model,
      prompt: 'x',
      budget: ledger,
      prices,
      maxOutputTokens: 1_000,
    });
    let work = score('fifty') as any;
    for (let i = 0; i < 50; i++) work = work.step(`s${i}`, { agent, retry: { attempts: 5, delayMs: 0 } });
    const run = perform(work);
    let over = false;
    const ended = run.report.then((report) => ((over = true), report));
    while (!over) {
      await new Promise((resolve) => setImmediate(resolve));
      late.splice((most * 7) % Math.max(1, late.length), 1)[0]?.(); // reports come late, in no order
      watch();
    }
    const report = await ended;
    expect(model.calls).toHaveLength(30);
    expect(report.errors.every((error) => error.cause instanceof BudgetError)).toBe(true);
    expect(report.errors).toHaveLength(20);
    expect(report.usage.retries).toBe(0);
    expect(ledger.reserved).toEqual({ calls: 0, tokens: 0, usd: 0 });
  });

  test('a budget in money refuses a model without a price, before it is asked', async () => {
    const model = scriptedModel({ script: ['x'] });
    const call = modelCall({ prompt: 'x', budget: { usd: 1 } });
    await expect(call({}, stepContext().context, { model })).rejects.toThrow(
      /prices\['scripted:scripted'\]: no price is known. Give one/,
    );
    expect(model.calls).toHaveLength(0);
  });
});

describe('models for tests', () => {
  test('a scripted model that runs out fails loudly, is not retried, and counts as undone', async () => {
    const model = scriptedModel({ script: ['one'] });
    const call = modelCall({ prompt: 'ask', retry: { attempts: 9 } });
    await call({}, stepContext().context, { model });
    const { context, slept } = stepContext();
    await expect(call({}, context, { model })).rejects.toThrow(ModelMissError);
    expect(slept).toEqual([]);
    expect(() => model.assertDone()).toThrow(/1 calls found no reply/);
    expect(() => scriptedModel({ script: ['a', 'b'] }).assertDone()).toThrow(/only 0 of 2/);
  });

  test('what was recorded over the wire is replayed without it, failures too; a miss says where it differs', async () => {
    let recording: Recording;
    {
      await using server = await chatServer([
        { kind: 'status', status: 500 },
        { kind: 'answer', text: 'recorded' },
      ]);
      const recorder = await recordingModel(server.model(SECRET), [SECRET]);
      const call = modelCall({ prompt: 'The key is {key}.' });
      expect((await call({ key: SECRET }, stepContext().context, { model: recorder })).output).toBe(
        'recorded',
      );
      const file = join(await mkdtemp(join(tmpdir(), 'tutti-')), 'calls.json');
      await writeFile(file, JSON.stringify(recorder.recording));
      const text = await readFile(file, 'utf8');
      expect(text).not.toContain(SECRET);
      recording = JSON.parse(text) as Recording;
    }
    const model = replayingModel(recording, { secrets: [SECRET] });
    const call = modelCall({ prompt: 'The key is {key}.' });
    const { context, slept } = stepContext();
    expect(await call({ key: SECRET }, context, { model })).toMatchObject({ output: 'recorded', calls: 2 });
    expect(slept).toEqual([1_000]);
    model.assertDone();
    await expect(call({ key: SECRET }, context, { model })).rejects.toThrow(
      /every answer to this request has been given/,
    );
    const other = modelCall({ prompt: 'The lock is {key}.' });
    await expect(other({ key: 'x' }, context, { model })).rejects.toThrow(
      /differs at '.*lock.*', where it has '.*key/,
    );
    expect(() => model.assertDone()).toThrow(/2 calls were not recorded/);
  });
});

describe('secrets', () => {
  test('a recording keeps no headers', async () => {
    const recorder = await recordingModel(scriptedModel({ script: ['x'] }));
    const prompt = [{ role: 'user' as const, content: [{ type: 'text' as const, text: 'hi' }] }];
    await recorder.doGenerate({ prompt, headers: { 'x-own': 'plain-but-private' } });
    expect(recorder.recording.calls).toHaveLength(1);
    expect(JSON.stringify(recorder.recording)).not.toMatch(/plain-but-private|headers/);
  });

  test('a key that the server throws back is in no error, event, signal, report or log', async () => {
    const echo = JSON.stringify({ error: { message: `bad key ${SECRET} in header Bearer ${SECRET}` } });
    await using server = await chatServer((_asked, number) => ({
      kind: 'status',
      status: number % 2 === 0 ? 401 : 500,
      body: echo,
    }));
    const seen: unknown[] = [];
    const written: string[] = [];
    const [out, err] = [process.stdout.write, process.stderr.write];
    process.stdout.write = process.stderr.write = ((text: string) => (
      written.push(String(text)),
      true
    )) as never;
    try {
      const agent = modelAgent({
        name: 'a',
        model: server.model(SECRET),
        prompt: 'x',
        secrets: [SECRET],
        onEvent: (event) => seen.push(event),
        retry: { attempts: 2, delayMs: 0 },
      });
      const run = perform(score('w').step('s', { agent }), {
        inspect: (event) => void seen.push(event),
        onEvent: (event) => seen.push(event),
      });
      run.bus.signals.subscribe((envelope) => seen.push(envelope));
      const failure = await run.result.catch((error: unknown) => error as PerformanceError);
      expect(failure).toBeInstanceOf(PerformanceError);
      expect((failure as PerformanceError).message).toContain('[redacted]');
      seen.push(failure, (failure as PerformanceError).report.timeline);
    } finally {
      [process.stdout.write, process.stderr.write] = [out, err];
    }
    expect(server.asked[0]!.headers.authorization).toBe(`Bearer ${SECRET}`); // it did travel
    expect(seen.length).toBeGreaterThan(5);
    expect(
      inspect(seen, { depth: 12, showHidden: true, maxArrayLength: null, maxStringLength: null }),
    ).not.toContain(SECRET);
    expect(written.join('')).not.toContain(SECRET);
  });

  test.each([
    ['a value from the environment', 'it said hunter2hunter2', { MY_API_KEY: 'hunter2hunter2' }],
    ['its URL form', 'GET /?k=a%2Fb%2Bc%3D%3D12', { X_TOKEN: 'a/b+c==12' }],
    ['a bearer token', 'authorization: Bearer abcdefghijk', {}],
    ['a key by its prefix', 'used sk-abcdefghijklmnop1234 twice', {}],
    ['a field by its name', '{"api_key":"abcd1234"}', {}],
  ])('%s is redacted', (_name, text, environment) => {
    const clean = redactor([], environment)(text);
    expect(clean).toContain('[redacted]');
    expect(clean).not.toMatch(/hunter2|a%2Fb|abcdefghijk|abcd1234/);
  });

  test('ordinary text is left alone', () => {
    const text = 'The key idea: a token is a word, and the secret of style is revision.';
    expect(redactor([], {})(text)).toBe(text);
  });
});
