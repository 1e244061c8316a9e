/** Claim: with any lag, what agents see is what one memory would have shown them, in some order of their steps
 *  (sequential consistency). Litmus tests from herdtools7 (CeCILL-B); the whole collection: `bench/litmus.ts`. */
import { describe, expect, it } from 'vitest';
import { outcomesSC, runLitmus, type Litmus, type LitmusOp } from './coherence.litmus.ts';

/** Schedules per test; more, up to a limit, until every allowed outcome has come up. */
const SCHEDULES = process.env.TUTTI_DEEP === undefined ? 250 : 10_000;
const LIMIT = 10 * SCHEDULES;

/** `Wx1` writes 1 to x; `Rx` reads x into the thread's next register. */
function litmus(name: string, ...threads: readonly string[]): Litmus {
  const parsed = threads.map((thread) => {
    let register = 0;
    return thread.split(' ').map((word): LitmusOp => {
      const loc = word[1] as string;
      return word[0] === 'W'
        ? { op: 'W', loc, val: Number(word.slice(2)) }
        : { op: 'R', loc, reg: `r${register++}` };
    });
  });
  const locations = new Set(parsed.flatMap((ops) => ops.map(({ loc }) => loc)));
  const init = Object.fromEntries([...locations].sort().map((loc) => [loc, 0]));
  return { name, init, threads: parsed, outcomesSC: [...outcomesSC({ init, threads: parsed })] };
}

const TESTS = [
  litmus('SB', 'Wx1 Ry', 'Wy1 Rx'),
  litmus('MP', 'Wx1 Wy1', 'Ry Rx'),
  litmus('LB', 'Rx Wy1', 'Ry Wx1'),
  litmus('2+2W', 'Wx2 Wy1', 'Wy2 Wx1'),
  litmus('S', 'Wx2 Wy1', 'Ry Wx1'),
  litmus('R', 'Wx1 Wy1', 'Wy2 Rx'),
  litmus('CoRR', 'Wx1', 'Rx Rx'),
  litmus('CoWR', 'Wx1 Rx', 'Wx2'),
  litmus('WRC', 'Wx1', 'Rx Wy1', 'Ry Rx'),
  litmus('RWC', 'Wx1', 'Rx Ry', 'Wy1 Rx'),
  litmus('ISA2', 'Wx1 Wy1', 'Ry Wz1', 'Rz Rx'),
  litmus('IRIW', 'Wx1', 'Rx Ry', 'Wy1', 'Ry Rx'),
];

describe.each(['wait', 'committed'] as const)("coherence: litmus, readers '%s'", (readers) => {
  it.each(TESTS)('$name: no outcome that one memory would not show', async (test) => {
    const allowed = new Set(test.outcomesSC);
    const reached = new Set<string>();
    for (let seed = 0; seed < SCHEDULES || (reached.size < allowed.size && seed < LIMIT); seed++) {
      const outcome = await runLitmus(test, { seed, readers });
      if (!allowed.has(outcome))
        expect.fail(`${test.name}, seed ${seed}: ${outcome} is not sequentially consistent`);
      reached.add(outcome);
    }
    expect([...allowed].filter((outcome) => !reached.has(outcome))).toEqual([]);
  });
});

describe('coherence: litmus, broken', () => {
  it('a write that is done when it was said is caught by SB', async () => {
    const [sb] = TESTS as [Litmus];
    const outcomes = new Set<string>();
    for (let seed = 0; seed < SCHEDULES; seed++)
      outcomes.add(await runLitmus(sb, { seed, doneAtPublish: true }));
    expect([...outcomes].some((outcome) => !sb.outcomesSC.includes(outcome))).toBe(true);
  });
});
