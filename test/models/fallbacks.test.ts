/** Claims: where a model gives no answer the next one is asked, with nothing done twice and from one budget, and the report says which answered and which failed and why. */
import { tool } from 'ai';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import type { CallEvent } from '../../src/models/meter.ts';
import { ModelError } from '../../src/models/errors.ts';
import { modelAgent } from '../../src/models/model-agent.ts';
import { modelCall } from '../../src/models/model-call.ts';
import { perform } from '../../src/score/perform.ts';
import { loadPrices } from '../../src/budget/prices.ts';
import { score } from '../../src/score/score.ts';
import { scriptedModel, scriptedModelV3, type ScriptedReply } from '../../src/testing/index.ts';
import { chatServer, stepContext } from './helpers.ts';

const made = (modelId: string, ...script: ScriptedReply[]) =>
  scriptedModel({ provider: 'p', modelId, script });
const failing = (statusCode: number, message = 'no') => ({
  error: Object.assign(new Error(message), { statusCode }),
});

test('the report of a performance says which model answered, and which failed and why', async () => {
  const [a, b, c] = [made('a', failing(401)), made('b', failing(500), failing(503)), made('c', 'from c')];
  const agent = modelAgent({
    name: 'asker',
    models: [a, b, c],
    prompt: 'x',
    retry: { attempts: 2, delayMs: 0 },
  });
  const { outputs, usage } = await perform(score('s').step('ask', { agent })).result;
  expect(outputs.ask).toBe('from c');
  expect(usage.modelCalls).toBe(4);
  expect(usage.fallbacks).toMatchObject([
    {
      stepId: 'ask',
      answered: 'p:c',
      failed: [
        { model: 'p:a', failure: 'refused', attempts: 1, statusCode: 401 },
        { model: 'p:b', failure: 'server', attempts: 2, statusCode: 503 },
      ],
    },
  ]);
  for (const model of [a, b, c]) model.assertDone();
});

test('where no model answers, the error is of the last one and names those before it', async () => {
  const agent = modelAgent({
    name: 'asker',
    models: [made('a', failing(404)), made('b', failing(402))],
    prompt: 'x',
  });
  const { errors, usage } = await perform(score('s').step('ask', { agent })).report;
  const cause = errors[0]!.cause as ModelError;
  expect(cause).toMatchObject({
    failure: 'quota',
    model: 'p:b',
    earlier: [{ model: 'p:a', failure: 'refused' }],
  });
  expect(cause.message).toMatch(
    /^model 'p:b'.* Before it, model 'p:a': the request is refused \(404: no\)\.$/,
  );
  expect(usage.fallbacks).toMatchObject([{ stepId: 'ask', answered: undefined, failed: [{ model: 'p:a' }] }]);
});

test('a model that needs no other leaves no trace of fallbacks', async () => {
  const agent = modelAgent({ name: 'asker', models: [made('a', 'fine'), made('b')], prompt: 'x' });
  expect((await perform(score('s').step('ask', { agent })).result).usage).not.toHaveProperty('fallbacks');
});

test.each([true, false])('a tool runs once, though the model fails after it (stream: %s)', async (stream) => {
  const ran: number[] = [];
  const look = tool({ inputSchema: z.object({ n: z.number() }), execute: ({ n }) => (ran.push(n), 'seen') });
  const calling = (n: number) => ({ toolCalls: [{ name: 'look', input: { n } }] });
  const a = made('a', calling(1), failing(422));
  const b = scriptedModelV3({ provider: 'p', modelId: 'b', script: [calling(2), 'done'] });
  const call = modelCall({ prompt: 'x', tools: { look }, stream });
  const answer = await call({}, stepContext().context, { model: a, fallbacks: [b] });
  expect(answer).toMatchObject({ output: 'done', model: 'p:b', calls: 4, failed: [{ model: 'p:a' }] });
  expect(ran).toEqual([1, 2]);
  expect(JSON.stringify(b.calls[0]!.prompt)).toContain('seen'); // it goes on from where the other one was
  a.assertDone(); // and the rounds that follow stay with the one that answers
  b.assertDone();
});

test('text of a model that broke off is taken back', async () => {
  const a = made('a', { text: 'half an ans', error: new Error('terminated') });
  const events: CallEvent[] = [];
  const call = modelCall({ prompt: 'x', retry: { attempts: 1 }, onEvent: (event) => events.push(event) });
  await call({}, stepContext().context, { model: a, fallbacks: [made('b', 'whole')] });
  const shown = events.reduce(
    (text, event) => (event.type === 'restarted' ? '' : event.type === 'delta' ? text + event.delta : text),
    '',
  );
  expect(shown).toBe('whole');
  expect(events.filter(({ type }) => type !== 'delta')).toMatchObject([
    { type: 'started', model: 'p:a' },
    { type: 'fallback', model: 'p:b', failed: { model: 'p:a', failure: 'cut' } },
    { type: 'restarted', model: 'p:b', attempt: 1 },
  ]);
});

describe('nothing falls through', () => {
  const outputSchema = z.object({ n: z.number() });
  test.each<[string, ScriptedReply, string]>([
    ['an answer that does not fit', 'four', 'output'],
    ['an answer that was cut at its limit', { text: 'ha', finishReason: 'length' }, 'length'],
    ['an answer that was withheld', { text: '', finishReason: 'content-filter' }, 'filtered'],
  ])('from %s, since it came and is paid for', async (_what, reply, failure) => {
    const b = made('b', { object: { n: 1 } });
    const call = modelCall<object, { n: number }>({ prompt: 'x', outputSchema });
    const asked = call({}, stepContext().context, { model: made('a', reply), fallbacks: [b] });
    await expect(asked).rejects.toMatchObject({ failure, model: 'p:a' });
    expect(b.calls).toHaveLength(0);
  });

  test('from an abort, a spent budget and a script that is over', async () => {
    const b = made('b', 'fine');
    const ask = (options: object, signal?: AbortSignal) =>
      modelCall({ prompt: 'x', ...options })({}, stepContext(signal).context, {
        model: made('a'),
        fallbacks: [b],
      });
    await expect(ask({}, AbortSignal.abort(new Error('enough')))).rejects.toThrow('enough');
    await expect(ask({ budget: { calls: 0 } })).rejects.toThrow(/budget.calls/);
    await expect(ask({})).rejects.toThrow(/the script has 0 replies/);
    expect(b.calls).toHaveLength(0);
  });
});

test('all models pay from one budget, and one without a price is refused before any is asked', async () => {
  const prices = await loadPrices({ lookUp: false, overrides: { 'p:a': { input: 1, output: 1 } } });
  const a = made('a', 'fine');
  const call = modelCall({ prompt: 'x', budget: { usd: 1 }, prices });
  await expect(call({}, stepContext().context, { model: a, fallbacks: [made('b')] })).rejects.toThrow(
    /prices\['p:b'\]/,
  );
  expect(a.calls).toHaveLength(0);
  const agent = modelAgent({
    name: 'n',
    models: [made('a', failing(500)), made('b', 'fine')],
    prompt: 'x',
    retry: { attempts: 1 },
  });
  const work = score('s').step('ask', { agent });
  expect((await perform(work, { budget: { calls: 1 } }).report).errors[0]?.message).toMatch(
    /raise budget.calls\.$/,
  );
});

test('over the wire, a server that hangs gives way to one that answers, and its request is closed', async () => {
  let closed = false;
  await using slow = await chatServer([{ kind: 'hang' }], () => (closed = true));
  await using quick = await chatServer([{ kind: 'answer', text: 'here' }]);
  const models = { model: slow.model(), fallbacks: [quick.model()] };
  const call = modelCall({ prompt: 'x', timeoutMs: 50, retry: { attempts: 1 } });
  expect(await call({}, stepContext().context, models)).toMatchObject({
    output: 'here',
    failed: [{ failure: 'timeout' }],
  });
  await expect.poll(() => closed, { timeout: 10_000 }).toBe(true);
});

test.each([true, false])(
  'a model that ignores its abort does not keep its caller (stream: %s)',
  async (stream) => {
    const never = new Promise<never>(() => {});
    const deaf = { ...made('deaf'), doGenerate: () => never, doStream: () => never };
    const call = modelCall({ prompt: 'x', stream, timeoutMs: 5, retry: { attempts: 2 } });
    const { context, slept } = stepContext();
    await expect(call({}, context, { model: deaf })).rejects.toMatchObject({
      failure: 'timeout',
      attempts: 2,
    });
    expect(slept).toEqual([1_000]);
  },
);
