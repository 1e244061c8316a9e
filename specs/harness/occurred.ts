/** Which cells of the machines' tables occurred in all that was explored. */
import type { Explored } from './explorable.ts';
import { stateNames } from './part.ts';
import type { System } from './system.ts';
import type { Step, World } from './system-types.ts';

/** `state EVENT`, for each innermost state that was active when the event arrived.
 *  @param parts which machines; default: all. Give those that are made of one table.
 *  @throws {Error} for a name that is not in the system.
 *  @example
 *  ```ts
 *  const bell = createMachine({ initial: 'still', states: { still: { on: { RING: 'loud' } }, loud: { on: { RING: {} } } } });
 *  const ring = { initial: null, may: () => [{ to: 'bell', event: { type: 'RING' } }] };
 *  const explored = await explore(system({ machines: { bell }, surroundings: ring }));
 *  unjustified(bell, occurredCells(explored)); // []
 *  ``` */
export function occurredCells<E>(
  explored: Explored<World<E>, Step>,
  ...parts: readonly string[]
): Set<string> {
  const model = explored.model as System<E>;
  const { members } = model;
  for (const name of parts)
    if (members[name] === undefined)
      throw new Error(
        `cellsOf: there is no machine ${JSON.stringify(name)}; there are ${Object.keys(members).join(', ')}.`,
      );
  const found = new Set<string>();
  for (const [at, edges] of explored.next.entries())
    for (const [step] of edges)
      for (const { part, event, before } of model.after(explored.worlds[at]!, step).reactions) {
        if (parts.length > 0 && !parts.includes(part)) continue;
        for (const state of stateNames(members[part]!.machine, before.value))
          found.add(`${state} ${event.type}`);
      }
  return found;
}
