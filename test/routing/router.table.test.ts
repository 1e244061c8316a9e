/** Claims: the routing table is total, nearest match is the nearest, prices and roles are checked. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { DYNAMICS_LEVELS, dynamicsRank } from '../../machines/hct/dynamics.ts';
import type { OperatingPoint } from '../../machines/governor/operating-point.ts';
import { TEMPI, tempoRank } from '../../machines/hct/tempo.ts';
import { loadPrices, PriceError } from '../../src/budget/prices.ts';
import { ROLES, verifierFor } from '../../src/routing/roles.ts';
import { createRouter, type RouteRow } from '../../src/routing/router.ts';

const GRID: readonly OperatingPoint[] = TEMPI.flatMap((tempo) =>
  DYNAMICS_LEVELS.map((dynamics) => ({ tempo, dynamics })),
);
const cell = ({ tempo, dynamics }: OperatingPoint) => `${tempo}/${dynamics}`;
const row = (point: OperatingPoint, model = `acme:${cell(point)}`): RouteRow => ({ ...point, model });
const usage = (input: number, output: number, read = 0, write = 0) => ({
  inputTokens: { total: input, noCache: input - read - write, cacheRead: read, cacheWrite: write },
  outputTokens: { total: output, text: output, reasoning: undefined },
});

describe('the table', () => {
  test('any table with at least one row routes all 64 points to the nearest row, ties upwards', () => {
    const weights = fc.record({
      tempo: fc.constantFrom(0.5, 1, 2, 3),
      dynamics: fc.constantFrom(0.5, 1, 2, 3),
    });
    fc.assert(
      fc.property(
        fc.uniqueArray(fc.constantFrom(...GRID), { minLength: 1, maxLength: 64, selector: cell }),
        weights,
        (points, weight) => {
          const router = createRouter({
            table: points.map((point) => row(point)),
            nearest: true,
            weights: weight,
          });
          const off = (a: OperatingPoint, b: OperatingPoint) =>
            weight.tempo * Math.abs(tempoRank(a.tempo) - tempoRank(b.tempo)) +
            weight.dynamics * Math.abs(dynamicsRank(a.dynamics) - dynamicsRank(b.dynamics));
          for (const point of GRID) {
            const found = router.route(point);
            const least = Math.min(...points.map((other) => off(point, other)));
            expect(off(point, found)).toBe(least);
            const tied = points.filter((other) => off(point, other) === least);
            expect(dynamicsRank(found.dynamics)).toBe(
              Math.max(...tied.map(({ dynamics }) => dynamicsRank(dynamics))),
            );
            expect(router.route(point)).toBe(found); // remembered
          }
        },
      ),
      { numRuns: 300 },
    );
  });

  test('without nearest match every cell needs a row, and the error names the holes', () => {
    expect(
      createRouter({ table: GRID.map((point) => row(point)) }).route({ tempo: 'largo', dynamics: 'p' }).model,
    ).toBe('acme:largo/p');
    const holed = GRID.filter((point) => cell(point) !== 'adagio/mp');
    expect(() => createRouter({ table: holed.map((point) => row(point)) })).toThrow(
      /^table: no row for adagio\/mp\. Add the rows, or say nearest: true\.$/,
    );
    expect(() => createRouter({ table: [row(GRID[0]!)] })).toThrow(
      /no row for grave\/pp, grave\/p, grave\/mp and 60 more cells/,
    );
  });

  test.each([
    [{ table: [] }, /table: there are no rows/],
    [
      { table: [{ tempo: 'presto', dynamics: 'ff' }] },
      /table\[0\].model: 'undefined' names no model. Write 'provider:name'/,
    ],
    [{ table: [{ ...row(GRID[0]!), model: 'large' }] }, /'large' names no model/],
    [{ table: [{ ...row(GRID[0]!), colour: 1 }] }, /table\[0\].colour: unknown field/],
    [{ table: [{ ...row(GRID[0]!), tempo: 'fast' }] }, /table\[0\].tempo: 'fast' is no tempo/],
    [{ table: [{ ...row(GRID[0]!), dynamics: 'loud' }] }, /table\[0\].dynamics: 'loud' is no dynamics/],
    [{ table: [{ ...row(GRID[0]!), maxOutputTokens: 0 }] }, /maxOutputTokens: 0 is not a whole number/],
    [{ table: [{ ...row(GRID[0]!), temperature: 3 }] }, /temperature: 3 is not from 0 to 2/],
    [{ table: [{ ...row(GRID[0]!), reasoning: 'hard' }] }, /'hard' is no effort. Use provider-default/],
    [{ table: [row(GRID[0]!), row(GRID[0]!, 'b:c')] }, /table\[1\]: a second row for grave\/ppp/],
    [
      { table: [row(GRID[0]!)], nearest: true, weights: { tempo: 0 } },
      /weights.tempo: 0 is not a number above 0/,
    ],
  ])('a table that makes no sense is refused with a remedy: %j', (options, message) => {
    expect(() => createRouter(options as never)).toThrow(message);
  });
});

describe('prices', () => {
  test('an override wins over the table, also for a whole provider, and needs no table', async () => {
    const prices = await loadPrices({
      lookUp: false,
      overrides: {
        'acme:large': { input: 2, output: 10, cacheRead: 0.5, cacheWrite: 4 },
        'local:*': { input: 0, output: 0 },
      },
    });
    expect(prices.cost('acme:large', usage(1_000_000, 100_000, 400_000, 100_000))).toBeCloseTo(
      1 + 0.2 + 0.4 + 1,
      12,
    );
    expect(prices.cost('local:tiny', usage(1_000, 1_000))).toBe(0);
    expect(() => prices.cost('acme:small', usage(1, 1))).toThrow(
      /prices\['acme:small'\]: no price is known. Give one: overrides/,
    );
    expect(() => prices.cost('acme:small', usage(1, 1))).toThrow(PriceError);
  });

  test('the maintained table knows a published price to the cent', async () => {
    const prices = await loadPrices();
    // 2,500 tokens in at $3 and 1,000 out at $15 per million.
    expect(prices.cost('anthropic:claude-3-5-sonnet-20241022', usage(2_500, 1_000))).toBeCloseTo(0.0225, 10);
    expect(() => prices.cost('unknown:nothing', usage(1, 1))).toThrow(PriceError);
  });

  test('the bound of a call is never below its cost', async () => {
    const prices = await loadPrices({
      overrides: {
        'a:b': { input: 3, output: 15, cacheRead: 0.3, cacheWrite: 3.75 },
        'a:c': { input: 1, output: 0, cacheRead: 7 },
      },
    });
    fc.assert(
      fc.property(
        fc.constantFrom('a:b', 'a:c', 'anthropic:claude-sonnet-4-5', 'openai:gpt-4o-mini'),
        fc.nat(400_000),
        fc.nat(1e5),
        fc.nat(1e5),
        fc.nat(1e5),
        (model, input, out, read, write) => {
          const used = usage(input, out, Math.min(read, input), Math.min(write, Math.max(0, input - read)));
          expect(prices.cost(model, used)).toBeLessThanOrEqual(prices.bound(model, input, out) * (1 + 1e-12));
        },
      ),
      { numRuns: 500 },
    );
  });

  test.each([
    [{ 'a:b': { input: -1, output: 1 } }, /prices\['a:b'\].input: -1 is negative. Give US dollars/],
    [{ 'a:b': { input: 1 } }, /prices\['a:b'\].output: is missing/],
    [{ 'a:b': { input: 'x', output: 1 } }, /prices\['a:b'\].input: 'x' is no number/],
    [{ ab: { input: 1, output: 1 } }, /'ab' names no model/],
  ])('a price that makes no sense is refused with a remedy: %j', async (overrides, message) => {
    await expect(loadPrices({ overrides: overrides as never })).rejects.toThrow(message);
  });
});

describe('roles', () => {
  test('a verifier is of another family than the author, or it is an error', () => {
    const table: RouteRow[] = [
      row(ROLES.author, 'acme:large'),
      row(ROLES.verifier, 'acme:medium'),
      row(ROLES.planner, 'other:small'),
    ];
    const router = createRouter({ table, nearest: true });
    expect(verifierFor(router, router.route(ROLES.author)).model).toBe('other:small');
    expect(verifierFor(router, router.route(ROLES.planner)).model).toBe('acme:medium');
    const alone = createRouter({ table: table.slice(0, 2), nearest: true });
    expect(() => verifierFor(alone, alone.route(ROLES.author))).toThrow(
      /every model is of the family 'acme'.*Add a row/,
    );
    const gateway = createRouter({
      nearest: true,
      table: [
        { ...row(ROLES.author, 'gate:x'), family: 'a' },
        { ...row(ROLES.verifier, 'gate:y'), family: 'b' },
      ],
    });
    expect(verifierFor(gateway, gateway.route(ROLES.author)).model).toBe('gate:y');
  });
});
