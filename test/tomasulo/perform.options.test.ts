/** Options are never ignored: what is not known, or makes no sense, is refused with its place, in JavaScript too. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { agent, createBus, perform, score, scoreOf, ScoreError } from '../../src/index.ts';

const one = score('s').step('a', { agent: () => 1 });
const step = (options: object) => score('s').step('draft', { agent: () => 1, ...options } as never).program;
const performed = (options: object) => perform(one, options as never);

/** Every object of options, with a valid example. */
const PLACES: readonly (readonly [
  string,
  (options: object) => unknown,
  Readonly<Record<string, unknown>>,
])[] = [
  [
    'score.step',
    step,
    {
      ...{ reads: {}, after: [], writes: 'x', join: 'all', timeoutMs: 5, default: 1, urgency: 5, cost: 1 },
      ...{
        effects: 'none',
        tacet: false,
        attacca: false,
        retry: { attempts: 2 },
        fermata: {},
        vamp: undefined,
      },
    },
  ],
  [
    'retry of a step',
    (retry) => step({ retry: { attempts: 2, ...retry } }),
    { attempts: 2, delayMs: 1, factor: 1, maxDelayMs: 1, repeatsEffect: true },
  ],
  ['fermata', (fermata) => step({ fermata }), { holdType: 'human', timeoutMs: 1, onTimeout: 'fail' }],
  ['vamp', (vamp) => step({ vamp: { max: 2, until: () => true, ...vamp } }), { max: 2, onCap: 'accept' }],
  [
    'perform',
    performed,
    {
      ...{ input: 1, maxConcurrency: 1, window: 1, patience: 1, graceMs: 1, deliveryMs: 1, stallMs: 1 },
      ...{ dispatch: 'batch', priority: 'fifo', timeout: {}, budget: {}, retry: { attempts: 1 } },
      ...{ onEvent: () => {} },
    },
  ],
  ['timeout', (timeout) => performed({ timeout }), { totalMs: 1_000, stepMs: 1_000 }],
  ['budget', (budget) => performed({ budget }), { calls: 5, tokens: 5, usd: 5 }],
  [
    'retry of a performance',
    (retry) => performed({ retry: { attempts: 2, ...retry } }),
    { attempts: 2, delayMs: 1, factor: 1, maxDelayMs: 1, repeatsEffect: true },
  ],
  [
    'agent',
    (options) => agent({ name: 'a', run: () => 1, ...options } as never),
    { capacity: 1, timeoutMs: 5, effects: 'none' },
  ],
  ['createBus', (options) => createBus(options as never), { retain: 1, keyWindow: 1, runId: 'x' }],
];
const NUMBERS = new Set([
  ...['delayMs', 'factor', 'maxDelayMs', 'attempts', 'timeoutMs', 'urgency', 'cost', 'max', 'capacity'],
  ...['maxConcurrency', 'window', 'patience', 'graceMs', 'deliveryMs', 'stallMs', 'totalMs', 'stepMs'],
  ...['calls', 'tokens', 'usd', 'retain', 'keyWindow'],
]);
const WORDS = new Set(['join', 'effects', 'dispatch', 'priority', 'holdType', 'onTimeout', 'onCap']);

describe.each(PLACES)('%s', (name, use, valid) => {
  it('accepts every option that it documents', () => {
    for (const [key, value] of Object.entries(valid)) expect(() => use({ [key]: value }), key).not.toThrow();
  });

  it('refuses an option that is not known, and names the nearest one', () => {
    const key = fc.constantFrom(...Object.keys(valid));
    fc.assert(
      fc.property(key, fc.nat(20), fc.constantFrom('drop', 'swap', 'case'), (real, place, how) => {
        const at = place % real.length;
        const typo =
          how === 'drop'
            ? real.slice(0, at) + real.slice(at + 1)
            : how === 'swap'
              ? `${real.slice(0, at)}${real[at + 1] ?? 'q'}${real[at]}${real.slice(at + 2)}`
              : `${real}s`;
        fc.pre(!(typo in valid) && !['until', 'id', 'agent', 'bus', 'clock', 'name', 'run'].includes(typo));
        expect(() => use({ [typo]: valid[real] })).toThrow(typo);
      }),
      { numRuns: 60 },
    );
    if (name !== 'createBus' && name !== 'budget')
      expect(() => use({ [`${Object.keys(valid)[0]}x`]: 1 })).toThrow(/Did you mean/);
  });
});

const having = (names: ReadonlySet<string>) =>
  PLACES.map(
    ([name, use, valid]) => [name, use, Object.keys(valid).filter((key) => names.has(key))] as const,
  ).filter(([, , keys]) => keys.length > 0);

it.each(having(NUMBERS))('%s refuses numbers that are none, negative or absurd', (_, use, keys) => {
  const wrong = fc.constantFrom(NaN, -1, -0.5, Infinity, 1e300, '5', null, {}, []);
  fc.assert(
    fc.property(fc.constantFrom(...keys), wrong, (key, value) => {
      fc.pre(key !== 'cost' || value !== 1e300); // a cost is in any unit
      expect(() => use({ [key]: value }), `${key}: ${String(value)}`).toThrow(key);
    }),
    { numRuns: 150 },
  );
});

it.each(having(WORDS))('%s refuses words that are not among the few', (_, use, keys) => {
  fc.assert(
    fc.property(fc.constantFrom(...keys), fc.string(), (key, word) => {
      fc.pre(!/^(all|allSettled|none|idempotent|external|batch|reactive|sequential|path|fifo)$/.test(word));
      fc.pre(!/^(human|governance|resource|quality|fail|resume|accept)$/.test(word));
      expect(() => use({ [key]: word })).toThrow(key);
    }),
    { numRuns: 60 },
  );
});

describe('mistakes in a score are explained, with the step', () => {
  it.each<[string, () => unknown, RegExp]>([
    ['no score', () => perform(undefined as never), /score: perform takes a score.*not undefined/],
    ['a step without options', () => score('s').step('a', undefined as never), /step 'a'.*not undefined/],
    [
      'no agent',
      () => score('s').step('a', {} as never),
      /step 'a'\.agent: must be a function.*not undefined/,
    ],
    [
      'an agent that is no agent',
      () => score('s').step('a', { agent: { plan: 1 } as never }),
      /step 'a'\.agent: .*agent\(\{ name, run \}\)/,
    ],
    ['an operand that reads undefined', () => step({ reads: { x: undefined } }), /reads\.x: must be a name/],
    ['an empty name', () => score(''), /needs a name/],
    ['a plan without an agent', () => scoreOf('s', [{ id: 'a' } as never]).program, /steps\[0\]\.agent/],
    ['a vamp without until', () => step({ vamp: { max: 2 } }), /vamp\.until: must be a function/],
    ['a retry without attempts', () => step({ retry: { delayMs: 5 } }), /retry\.attempts: is missing/],
  ])('%s', (_, make, said) => {
    expect(make).toThrow(ScoreError);
    expect(make).toThrow(said);
  });

  it('a default that is undefined is no default', async () => {
    const steps = score('s').step('a', {
      agent: (): string => {
        throw new Error('broken');
      },
      default: undefined as never,
    });
    expect((await perform(steps).report).status).toBe('failed');
  });

  it('a step that leaves out operands which its agent needs does not compile', () => {
    const needs = ({ topic }: { topic: string }) => topic;
    // @ts-expect-error `reads` is missing
    score('s').step('a', { agent: needs });
    score('s').step('b', { agent: ({ previous = 0 }: { previous?: number }) => previous });
  });
});
