/** Claims about the claims of MESI: each verdict is the expected one, each states how far it was explored, each can fail,
 *  and an exploration that is aborted ends. */
import { describe, expect, it } from 'vitest';
import type { Bounds } from '../../specs/harness/claim.ts';
import { mustOccur, requestsEnd, seeded } from '../../specs/coherence/judged.ts';
import { mesiClaims } from '../../specs/coherence/properties.ts';
import { allKeys, explored, findingOf, oneKey, repeated, twoKeys } from '../../specs/coherence/scopes.ts';
import { searchWorlds, type SearchSetting } from '../../specs/coherence/search.ts';
import { SEEDS } from '../../specs/coherence/seeds.ts';

const bounds: Bounds = { agents: 2, lines: 1, runs: 1, seed: 1 };
const two = { agents: 2, readers: 'wait', bus: 'queued' } as const;
const broken: SearchSetting = { ...two, faults: { noHold: true } };

describe('mesi: claims', () => {
  it.each(mesiClaims.map((claim) => [claim.property, claim] as const))('%s', async (_, claim) => {
    const { verdict, bound, states, transitions } = await claim.check(bounds);
    expect(verdict).toBe(claim.expected);
    expect(bound).toMatch(
      /agents × (1 key|2 keys), (queued bus|atomic bus|a replica each)|one line and a model/,
    );
    expect([states! > 0, transitions! > 0]).toEqual([true, true]);
  });

  it('what is seeded comes with the way to it, in which bus and memory take part', () => {
    for (const seed of SEEDS) {
      const { transcript } = seeded(seed).counterexample!;
      expect(transcript.some(({ to }) => to === 'bus')).toBe(true);
      expect(transcript.every(({ from, text }) => from !== '' && text !== '')).toBe(true);
    }
  });

  it('a violation fails the claims of that rule, and the others report why they were not judged', async () => {
    const found = await explored(bounds, [broken]);
    expect(findingOf(found, ['table']).counterexample!.what).toBe(
      'a0 receives SNOOP_GETM in M, which is impossible.',
    );
    expect(findingOf(found, ['data value']).counterexample!.what).toMatch(
      /^not looked at to the end, since /,
    );
    expect(findingOf(found, ['data value']).verdict).toBe('fails');
  });

  it('what never occurred is no success, nor is a seed that does nothing', async () => {
    const nowhere = await mustOccur([two], (setting) => ({ occurred: 0, space: searchOf(setting) }), bounds);
    expect([nowhere.verdict, nowhere.counterexample!.what]).toEqual(['fails', 'it never occurred.']);
    const [seed] = SEEDS;
    const nothing = seeded({ ...seed!, setting: { ...two, events: ['LOAD'] } });
    expect([nothing.verdict, nothing.counterexample!.what]).toEqual([
      'fails',
      expect.stringMatching(/but nothing/),
    ]);
  });

  it('each bound looks further than the one before, and at two numbers of agents', () => {
    for (const settings of [oneKey, twoKeys, allKeys, repeated]) {
      const counts = [2, 3].map((agents) => settings({ ...bounds, agents }));
      expect(new Set(counts[1]!.map(({ agents }) => agents))).toEqual(new Set([2, 3]));
      expect(counts[1]!.length).toBeGreaterThan(counts[0]!.length);
    }
    const agents = (most: number) =>
      Math.max(...oneKey({ ...bounds, agents: most }).map((one) => one.agents));
    expect([2, 3, 4, 5].map(agents)).toEqual([2, 3, 4, 5]);
    expect(allKeys({ ...bounds, lines: 2 }).some(({ keys }) => keys === 2)).toBe(true);
  });

  it('an exploration that is aborted ends, and reports why', async () => {
    const controller = new AbortController();
    const exploring = explored({ ...bounds, signal: controller.signal }, [{ ...two, agents: 3 }]);
    setTimeout(() => controller.abort(new Error('enough')));
    await expect(exploring).rejects.toThrow('enough');
    const requests = requestsEnd({ ...bounds, signal: controller.signal }, ['answer'], true);
    await expect(requests).rejects.toThrow('enough');
  });

  it('a run explores each space once, and tells how far it has got', async () => {
    const parts: number[] = [];
    const same: Bounds = { ...bounds, progress: (part) => void parts.push(part) };
    const first = await explored(same, oneKey(same));
    const told = parts.length;
    expect(told).toBeGreaterThan(0);
    expect(await explored(same, oneKey(same))).toEqual(first);
    expect(parts.length).toBe(told);
  });
});

function searchOf(setting: SearchSetting) {
  return searchWorlds({ ...setting, events: ['LOAD'] });
}
