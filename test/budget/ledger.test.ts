/** Claim: a budget is never overrun, with 50 concurrent agents and usage reported late. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { BudgetError } from '../../actors/tomasulo/errors.ts';
import { UnitGovernor } from '../../actors/governor/governor.ts';
import { relativeCost, type OperatingPoint } from '../../machines/governor/operating-point.ts';
import { BudgetExceededError, Ledger } from '../../src/budget/budget.ts';
import { throttle } from '../../src/routing/throttle.ts';

/** Lets every microtask run. */
const settled = () => new Promise((resolve) => setImmediate(resolve));

const call = fc.record({
  tokens: fc.integer({ min: 1, max: 1_000 }),
  usd: fc.double({ min: 0, max: 0.01, noNaN: true }),
  /** The share of the bound that is used in the end. */
  used: fc.double({ min: 0, max: 1, noNaN: true }),
  fails: fc.boolean(),
});

describe('never overrun', () => {
  test('50 agents, usage reported in any order and late: spent plus reserved stay within every limit at every instant', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.array(call, { minLength: 1, maxLength: 6 }), { minLength: 50, maxLength: 50 }),
        fc.record({
          calls: fc.integer({ min: 0, max: 200 }),
          tokens: fc.integer({ min: 0, max: 60_000 }),
          usd: fc.double({ min: 0, max: 0.6, noNaN: true }),
        }),
        fc.infiniteStream(fc.nat(1_000)),
        async (agents, limits, order) => {
          const ledger = new Ledger(limits);
          const reports: (() => void)[] = [];
          let [done, refused] = [0, 0];
          const within = () => {
            const { spent, reserved } = ledger;
            expect(spent.calls + reserved.calls).toBeLessThanOrEqual(limits.calls);
            expect(spent.tokens + reserved.tokens).toBeLessThanOrEqual(limits.tokens);
            expect(spent.usd + reserved.usd).toBeLessThanOrEqual(limits.usd + 1e-12);
          };
          const runs = agents.map(async (calls) => {
            for (const { tokens, usd, used, fails } of calls) {
              try {
                const reservation = await ledger.acquire({ calls: 1, tokens, usd });
                within();
                await new Promise<void>((resolve) =>
                  reports.push(() => {
                    if (fails) reservation.cancel();
                    else reservation.settle({ calls: 1, tokens: Math.floor(tokens * used), usd: usd * used });
                    reservation.settle({ calls: 1, tokens, usd }); // reported twice: booked once
                    resolve();
                  }),
                );
                done++;
              } catch (error) {
                expect(error).toBeInstanceOf(BudgetExceededError);
                refused++;
              }
              within();
            }
          });
          const all = Promise.all(runs).then(() => (finished = true));
          let finished = false;
          while (!finished) {
            await settled();
            if (reports.length > 0) reports.splice(order.next().value! % reports.length, 1)[0]!();
          }
          await all;
          within();
          expect(ledger.reserved).toEqual({ calls: 0, tokens: 0, usd: 0 });
          expect(done + refused).toBe(agents.flat().length);
        },
      ),
      { numRuns: 40 },
    );
  });

  test('a call waits while others may still give back, and is refused as soon as it cannot fit', async () => {
    const ledger = new Ledger({ tokens: 100 });
    const first = ledger.reserve({ calls: 1, tokens: 80, usd: 0 });
    const second = ledger.acquire({ calls: 1, tokens: 50, usd: 0 });
    let granted = false;
    void second.then(() => (granted = true));
    await settled();
    expect(granted).toBe(false);
    first.settle({ calls: 1, tokens: 10, usd: 0 });
    (await second).settle({ calls: 1, tokens: 50, usd: 0 });
    await expect(ledger.acquire({ calls: 1, tokens: 41, usd: 0 })).rejects.toThrow(
      /may need 41 of budget.tokens, and 40 of 100 are left; raise budget.tokens/,
    );
  });

  test('reservations are granted in order, and an aborted one leaves the queue without a trace', async () => {
    const ledger = new Ledger({ calls: 2 });
    const first = ledger.reserve({ calls: 2, tokens: 0, usd: 0 });
    const abort = new AbortController();
    const second = ledger.acquire({ calls: 2, tokens: 0, usd: 0 }, abort.signal);
    const third = ledger.acquire({ calls: 1, tokens: 0, usd: 0 });
    abort.abort(new Error('no longer wanted'));
    await expect(second).rejects.toThrow('no longer wanted');
    first.cancel();
    (await third).settle({ calls: 1, tokens: 0, usd: 0 });
    expect(ledger.spent.calls).toBe(1);
  });

  test('what a provider uses beyond its own limit is booked and reported, not hidden', () => {
    const ledger = new Ledger({ tokens: 10 });
    ledger.reserve({ calls: 1, tokens: 5, usd: 0 }).settle({ calls: 1, tokens: 9, usd: 0 });
    expect(ledger.spent.tokens).toBe(9);
    expect(ledger.overdraft.tokens).toBe(4);
    expect(() => ledger.reserve({ calls: 1, tokens: 2, usd: 0 })).toThrow(BudgetError);
  });
});

test.each([
  [{ calls: -1 }, /budget.calls: -1 is not a whole number/],
  [{ tokens: 1.5 }, /budget.tokens: 1.5 is not a whole number/],
  [{ usd: Number.NaN }, /budget.usd: NaN is not an amount/],
  [{ usd: '5' }, /budget.usd: 5 is not an amount/],
  [{ euros: 3 }, /budget.euros: unknown limit. Known are calls, tokens, usd/],
])('an impossible budget is refused with a remedy: %j', (limits, message) => {
  expect(() => new Ledger(limits as never)).toThrow(message);
});

describe('throttling', () => {
  const need = (point: OperatingPoint) => ({ usd: relativeCost(point, 0.1) });
  test('less of a budget, or more steps to pay from it, never gives a more expensive point; the share is kept', () => {
    const usd = fc.double({ min: 0, max: 10, noNaN: true });
    fc.assert(
      fc.property(
        usd,
        usd,
        fc.integer({ min: 1, max: 50 }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        (a, b, stepsLeft, difficulty) => {
          const governor = new UnitGovernor({ unit: 'u' });
          const cost = (limit: number, steps: number) => {
            throttle(governor, [new Ledger({ usd: limit })], { stepsLeft: steps, need });
            return relativeCost(governor.pointFor(difficulty));
          };
          const [less, more] = [Math.min(a, b), Math.max(a, b)];
          expect(cost(less, stepsLeft)).toBeLessThanOrEqual(cost(more, stepsLeft));
          expect(cost(more, stepsLeft + 1)).toBeLessThanOrEqual(cost(more, stepsLeft));
          const share = more / stepsLeft / 0.1;
          expect(cost(more, stepsLeft)).toBeLessThanOrEqual(Math.max(share, 0.05) + 1e-9); // 0.05 is the bottom of the ladder
        },
      ),
      { numRuns: 500 },
    );
  });

  test('no limit in money lifts the ceiling; senseless numbers are refused', () => {
    const governor = new UnitGovernor({ unit: 'u', policy: 'performance' });
    throttle(governor, [new Ledger({ usd: 0 })], { stepsLeft: 1, need });
    expect(governor.point).toEqual({ tempo: 'andante', dynamics: 'pp' });
    throttle(governor, [new Ledger()], { stepsLeft: 1, need });
    expect(governor.point).toEqual({ tempo: 'presto', dynamics: 'ff' });
    expect(() => throttle(governor, [new Ledger()], { stepsLeft: 0, need })).toThrow(
      /stepsLeft: 0 is not at least 1/,
    );
  });
});

describe('extending', () => {
  const one = { calls: 1, tokens: 10, usd: 0 };
  test('who waits goes on, limits add up, and what had none has none', async () => {
    const ledger = new Ledger({ calls: 2, tokens: 15 });
    const open = await ledger.acquire(one);
    const waiting = ledger.acquire(one);
    ledger.extend({ tokens: 5, usd: 3 });
    const granted = await waiting;
    expect(ledger.limits).toEqual({ calls: 2, tokens: 20 });
    expect(ledger.left).toEqual({ calls: 0, tokens: 0, usd: Number.POSITIVE_INFINITY });
    expect(ledger.unspent.tokens).toBe(20);
    open.settle({ calls: 1, tokens: 5, usd: 0 });
    granted.cancel(); // a call that was not made says nothing of what calls use
    expect([ledger.unspent.tokens, ledger.usedShare('tokens'), ledger.usedShare('usd')]).toEqual([
      15, 0.5, 1,
    ]);
  });

  test('by what is no amount is refused, and changes nothing', () => {
    const ledger = new Ledger({ calls: 2, tokens: 15 });
    expect(() => ledger.extend({ calls: 1, tokens: -1 })).toThrow(/budget.tokens: -1/);
    expect(ledger.limits).toEqual({ calls: 2, tokens: 15 });
  });
});
