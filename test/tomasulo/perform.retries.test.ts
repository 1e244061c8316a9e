/** Claims: what is retried is what may help; delays are drawn from a seed; a silent step is given up. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { delayAfter, drawFrom } from '../../actors/tomasulo/retry.ts';
import {
  agent,
  NonRetryableError,
  perform,
  score,
  ScoreError,
  VirtualClock,
  type AgentContext,
  type RetryPolicy,
  type RunEvent,
} from '../../src/index.ts';

/** Performs one step that throws each of the errors in turn, and then succeeds. */
async function tries(errors: readonly unknown[], retry: RetryPolicy, seed?: number) {
  const seen: { attempt: number; lastError: unknown }[] = [];
  const delays: number[] = [];
  const steps = score('s').step('a', {
    retry,
    agent: (_: {}, { attempt, lastError }: AgentContext) => {
      seen.push({ attempt, lastError });
      if (attempt <= errors.length) throw errors[attempt - 1];
      return 'done';
    },
  });
  const onEvent = (event: RunEvent) => {
    if (event.type === 'step.retrying') delays.push(event.delayMs);
  };
  const report = await perform(steps, { clock: new VirtualClock(), onEvent, ...(seed === undefined ? {} : { seed }) }).report; // prettier-ignore
  return { report, seen, delays, attempts: report.timeline[0]!.attempts };
}

const lost = new TypeError('fetch failed', { cause: new Error('ECONNREFUSED') });
const coded = Object.assign(new Error('reset'), { code: 'ECONNRESET' });

describe('what is retried', () => {
  test.each<[string, unknown, RetryPolicy['on'], number]>([
    ['an error', new Error('x'), undefined, 2],
    ['anything thrown', 'text', undefined, 2],
    ['a lost connection of fetch', lost, undefined, 2],
    ['no TypeError', new TypeError('x is not a function'), undefined, 1],
    ['no ReferenceError', new ReferenceError('x'), undefined, 1],
    ['no error that says so', Object.assign(new Error('x'), { retryable: false }), undefined, 1],
    ['no NonRetryableError', new NonRetryableError('no'), () => true, 1],
    ['what the predicate says', new TypeError('x'), (error) => error instanceof TypeError, 2],
    ['nothing that it does not', new Error('x'), () => false, 1],
    ['a name', new TypeError('x'), ['TypeError'], 2],
    ['a code', coded, ['ECONNRESET'], 2],
    ['the code of a cause', new Error('x', { cause: coded }), ['ECONNRESET'], 2],
    ['no other name', new Error('x'), ['TimeoutError'], 1],
  ])('%s', async (_, error, on, attempts) => {
    const got = await tries([error], { attempts: 2, on });
    expect(got.attempts).toBe(attempts);
    expect(got.report.status).toBe(attempts === 2 ? 'completed' : 'failed');
  });

  test('a result that does not fit its schema is not retried, and a predicate may say otherwise', async () => {
    const picky = agent({ name: 'picky', output: z.number(), run: () => 'text' as unknown as number });
    for (const [on, attempts] of [
      [undefined, 1],
      [['SchemaError'], 3],
    ] as const) {
      // prettier-ignore
      const steps = score('s').step('a', { agent: picky, retry: { attempts: 3, on } });
      const { timeline } = await perform(steps, { clock: new VirtualClock() }).report;
      expect(timeline[0]!.attempts).toBe(attempts);
    }
  });

  test('the predicate receives the try, and one that throws fails the step', async () => {
    const given: number[] = [];
    const got = await tries([new Error('1'), new Error('2')], {
      attempts: 9,
      on: (_, attempt) => given.push(attempt) < 2 && attempt < 2,
    });
    expect([given, got.attempts]).toEqual([[1, 2], 2]);
    const broken = await tries([new Error('1')], {
      attempts: 2,
      on: () => {
        throw new Error('oops');
      },
    });
    expect(broken.report.errors[0]!.message).toContain("retry.on of step 'a' threw: oops");
  });
});

test('a step sees its try and why the one before failed', async () => {
  const [one, two] = [new Error('one'), new Error('two')];
  const { seen } = await tries([one, two], { attempts: 3 });
  expect(seen).toEqual([
    { attempt: 1, lastError: undefined },
    { attempt: 2, lastError: one },
    { attempt: 3, lastError: two },
  ]);
});

describe('delays', () => {
  test('a seed draws the same delays again, another one others, within the jitter and the maximum', async () => {
    const errors = Array.from({ length: 6 }, () => new Error('x'));
    const retry = { attempts: 7, delayMs: 100, factor: 3, maxDelayMs: 2_000, jitter: 0.5 };
    const whole = [100, 300, 900, 2_000, 2_000, 2_000];
    const [first, again, other] = [await tries(errors, retry, 7), await tries(errors, retry, 7), await tries(errors, retry, 8)]; // prettier-ignore
    expect(again.delays).toEqual(first.delays);
    expect(other.delays).not.toEqual(first.delays);
    first.delays.forEach((delay, i) => {
      expect(delay).toBeLessThanOrEqual(whole[i]!);
      expect(delay).toBeGreaterThanOrEqual(whole[i]! / 2);
    });
    expect(new Set(first.delays.slice(3)).size).toBe(3);
  });

  test('no delay is longer than the maximum or shorter than the jitter allows', () => {
    const policy = fc.record({
      attempts: fc.constant(9),
      delayMs: fc.double({ min: 0, max: 1e6, noNaN: true }),
      factor: fc.double({ min: 1, max: 10, noNaN: true }),
      maxDelayMs: fc.double({ min: 0, max: 1e6, noNaN: true }),
      jitter: fc.double({ min: 0, max: 1, noNaN: true }),
    });
    fc.assert(
      fc.property(policy, fc.integer({ min: 1, max: 99 }), fc.nat(), (policy, failures, seed) => {
        const drawn = drawFrom(seed, failures);
        expect(drawn >= 0 && drawn < 1).toBe(true);
        const delay = delayAfter(failures, policy, drawn);
        const whole = delayAfter(failures, { ...policy, jitter: 0 }, drawn);
        expect(delay).toBeLessThanOrEqual(policy.maxDelayMs);
        expect(delay).toBeGreaterThanOrEqual(whole * (1 - policy.jitter) - 1e-9);
        expect(delay).toBeLessThanOrEqual(whole);
      }),
    );
  });

  test('draws are spread evenly', () => {
    const tenths = new Array<number>(10).fill(0);
    for (let step = 0; step < 10_000; step++) tenths[Math.floor(drawFrom(1, step, 1) * 10)]!++;
    for (const count of tenths) expect(count).toBeGreaterThan(850);
  });
});

describe('silence', () => {
  const silent = (beats: number) =>
    score('s').step('a', {
      idleMs: 100,
      retry: { attempts: 2, delayMs: 0 },
      agent: async (_: {}, { attempt, beat, sleep }: AgentContext) => {
        for (let i = 0; i < (attempt === 1 ? beats : 0); i++) {
          await sleep(99);
          beat();
        }
        if (attempt === 1) await sleep(1_000);
        return attempt;
      },
    });
  test.each([0, 1, 5])(
    'a step that falls silent after %i beats is given up and tried again',
    async (beats) => {
      const report = await perform(silent(beats), { clock: new VirtualClock() }).result;
      expect(report.outputs.a).toBe(2);
      expect(report.makespan).toBe(99 * beats + 100);
    },
  );
  test('what has failed by silence says so', async () => {
    const steps = score('s').step('a', { idleMs: 5, agent: (_: {}, { sleep }: AgentContext) => sleep(9) });
    const { errors } = await perform(steps, { clock: new VirtualClock() }).report;
    expect(errors[0]).toMatchObject({ cause: { name: 'IdleError', limitMs: 5 } });
  });
  test('no timer of a step that has ended is left', async () => {
    const clock = new VirtualClock();
    const steps = score('s').step('a', { idleMs: 1_000, agent: () => 1 });
    await perform(steps, { clock }).result;
    await new Promise((resolve) => setTimeout(resolve, 5));
    expect(clock.now()).toBe(0);
  });
});

test.each<[object, string]>([
  [{ jitter: 2 }, 'retry.jitter: must be a number from 0 to 1, not 2'],
  [{ on: 'Error' }, 'retry.on: must be a function of the error, or a list of names of errors'],
])('%j is refused', (more, message) => {
  const steps = score('s').step('a', { agent: () => 1, retry: { attempts: 2, ...more } as RetryPolicy });
  expect(() => perform(steps)).toThrow(ScoreError);
  expect(() => perform(steps)).toThrow(message);
});
