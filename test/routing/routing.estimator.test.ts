import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { builtInEstimator } from '../../src/routing/index.ts';
import { BUILT_IN_WEIGHTS } from '../../src/routing/estimator.ts';
import { FEATURES, READ_LIMIT, readFeatures } from '../../src/routing/features.ts';
import { BUCKETS, bucketOf, bucketName, SpellingReader } from '../../src/routing/pairs.ts';

const text = fc.string({ unit: 'binary', maxLength: 300 });
const features = (task: string) =>
  Object.fromEntries(
    FEATURES.map((feature, index) => [feature, Math.round(Math.expm1(readFeatures(task)[index]!))]),
  );

describe('Routing: built-in estimator', () => {
  it('is between 0 and 1 and the same each time, for any text', () => {
    fc.assert(
      fc.property(text, (task) => {
        const level = builtInEstimator.estimate(task);
        expect(level).toBeGreaterThanOrEqual(0);
        expect(level).toBeLessThanOrEqual(1);
        expect(builtInEstimator.estimate(task)).toBe(level);
      }),
    );
  });
  it('never makes a task look easier for having more in it', () => {
    for (const weight of Object.values(BUILT_IN_WEIGHTS)) expect(weight).toBeGreaterThan(0);
    fc.assert(
      fc.property(text, text, (task, more) => {
        const [less, all] = [task, `${task} ${more}`].map((each) => builtInEstimator.estimate(each));
        expect(all).toBeGreaterThanOrEqual(less!);
      }),
    );
  });
  it('orders tasks as a person would', () => {
    const levels = [
      '',
      'What is the capital of France?',
      'Write a function that reverses a list in place, and explain its complexity.',
      'Design a rate limiter for 3 data centres that must survive a partition, never admits more than 1,000 ' +
        'requests per second, and prove that it does; compare it with two others, then implement the best.',
    ].map((task) => builtInEstimator.estimate(task));
    expect(levels).toEqual(levels.toSorted((a, b) => a - b));
    expect(new Set(levels).size).toBe(4);
    expect(levels[1]).toBeLessThan(0.3);
    expect(levels[3]).toBeGreaterThan(0.7);
  });
  it('reads a bounded part of a huge task, and counts its length', () => {
    const huge = 'must prove (x), '.repeat(70_000); // over a million characters
    const start = performance.now();
    for (let round = 0; round < 20; round++) builtInEstimator.estimate(huge);
    expect((performance.now() - start) / 20).toBeLessThan(20); // milliseconds; reading it all takes more
    expect(features(huge).length).toBe(huge.length);
    expect(features(huge).constraints).toBeLessThanOrEqual(READ_LIMIT / 16 + 1);
    const ends = `must ${'x '.repeat(50_000)} must`;
    expect(features(ends).constraints).toBe(2);
  });
});

describe('Routing: features', () => {
  it('count what they say', () => {
    expect(
      features('If x_1 >= 12,5 then prove why\nit is NOT {a}: Really? Compare the characteristic.'),
    ).toMatchObject({
      conditions: 1,
      sequence: 1,
      reasoning: 3,
      negations: 1,
      numbers: 3,
      digits: 4,
      operators: 2,
      clauses: 2,
      code: 3,
      questions: 1,
      sentences: 2,
      lines: 1,
      names: 4,
      longWords: 1,
    });
    expect(features('must').constraints).toBe(1);
    expect(features('mustard')).toMatchObject({ constraints: 0, words: 1 });
  });
  it('know other scripts: stops, operators, letters', () => {
    expect(features('Быстро ли это?')).toMatchObject({ words: 3, questions: 1 });
    expect(features('それは何ですか？はい。')).toMatchObject({ sentences: 2, questions: 1 });
    expect(features('∑ x² ≤ 3 × 4')).toMatchObject({ operators: 3, numbers: 2 });
  });
});

describe('Routing: spelling', () => {
  const read = (task: string) => {
    const { buckets, weights, size } = new SpellingReader().read(task);
    return new Map(Array.from({ length: size }, (_, k) => [bucketName(buckets[k]!), weights[k]!]));
  };

  it('counts pairs and single symbols, without case', () => {
    const spelling = read('Aba');
    expect([...spelling.keys()].toSorted()).toEqual([' ', ' a', 'a', 'a ', 'ab', 'b', 'ba'].toSorted());
    expect(spelling.get('a')! / spelling.get('b')!).toBeCloseTo(1 + Math.log(2), 6);
    expect(read('ABA')).toEqual(spelling);
  });
  it('has length 1, and a reader forgets the text before', () => {
    const reader = new SpellingReader();
    fc.assert(
      fc.property(text, (task) => {
        const { buckets, weights, size } = reader.read(task);
        expect(Math.hypot(...weights.subarray(0, size))).toBeCloseTo(1, 5);
        expect(new Set(buckets.subarray(0, size)).size).toBe(size);
        expect(
          new Map(Array.from({ length: size }, (_, k) => [bucketName(buckets[k]!), weights[k]!])),
        ).toEqual(read(task));
      }),
    );
  });
  it('names every bucket, and finds it by its name', () => {
    const names = Array.from({ length: BUCKETS }, (_, bucket) => bucketName(bucket));
    expect(new Set(names).size).toBe(BUCKETS);
    expect(names.map(bucketOf)).toEqual([...names.keys()]);
    for (const name of ['', 'abc', 'é', 'A']) expect(bucketOf(name)).toBeUndefined();
  });
});
