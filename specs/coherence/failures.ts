/** How hardware fails and how agents do (paper 4.4, H05 of its Table 7): a write conflict and its arbitration, a line
 *  that thrashes, an owner that is gone. Each is looked for in the steps of an explored space. */
import { everyRequestEnds } from './liveness.ts';
import {
  WorldSearch,
  searchWorlds,
  type WorldEdge,
  type SearchSetting,
  type SearchedSpace,
} from './search.ts';
import { DEAD, PART } from './world.ts';

/** Something looked for, how often it occurred, and what went wrong with it. */
export interface Occurrence {
  readonly occurred: number;
  readonly wrong?: string;
  /** The world in which it shows. */
  readonly at?: number;
}

const partOf = (space: SearchedSpace, { keys = 1 }: SearchSetting, world: number, by: number): number =>
  space.worlds[world]!.charCodeAt(by * (keys + 2));
const stateOf = (space: SearchedSpace, setting: SearchSetting, world: number, by: number): string =>
  space.names[partOf(space, setting, world, by) & 7] as string;
const isHeld = (space: SearchedSpace, { agents, keys = 1 }: SearchSetting, world: number): boolean =>
  (space.worlds[world]!.charCodeAt(agents * (keys + 2)) & 1) !== 0;

/** A conflict: two have requested a key that no agent holds, and the bus has not ordered either request. The agent
 *  whose request is ordered first owns the key, and no other does; both orders are possible. */
export function arbitration(setting: SearchSetting): Occurrence & { readonly space: SearchedSpace } {
  const space = searchWorlds({ ...setting, alike: 'none', keep: true });
  let occurred = 0;
  for (let world = 0; world < space.next.length; world++) {
    if (isHeld(space, setting, world)) continue;
    const asked = space.next[world]!.filter(({ step }) => asks(space, setting, world, step));
    if (asked.length < 2) continue;
    occurred++;
    for (const { step, to } of asked) {
      const owners = [...Array(setting.agents).keys()].filter(
        (by) => stateOf(space, setting, to, by) === 'M',
      );
      if (owners.length === 1 && owners[0] === step.by) continue;
      return { space, occurred, wrong: 'the first whom the bus takes is not the one who owns', at: to };
    }
  }
  return { space, occurred };
}
/** The bus takes a request for ownership of an agent that waits for it. */
function asks(
  space: SearchedSpace,
  setting: SearchSetting,
  world: number,
  { by, event }: WorldEdge['step'],
): boolean {
  if (event !== 'APPEND' || by >= setting.agents) return false;
  const state = stateOf(space, setting, world, by);
  const lane = space.worlds[world]!.charCodeAt(by * ((setting.keys ?? 1) + 2) + (setting.keys ?? 1));
  return (state === 'IM' || state === 'SM') && space.lanes.decode(lane)[0]!.op === 'getm';
}

/** A storm: two agents write in turn indefinitely, and each write takes the other's copy. In hardware this is called
 *  ping-pong; a line may go back and forth here, too. {@link everyRequestEnds} has to show that no agent starves
 *  meanwhile. */
export function storm(setting: SearchSetting): Occurrence & { readonly space: SearchedSpace } {
  const space = searchWorlds({ ...setting, alike: 'none', keep: true });
  const wrote =
    (by: number) =>
    (world: number, { to }: WorldEdge) =>
      stateOf(space, setting, world, by) === 'MP' && stateOf(space, setting, to, by) === 'E';
  let occurred = 0;
  for (let world = 0; world < space.next.length; world++)
    for (const edge of space.next[world]!) {
      // The first has written and has the only copy; the second writes; and that leads back to where it began.
      if (!wrote(0)(world, edge)) continue;
      const there = reaches(space, edge.to, wrote(1));
      if (there !== undefined && reaches(space, there, (_, { to }) => to === edge.to) !== undefined)
        occurred++;
    }
  return {
    space,
    occurred,
    ...(occurred === 0 && { wrong: 'no agent takes a line from another indefinitely' }),
  };
}
function reaches(
  space: SearchedSpace,
  from: number,
  goal: (world: number, edge: WorldEdge) => boolean,
): number | undefined {
  const seen = new Set([from]);
  for (const world of seen)
    for (const edge of space.next[world] ?? []) {
      if (goal(world, edge)) return edge.to;
      seen.add(edge.to);
    }
  return undefined;
}

/** What remains when an agent has crashed and its line was reclaimed, is what would remain if it had evicted its copy:
 *  recovery leads only to worlds that also exist without a crash. And the agents that live still receive answers. */
export function recovery(setting: SearchSetting): Occurrence & { readonly space: SearchedSpace } {
  const { agents, keys = 1 } = setting;
  const wide = keys + 2;
  const calm = new WorldSearch({ ...setting, alike: 'none' });
  const space = searchWorlds({ ...setting, alike: 'none', keep: true, crash: true }, calm.bench.lanes);
  calm.toTheEnd();
  let occurred = 0;
  for (let world = 0; world < space.states; world++) {
    const packed = space.worlds[world] as string;
    const all = [...Array(agents).keys()];
    const dead = all.find((by) => (packed.charCodeAt(by * wide + keys + 1) & DEAD) !== 0);
    if (dead === undefined || packed.charCodeAt(dead * wide + keys) !== 0) continue; // it still has words to send
    const parts = Array.from({ length: keys }, (_, k) => packed.charCodeAt(dead * wide + k));
    if (parts.some((part) => (part & PART.owner) !== 0 || part >= PART.queue)) continue; // not recovered yet
    occurred++;
    const evicted = String.fromCharCode(...parts.map(() => calm.bench.table.start.state), 0, 0);
    const left = packed.slice(0, dead * wide) + evicted + packed.slice((dead + 1) * wide);
    if (calm.knows(left)) continue;
    return {
      space,
      occurred,
      wrong: 'what is left after a crash is a world that no eviction leaves',
      at: world,
    };
  }
  if (space.violation !== undefined) return { space, occurred };
  const { starved } = everyRequestEnds(space, setting, 'answer');
  if (starved === undefined) return { space, occurred };
  return { space, occurred, wrong: 'after a crash an agent waits indefinitely', at: starved.way.at(-1)! };
}
