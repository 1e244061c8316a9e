/** Claims about what ends: every request of a line, every read and every write, in every fair run; and a protocol in which
 *  one does not is found out, with the round in which it waits. */
import { describe, expect, it } from 'vitest';
import { arbitration, recovery, storm } from '../../specs/coherence/failures.ts';
import { everyRequestEnds, type Request } from '../../specs/coherence/liveness.ts';
import { searchWorlds, type SearchSetting } from '../../specs/coherence/search.ts';
import { SEEDS } from '../../specs/coherence/seeds.ts';

const kept = { alike: 'none', keep: true } as const;
const CALM = ['LOAD', 'STORE', 'HOLD', 'RELEASE', 'EVICT', 'CAS'];
const ends = (setting: SearchSetting, request: Request) =>
  everyRequestEnds(searchWorlds(setting), setting, request);

describe('mesi: ends', () => {
  it.each([
    { ...kept, agents: 2, readers: 'wait', bus: 'queued' },
    {
      ...kept,
      agents: 2,
      readers: 'committed',
      bus: 'queued',
      events: ['LOAD', 'STORE', 'EVICT', 'RECLAIM'],
    },
    { ...kept, agents: 3, readers: 'wait', bus: 'atomic' },
    { ...kept, agents: 3, readers: 'wait', bus: 'queued', events: ['LOAD', 'STORE', 'RECLAIM'] },
    {
      ...kept,
      agents: 2,
      keys: 2,
      readers: 'wait',
      bus: 'atomic',
      events: ['LOAD', 'STORE', 'BOTH', 'RECLAIM'],
    },
  ] satisfies SearchSetting[])('%o: every request is answered, and every read', (setting) => {
    for (const request of ['answer', 'read'] as const) {
      const { starved, pending } = ends(setting, request);
      expect(starved).toBeUndefined();
      expect(pending).toBeGreaterThan(0);
    }
  });

  it.each([
    { ...kept, agents: 2, readers: 'wait', bus: 'queued', events: CALM },
    { ...kept, agents: 2, readers: 'committed', bus: 'queued', events: CALM },
    { ...kept, agents: 3, readers: 'committed', bus: 'atomic', events: CALM },
  ] satisfies SearchSetting[])('%o: every write is done while no lease runs out', (setting) => {
    const { starved, pending } = ends(setting, 'write');
    expect([starved, pending > 100]).toEqual([undefined, true]);
  });

  it('a lease that runs out again and again can keep a writer from writing indefinitely, but has no other effect', () => {
    const setting = { ...kept, agents: 2, readers: 'wait', bus: 'queued' } as const;
    const space = searchWorlds(setting);
    const { starved } = everyRequestEnds(space, setting, 'write');
    const round = space.tell([...starved!.way, ...starved!.round]).steps.slice(starved!.way.length - 1);
    expect(round.map(({ event }) => event)).toContain('RECLAIM');
    expect(everyRequestEnds(space, setting, 'answer').starved).toBeUndefined();
  });
});

describe('mesi: does not end', () => {
  it('a bus that never takes the words of one agent is not fair, so it is no counter-example', () => {
    // Without fairness, a request that is sent and never taken would be one: the whole space has such runs.
    const setting = { ...kept, agents: 2, readers: 'wait', bus: 'queued', events: ['LOAD'] } as const;
    expect(ends(setting, 'answer').starved).toBeUndefined();
  });

  it('readers that a commit forgets wait indefinitely, in a round where everything due is done', () => {
    const { setting } = SEEDS.find(({ name }) => name.includes('leaves the readers'))!;
    const { starved } = ends(setting, 'read');
    expect(starved!.way.length).toBeGreaterThan(4);
    expect(ends({ ...setting, faults: {} }, 'read').starved).toBeUndefined();
  });

  it('a line that yields while it works may never write', () => {
    const { setting } = SEEDS.find(({ name }) => name.includes('yields'))!;
    const { starved } = ends(setting, 'write');
    expect(starved!.round.length).toBeGreaterThan(2);
    const { machine: _, faults: __, ...repaired } = setting;
    expect(ends(repaired, 'write').starved).toBeUndefined();
  });
});

describe('mesi: fails as hardware does', () => {
  const racing = {
    agents: 2,
    readers: 'wait',
    bus: 'queued',
    events: ['LOAD', 'STORE', 'HOLD', 'RELEASE'],
  } as const;

  it('of two who ask at once, the bus chooses, and each may be chosen', () => {
    const { occurred, wrong } = arbitration({ ...racing, agents: 3 });
    expect([occurred, wrong]).toEqual([328, undefined]);
    expect(arbitration({ ...racing, faults: { noHold: true } }).space.violation).toBeDefined();
  });

  it('two writers may take a line from each other indefinitely; a single writer takes it from no other', () => {
    expect(storm({ ...racing, events: ['LOAD', 'STORE'] }).occurred).toBeGreaterThan(0);
    expect(storm({ ...racing, agents: 1, events: ['LOAD', 'STORE'] }).wrong).toMatch(/no agent takes/);
  });

  it('after a crash and a reclaim the world is as after an eviction, and the agents that live receive answers', () => {
    const { occurred, wrong } = recovery({ agents: 2, readers: 'wait', bus: 'queued' });
    expect(wrong).toBeUndefined();
    expect(occurred).toBeGreaterThan(100);
  });

  it('without reclaims, an agent that waits for a crashed owner waits indefinitely', () => {
    const { wrong, at, space } = recovery({ agents: 2, readers: 'wait', bus: 'queued', events: CALM });
    expect(wrong).toBe('after a crash an agent waits indefinitely');
    const { transcript } = space.tell(space.wayTo(at!));
    expect(transcript.map(({ text }) => text).join('; ')).toMatch(/ends/);
  });
});
