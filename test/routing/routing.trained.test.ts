import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { trainRouter, type Outcome, type Feedback } from '../../src/routing/index.ts';
import { evaluateRouter } from '../../src/routing/training/evaluate.ts';
import { figures } from '../../src/routing/training/figures.ts';
import { formatRouter, parseRouter } from '../../src/routing/router-file.ts';
import { RoutingDataError } from '../../src/routing/errors.ts';
import { randomFrom } from '../../src/routing/training/folds.ts';
import { madeUp } from './routing.outcomes.ts';

const rows = madeUp(300);
const text = fc.string({ unit: 'binary', maxLength: 200 });
const verdict = fc.constantFrom<Feedback>('accepted', 'rejected');
const fresh = (() => {
  const file = formatRouter(trainRouter(rows));
  return () => parseRouter(file);
})();

describe('Routing: training', () => {
  it('learns which tasks gain, and tells new ones apart', () => {
    const router = trainRouter(rows);
    const unseen = madeUp(200, 9);
    const found = figures(
      unseen,
      unseen.map(({ prompt }) => router.estimate(prompt)),
    );
    expect(found.apgr).toBeGreaterThan(0.7);
    expect(router.trained).toMatchObject({ rows: 300, seed: 1 });
  });
  it('calls difficult what the strong model adds to, not what both fail at', () => {
    const outcomes: Outcome[] = Array.from({ length: 90 }, (_, index) =>
      [
        { prompt: `bake bread, loaf ${index}`, weak: 1, strong: 1 },
        { prompt: `guess lottery, week ${index}`, weak: 0, strong: 0 },
        { prompt: `prove theorem, number ${index}`, weak: 0, strong: 1 },
      ].at(index % 3),
    ).map((row) => row!);
    const router = trainRouter(outcomes);
    const [bread, lottery, theorem] = ['bake bread', 'guess lottery', 'prove theorem'].map((task) =>
      router.estimate(task),
    );
    expect(theorem).toBeGreaterThan(bread!);
    expect(theorem).toBeGreaterThan(lottery!);
  });
  it('gives the same file for the same rows and seed', () => {
    expect(formatRouter(trainRouter(rows, { seed: 4 }))).toBe(formatRouter(trainRouter(rows, { seed: 4 })));
  });
  it('uses the prompt and the outcomes only', () => {
    const tagged = rows.map((row) => ({ ...row, domain: row.strong > row.weak ? 'hard' : 'simple' }));
    expect(formatRouter(trainRouter(tagged))).toBe(formatRouter(trainRouter(rows)));
  });
  it('estimates the share of tasks that gain less', () => {
    const router = trainRouter(rows);
    const levels = madeUp(1_000, 5).map(({ prompt }) => router.estimate(prompt));
    for (const share of [0.2, 0.5, 0.8]) {
      const sent = levels.filter((level) => level >= 1 - share).length / levels.length;
      expect(Math.abs(sent - share)).toBeLessThan(0.12);
    }
  });
  it('knows the rows that it was trained on, in any order', () => {
    const router = trainRouter(rows);
    expect(evaluateRouter(rows.toReversed(), { router }).method).toEqual({
      kind: 'router',
      trainedOnTheseRows: true,
    });
    expect(evaluateRouter(rows.slice(1), { router }).method).toMatchObject({ trainedOnTheseRows: false });
  });
  it('stays defined where there is nothing to learn', () => {
    const same = Array.from({ length: 30 }, (_, index) => ({ prompt: `same ${index}`, weak: 0, strong: 1 }));
    const level = trainRouter(same).estimate('same 1');
    expect(level).toBeGreaterThan(0);
    expect(level).toBeLessThan(1);
  });
  it('says what it needs', () => {
    expect(() => trainRouter(rows.slice(0, 19))).toThrow(
      '19 different prompts are too few to train. Give at least 20',
    );
    expect(() =>
      trainRouter(rows.map(({ prompt, weak, strong }) => ({ prompt, weak: strong, strong: weak }))),
    ).toThrow('Check that the columns are not swapped');
    expect(() => trainRouter(Array.from({ length: 50 }, () => rows[0]!))).toThrow(RoutingDataError);
    expect(() => trainRouter(rows, { seed: -1 })).toThrow(RangeError);
  });
});

describe('Routing: learning from verdicts', () => {
  it('moves the estimate of the task towards the verdict', () => {
    fc.assert(
      fc.property(text, verdict, (task, said) => {
        const router = fresh();
        const before = router.estimate(task);
        router.learn(task, said);
        const after = router.estimate(task);
        if (said === 'rejected') expect(after).toBeGreaterThan(before);
        else expect(after).toBeLessThan(before);
        expect(router.state.verdicts).toBe(1);
      }),
    );
  });
  it('keeps every estimate between 0 and 1, after any verdicts', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(text, verdict), { maxLength: 50 }), text, (verdicts, task) => {
        const router = fresh();
        for (const [about, said] of verdicts) router.learn(about, said);
        const level = router.estimate(task);
        expect(level).toBeGreaterThanOrEqual(0);
        expect(level).toBeLessThanOrEqual(1);
      }),
    );
  });
  it('is not carried away by ten thousand equal verdicts', () => {
    const router = fresh();
    for (let round = 0; round < 10_000; round++) router.learn('prove a theorem', 'rejected');
    expect(router.estimate('prove a theorem')).toBeGreaterThan(0.99);
    for (const weight of router.state.weights) expect(Math.abs(weight)).toBeLessThan(100);
    for (let round = 0; round < 1_000; round++) router.learn('prove a theorem', 'accepted');
    expect(router.estimate('prove a theorem')).toBeLessThan(0.5);
  });
  it('tells kinds of task apart that training never saw', () => {
    const router = fresh();
    const [knit, weld] = [(n: number) => `knit a scarf of ${n} rows`, (n: number) => `weld pipe joint ${n}`];
    for (let n = 0; n < 60; n++) {
      router.learn(knit(n), 'accepted');
      router.learn(weld(n), 'rejected');
    }
    expect(router.estimate(weld(99))).toBeGreaterThan(router.estimate(knit(99)) + 0.2);
  });
  it('leaves the mean estimate where it was under verdicts like those of training', () => {
    const random = randomFrom(6); // one answer in five is rejected, for any task
    const even = (count: number, seed: number) =>
      madeUp(count, seed).map(({ prompt }) => ({ prompt, weak: Number(random() < 0.8), strong: 1 }));
    const router = trainRouter(even(300, 1));
    const levels = even(2_000, 8).map(({ prompt, weak }) => {
      const level = router.estimate(prompt);
      router.learn(prompt, weak === 1 ? 'accepted' : 'rejected');
      return level;
    });
    const mean = levels.reduce((sum, level) => sum + level, 0) / levels.length;
    expect(Math.abs(mean - 0.5)).toBeLessThan(0.1); // unweighed verdicts would take it to .2
  });
});
