/** Claims about the verification itself: it finds what it says, it can say no, and a run that says no can be repeated. */
import { describe, expect, test } from 'vitest';
import type { AnyStateMachine } from 'xstate';
import { tempoGovernor } from '../../machines/index.ts';
import { mutants } from '../../specs/index.ts';
import { CHECKER, CRITERIA, MAPPINGS, type Bounds, type Claim } from '../../specs/harness/claim.ts';
import { CLAIMS, fellShort, judge, unbuilt, weakest, type Judged } from '../../specs/verify.ts';
import { governorRun } from '../../specs/governor/lockstep.ts';
import { exploreOneKey, MesiViolation } from '../../specs/coherence/explore.ts';
import { Random } from '../../specs/harness/random.ts';

const bounds: Bounds = { agents: 3, lines: 1, runs: 200, seed: 7 };
async function all(claims?: readonly Claim[], given = bounds): Promise<Judged[]> {
  const judged: Judged[] = [];
  for await (const one of judge(given, claims)) judged.push(one);
  return judged;
}

test('each mapping and criterion is either claimed or said to be not built', () => {
  expect(MAPPINGS.length * CRITERIA.length).toBe(21);
  const judged = CLAIMS.filter(({ criterion }) => criterion !== CHECKER);
  const claimed = new Set(judged.map(({ mapping, criterion }) => `${mapping} ${criterion}`));
  const open = unbuilt().map(({ mapping, criterion }) => `${mapping} ${criterion}`);
  expect([...claimed, ...open].length).toBe(21);
  expect(open.filter((cell) => claimed.has(cell))).toEqual([]);
});

test('a claim that falls short is told from one that is only a simulation', async () => {
  const [claim] = CLAIMS as [Claim];
  const judged = await all([
    { ...claim, expected: 'simulation', check: () => ({ verdict: 'simulation', bound: 'x' }) },
    { ...claim, expected: 'isomorphism', check: () => ({ verdict: 'simulation', bound: 'x' }) },
    { ...claim, expected: 'holds', check: () => ({ verdict: 'fails', bound: 'x' }) },
  ]);
  expect(judged.map(fellShort)).toEqual([false, true, true]);
  expect(weakest(['isomorphism', 'fails', 'holds'])).toBe('fails');
  expect(weakest([])).toBe('not built');
});

test('an aborted verification stops before its next claim', async () => {
  const controller = new AbortController();
  controller.abort(new Error('enough'));
  await expect(all(undefined, { ...bounds, signal: controller.signal })).rejects.toThrow('enough');
});

describe('seeded faults', () => {
  test('a governor with a mistake differs from the kernel, and its seed gives the same trace again', () => {
    const machine = tempoGovernor as unknown as AnyStateMachine;
    const broken = mutants(machine).find(({ name }) => name === 'ondemand LOAD[0] without take')!;
    const seeds = Array.from({ length: 50 }, (_, seed) => seed);
    const seed = seeds.find((s) => governorRun(broken.machine, 'ondemand', s).counterexample !== undefined)!;
    const [first, again] = [0, 0].map(() => governorRun(broken.machine, 'ondemand', seed).counterexample!);
    expect(first!.what).toMatch(/^ondemand: the governor is at \d+/);
    expect(again).toEqual(first);
    expect(first!.seed).toBe(seed);
    expect(governorRun(machine, 'ondemand', seed).counterexample).toBeUndefined();
  });

  test('memory without its hold breaks two lines, by a shortest way that is told', () => {
    const broken = () => exploreOneKey(2, 'wait', { bus: 'queued', faults: { noHold: true } });
    expect(broken).toThrow(MesiViolation);
    try {
      broken();
    } catch (error) {
      const { steps } = error as MesiViolation;
      expect(steps.length).toBeGreaterThan(2);
      expect(steps.length).toBeLessThan(12);
      expect(steps.at(-1)!.event).toBe('APPEND');
    }
  });
});

test('a seed gives its numbers again, and whole numbers keep both ends', () => {
  const [a, b] = [new Random(42), new Random(42)];
  const drawn = Array.from({ length: 2_000 }, () => a.whole(-1, 2));
  expect(Array.from({ length: 2_000 }, () => b.whole(-1, 2))).toEqual(drawn);
  expect([...new Set(drawn)].sort()).toEqual([-1, 0, 1, 2]);
});
