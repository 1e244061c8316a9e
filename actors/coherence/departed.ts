/** Agents that have left, so that a duplicate that comes late is recognised. Agents leave by the hundred thousand: ranges
 *  of their ordinals are all that is kept, by session. */
import { sessionOf } from './agent-id.ts';

/** Ordinals from `first` to `last`, both included. */
export type Range = [first: number, last: number];
export type Departed = Map<string, Range[]>;

/** Notes that an agent has left.
 *  @returns whether its id has a session and an ordinal */
export function depart(departed: Departed, agent: string): boolean {
  const id = sessionOf(agent);
  if (id === undefined) return false;
  const ranges = departed.get(id.session);
  if (ranges === undefined) departed.set(id.session, [[id.ordinal, id.ordinal]]);
  else insert(ranges, id.ordinal);
  return true;
}
export function hasLeft(departed: Departed, agent: string): boolean {
  const id = sessionOf(agent);
  const ranges = id && departed.get(id.session);
  return ranges?.some(([first, last]) => first <= id!.ordinal && id!.ordinal <= last) ?? false;
}

/** Adds a number to sorted ranges. */
function insert(ranges: Range[], number: number): void {
  let at = ranges.length;
  while (at > 0 && ranges[at - 1]![0] > number) at--;
  const [before, after] = [ranges[at - 1], ranges[at]];
  if (before !== undefined && number <= before[1]) return;
  const [joinsBefore, joinsAfter] = [before?.[1] === number - 1, after?.[0] === number + 1];
  if (joinsBefore && joinsAfter) {
    before![1] = after![1];
    ranges.splice(at, 1);
  } else if (joinsBefore) before![1] = number;
  else if (joinsAfter) after![0] = number;
  else ranges.splice(at, 0, [number, number]);
}
