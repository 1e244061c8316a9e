/** Claims: every option of a step, of its parts and of `perform` accepts all that its description allows, and nothing
 *  else; a refusal names the place, what would fit and what was found. */
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { createBus, ScoreError, VirtualClock } from 'tutti';
import { memoryStore } from 'tutti/durable';
import type { StepPlan } from '../../actors/tomasulo/program.ts';
import {
  checkPerformOptions,
  checkStep,
  checkTypes,
  knownKeys,
  LONGEST_MS,
  oneOf,
  shown,
} from '../../src/score/limits.ts';

const agent = { name: 'writer', run: () => 1 };
const body = {} as never; // `checkStep` looks at the plan of a scope, and not into its body
const step = (options: object): void =>
  checkStep({ id: 'draft', agent, reads: { x: 'a' }, ...options } as StepPlan, 'step');
const map = (options: object): void =>
  step({ scope: { kind: 'map', body, as: 'item', flat: true, ...options } });
const repeat = (options: object): void =>
  step({ scope: { kind: 'repeat', body, max: 2, until: () => true, ...options } });

/** Where options stand: their path in messages, and a function that checks an object of them. */
const PLACES: Readonly<Record<string, readonly [at: string, check: (options: object) => void]>> = {
  step: ['step', step],
  'retry of a step': ['step.retry', (retry) => step({ retry: { attempts: 2, ...retry } })],
  vamp: ['step.vamp', (vamp) => step({ vamp: { max: 2, until: () => true, ...vamp } })],
  fermata: ['step.fermata', (fermata) => step({ fermata })],
  escalation: ['step.fermata.escalate', (escalate) => step({ fermata: { escalate: { to: 'Ann', ...escalate } } })], // prettier-ignore
  map: ['step', map],
  quorum: ['step.join', (join) => map({ join: { quorum: 1, ...join } })],
  repeat: ['step', repeat],
  hedge: ['step.hedge', (hedge) => step({ effects: 'none', hedge: { afterMs: 1, ...hedge } })],
  perform: ['', checkPerformOptions],
  timeout: ['timeout', (timeout) => checkPerformOptions({ timeout })],
  'retry of a performance': ['retry', (retry) => checkPerformOptions({ retry: { attempts: 2, ...retry } })],
};
type Place = keyof typeof PLACES;
const use = (place: Place, options: object) => () => PLACES[place]![1](options);
const pathOf = (place: Place, key: string): string => [PLACES[place]![0], key].filter(Boolean).join('.');

/** The message and the step of a refusal. */
function refusal(act: () => unknown): { message: string; stepId: string | undefined } {
  try {
    act();
  } catch (error) {
    expect(error).toBeInstanceOf(ScoreError);
    const { message, stepId } = error as ScoreError;
    return { message, stepId };
  }
  throw new Error('not refused');
}
const idOf = (place: Place): string | undefined =>
  pathOf(place, '').startsWith('step') || pathOf(place, 'x').startsWith('step') ? 'draft' : undefined;

const YEARS_100 = 3_155_760_000_000;
const MOST = Number.MAX_SAFE_INTEGER;
/** Every number: its least and its most, and whether it is whole. */
const NUMBERS: readonly (readonly [Place, string, least: number, most: number, whole: boolean])[] = [
  ...(['timeoutMs', 'idleMs'] as const).map((key) => ['step', key, 0, YEARS_100, false] as const),
  ['step', 'urgency', 1, 10, false],
  ['step', 'cost', 0, Number.MAX_VALUE, false],
  ...(['retry of a step', 'retry of a performance'] as const).flatMap((place) => [
    [place, 'attempts', 1, 100, true] as const,
    [place, 'delayMs', 0, YEARS_100, false] as const,
    [place, 'maxDelayMs', 0, YEARS_100, false] as const,
    [place, 'factor', 1, 10, false] as const,
    [place, 'jitter', 0, 1, false] as const,
  ]),
  ['vamp', 'max', 1, 1_000, true],
  ['fermata', 'timeoutMs', 0, YEARS_100, false],
  ['fermata', 'remindMs', 0, YEARS_100, false],
  ['escalation', 'timeoutMs', 0, YEARS_100, false],
  ['map', 'concurrency', 1, MOST, true],
  ['quorum', 'quorum', 1, MOST, true],
  ['repeat', 'max', 1, 1_000, true],
  ['hedge', 'afterMs', 0, YEARS_100, false],
  ['perform', 'maxConcurrency', 1, MOST, true],
  ['perform', 'window', 1, 2 ** 20, true],
  ['perform', 'patience', 1, MOST, true],
  ['perform', 'seed', 0, 2 ** 32 - 1, true],
  ...(['graceMs', 'deliveryMs', 'stallMs', 'heldMs'] as const).map(
    (key) => ['perform', key, 0, YEARS_100, false] as const,
  ),
  ['timeout', 'totalMs', 0, YEARS_100, false],
  ['timeout', 'stepMs', 0, YEARS_100, false],
];

test.each(NUMBERS)('%s: %s takes numbers from its least to its most', (place, key, least, most, whole) => {
  const what = `must be ${whole ? 'a whole number' : 'a number'} from ${least} to ${most}`;
  for (const value of [least, most, undefined])
    if (value !== undefined || !['attempts', 'max', 'quorum', 'afterMs'].includes(key))
      expect(use(place, { [key]: value }), String(value)).not.toThrow();
  const above = most === Number.MAX_VALUE ? Infinity : most + 1;
  for (const value of [least - 1, least - 1e-9, above, NaN, '5', null, {}, ...(whole ? [least + 0.5] : [])])
    expect(refusal(use(place, { [key]: value }))).toEqual({
      message: `${pathOf(place, key)}: ${what}, not ${shown(value)}.`,
      stepId: idOf(place),
    });
});

/** Every option that takes one of a few words. */
const WORDS: readonly (readonly [Place, string, words: readonly string[]])[] = [
  ['step', 'join', ['all', 'allSettled', 'any', 'first']],
  ['step', 'effects', ['none', 'idempotent', 'external']],
  ['vamp', 'onCap', ['fail', 'accept']],
  ['fermata', 'holdType', ['human', 'governance', 'resource', 'quality']],
  ['fermata', 'onTimeout', ['resume', 'fail']],
  ['map', 'join', ['all', 'allSettled', 'any', 'first']],
  ['repeat', 'onCap', ['fail', 'accept']],
  ['perform', 'dispatch', ['reactive', 'batch', 'sequential']],
  ['perform', 'onFailure', ['settle', 'cancel']],
  ['perform', 'priority', ['path', 'fifo']],
];

test.each(WORDS)('%s: %s takes its words, and hints at the nearest one', (place, key, words) => {
  for (const word of [...words, undefined]) expect(use(place, { [key]: word }), word).not.toThrow();
  const must = `${pathOf(place, key)}: must be one of ${words.join(', ')}; not`;
  const stepId = idOf(place);
  for (const [value, said] of [
    [5, '5.'],
    [null, 'null.'],
    ['something else entirely', "'something else entirely'."],
    [`${words[0]}x`, `'${words[0]}x'. Did you mean '${words[0]}'?`],
  ])
    expect(refusal(use(place, { [key]: value }))).toEqual({ message: `${must} ${said}`, stepId });
});

/** Every option of another type: what fits, what does not, and how a message names what would. */
const TYPES: readonly (readonly [
  Place,
  string,
  fit: readonly unknown[],
  wrong: readonly unknown[],
  what: string,
])[] = [
  ['step', 'after', [[], ['a', 'b']], ['a', {}, [''], ['a', 1]], 'a list of names'],
  ['step', 'writes', ['a'], ['', 1, null, ['a']], 'a name'],
  ...(['tacet', 'attacca', 'downbeat', 'otherwise'] as const).map(
    (key) => ['step', key, [true, false], [0, 'true', null], 'true or false'] as const,
  ),
  ['step', 'reads', [{}, { x: 'a', y: ['a', 'b'] }], [[], 'a', 5], 'an object of names by operand'],
  ['step', 'when', [{ test: () => true }], [{}, { test: true }, null], 'a function of the operands'],
  ...(['retry of a step', 'retry of a performance'] as const).flatMap((place) => [
    [place, 'on', [() => true, [], ['E']], ['E', {}, [''], ['E', 1]], 'a function of the error, or a list of names of errors'] as const, // prettier-ignore
    [place, 'repeatsEffect', [true, false], [1, 'true', null], 'true or false'] as const,
  ]),
  ['fermata', 'question', ['Publish?'], ['', 1, null], 'a text'],
  [
    'fermata',
    'answer',
    [z.boolean(), Object.assign(() => 1, { '~standard': z.boolean()['~standard'] })],
    [null, 1, {}, () => 1, { '~standard': {} }, { '~standard': { validate: 1 } }],
    'a schema of Standard Schema, such as z.boolean()',
  ],
  ['map', 'as', ['element'], ['', 1, null], 'a name'],
  ['map', 'index', ['i'], ['', 1, null, 'item'], 'a name, and another one than that of the element'],
  ['perform', 'durable', [memoryStore()], [{}, null, { create: 1 }], 'a store of runs'],
  ['perform', 'signal', [new AbortController().signal], [{}, null, 1], 'an AbortSignal'],
  ['perform', 'bus', [createBus()], [{}, null, 1], 'a bus, as createBus() makes it'],
  ['perform', 'clock', [new VirtualClock()], [{}, null, 1], 'a clock, such as a VirtualClock'],
  ['perform', 'runId', ['r'], ['', 1, null], 'a name'],
  ['perform', 'onEvent', [() => {}], [{}, null, 1], 'a function'],
  ['perform', 'inspect', [() => {}, { next() {} }], [1, 'x', true], 'a function or an observer'],
];

test.each(TYPES)('%s: %s takes what its description says', (place, key, fit, wrong, what) => {
  for (const value of [...fit, undefined])
    if (value !== undefined || key !== 'as') expect(use(place, { [key]: value }), shown(value)).not.toThrow();
  for (const value of wrong)
    expect(refusal(use(place, { [key]: value }))).toEqual({
      message: `${pathOf(place, key)}: must be ${what}, not ${shown(value)}.`,
      stepId: idOf(place),
    });
});

describe('what is missing or does not go together is refused with a remedy', () => {
  const external = (retry: object) => ({ effects: 'external', retry: { attempts: 2, ...retry } });
  test.each<[string, () => void, string]>([
    ['no id', () => step({ id: '' }), 'step.id: a step needs an id.'],
    ['an id that is no text', () => step({ id: 5 }), 'step.id: a step needs an id.'],
    ...[undefined, {}, { run: 1, name: 'a' }, { run() {} }, { run() {}, name: '' }].map(
      (agent): [string, () => void, string] => [
        `the agent ${shown(agent)}`,
        () => step({ agent }),
        `step.agent: must be a function of its operands, or what agent({ name, run }) makes; not ${shown(agent)}.`,
      ],
    ),
    ...[undefined, '', 1, null, {}, [''], ['a', 1]].map((read): [string, () => void, string] => [
      `an operand that reads ${JSON.stringify(read)}`,
      () => step({ reads: { fine: 'a', x: read } }),
      `step.reads.x: must be a name, or a list of names, not ${shown(read)}.`,
    ]),
    [
      'a retry without attempts',
      () => step({ retry: { delayMs: 5 } }),
      'step.retry.attempts: is missing; say how many tries there are in all.',
    ],
    [
      'a retry of an external effect',
      () => step(external({})),
      'step.retry: an external effect is not repeated by a retry; drop the retry, or say retry.repeatsEffect: true when the agent makes repeats harmless.',
    ],
    [
      'a vamp without a cap',
      () => step({ vamp: { until: () => true } }),
      'step.vamp.max: a vamp needs a cap.',
    ],
    [
      'a vamp without until',
      () => step({ vamp: { max: 2 } }),
      'step.vamp.until: must be a function of the result, not undefined.',
    ],
    [
      'an escalation to no person',
      () => step({ fermata: { escalate: { timeoutMs: 5 } } }),
      'step.fermata.escalate.to: must say who decides then.',
    ],
    ['a hedge without its time', () => step({ hedge: {} }), 'step.hedge.afterMs: is missing; say after which time a second attempt is started.'], // prettier-ignore
    ...(['external', undefined] as const).map((effects): [string, () => void, string] => [
      `a hedge where effects are ${effects}`,
      () => step({ hedge: { afterMs: 1 }, effects }),
      `step.hedge: ${effects === undefined ? 'the step does not say what its effects are' : "its effects are 'external'"}, so a second attempt might do something twice; say effects: 'none' or 'idempotent' if the agent may run twice at once, or drop the hedge.`,
    ]),
    ['a join of nothing', () => step({ reads: {}, join: 'any' }), 'step.join: has no reads to wait for; name some in `reads`, or drop the join.'], // prettier-ignore
    ['a quorum of more than is read', () => step({ join: { quorum: 2 } }), 'step.join.quorum: is 2, and the step reads 1; lower it, or read more names.'], // prettier-ignore
    ['a quorum without its number', () => map({ join: {} }), 'step.join.quorum: is missing.'],
    [
      'a loop without a cap',
      () => repeat({ max: undefined }),
      'step.max: a loop needs a cap; say how many rounds there may be, 1 to 1000.',
    ],
    [
      'a loop without until',
      () => repeat({ until: true }),
      'step.until: must be a function of the outputs, not true.',
    ],
  ])('%s', (_, act, message) => {
    expect(refusal(act).message).toBe(message);
    const hasStep = !message.startsWith('step.id');
    expect(refusal(act).stepId === undefined).toBe(!hasStep || message.startsWith('step.id'));
  });
  test('an external effect with one try, or with repeats that are harmless, is fine', () => {
    for (const more of [{ attempts: 1 }, { repeatsEffect: true }])
      expect(() => step(external(more))).not.toThrow();
  });
});

/** The options of each place, all at once. */
const ALL: Readonly<Record<Place, object>> = {
  step: {
    ...{ reads: {}, after: [], writes: 'x', join: 'all', timeoutMs: 1, idleMs: 1, urgency: 5, cost: 1 },
    ...{ effects: 'none', retry: { attempts: 1 }, fermata: {}, vamp: { max: 1, until: () => true } },
    ...{ tacet: true, attacca: true, when: { test: () => true }, otherwise: true, fallback: { value: 1 } },
    ...{ downbeat: true, scope: { kind: 'score', body }, spread: true, hedge: { afterMs: 1 } },
  },
  'retry of a step': {
    attempts: 1,
    delayMs: 1,
    factor: 1,
    maxDelayMs: 1,
    jitter: 1,
    on: [],
    repeatsEffect: true,
  },
  vamp: { max: 1, until: () => true, onCap: 'fail' },
  fermata: {
    ...{ holdType: 'human', timeoutMs: 1, onTimeout: 'fail', question: '?', answer: z.any(), remindMs: 1 },
    escalate: { to: 'Ann', timeoutMs: 1 },
  },
  escalation: { to: 'Ann', timeoutMs: 1 },
  quorum: { quorum: 1 },
  perform: {
    ...{ input: 1, signal: new AbortController().signal, maxConcurrency: 1, window: 1, timeout: {} },
    ...{
      retry: { attempts: 1 },
      budget: {},
      dispatch: 'batch',
      priority: 'path',
      seed: 1,
      onFailure: 'settle',
    },
    ...{ patience: 1, graceMs: 1, deliveryMs: 1, stallMs: 1, bus: createBus(), clock: new VirtualClock() },
    ...{ runId: 'r', inspect() {}, onEvent() {}, durable: memoryStore(), heldMs: 1, scoreFile: 's.yaml' },
  },
  timeout: { totalMs: 1, stepMs: 1 },
  'retry of a performance': { attempts: 1, delayMs: 1 },
};

test.each(Object.keys(ALL))('%s takes all of its options at once, and no others', (place) => {
  expect(use(place, ALL[place]!)).not.toThrow();
  const { message, stepId } = refusal(use(place, { ...ALL[place], sometimes: 1 }));
  const known = Object.keys(ALL[place]!);
  const at = PLACES[place]![0] || 'perform';
  expect(message).toMatch(`${at}: unknown option 'sometimes'. Known are `);
  for (const key of place === 'retry of a performance' ? [] : known) expect(message).toMatch(new RegExp(`\\b${key}\\b`)); // prettier-ignore
  expect(stepId).toBe(idOf(place));
});

test('options that are no object are refused, with those that there are', () => {
  for (const value of [null, 5, 'text', [], undefined])
    expect(refusal(() => knownKeys('here', value as never, ['one', 'two'], 'draft'))).toEqual({
      message: `here: must be an object with one, two; not ${shown(value)}.`,
      stepId: 'draft',
    });
  expect(refusal(() => knownKeys('here', { tow: 1 }, ['one', 'two'])).message).toBe(
    "here: unknown option 'tow'. Did you mean 'two'? Known are one, two.",
  );
  expect(() => oneOf('here', 'one', ['one'])).not.toThrow();
});

test('options are of the types that their list allows', () => {
  const types = { text: 'string', either: 'number or null', list: 'array', any: 'any' };
  const check = (value: object) => () => checkTypes('here', value, types);
  for (const value of [
    {},
    { text: 'a', either: 1, list: [], any: Symbol('x') },
    { text: undefined, either: null, any: null },
  ])
    expect(check(value)).not.toThrow();
  expect(refusal(check({ text: 1 })).message).toBe('here: text: must be string, not number.');
  expect(refusal(check({ text: null })).message).toBe('here: text: must be string, not null.');
  expect(refusal(check({ either: [] })).message).toBe('here: either: must be number or null, not array.');
  expect(refusal(check({ list: {} })).message).toBe('here: list: must be array, not object.');
  expect(refusal(check({ texts: 1 })).message).toContain("unknown option 'texts'. Did you mean 'text'?");
});

test.each<[unknown, string]>([
  ['text', "'text'"],
  ['x'.repeat(40), `'${'x'.repeat(40)}'`],
  ['x'.repeat(41), `'${'x'.repeat(40)}…'`],
  [() => 1, 'a function'],
  [function named() {}, 'the function named'],
  [undefined, 'undefined'],
  [null, 'null'],
  [5, '5'],
  [[1], 'a list'],
  [{}, 'an empty object'],
  [{ a: 1, b: 2 }, 'an object with a, b'],
  [{ a: 1, b: 1, c: 1, d: 1, e: 1, f: 1, g: 1 }, 'an object with a, b, c, d, e, f'],
])('a value in a message: %j', (value, text) => {
  expect(shown(value)).toBe(text);
});

test('the longest time is a hundred years', () => {
  expect(LONGEST_MS).toBe(YEARS_100);
});

test('reads are a plain object: anything else is refused with the place, and never a TypeError', () => {
  const others = [null, 5, 'x', true, [], ['a'], () => 'a', new Map([['x', 'a']]), new Date(0), Symbol('x')];
  for (const reads of others)
    expect(refusal(() => step({ reads }))).toEqual({
      message: expect.stringMatching(/^step\.reads: must be an object of names by operand, not /),
      stepId: 'draft',
    });
  expect(() => step({ reads: Object.assign(Object.create(null), { x: 'a' }) })).not.toThrow();
});
