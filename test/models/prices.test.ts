/** Claims with the prices that providers ask: more difficulty never gets a cheaper model, less budget never a more expensive one. */
import { findProvider } from '@pydantic/genai-prices';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { UnitGovernor } from '../../actors/governor/governor.ts';
import { DEFAULT_LADDER } from '../../machines/governor/operating-point.ts';
import { governed, type Terms } from '../../src/models/choose.ts';
import { modelName } from '../../src/models/sdk.ts';
import { Ledger } from '../../src/budget/budget.ts';
import { loadPrices } from '../../src/budget/prices.ts';
import { createRouter, type RouteRow } from '../../src/routing/router.ts';
import { efficientRungs } from '../../src/routing/throttle.ts';
import { scriptedModel } from '../../src/testing/index.ts';

const prices = await loadPrices();
/** Every model of some providers that has a price for text. */
const real = ['anthropic', 'openai', 'google', 'mistral', 'groq', 'deepseek']
  .flatMap((provider) =>
    (findProvider({ providerId: provider })?.models ?? []).map(({ id }) => `${provider}:${id}`),
  )
  .filter((model) => {
    try {
      return !model.includes(' ') && prices.bound(model, 1_000, 1_000) > 0;
    } catch {
      return false;
    }
  });

/** A table with any real model at any point of the ladder: sensible or not. */
const tables = fc.tuple(...DEFAULT_LADDER.map(() => fc.constantFrom(...real)));
const share = fc.double({ min: 0, max: 1, noNaN: true });
const tokens = fc.integer({ min: 1, max: 200_000 });

function pool(models: readonly string[]) {
  const table = DEFAULT_LADDER.map(({ tempo, dynamics }, i): RouteRow => ({
    tempo,
    dynamics,
    model: models[i]!,
  }));
  const governor = new UnitGovernor({ unit: 'u' });
  const registry = Object.fromEntries(
    models.map((name) => {
      const [provider, ...rest] = name.split(':') as [string, ...string[]];
      return [name, scriptedModel({ provider, modelId: rest.join(':'), script: [] })];
    }),
  );
  return governed({ governor, router: createRouter({ table, nearest: true }), models: registry });
}
function costs(choose: ReturnType<typeof pool>, input: number, output: number) {
  return (difficulty: number, ledger: Ledger, stepsLeft: number) => {
    const terms: Terms = {
      ledgers: [ledger], spareCall: () => true, stepsLeft: () => stepsLeft, remainingMs: () => undefined,
      inputTokens: input, maxOutputTokens: output, prices,
    }; // prettier-ignore
    const { model } = choose.at(choose.within(terms).pointFor(difficulty));
    return prices.bound(modelName(model), input, output);
  };
}

describe('with real prices', () => {
  test('there are enough of them', () => {
    expect(real.length).toBeGreaterThan(100);
  });

  test('more difficulty never gets a cheaper call, for any table', () => {
    fc.assert(
      fc.property(tables, tokens, tokens, share, share, (models, input, output, a, b) => {
        const cost = costs(pool(models), input, output);
        const unlimited = new Ledger();
        expect(cost(Math.min(a, b), unlimited, 1)).toBeLessThanOrEqual(cost(Math.max(a, b), unlimited, 1));
      }),
      { numRuns: 300 },
    );
  });

  test('less budget, or more steps to pay from it, never gets a more expensive call, and none that cannot be paid', () => {
    const usd = fc.double({ min: 0, max: 5, noNaN: true });
    const steps = fc.integer({ min: 1, max: 30 });
    fc.assert(
      fc.property(
        tables,
        tokens,
        tokens,
        share,
        usd,
        usd,
        steps,
        (models, input, output, hard, a, b, left) => {
          const choose = pool(models);
          const cost = costs(choose, input, output);
          const [less, more] = [Math.min(a, b), Math.max(a, b)];
          const rich = cost(hard, new Ledger({ usd: more }), left);
          expect(cost(hard, new Ledger({ usd: less }), left)).toBeLessThanOrEqual(rich);
          expect(cost(hard, new Ledger({ usd: more }), left + 1)).toBeLessThanOrEqual(rich);
          const top = prices.bound(models.at(-1)!, input, output);
          if (top <= more / left) expect(cost(1, new Ledger({ usd: more }), left)).toBe(top); // and is no miser
          const least = Math.min(...models.map((model) => prices.bound(model, input, output)));
          expect(rich).toBeLessThanOrEqual(Math.max(more / left, least) + 1e-9);
        },
      ),
      { numRuns: 300 },
    );
  });

  test('the top of the ladder stays, and what stays never falls in cost', () => {
    fc.assert(
      fc.property(tables, tokens, tokens, (models, input, output) => {
        const price = (i: number) => prices.bound(models[i]!, input, output);
        const at = new Map(DEFAULT_LADDER.map((point, i) => [point.frequency, i]));
        const rungs = efficientRungs(DEFAULT_LADDER, ({ frequency }) => price(at.get(frequency)!));
        const kept = rungs.map(({ frequency }) => at.get(frequency)!);
        expect(kept.at(-1)).toBe(DEFAULT_LADDER.length - 1);
        kept.slice(1).forEach((i, k) => expect(price(i)).toBeGreaterThanOrEqual(price(kept[k]!)));
        const dropped = DEFAULT_LADDER.map((_, i) => i).filter((i) => !kept.includes(i));
        for (const i of dropped) expect(kept.some((j) => j > i && price(j) < price(i))).toBe(true);
      }),
      { numRuns: 300 },
    );
  });

  test('models that all cost nothing keep all their points: then the governor alone decides', () => {
    expect(efficientRungs(DEFAULT_LADDER, () => 0)).toEqual(DEFAULT_LADDER);
  });
});
