/** Claim: in every reachable world of 2 to 4 agents and one key, and of 2 and 3 agents and two keys, no rule is broken;
 *  and nothing is lost by merging worlds that differ only in names. */
import { describe, expect, it } from 'vitest';
import { cacheLine } from 'tutti/machines';
import { tableCells } from '../../specs/harness/cells.ts';
import { Bench } from '../../specs/coherence/bench.ts';
import { exploreOneKey, type OneKeyWorld } from '../../specs/coherence/explore.ts';
import { searchWorlds, type SearchSetting } from '../../specs/coherence/search.ts';
import { Lanes } from '../../specs/coherence/world.ts';

const DEEP = process.env.TUTTI_DEEP !== undefined;
const SESSIONS = ['LOAD', 'STORE', 'BOTH', 'OFF'];
const RACE = ['LOAD', 'STORE', 'CAS', 'RECLAIM'];

/** The bounds, and what was counted within them. */
const BOUNDS: readonly [setting: SearchSetting, states: number, edges: number][] = [
  [{ agents: 2, readers: 'wait', bus: 'queued' }, 5_330, 22_757],
  [{ agents: 2, readers: 'committed', bus: 'queued' }, 6_449, 28_284],
  [{ agents: 3, readers: 'wait', bus: 'atomic' }, 227, 2_163],
  [{ agents: 3, readers: 'committed', bus: 'atomic' }, 353, 3_465],
  [{ agents: 3, readers: 'wait', bus: 'queued' }, 131_334, 788_010],
  [{ agents: 4, readers: 'wait', bus: 'atomic' }, 861, 9_574],
  [{ agents: 4, readers: 'committed', bus: 'atomic' }, 1_998, 22_934],
  [{ agents: 4, readers: 'wait', bus: 'queued', events: RACE }, 13_983, 84_892],
  [{ agents: 2, keys: 2, readers: 'wait', bus: 'atomic' }, 25_619, 334_472],
  [{ agents: 2, keys: 2, readers: 'wait', bus: 'queued', events: SESSIONS }, 42_154, 140_288],
  [{ agents: 3, keys: 2, readers: 'wait', bus: 'atomic', events: ['LOAD', 'STORE', 'OFF'] }, 92_945, 647_388],
  [{ agents: 2, readers: 'wait', bus: 'queued', repeats: true }, 86_530, 459_138],
];
const FURTHER: typeof BOUNDS = [
  [{ agents: 3, readers: 'committed', bus: 'queued' }, 194_114, 1_207_758],
  [{ agents: 5, readers: 'wait', bus: 'atomic' }, 3_195, 39_570],
  [{ agents: 5, readers: 'committed', bus: 'atomic' }, 11_727, 150_990],
  [{ agents: 5, readers: 'wait', bus: 'queued', events: RACE }, 57_803, 426_541],
  [
    { agents: 3, keys: 2, readers: 'committed', bus: 'atomic', events: ['LOAD', 'STORE', 'OFF'] },
    184_343,
    1_169_970,
  ],
  [{ agents: 3, keys: 2, readers: 'wait', bus: 'atomic', events: SESSIONS }, 336_821, 2_347_601],
];

describe('mesi: every reachable world', () => {
  it.each(DEEP ? [...BOUNDS, ...FURTHER] : BOUNDS)('%o breaks no rule', (setting, states, edges) => {
    const found = searchWorlds(setting);
    expect(found.violation).toBeUndefined();
    expect([found.states, found.edges]).toEqual([states, edges]);
  });

  it('visits every cell that is not impossible, and none that is, when agents do at any time what they please', () => {
    const heard = (['wait', 'committed'] as const).flatMap((readers) => [
      ...searchWorlds({ agents: 2, readers, bus: 'queued', client: 'any' }).cells,
    ]);
    const live = tableCells(cacheLine as never)
      .filter(({ kind }) => kind !== 'impossible')
      .map(({ state, event }) => `${state} ${event}`);
    expect([...new Set(heard)].sort()).toEqual(live.sort());
  });

  it('refuses bounds that it cannot keep, and the error shows what to do', () => {
    expect(() => searchWorlds({ agents: 2, readers: 'wait', bus: 'queued', limit: 10 })).toThrow(
      /more than 10 worlds/,
    );
    expect(() => searchWorlds({ agents: 8, readers: 'wait', bus: 'queued' })).toThrow(/1 to 7 agents, not 8/);
    expect(() => searchWorlds({ agents: 2, keys: 3, readers: 'wait', bus: 'queued' })).toThrow(
      /1 or 2 keys, not 3/,
    );
  });
});

describe('mesi: taking worlds together', () => {
  it.each([
    { agents: 2, readers: 'wait', bus: 'queued' },
    { agents: 3, readers: 'committed', bus: 'atomic' },
    { agents: 2, keys: 2, readers: 'wait', bus: 'atomic', events: SESSIONS },
    { agents: 3, readers: 'wait', bus: 'queued', events: ['LOAD', 'STORE', 'EVICT'] },
  ] satisfies SearchSetting[])(
    '%o: the sorted worlds are those that sorting makes of the others',
    (setting) => {
      const lanes = new Lanes();
      const all = searchWorlds({ ...setting, alike: 'none' }, lanes);
      const bench = new Bench(setting, lanes);
      const sorted = new Set(
        all.worlds.map((world) => {
          bench.load(world);
          return bench.save();
        }),
      );
      const few = searchWorlds(setting, lanes);
      expect(sorted.size).toBeLessThan(all.states);
      expect([...sorted].sort()).toEqual([...few.worlds].sort());
    },
  );

  it.each([
    [2, 'wait', ['LOAD', 'STORE', 'RECLAIM']],
    [2, 'committed', ['LOAD', 'STORE', 'RECLAIM']],
    [3, 'wait', ['LOAD', 'STORE', 'RECLAIM']],
  ] as const)(
    '%i agents, %s, %j: plain worlds are as many, once what cannot matter is left out',
    (agents, readers, events) => {
      const plain = exploreOneKey(agents, readers, { bus: 'queued', events }).worlds.map(
        withoutWhatCannotMatter,
      );
      const setting = { agents, readers, bus: 'queued', events } as const;
      expect(new Set(plain.map((agents) => agents.join())).size).toBe(
        searchWorlds({ ...setting, alike: 'none' }).states,
      );
      expect(new Set(plain.map((agents) => agents.toSorted().join())).size).toBe(
        searchWorlds(setting).states,
      );
    },
  );
});

/** By agent, the state of the plain exploration, without versions and epochs that are never compared. The manager is
 *  among them: it has words, too. */
function withoutWhatCannotMatter({ cell, lines, said }: OneKeyWorld): string[] {
  const agents = lines.map(({ state, copy, fresh, mine }, i) => {
    const [name, reads] = [`a${i}`, ['S', 'E', 'M', 'SM', 'MP'].includes(state)];
    const line = [state, state === 'MP' && copy, reads && fresh, (state === 'E' || state === 'M') && mine];
    const words = said[i]!.map(({ op, ...put }) => (op === 'put' ? [op, put.fresh, put.mine] : [op]));
    const { owner, sharers, queue, readers } = cell;
    const place = [owner === name, sharers.includes(name), queue.indexOf(name), readers.indexOf(name)];
    return JSON.stringify([line, words, place]);
  });
  return [...agents, JSON.stringify([cell.held, said[lines.length]!.map(({ mine }) => mine)])];
}
