/** Claim: with any lag, what agents see through the API is what one memory would have shown them, in some order of
 *  their steps (sequential consistency). All interleavings of the lines below the API: `mesi.litmus`. */
import { describe, expect, it } from 'vitest';
import { oneMemory } from '../../specs/coherence/litmus/model.ts';
import { SHAPES } from '../../specs/coherence/litmus/shapes.ts';
import { runLitmus } from '../../src/verify/litmus.ts';

/** Schedules per test; more, up to a limit, until every allowed outcome has come up. */
const SCHEDULES = process.env.TUTTI_DEEP === undefined ? 100 : 10_000;
const LIMIT = Math.max(2_500, 10 * SCHEDULES);

describe.each(['wait', 'committed'] as const)("coherence: litmus, readers '%s'", (readers) => {
  it.each(SHAPES)('$name: no outcome that one memory would not show', async (test) => {
    const allowed = oneMemory(test.init, test.threads);
    const reached = new Set<string>();
    for (let seed = 0; seed < SCHEDULES || (reached.size < allowed.size && seed < LIMIT); seed++) {
      const outcome = await runLitmus(test, { seed, readers, check: noImpossibleEvent });
      if (!allowed.has(outcome))
        expect.fail(`${test.name}, seed ${seed}: ${outcome} is not sequentially consistent`);
      reached.add(outcome);
    }
    expect([...allowed.keys()].filter((outcome) => !reached.has(outcome))).toEqual([]);
  });
});

const noImpossibleEvent = ({ replica }: { readonly replica: { readonly impossible: number } }) =>
  expect(replica.impossible).toBe(0);

describe('coherence: litmus, broken', () => {
  it('a write that is done when it was said is caught by SB', async () => {
    const sb = SHAPES.find(({ name }) => name === 'SB')!;
    const allowed = oneMemory(sb.init, sb.threads);
    const outcomes = new Set<string>();
    for (let seed = 0; seed < SCHEDULES; seed++)
      outcomes.add(await runLitmus(sb, { seed, doneAtPublish: true }));
    expect([...outcomes].some((outcome) => !allowed.has(outcome))).toBe(true);
  });
});
