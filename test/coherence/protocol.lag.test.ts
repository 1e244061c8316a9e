/** Claim: replicas that lag, each by any amount, show each line only what its own replica has applied; and one that
 *  passes over an entry is found out. */
import { describe, expect, it } from 'vitest';
import { exploreLag } from '../../specs/coherence/lag.ts';

const DEEP = process.env.TUTTI_DEEP !== undefined;

describe('mesi: lags', () => {
  it.each([
    [2, 'wait', 3, 15_770, 41_832],
    [2, 'committed', 3, 16_578, 44_610],
    [2, 'wait', 4, 113_672, 315_254],
    ...(DEEP
      ? ([
          [2, 'wait', 5, 810_148, 2_306_814],
          [3, 'wait', 3, 659_416, 2_668_044],
        ] as const)
      : []),
  ] as const)('%i agents, %s, up to %i entries', (agents, readers, entries, states, transitions) => {
    expect(exploreLag({ agents, readers, entries })).toEqual({ states, transitions });
  });

  it('a replica that passes over an entry has lines that do not obey it', () => {
    const { violation } = exploreLag({ agents: 2, readers: 'wait', entries: 4, skips: true });
    expect(violation!.what).toBe('a0 is M without a hold');
    const lines = violation!.transcript.map(
      ({ from, to, text }) => `${from}${to ? ` → ${to}` : ''}: ${text}`,
    );
    expect(lines).toEqual([
      'a0: STORE x',
      'a0 → bus: GETM x of a0',
      'bus → a0: GETM x of a0',
      'manager → bus: RECLAIM x',
      'manager → bus: RECLAIM x',
      'bus → a0: RECLAIM x', // the second: the first went by unheard
      'memory: wrong: a0 is M without a hold',
    ]);
  });
});
