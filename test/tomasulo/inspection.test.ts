/** Claim: XState's `inspect` reaches every actor of a performance, compiled ones too, with a chart that can be drawn. */
import { expect, test } from 'vitest';
import type { InspectionEvent } from 'xstate';
import { agent, perform, score } from 'tutti';
import { conductor, functionalUnit, reservationStation } from 'tutti/machines';

const one = agent({ name: 'one', capacity: 1, run: () => 1 });

test('actors, events and snapshots of stations, units and the conductor are seen, with their definitions', async () => {
  const seen: InspectionEvent[] = [];
  const watched = score('watched').step('a', { agent: one }).step('b', { agent: one });
  await perform(watched, { inspect: (event) => void seen.push(event) }).result;
  for (const [machine, id] of [
    [reservationStation, 'station:0'],
    [functionalUnit, 'unit:one'],
    [conductor, 'conductor'],
  ] as const) {
    const mine = seen.filter(({ actorRef }) => (actorRef as unknown as { id: string }).id === id);
    expect(new Set(mine.map(({ type }) => type)), id).toEqual(
      new Set(['@xstate.actor', '@xstate.event', '@xstate.snapshot']),
    );
    const { logic } = mine[0]!.actorRef as unknown as { logic: { config: object } };
    const definition = JSON.parse(JSON.stringify(logic.config)) as { id: string; states: object };
    expect(definition.id).toBe(machine.id);
    expect(Object.keys(definition.states)).toEqual(Object.keys(machine.states));
  }
  const values = seen.flatMap((event) =>
    event.type === '@xstate.snapshot' && (event.actorRef as unknown as { id: string }).id === 'station:0'
      ? [(event.snapshot as unknown as { value: string }).value]
      : [],
  );
  expect(values).toEqual(expect.arrayContaining(['free', 'ready', 'executing', 'writing']));
  expect(() =>
    JSON.stringify(seen.map((event) => ('snapshot' in event ? event.snapshot : event.type))),
  ).not.toThrow();
});
