/** Claims: for any answers of servers in any order, the requests, the waits and the budget stay within their limits, the real usage is booked, and the caller gets an answer or an error that says why. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { BudgetError } from '../../actors/tomasulo/errors.ts';
import { ModelError } from '../../src/models/errors.ts';
import { modelCall } from '../../src/models/model-call.ts';
import { UsageMeter } from '../../src/models/usage.ts';
import { Ledger } from '../../src/budget/budget.ts';
import { chatServer, stepContext, type Behaviour } from './helpers.ts';

const RUNS = process.env['TUTTI_DEEP'] === undefined ? 250 : 5_000;
const MOST_OUTPUT = 40;
/** What a request really uses: the prompt is a word, and the answer is as long as is allowed. */
const REAL = { input: 6, output: MOST_OUTPUT };

const QUOTAS = [
  { status: 429, body: { error: { message: 'no', type: 'insufficient_quota', code: 'insufficient_quota' } } },
  { status: 402, body: { error: { message: 'no' } } },
  { status: 402, body: { error: { message: 'Insufficient Balance' } } },
  {
    status: 400,
    body: { error: { type: 'invalid_request_error', message: 'Your credit balance is too low.' } },
  },
  { status: 403, body: { code: 'no', error: 'Your team has used all available credits.' } },
  {
    status: 429,
    body: {
      error: {
        status: 'RESOURCE_EXHAUSTED',
        message: 'You exceeded your current quota.',
        details: [{ violations: [{ quotaId: 'RequestsPerDayPerProject-FreeTier' }] }],
      },
    },
  },
] as const;

type Kind = 'answer' | 'busy' | 'quota' | 'failing' | 'refused' | 'broken';
interface Reply {
  readonly kind: Kind;
  readonly behaviour: Behaviour;
  /** Tokens that the server really used. */
  readonly used: number;
}
const reply = (kind: Kind, behaviour: Behaviour, used = 0): Reply => ({ kind, behaviour, used });
const status = (
  code: number,
  headers: Record<string, string> = {},
  body: object = { error: { message: 'no' } },
) => ({ kind: 'status', status: code, headers, body: JSON.stringify(body) }) as const;

/** Usage as servers report it: right, or in one of the ways in which it says nothing. */
const usage = fc.oneof(
  fc.constant([REAL.input, REAL.output] as const),
  fc.constant(null),
  fc.record({
    prompt_tokens: fc.constantFrom(null, 0, -1, 0.5),
    completion_tokens: fc.constantFrom(null, 0, REAL.output),
    total_tokens: fc.constantFrom(null, 0),
  }),
  fc.record({ prompt_tokens: fc.constant(REAL.input), completion_tokens: fc.constantFrom(null, 0, -3) }),
  fc.constant({ prompt_tokens: REAL.input, completion_tokens: 1, total_tokens: REAL.input + REAL.output }), // the rest is thinking
  fc.constant({
    prompt_tokens: REAL.input,
    completion_tokens: REAL.output,
    prompt_tokens_details: { cached_tokens: 99 },
  }),
);
const all = REAL.input + REAL.output;
const retryAfter = fc.oneof(
  fc.constant<Record<string, string>>({}),
  fc.integer({ min: 0, max: 90_000 }).map((ms) => ({ 'retry-after-ms': String(ms) })),
  fc.integer({ min: -5, max: 90 }).map((seconds) => ({ 'retry-after': String(seconds) })),
  fc.constantFrom<Record<string, string>>(
    { 'retry-after': 'soon' },
    { 'retry-after': new Date(0).toUTCString() },
  ),
);
const answer = usage.map((said) => reply('answer', { kind: 'answer', text: 'said', usage: said }, all));
const fault = fc.oneof(
  { weight: 3, arbitrary: retryAfter.map((headers) => reply('busy', status(429, headers))) },
  {
    weight: 2,
    arbitrary: fc.tuple(fc.constantFrom(...QUOTAS), retryAfter).map(([quota, headers]) =>
      reply('quota', status(quota.status, headers, quota.body)),
    ),
  },
  { weight: 2, arbitrary: fc.tuple(fc.constantFrom(500, 502, 503), retryAfter).map(([code, headers]) => reply('failing', status(code, headers))) },
  { weight: 1, arbitrary: fc.constantFrom(504, 524).map((code) => reply('failing', status(code), all)) },
  { weight: 1, arbitrary: fc.constantFrom(401, 404, 422).map((code) => reply('refused', status(code))) },
  { weight: 2, arbitrary: fc.constantFrom<Behaviour>({ kind: 'drop' }, { kind: 'cut', text: 'ha' }, { kind: 'garbage' }).map((behaviour) => reply('broken', behaviour, all)) },
); // prettier-ignore

const scenario = fc.record({
  replies: fc.array(fc.oneof({ weight: 4, arbitrary: fault }, { weight: 1, arbitrary: answer }), { minLength: 24, maxLength: 24 }),
  stream: fc.boolean(),
  models: fc.integer({ min: 1, max: 3 }),
  retry: fc.record({
    attempts: fc.integer({ min: 1, max: 5 }),
    delayMs: fc.integer({ min: 0, max: 2_000 }),
    factor: fc.integer({ min: 1, max: 3 }),
    maxRetryAfterMs: fc.integer({ min: 0, max: 60_000 }),
    maxWaitMs: fc.integer({ min: 0, max: 100_000 }),
  }),
  budget: fc.record({ calls: fc.integer({ min: 1, max: 12 }), tokens: fc.integer({ min: 0, max: 6_000 }) }),
  /** Answers that are asked for one after the other, from one budget. */
  answers: fc.integer({ min: 1, max: 3 }),
}); // prettier-ignore

test('random answers of servers: bounded requests and waits, no quota asked twice, booked at least what was used', async () => {
  let said: Reply[] = [];
  let ledger = new Ledger();
  const sent: { model: string; kind: Kind; used: number }[] = [];
  let within = true;
  await using server = await chatServer((asked) => {
    const next = said.shift() ?? reply('answer', { kind: 'answer', text: 'said' }, all);
    sent.push({ model: asked.body.model, kind: next.kind, used: next.used });
    const { spent, reserved, limits } = ledger;
    for (const kind of ['calls', 'tokens'] as const)
      within &&= spent[kind] + reserved[kind] <= (limits[kind] ?? Number.POSITIVE_INFINITY);
    return next.behaviour;
  });
  const reached = new Set<string>();
  await fc.assert(
    fc.asyncProperty(scenario, async ({ replies, stream, models: count, retry, budget, answers }) => {
      [said, ledger, within] = [[...replies], new Ledger(budget), true];
      sent.length = 0;
      const meter = new UsageMeter();
      const names = Array.from({ length: count }, (_, i) => `m${i}`);
      const [model, ...fallbacks] = names.map((name) => server.model(undefined, name));
      const call = modelCall({
        prompt: 'word',
        stream,
        retry,
        budget: ledger,
        maxOutputTokens: MOST_OUTPUT,
        meter,
      });
      for (let i = 0; i < answers; i++) {
        const { context, slept } = stepContext();
        const from = sent.length;
        const ended = await call({}, context, { model: model!, fallbacks }).then(
          (value) => ({ value, error: undefined }),
          (error: unknown) => ({ value: undefined, error }),
        );
        judge(ended, sent.slice(from), slept, names, retry, reached);
      }
      // The budget.
      expect(within).toBe(true);
      expect(ledger.reserved).toEqual({ calls: 0, tokens: 0, usd: 0 });
      expect(ledger.overdraft.tokens).toBe(0);
      expect(ledger.spent.calls).toBe(sent.length);
      expect(meter.run('run').calls).toBe(sent.length);
      expect(ledger.spent.tokens).toBeLessThanOrEqual(budget.tokens);
      expect(ledger.spent.tokens).toBeGreaterThanOrEqual(sent.reduce((sum, { used }) => sum + used, 0));
    }),
    { numRuns: RUNS },
  );
  // Otherwise the claim would hold of nothing.
  for (const outcome of [
    'answered',
    'answered by a fallback',
    'quota',
    'rate-limit',
    'refused',
    'spent',
    'waits',
  ])
    expect(reached).toContain(outcome);
}, 120_000);

function judge(
  { value, error }: { value: Awaited<ReturnType<ReturnType<typeof modelCall>>> | undefined; error: unknown },
  sent: readonly { model: string; kind: Kind }[],
  slept: readonly number[],
  names: readonly string[],
  retry: { attempts: number; delayMs: number; factor: number; maxRetryAfterMs: number; maxWaitMs: number },
  reached: Set<string>,
): void {
  // Models are asked in order, each at most `attempts` times; one that has refused for good is not asked again.
  const asked = sent.map(({ model }) => names.indexOf(model));
  expect(asked).toEqual([...asked].sort((a, b) => a - b));
  const waits = [...slept];
  for (const [i, name] of names.entries()) {
    const mine = sent.filter(({ model }) => model === name);
    expect(mine.length).toBeLessThanOrEqual(retry.attempts);
    for (const { kind } of mine.slice(0, -1)) expect(['quota', 'refused', 'answer']).not.toContain(kind);
    const ended = i === names.length - 1 || asked.some((one) => one > i);
    // A wait comes before every further attempt; one more was begun where the budget then ended the call.
    const own = waits.splice(
      0,
      ended || waits.length < mine.length ? Math.max(0, mine.length - 1) : mine.length,
    );
    if (own.length > 0) reached.add('waits');
    expect(own.reduce((sum, ms) => sum + ms, 0)).toBeLessThanOrEqual(retry.maxWaitMs);
    for (const [k, ms] of own.entries()) {
      const backOff = retry.delayMs * retry.factor ** k;
      expect(ms).toBeGreaterThanOrEqual(backOff);
      expect(ms).toBeLessThanOrEqual(Math.max(backOff, retry.maxRetryAfterMs));
    }
  }
  const last = sent.at(-1);
  if (value !== undefined) {
    expect(last?.kind).toBe('answer');
    expect(value).toMatchObject({ output: 'said', model: `wire:${last!.model}`, calls: sent.length });
    expect(value.failed.map(({ model }) => model)).toEqual(
      names.slice(0, names.indexOf(last!.model)).map((name) => `wire:${name}`),
    );
    reached.add(value.failed.length > 0 ? 'answered by a fallback' : 'answered');
    return;
  }
  if (error instanceof BudgetError) return void reached.add('spent');
  expect(error).toBeInstanceOf(ModelError);
  const { failure, model, earlier, message } = error as ModelError;
  reached.add(failure);
  expect(last?.kind).not.toBe('answer');
  expect(model).toBe(`wire:${names.at(-1)}`);
  expect(earlier.map((one) => one.model)).toEqual(names.slice(0, -1).map((name) => `wire:${name}`));
  if (last?.kind === 'quota') {
    expect(failure).toBe('quota');
    expect(message).toMatch(/Check the plan, the credit and the spending limit/);
    expect(message).not.toMatch(/slow down/i);
  }
}
