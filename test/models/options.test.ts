/** Claim: no option of a model agent, a router, prices or a budget is ignored: an unknown one is refused with the nearest valid name, and so is a value of another type or out of range. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { UnitGovernor } from '../../actors/governor/governor.ts';
import { CALL_OPTIONS } from '../../src/models/call-options.ts';
import { governed } from '../../src/models/choose.ts';
import { escalatingAgent, modelAgent } from '../../src/models/model-agent.ts';
import { modelCall } from '../../src/models/model-call.ts';
import { perform } from '../../src/score/perform.ts';
import { Ledger } from '../../src/budget/budget.ts';
import { loadPrices } from '../../src/budget/prices.ts';
import { createRouter } from '../../src/routing/router.ts';
import { score } from '../../src/score/score.ts';
import { scriptedModel } from '../../src/testing/index.ts';

const model = scriptedModel({ script: () => 'fine' });
const row = { tempo: 'presto', dynamics: 'ff', model: 'a:b' };
const router = createRouter({ nearest: true, table: [{ ...row, model: 'scripted:scripted' } as never] });
const governor = new UnitGovernor({ unit: 'u' });
const pool = governed({ governor, router, models: { 'scripted:scripted': model } });
const plain = score('s').step('a', { agent: () => 1 });

/** Everything that takes options, with valid ones and the names of all. */
const takers: [what: string, make: (options: any) => unknown, valid: object, keys: readonly string[]][] = [
  ['modelCall', modelCall, { prompt: 'x' }, Object.keys(CALL_OPTIONS)],
  [
    'modelAgent',
    modelAgent,
    { name: 'a', model, prompt: 'x' },
    [...Object.keys(CALL_OPTIONS), 'models', 'capacity', 'input'],
  ],
  [
    'escalatingAgent',
    escalatingAgent,
    { name: 'a', model: pool, prompt: 'x', verify: () => [] },
    [...Object.keys(CALL_OPTIONS), 'onExhausted', 'maxAttempts', 'onEscalated'],
  ],
  [
    'retry',
    (retry) => modelCall({ prompt: 'x', retry }),
    {},
    ['attempts', 'delayMs', 'factor', 'maxRetryAfterMs', 'maxWaitMs', 'onCut', 'onMalformed'],
  ],
  [
    'governed',
    governed,
    { governor, router, models: { 'scripted:scripted': model } },
    ['governor', 'router', 'models', 'estimator'],
  ],
  ['createRouter', createRouter, { nearest: true, table: [row] }, ['table', 'nearest', 'weights']],
  [
    'a row',
    (given) => createRouter({ nearest: true, table: [given] }),
    row,
    ['tempo', 'dynamics', 'model', 'maxOutputTokens', 'reasoning', 'temperature', 'timeoutMs', 'family'],
  ],
  [
    'weights',
    (weights) => createRouter({ nearest: true, table: [row as never], weights }),
    {},
    ['tempo', 'dynamics'],
  ],
  ['loadPrices', loadPrices, { lookUp: false }, ['overrides', 'lookUp', 'at']],
  [
    'a price',
    (price) => loadPrices({ lookUp: false, overrides: { 'a:b': price } }),
    { input: 1, output: 1 },
    ['input', 'output', 'cacheRead', 'cacheWrite'],
  ],
  ['a ledger', (limits) => new Ledger(limits), {}, ['calls', 'tokens', 'usd']],
  ['a budget', (budget) => perform(plain, { budget }).result, {}, ['calls', 'tokens', 'usd']],
  ['extend', (more) => new Ledger().extend(more), {}, ['calls', 'tokens', 'usd']],
];

/** Why something is refused, at once or by a promise. */
const refusal = async (make: () => unknown): Promise<string> => {
  try {
    await make();
    return 'accepted';
  } catch (error) {
    return (error as Error).message;
  }
};

/** A key with a character left out, doubled or replaced. */
const misspelt = (keys: readonly string[]) =>
  fc
    .tuple(fc.constantFrom(...keys), fc.nat(), fc.constantFrom('less', 'twice', 'other'))
    .map(([key, at, how]) => {
      const i = at % key.length;
      const middle = { less: '', twice: key[i]! + key[i]!, other: '_' }[how];
      return { key, wrong: key.slice(0, i) + middle + key.slice(i + 1) };
    })
    .filter(({ wrong }) => !keys.includes(wrong) && wrong.length > 2);

describe.each(takers)('%s', (_what, make, valid, keys) => {
  test('accepts what is valid', async () => {
    expect(await refusal(() => make(valid))).toBe('accepted');
  });
  test('refuses a misspelt option with the nearest name, and with all names', async () => {
    await fc.assert(
      fc.asyncProperty(misspelt(keys), async ({ key, wrong }) => {
        fc.pre(!(wrong in valid));
        const said = await refusal(() => make({ ...valid, [wrong]: undefined }));
        expect(said).toContain(wrong);
        expect(said).toMatch(new RegExp(`Did you mean '\\w+'\\?.*Known are .*${key}`));
      }),
      { numRuns: 30 },
    );
  });
  test.each([null, 5, 'all', true, ['x']])('refuses %j in place of its options', async (given) => {
    expect(await refusal(() => make(given))).toMatch(/must be (an )?object|is not an object|is no row/);
  });
  test('refuses null for every option', async () => {
    for (const key of keys)
      expect([key, await refusal(() => make({ ...valid, [key]: null }))]).not.toEqual([key, 'accepted']);
  });
});

test('a number that is none, negative, too large or a text is refused, wherever a number is meant', async () => {
  const numbers: [make: (value: unknown) => unknown, name: RegExp][] = [
    ...['maxSteps', 'maxOutputTokens', 'timeoutMs'].map((key): [(value: unknown) => unknown, RegExp] => [
      (value) => modelCall({ prompt: 'x', [key]: value }),
      new RegExp(key),
    ]),
    ...['attempts', 'delayMs', 'factor', 'maxRetryAfterMs', 'maxWaitMs'].map(
      (key): [(value: unknown) => unknown, RegExp] => [
        (value) => modelCall({ prompt: 'x', retry: { [key]: value } }),
        new RegExp(`retry.${key}|retry: ${key}`),
      ],
    ),
    ...['calls', 'tokens', 'usd'].map((key): [(value: unknown) => unknown, RegExp] => [
      (value) => modelAgent({ name: 'a', model, prompt: 'x', budget: { [key]: value } }),
      new RegExp(`budget.${key}`),
    ]),
    ...['maxOutputTokens', 'timeoutMs', 'temperature'].map((key): [(value: unknown) => unknown, RegExp] => [
      (value) => createRouter({ nearest: true, table: [{ ...row, [key]: value } as never] }),
      new RegExp(`table\\[0\\].${key}`),
    ]),
    [(capacity) => modelAgent({ name: 'a', model, prompt: 'x', capacity } as never), /capacity/],
  ];
  for (const [make, name] of numbers)
    for (const value of [Number.NaN, -1, Number.POSITIVE_INFINITY, 1e300, '5', null, [1], {}])
      expect(await refusal(() => make(value)), `${String(name)} ${String(value)}`).toMatch(name);
});

test.each<[object, RegExp]>([
  [{ prompt: 5 }, /prompt: must be string or function, not number/],
  [{}, /a prompt is needed/],
  [{ prompt: 'x', stream: 'no' }, /stream: must be boolean, not string/],
  [{ prompt: 'x', outputSchema: { type: 'object' } }, /outputSchema: must be a schema/],
  [{ prompt: 'x', meter: {} }, /meter: must be a UsageMeter/],
  [{ prompt: 'x', prices: loadPrices() }, /prices: must be what loadPrices\(\) resolves to; await it/],
  [{ prompt: 'x', secrets: [1] }, /secrets: must be texts/],
  [{ prompt: 'x', retry: { onCut: 'again' } }, /retry.onCut: must be 'retry' or 'fail', not 'again'/],
  [{ prompt: 'x', repairText: 'yes' }, /repairText: must be function, not string/],
])('the options %j are refused with what is valid', async (options, said) => {
  expect(await refusal(() => modelCall(options as never))).toMatch(said);
});

test('a model agent takes either a model or several, and a name', async () => {
  const make = (options: object) => refusal(() => modelAgent({ prompt: 'x', ...options } as never));
  const one = /modelAgent 'a': give either `model`, or `models` with at least one/;
  expect(await make({ name: 'a' })).toMatch(one);
  expect(await make({ name: 'a', model, models: [model] })).toMatch(one);
  expect(await make({ name: 'a', models: [] })).toMatch(one);
  expect(await make({ name: 'a', models: [model, 'b'] })).toMatch(/models\[1\]: the name 'b' was given/);
  expect(await make({ model })).toMatch(/a name is needed/);
  expect(await make({ name: '', model })).toMatch(/a name is needed/);
});

test('a ledger in place of limits is refused, since it would mean no limit', async () => {
  const ledger = new Ledger({ calls: 1 });
  expect(await refusal(() => perform(plain, { budget: ledger as never }).result)).toMatch(
    /budget: a ledger is not limits. Give calls, tokens, usd/,
  );
  expect(
    await refusal(() =>
      modelAgent({ name: 'a', model, prompt: 'x', outputSchema: z.string(), budget: ledger }),
    ),
  ).toBe('accepted');
});
