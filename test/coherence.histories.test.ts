/** Claim: in every history, with any lag, crashes, late and repeated messages: one writer; what is read is what
 *  was last written; versions only grow; no update is lost; every request ends. And each fault is caught. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Faults } from 'tutti/actors';
import { Broken, runHistory, type HistoryPlan } from './coherence.histories.ts';

const RUNS = process.env.TUTTI_DEEP === undefined ? 300 : 10_000;

const plans = fc.record({
  seed: fc.nat(),
  agents: fc.integer({ min: 2, max: 8 }),
  keys: fc.integer({ min: 1, max: 8 }),
  replicas: fc.integer({ min: 1, max: 3 }),
  readers: fc.constantFrom('wait' as const, 'committed' as const),
  crash: fc.boolean(),
});

/** Histories in which something was wrong once. */
const FOUND: [HistoryPlan][] = [
  // a session was published after its replica had left, and no replica answered
  [{ seed: 19, agents: 4, keys: 3, replicas: 2, readers: 'wait', crash: true }],
];

describe('coherence: histories', () => {
  it('hold the invariants', async () => {
    const total = { writes: 0, reads: 0, conflicts: 0, reclaims: 0, entries: 0 };
    await fc.assert(
      fc.asyncProperty(plans, async (plan) => {
        const figures = await runHistory(plan);
        for (const name of Object.keys(total) as (keyof typeof total)[]) total[name] += figures[name];
      }),
      { numRuns: RUNS, endOnFailure: true, examples: FOUND },
    );
    console.log(`histories: ${RUNS}; ${JSON.stringify(total)}`);
    // Nothing passes for want of happening.
    for (const count of Object.values(total)) expect(count).toBeGreaterThan(RUNS / 4);
  });

  it.each([
    ['a PUT accepted from any epoch and on any version', { ignoreEpoch: true, ignoreVersion: true }],
    ['duplicates applied again', { applyDuplicates: true }],
    ['a CAS that ignores a hold', { ignoreHoldInCas: true }],
    ['ownership without a hold', { noHold: true }],
  ] as [string, Faults][])('catch %s', async (_, faults) => {
    const crowd: Omit<HistoryPlan, 'seed'> = {
      agents: 6,
      keys: 1,
      replicas: 2,
      readers: 'wait',
      crash: true,
      faults,
    };
    let caught = 0;
    for (let seed = 0; seed < 60 && caught === 0; seed++) {
      await runHistory({ ...crowd, seed }).catch((error: unknown) => {
        if (error instanceof Broken) caught++;
        else throw error;
      });
    }
    expect(caught).toBe(1);
  });
});
