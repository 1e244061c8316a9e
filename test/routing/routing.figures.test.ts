import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Outcome } from '../../src/routing/index.ts';
import { evaluateRouter } from '../../src/routing/training/evaluate.ts';
import { figures } from '../../src/routing/training/figures.ts';
import { RoutingDataError } from '../../src/routing/errors.ts';
import { foldsOf, randomFrom } from '../../src/routing/training/folds.ts';
import { madeUp, scoredRows } from './routing.outcomes.ts';

/** Rows from pairs of marks: '01' is weak wrong, strong right. */
const rowsOf = (marks: string): Outcome[] =>
  marks
    .split(' ')
    .map((pair, index) => ({ prompt: `task ${index}`, weak: Number(pair[0]), strong: Number(pair[1]) }));
const scores = (rows: readonly { score: number }[]) => rows.map(({ score }) => score);

describe('Routing: figures: by hand', () => {
  // Ten tasks, the first two of which gain. Accuracy .8 without strong calls, 1 with them only.
  const ten = rowsOf('01 01 11 11 11 11 11 11 11 11');

  it('is best where what gains goes first: .5, then 1 from a fifth on', () => {
    const best = figures(
      ten,
      ten.map((_, index) => -index),
    );
    expect(best.curve.map(({ pgr }) => pgr)).toEqual([0, 0.5, 1, 1, 1, 1, 1, 1, 1, 1, 1].map(near));
    expect(best.curve.map(({ accuracy }) => accuracy)).toEqual(
      [0.8, 0.9, 1, 1, 1, 1, 1, 1, 1, 1, 1].map(near),
    );
    expect(best.apgr).toBeCloseTo((0.5 + 8 + 1 / 2) / 10, 12); // trapezoids: .9
    expect(best.cpt50).toBeCloseTo(0.1, 12);
    expect(best.cpt80).toBeCloseTo(0.16, 12);
  });
  it('is worst where it goes last', () => {
    const worst = figures(
      ten,
      ten.map((_, index) => index),
    );
    expect(worst.apgr).toBeCloseTo(0.1, 12);
    expect(worst.cpt50).toBeCloseTo(0.9, 12);
  });
  it('passes 1 where the strong model is spared what it would spoil', () => {
    const rows = rowsOf('01 01 10 11'); // accuracy .5 and .75
    const best = figures(rows, [3, 3, 0, 1]);
    expect(best.curve[5]!.pgr).toBeCloseTo(2, 12);
    // Straight from 0 to 2 over the first half, level to three quarters, down to 1: at tenths 2, 2, 2, 1.8, 1.4, 1.
    const tenths = [0.4, 0.8, 1.2, 1.6, 2, 2, 2, 1.8, 1.4];
    expect(best.apgr).toBeCloseTo((tenths.reduce((sum, each) => sum + each, 0) + 0.5) / 10, 12);
    expect(best.cpt50).toBeCloseTo(0.125, 12);
  });
  it('takes the first crossing where the curve falls back', () => {
    // PGR 1 after one call, 0 after two, 1 after three.
    expect(
      figures(rowsOf('01 10 01 11 11 11 11 11 11 11'), [9, 8, 7, 0, 0, 0, 0, 0, 0, 0]).cpt80,
    ).toBeCloseTo(0.08, 12);
  });
  it('takes qualities between 0 and 1 as they are', () => {
    const graded = [
      { prompt: 'a', weak: 0.25, strong: 0.75 },
      { prompt: 'b', weak: 0.5, strong: 0.5 },
    ];
    expect(figures(graded, [1, 0]).apgr).toBeCloseTo(0.75, 12);
  });
});

describe('Routing: figures: equal scores', () => {
  it('recover in proportion: one score for all is exactly random', () => {
    fc.assert(
      fc.property(scoredRows, (rows) => {
        const all = figures(
          rows,
          rows.map(() => 7),
        );
        expect(all.apgr).toBeCloseTo(0.5, 10);
        expect([all.cpt50, all.cpt80]).toEqual([0.5, 0.8].map(near));
      }),
    );
  });
  it('have no figure that depends on the order of rows', () => {
    fc.assert(
      fc.property(scoredRows, fc.integer({ min: 0 }), (rows, seed) => {
        const random = randomFrom(seed);
        const moved = rows
          .map((row) => ({ row, lot: random() }))
          .sort((a, b) => a.lot - b.lot)
          .map(({ row }) => row);
        const [one, other] = [figures(rows, scores(rows)), figures(moved, scores(moved))];
        expect(other.curve.map(({ pgr }) => pgr)).toEqual(one.curve.map(({ pgr }) => near(pgr)));
        expect(other.apgr).toBeCloseTo(one.apgr, 10);
      }),
    );
  });
});

describe('Routing: figures: bounds', () => {
  it('no order beats the oracle, and none is worse than its reverse', () => {
    fc.assert(
      fc.property(scoredRows, (rows) => {
        const of = (score: (row: (typeof rows)[number]) => number) => figures(rows, rows.map(score)).apgr;
        const oracle = of(({ weak, strong }) => strong - weak);
        expect(of(({ score }) => score)).toBeLessThanOrEqual(oracle + 1e-9);
        expect(of(({ score }) => score)).toBeGreaterThanOrEqual(1 - oracle - 1e-9);
      }),
    );
  });
  it('a random order has .5 in expectation', () => {
    const rows = madeUp(200);
    const random = randomFrom(3);
    const found = Array.from({ length: 300 }, () => figures(rows, rows.map(random)).apgr);
    const mean = found.reduce((sum, each) => sum + each, 0) / found.length;
    expect(Math.abs(mean - 0.5)).toBeLessThan(0.01);
  });
  it('refuses what has no gap, no rows, or a score that is no number', () => {
    expect(() => figures(rowsOf('10 11'), [1, 0])).toThrow(RoutingDataError);
    expect(() => figures(rowsOf('11 11'), [1, 0])).toThrow('not better than the weak one');
    expect(() => figures([], [])).toThrow('there are no rows');
    expect(() => figures(rowsOf('01 11'), [NaN, 0])).toThrow('row 1');
    expect(() => figures(rowsOf('01 11'), [1])).toThrow('row 2');
  });
});

describe('Routing: evaluation', () => {
  const rows = madeUp(240);

  it('finds by cross-validation what is there to learn, beside the baselines', () => {
    const found = evaluateRouter(rows);
    const { random, promptLength, oracle, builtIn } = found.baselines;
    expect(found.n).toBe(240);
    expect(found.strongAccuracy).toBeGreaterThan(found.weakAccuracy);
    expect(found.curve).toHaveLength(11);
    expect(random.apgr).toBeCloseTo(0.5, 12);
    expect(found.apgr).toBeGreaterThan(promptLength.apgr + 0.05);
    expect(found.apgr).toBeLessThanOrEqual(oracle.apgr);
    expect(builtIn.apgr).toBeGreaterThan(0.5);
    expect(found.method).toMatchObject({ kind: 'cross-validation', folds: 5, seeds: [1, 2, 3] });
  });
  it('is the same for any order of rows', () => {
    expect(evaluateRouter(rows.toReversed(), { repeats: 1 }).apgr).toBeCloseTo(
      evaluateRouter(rows, { repeats: 1 }).apgr,
      6,
    );
  });
  it('finds nothing where there is nothing: outcomes dealt out at random', () => {
    const random = randomFrom(11);
    const found = Array.from({ length: 8 }, () => {
      const lots = madeUp(300)
        .map(({ weak, strong }) => ({ weak, strong, lot: random() }))
        .sort((a, b) => a.lot - b.lot);
      const dealt = rows.map(({ prompt }, index) => ({ ...lots[index]!, prompt }));
      return evaluateRouter(dealt, { repeats: 1 }).apgr;
    });
    const mean = found.reduce((sum, each) => sum + each, 0) / found.length;
    expect(Math.abs(mean - 0.5)).toBeLessThan(0.05);
  });
  it('says what it needs', () => {
    expect(() => evaluateRouter(rows.slice(0, 24))).toThrow('24 different prompts are too few');
    expect(() => evaluateRouter(rows, { folds: 1 })).toThrow(RangeError);
    expect(() => evaluateRouter(rows, { repeats: 0 })).toThrow(RangeError);
  });
});

describe('Routing: folds', () => {
  it('are of equal size and gain, and keep equal prompts together', () => {
    const rows = [...madeUp(100), ...madeUp(20)]; // twenty prompts twice
    const fold = foldsOf(rows, 5, 1);
    for (let held = 0; held < 5; held++) {
      const part = rows.filter((_, index) => fold[index] === held);
      expect(Math.abs(part.length - 24)).toBeLessThanOrEqual(4);
    }
    for (let index = 0; index < 20; index++) expect(fold[index]).toBe(fold[100 + index]);
    expect(foldsOf(rows, 5, 1)).toEqual(fold);
    expect(foldsOf(rows, 5, 2)).not.toEqual(fold);
  });
  it('are stratified: no fold has more than one row more of a kind than another', () => {
    const rows = madeUp(203);
    const fold = foldsOf(rows, 5, 4);
    for (const gain of [-1, 0, 1]) {
      const sizes = [0, 0, 0, 0, 0];
      for (const [index, { weak, strong }] of rows.entries())
        if (strong - weak === gain) sizes[fold[index]!]!++;
      expect(Math.max(...sizes) - Math.min(...sizes)).toBeLessThanOrEqual(1);
    }
  });
});

function near(value: number): unknown {
  return expect.closeTo(value, 10);
}
