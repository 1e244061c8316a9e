/** Claim: Table 5 comes out at 69.5 % from the paper's own components, complex tasks stay at the frontier, traces are honest. */
import { describe, expect, test } from 'vitest';
import { GOVERNORS } from '../../machines/governor/governor.ts';
import { benchRouting } from '../../src/reproductions/routing-savings.ts';
import { LOADS } from '../../src/routing/fixtures/loads.ts';
import { TABLE, TOKENS } from '../../src/reproductions/table-5.ts';
import { PriceError } from '../../src/budget/prices.ts';
import { traceGovernor } from '../../src/reproductions/governor-traces.ts';

const PAPER = {
  [TABLE[0]!.model]: { input: 3, output: 15 },
  [TABLE[1]!.model]: { input: 0.15, output: 0.6 },
  [TABLE[2]!.model]: { input: 0.05, output: 0.08 },
};

describe('table 5', () => {
  test('69.5 % from the components, beside the printed 69.7 %', async () => {
    const { table5 } = await benchRouting();
    expect(table5.printed.savings).toBe(0.697);
    expect(table5.fromComponents.router).toBeCloseTo(0.0687, 12);
    expect((100 * table5.fromComponents.savings).toFixed(1)).toBe('69.5');
  });

  test('from raw tokens and given prices every figure follows by hand', async () => {
    const { recomputed } = (await benchRouting({ prices: PAPER })).table5;
    const each = (input: number, output: number) => (TOKENS.input * input + TOKENS.output * output) / 1e6;
    expect(recomputed.single).toBeCloseTo(10 * each(3, 15), 12);
    expect(recomputed.single).toBeCloseTo(0.225, 12); // as printed
    expect(recomputed.router).toBeCloseTo(3 * each(0.05, 0.08) + 4 * each(0.15, 0.6) + 3 * each(3, 15), 12);
    expect((100 * recomputed.savings).toFixed(1)).toBe('68.0');
  });

  test('from today’s prices complex tasks never go below the frontier, by class and by the estimator', async () => {
    const { table5 } = await benchRouting();
    for (const cost of [table5.recomputed, table5.estimated]) {
      expect(cost.complexBelowFrontier).toBe(0);
      expect(cost.tasks).toHaveLength(10);
      expect(cost.savings).toBeGreaterThan(0.5);
      for (const { complexity, usd, frontierUsd } of cost.tasks)
        if (complexity === 'complex') expect(usd).toBe(frontierUsd);
    }
  });

  test('a table with a model without a price is refused, not counted as free', async () => {
    await expect(
      benchRouting({ table: [{ ...TABLE[0]!, model: 'unknown:nothing' }] }),
    ).rejects.toBeInstanceOf(PriceError);
  });
});

describe('traces', () => {
  test.each(Object.keys(LOADS) as (keyof typeof LOADS)[])(
    '%s: performance is the dearest and never late, powersave the cheapest; no work is lost',
    (name) => {
      const demand = LOADS[name];
      const traces = Object.fromEntries(
        GOVERNORS.map((governor) => [governor, traceGovernor(governor, demand)]),
      );
      for (const governor of GOVERNORS) {
        const trace = traces[governor]!;
        expect(trace.cost).toBeLessThanOrEqual(traces.performance!.cost + 1e-9);
        expect(trace.cost).toBeGreaterThanOrEqual(traces.powersave!.cost - 1e-9);
        expect(trace.samples).toHaveLength(120);
        // What arrived has been done or waits.
        const speeds = { andante: 80, moderato: 100, allegro: 120, vivace: 140, presto: 180 } as Record<
          string,
          number
        >;
        const done = trace.samples.reduce(
          (sum, { busy, point }) => sum + (busy * speeds[point.tempo]!) / 180,
          0,
        );
        const arrived = demand.reduce((sum, percent) => sum + percent / 100, 0);
        expect(done + trace.samples.at(-1)!.backlog).toBeCloseTo(arrived, 9);
      }
      expect(traces.performance!.meanBacklog).toBe(0);
    },
  );

  test('the picture is one self-contained SVG with every governor in every panel', async () => {
    const { picture, governors } = await benchRouting();
    expect(picture).toMatch(/^<svg xmlns="http:\/\/www.w3.org\/2000\/svg"/);
    expect(picture.match(/<path /g)).toHaveLength(4 * 3 * GOVERNORS.length);
    expect(picture).not.toMatch(/<script|href|NaN|undefined|Infinity/);
    for (const [name, [first]] of Object.entries(governors)) {
      expect(picture).toContain(`${name} load`);
      expect(first!.governor).toBe('performance');
    }
    const tags = [...picture.matchAll(/<(\/?)(\w+)[^<>]*?(\/?)>/g)].filter(([, , , empty]) => empty === '');
    const opened = tags.filter(([, close]) => close === '').map(([, , name]) => name);
    const closed = tags.filter(([, close]) => close === '/').map(([, , name]) => name);
    expect(opened.sort()).toEqual(closed.sort());
  });

  test('names in the picture are escaped', async () => {
    const { picture } = await benchRouting({ loads: { '<b>&"': [50, 60] } });
    expect(picture).not.toContain('<b>');
  });
});
