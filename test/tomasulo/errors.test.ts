/** Claims: every error of a performance says what happened, where, and what to do; anything that is thrown has a message;
 *  the nearest name is the one that Levenshtein's distance says. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import * as errors from '../../actors/tomasulo/errors.ts';
import { didYouMean, nearest } from '../../actors/tomasulo/program.ts';

const waiting = (count: number) =>
  Array.from({ length: count }, (_, i) => ({ stepId: `s${i}`, waitsFor: 'a cue' }));
const waits = (count: number): string =>
  waiting(count)
    .map(({ stepId }) => `'${stepId}' waits for a cue`)
    .join('; ');

test.each<[Error, name: string, message: string]>([
  [new errors.TimeoutError("step 'a'", 1_500), 'TimeoutError', "step 'a' did not finish within 1.5 s; raise its timeout, or make it faster."], // prettier-ignore
  [new errors.IdleError('a', 1_500), 'IdleError', "step 'a' was silent for 1.5 s; call context.beat() while it works, or raise its idleMs."], // prettier-ignore
  [new errors.NonRetryableError('no'), 'NonRetryableError', 'no'],
  [new errors.RefusedError('a', undefined), 'RefusedError', "step 'a' was refused."],
  [new errors.RefusedError('a', 'too risky'), 'RefusedError', "step 'a' was refused: too risky"],
  [new errors.HoldError('a', 1_500), 'HoldError', "the fermata on 'a' was not lifted within 1.5 s; send a cue, or give it a longer timeout."], // prettier-ignore
  [new errors.SkippedError('why'), 'SkippedError', 'why'],
  [new errors.MapError('why'), 'MapError', 'why'],
  [new errors.VampError(3), 'VampError', "not good enough after 3 rounds; raise `vamp.max`, or say onCap: 'accept' to take the last result."], // prettier-ignore
  [new errors.VampError(3, 'max'), 'VampError', "not good enough after 3 rounds; raise `max`, or say onCap: 'accept' to take the last result."], // prettier-ignore
  [
    new errors.BudgetError('calls', 3),
    'BudgetError',
    'the budget of 3 calls is spent; raise `budget.calls`.',
  ],
  [new errors.DeadlockError(waiting(8)), 'DeadlockError', `dead-lock: ${waits(8)}.`],
  [new errors.DeadlockError(waiting(10)), 'DeadlockError', `dead-lock: ${waits(8)}; and 2 more.`],
  [new errors.HeldError(waiting(8)), 'HeldError', `held: ${waits(8)}.`],
  [new errors.HeldError(waiting(10)), 'HeldError', `held: ${waits(8)}; and 2 more.`],
  [new errors.NotJsonError('the result', 'x.y', 'a function', 'Return data.'), 'NotJsonError', 'the result cannot be kept in the log: x.y: a function. Return data.'], // prettier-ignore
  [new errors.InterruptedError(), 'InterruptedError', 'the performance was interrupted.'],
  [new errors.InterruptedError('stop'), 'InterruptedError', 'the performance was interrupted: stop'],
  [new errors.CancelledError(), 'CancelledError', 'the performance was cancelled.'],
  [new errors.CancelledError('stop', "the rest of 'a'"), 'CancelledError', "the rest of 'a' was cancelled: stop"], // prettier-ignore
  [
    new errors.InvariantError('x'),
    'InvariantError',
    'this cannot happen: x; please report it as a bug of tutti.',
  ],
])('%s has its name and its message', (error, name, message) => {
  expect([error.name, error.message]).toEqual([name, message]);
});

test('errors keep what they were made of', () => {
  const cause = new Error('cause');
  expect(new errors.TimeoutError('x', 5).limitMs).toBe(5);
  expect(new errors.IdleError('x', 5).limitMs).toBe(5);
  expect(new errors.NonRetryableError('x').retryable).toBe(false);
  expect(new errors.DeadlockError(waiting(9)).waiting).toEqual(waiting(9));
  expect(new errors.HeldError(waiting(9)).waiting).toEqual(waiting(9));
  expect(new errors.InterruptedError(cause).cause).toBe(cause);
  expect(new errors.CancelledError(cause).cause).toBe(cause);
  expect(new errors.InvariantError('x', { cause }).cause).toBe(cause);
});

describe('a fault', () => {
  test('keeps its root, its path and its message through any number of steps', () => {
    fc.assert(
      fc.property(fc.array(fc.string(), { minLength: 1, maxLength: 20 }), (path) => {
        const cause = new RangeError('too far');
        let fault = new errors.StepError(path[0]!, cause);
        for (const id of path.slice(1)) fault = fault.through(id);
        expect(fault).toMatchObject({ name: 'StepError', stepId: path[0], at: path.at(-1), cause, path });
        expect(fault.message).toBe(`step '${path[0]}' failed: too far`);
        expect(fault.isAbsence).toBe(false);
      }),
    );
    expect(new errors.StepError('a', new errors.SkippedError('x')).through('b').isAbsence).toBe(true);
  });
  test('is blamed once, by whichever of its steps', () => {
    const root = new errors.StepError('a', 1);
    const [left, right] = [root.through('b'), root.through('c').through('d')];
    expect([left.blame(), right.blame(), root.blame()]).toEqual([true, false, false]);
    expect(new errors.StepError('a', 1).blame()).toBe(true);
  });
  test('takes no stack trace, and leaves those of others as they were', () => {
    const before = Error.stackTraceLimit;
    expect(new errors.StepError('a', 1).stack).not.toContain(' at ');
    expect(Error.stackTraceLimit).toBe(before);
  });
});

describe('the message of anything that was thrown', () => {
  const circle: { self?: unknown } = {};
  circle.self = circle;
  test.each<[what: string, thrown: unknown, message: string]>([
    ['text', 'text', 'text'],
    ['nothing', undefined, 'undefined'],
    ['null', null, 'null'],
    ['an error', new Error('why'), 'why'],
    ['an error with a code', Object.assign(new Error('why'), { code: 'E1' }), 'why'],
    ['an error without a message', new RangeError(''), 'RangeError'],
    ['an object with a message', { message: 'why' }, 'why'],
    ['an object with a message and a code', { message: 'why', code: 'E1' }, 'why (E1)'],
    ['an object with a message and a status', { message: 'why', status: 404 }, 'why (404)'],
    ['an object with both', { message: 'why', code: 'E1', status: 404 }, 'why (E1)'],
    ['an object whose message is none', { message: '', x: 1 }, '{"message":"","x":1}'],
    ['an object whose message is no text', { message: 5 }, '{"message":5}'],
    ['another object', { x: 1 }, '{"x":1}'],
    ['a list', [1], '[1]'],
    ['an empty object', {}, '[object Object]'],
    ['an object that JSON leaves out', { toJSON: () => undefined }, '[object Object]'],
    ['500 characters of JSON', 'x'.repeat(494), 'x'.repeat(494)],
    ['an object of 500 characters', { x: 'x'.repeat(492) }, `{"x":"${'x'.repeat(492)}"}`],
    ['an object of 501 characters', { x: 'x'.repeat(493) }, `{"x":"${'x'.repeat(493)}"…`],
    ['a circle', circle, 'a value that cannot be shown'],
    ['a function', 5n, '5'],
  ])('%s', (_, thrown, message) => {
    expect(errors.messageOf(thrown)).toBe(message);
    const error = errors.asError(thrown);
    if (thrown instanceof Error) expect(error).toBe(thrown);
    else expect([error.message, error.cause]).toEqual([message, thrown]);
  });
});

describe('the nearest name', () => {
  /** Levenshtein's distance by its definition. */
  const distance = (a: string, b: string): number => {
    if (a === '' || b === '') return a.length + b.length;
    const [c, d] = [a.slice(1), b.slice(1)];
    if (a[0] === b[0]) return distance(c, d);
    return 1 + Math.min(distance(c, d), distance(c, b), distance(a, d));
  };
  const word = fc.string({ unit: fc.constantFrom('a', 'b', 'c'), maxLength: 6 });
  test('is the first of those with the least distance, at most two letters or a third away', () => {
    fc.assert(
      fc.property(word, fc.array(word, { maxLength: 5 }), (name, known) => {
        const far = known.map((one) => distance(name, one));
        const least = Math.min(...far);
        const limit = Math.max(2, Math.floor(name.length / 3));
        expect(nearest(name, known)).toBe(least <= limit ? known[far.indexOf(least)] : undefined);
      }),
    );
  });
  test('of a long name may be a third of it away', () => {
    expect(nearest('abcdefghijkl', ['abcdefgh'])).toBe('abcdefgh');
    expect(nearest('abcdefghijk', ['abcdefg'])).toBe(undefined);
  });
  test('is a hint, and none is none', () => {
    expect(didYouMean('drft', ['input', 'draft'])).toBe(" Did you mean 'draft'?");
    expect(didYouMean('xyz', ['input', 'draft'])).toBe('');
  });
});
