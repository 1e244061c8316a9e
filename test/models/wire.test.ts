/** Claim: over the real wire no step is lost or doubled, Retry-After is honoured, broken answers follow the policy. */
import { tool } from 'ai';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { ModelError } from '../../src/models/errors.ts';
import { MissingKeyError, modelFromEnvironment } from '../../src/models/provider.ts';
import type { CallEvent } from '../../src/models/meter.ts';
import { modelAgent } from '../../src/models/model-agent.ts';
import type { ModelCallOptions } from '../../src/models/call-options.ts';
import { modelCall } from '../../src/models/model-call.ts';
import { UsageMeter } from '../../src/models/usage.ts';
import { perform } from '../../src/score/perform.ts';
import { Ledger } from '../../src/budget/budget.ts';
import { score } from '../../src/score/score.ts';
import { chatServer, stepContext } from './helpers.ts';

type Options = Partial<ModelCallOptions<Record<string, unknown>, any>>;
const answer = (text: string, usage?: readonly [number, number] | null) =>
  ({ kind: 'answer', text, ...(usage === undefined ? {} : { usage }) }) as const;

/** Asks once. @returns the answer, what was waited, the events, and the text that a listener would show. */
async function ask(
  server: Awaited<ReturnType<typeof chatServer>>,
  options: Options = {},
  signal?: AbortSignal,
) {
  const { context, slept } = stepContext(signal);
  const events: CallEvent[] = [];
  const call = modelCall({ prompt: 'Say {word}.', onEvent: (event) => events.push(event), ...options });
  const result = await call({ word: 'hello' }, context, { model: server.model() }).then(
    (value) => ({ value, error: undefined }),
    (error: unknown) => ({ value: undefined, error: error as ModelError }),
  );
  const shown = events.reduce(
    (text, event) => (event.type === 'restarted' ? '' : event.type === 'delta' ? text + event.delta : text),
    '',
  );
  return { ...result, slept, events, shown };
}

describe.each([true, false])('stream: %s', (stream) => {
  test('an answer arrives whole, with its usage', async () => {
    await using server = await chatServer([answer('hello, world')]);
    const { value, shown, error } = await ask(server, { stream });
    expect(error).toBeUndefined();
    expect(value).toMatchObject({
      output: 'hello, world',
      model: 'wire:tiny',
      calls: 1,
      usage: { inputTokens: { total: 10 }, outputTokens: { total: 5 } },
    });
    expect(server.asked[0]!.body.messages.at(-1)!.content).toEqual('Say hello.');
    if (stream) expect(shown).toBe('hello, world');
  });

  test('tools run once each, though calls around them are retried', async () => {
    const ran: string[] = [];
    const add = tool({
      inputSchema: z.object({ a: z.number(), b: z.number() }),
      execute: async ({ a, b }) => {
        ran.push(`${a}+${b}`);
        return a + b;
      },
    });
    await using server = await chatServer([
      { kind: 'status', status: 503 },
      {
        kind: 'answer',
        toolCalls: [
          { id: 'x', name: 'add', args: { a: 1, b: 2 } },
          { id: 'y', name: 'add', args: { a: 3, b: 4 } },
        ],
      },
      { kind: 'status', status: 429, headers: { 'retry-after': '7' } },
      { kind: 'cut', text: 'the sum is' },
      answer('10'),
    ]);
    const { value, error, slept, shown } = await ask(server, {
      stream,
      tools: { add },
      retry: { attempts: 5 },
    });
    expect(error).toBeUndefined();
    expect(value).toMatchObject({ output: '10', calls: 5 });
    expect(ran.sort()).toEqual(['1+2', '3+4']);
    expect(slept).toEqual([1_000, 7_000, 2_000]);
    if (stream) expect(shown).toBe('10'); // what was shown of the cut answer has been taken back
    const results = server.asked.at(-1)!.body.messages.filter(({ role }) => role === 'tool');
    expect(results.map(({ content }) => content)).toEqual(['3', '7']);
  });

  test('structured output is checked; what does not fit is an error, not a value', async () => {
    const outputSchema = z.object({ n: z.number() });
    await using server = await chatServer([answer('{"n": 4}'), answer('{"n": "four"}'), answer('four')]);
    expect((await ask(server, { stream, outputSchema })).value?.output).toEqual({ n: 4 });
    expect(server.asked[0]!.body.response_format).toMatchObject({ type: 'json_schema' });
    for (let i = 0; i < 2; i++)
      expect((await ask(server, { stream, outputSchema })).error).toMatchObject({
        name: 'ModelError',
        failure: 'output',
      });
  });

  test.each([
    ['seconds', { 'retry-after': '12' }, 12_000],
    ['milliseconds', { 'retry-after-ms': '2500', 'retry-after': '12' }, 2_500],
    ['milliseconds that are shorter than the back-off, by the back-off', { 'retry-after-ms': '1' }, 1_000],
    ['a date that is past, by the back-off', { 'retry-after': new Date(0).toUTCString() }, 1_000],
  ])('Retry-After in %s is honoured', async (_form, headers, wait) => {
    await using server = await chatServer([{ kind: 'status', status: 429, headers }, answer('ok')]);
    const { value, slept } = await ask(server, { stream });
    expect(value?.output).toBe('ok');
    expect(slept).toEqual([wait]);
  });

  test('waits that a provider asks for use up attempts, and time', async () => {
    const busy = { kind: 'status', status: 429, headers: { 'retry-after': '2' } } as const;
    await using full = await chatServer(() => busy);
    const first = await ask(full, { stream, retry: { attempts: 4 } });
    expect(first.error).toMatchObject({ failure: 'rate-limit', attempts: 4 });
    expect(first.slept).toEqual([2_000, 2_000, 4_000]); // the third is our own back-off
    const second = await ask(full, { stream, retry: { attempts: 20, delayMs: 0, maxWaitMs: 5_000 } });
    expect(second.error).toMatchObject({ failure: 'rate-limit', attempts: 3 });
    expect(second.error?.message).toMatch(/would exceed retry.maxWaitMs \(5000 ms\)/);
    expect(second.slept).toEqual([2_000, 2_000]);
    expect(full.asked).toHaveLength(7);
  });

  test('an error within a stream is the provider’s, tried again and paid for', async () => {
    if (!stream) return;
    await using server = await chatServer([{ kind: 'overloaded' }, answer('ok')]);
    const { value, slept } = await ask(server, { stream });
    expect([value?.output, slept]).toEqual(['ok', [1_000]]);
  });

  test('a Retry-After longer than the policy allows fails at once and says for how long', async () => {
    await using server = await chatServer([
      { kind: 'status', status: 429, headers: { 'retry-after': '3600' } },
    ]);
    const { error, slept } = await ask(server, { stream });
    expect(error).toMatchObject({
      failure: 'rate-limit',
      attempts: 1,
      statusCode: 429,
      retryAfterMs: 3_600_000,
    });
    expect(error?.message).toMatch(/Wait 3600 s as the provider asks/);
    expect(slept).toEqual([]);
    expect(server.asked).toHaveLength(1);
  });

  test.each([
    ['500s', { kind: 'status', status: 500 }, 'server'],
    ['429s', { kind: 'status', status: 429 }, 'rate-limit'],
    ['lost connections', { kind: 'drop' }, 'network'],
    ['cut answers', { kind: 'cut', text: 'hal' }, 'cut'],
    ['bodies that are not the protocol', { kind: 'garbage' }, 'malformed'],
  ] as const)(
    '%s are retried to the end of the attempts and then named',
    async (_name, behaviour, failure) => {
      await using server = await chatServer(() => behaviour);
      const { error, slept } = await ask(server, { stream, retry: { attempts: 4, delayMs: 10, factor: 3 } });
      expect(error).toBeInstanceOf(ModelError);
      expect(error).toMatchObject({ failure, attempts: 4 });
      expect(server.asked).toHaveLength(4);
      expect(slept).toEqual([10, 30, 90]);
    },
  );

  test('cut and malformed answers fail at once where the policy says so', async () => {
    await using server = await chatServer([{ kind: 'cut', text: 'hal' }, { kind: 'garbage' }]);
    expect((await ask(server, { stream, retry: { onCut: 'fail' } })).error).toMatchObject({
      failure: 'cut',
      attempts: 1,
    });
    expect((await ask(server, { stream, retry: { onMalformed: 'fail' } })).error).toMatchObject({
      failure: 'malformed',
      attempts: 1,
    });
    expect(server.asked).toHaveLength(2);
  });

  test.each([
    [400, 'refused', /Correct the request/],
    [401, 'refused', /Check the key/],
    [404, 'refused', /Check the model's name/],
  ])('a %i is not retried', async (status, failure, remedy) => {
    await using server = await chatServer([{ kind: 'status', status }]);
    const { error } = await ask(server, { stream });
    expect(error).toMatchObject({ failure, attempts: 1, statusCode: status });
    expect(error?.message).toMatch(remedy);
  });

  test('an abort ends a hanging call with its reason, and nothing is asked again', async () => {
    const controller = new AbortController();
    await using server = await chatServer(() => {
      setImmediate(() => controller.abort(new Error('enough')));
      return { kind: 'hang' };
    });
    const { error } = await ask(server, { stream }, controller.signal);
    expect(error?.message).toBe('enough');
    expect(server.asked).toHaveLength(1);
  });

  test('a hanging call is given up after the route’s timeout', async () => {
    await using server = await chatServer([{ kind: 'hang' }, answer('second')]);
    const { context } = stepContext();
    const call = modelCall({ prompt: 'x', stream });
    const choice = {
      model: server.model(),
      route: { model: 'wire:tiny', timeoutMs: 100, maxOutputTokens: 77 },
    };
    expect((await call({}, context, choice)).output).toBe('second');
    expect(server.asked[1]!.body.max_tokens).toBe(77);
  });

  test('usage that is not reported counts as all that was set aside, and says that it is an estimate', async () => {
    await using server = await chatServer([
      answer('hi', null),
      { kind: 'cut', text: 'h' },
      answer('ho', [3, 2]),
    ]);
    const ledger = new Ledger({ tokens: 1_000_000 });
    const meter = new UsageMeter();
    await ask(server, { stream, budget: ledger, meter, maxOutputTokens: 100 });
    const first = ledger.spent.tokens;
    expect(first).toBeGreaterThan(100);
    expect(meter.run('run')).toMatchObject({ calls: 1, estimated: 1 });
    await ask(server, { stream, budget: ledger, meter, maxOutputTokens: 100 });
    expect(ledger.spent).toMatchObject({ calls: 3, tokens: 2 * first + 5 }); // the cut call counts in full
    expect(meter.step('run', 'step')).toMatchObject({ calls: 3, failed: 1, estimated: 2 });
  });
});

test('a stream that ends in order without a finish, and one with a broken event, are not taken for answers', async () => {
  await using server = await chatServer([
    { kind: 'unfinished', text: 'half an ans' },
    { kind: 'bad-chunk', text: 'half' },
    answer('whole'),
  ]);
  const { value, shown } = await ask(server);
  expect(value?.output).toBe('whole');
  expect(shown).toBe('whole');
  expect(server.asked).toHaveLength(3);
});

test('an answer cut at its limit, one withheld, and endless tool calls are errors with a remedy', async () => {
  const noop = tool({ inputSchema: z.object({}), execute: async () => 'again' });
  await using server = await chatServer((_asked, number) =>
    number === 1
      ? { kind: 'answer', text: 'half', finish: 'length' }
      : number === 2
        ? { kind: 'answer', text: '', finish: 'content_filter' }
        : { kind: 'answer', toolCalls: [{ id: `t${number}`, name: 'noop', args: {} }] },
  );
  expect((await ask(server)).error).toMatchObject({ failure: 'length', remedy: 'Raise maxOutputTokens.' });
  expect((await ask(server)).error).toMatchObject({ failure: 'filtered' });
  expect((await ask(server, { tools: { noop }, maxSteps: 3 })).error).toMatchObject({ failure: 'steps' });
  expect(server.asked).toHaveLength(5);
});

test('fifty steps against a server that fails every third call: every step ends once, the budget holds', async () => {
  const seen = new Map<string, number>();
  await using server = await chatServer((asked, number) => {
    const text = String(asked.body.messages.at(-1)!.content);
    if (number % 3 === 0)
      return (['drop', 'cut', 'garbage'] as const).map((kind) => ({ kind, text: 'x' }))[
        number % 9 === 0 ? 0 : number % 6 === 0 ? 1 : 2
      ]!;
    seen.set(text, (seen.get(text) ?? 0) + 1);
    return answer(`done ${text}`, [20, 4]);
  });
  const budget = new Ledger({ calls: 500, tokens: 500_000 });
  const worker = modelAgent({
    name: 'worker',
    model: server.model(),
    prompt: 'item {item}',
    budget,
    retry: { attempts: 10, delayMs: 0 },
  });
  let work = score('fifty') as any;
  for (let i = 0; i < 50; i++) work = work.step(`s${i}`, { agent: worker, reads: { item: `input.i${i}` } });
  const input = Object.fromEntries(Array.from({ length: 50 }, (_, i) => [`i${i}`, String(i)]));
  const { outputs } = (await perform(work, { input }).result) as { outputs: Record<string, string> };
  for (let i = 0; i < 50; i++) expect(outputs[`s${i}`]).toBe(`done item ${i}`);
  expect([...seen.values()]).toEqual(Array(50).fill(1)); // answered once each: none lost, none doubled
  expect(budget.reserved).toEqual({ calls: 0, tokens: 0, usd: 0 });
  expect(budget.spent.calls).toBe(server.asked.length);
});

describe('models of the environment', () => {
  const schema = z.object({ animal: z.string() });
  const asked = async (provider: string) => {
    await using server = await chatServer([answer('{"animal":"cat"}')]);
    const prefix = `TUTTI_${provider.toUpperCase()}`;
    const model = await modelFromEnvironment(`${provider}:tiny`, {
      [`${prefix}_BASE_URL`]: server.baseURL,
      [`${prefix}_API_KEY`]: 'a-key-for-no-account',
    });
    const call = modelCall({ prompt: 'Name one.', outputSchema: schema });
    const { output } = await call({}, stepContext().context, { model });
    expect(output).toEqual({ animal: 'cat' });
    return server.asked[0]!.body;
  };

  test('receive the wanted form of the answer: as a schema, or in words where they accept none', async () => {
    const format = (await asked('own')).response_format as { json_schema: { schema: unknown } };
    expect(format.json_schema.schema).toMatchObject({ properties: { animal: { type: 'string' } } });
    const { response_format, messages } = await asked('deepseek');
    expect(response_format).toEqual({ type: 'json_object' });
    expect(JSON.stringify(messages)).toMatch(/JSON schema.*animal/);
  });
  test('are limited in the words that they accept', async () => {
    expect(await asked('openai')).toMatchObject({ max_completion_tokens: expect.any(Number) });
    expect(await asked('own')).toMatchObject({ max_tokens: expect.any(Number) });
  });
  test.each(['', '  '])('an empty key (%j) is none', async (key) => {
    await expect(modelFromEnvironment('openai:tiny', { OPENAI_API_KEY: key })).rejects.toThrow(
      MissingKeyError,
    );
  });
  test.each(['not a url', 'http://bob:hunter2@127.0.0.1/v1'])('%s is no address', async (address) => {
    const made = modelFromEnvironment('own:tiny', { TUTTI_OWN_BASE_URL: address });
    await expect(made).rejects.toThrow(/TUTTI_OWN_BASE_URL/);
    await expect(made).rejects.not.toThrow(/hunter2/);
  });
});
