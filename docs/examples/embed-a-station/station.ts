/** A reservation station inside one's own XState machine. Run: `node docs/examples/embed-a-station/station.ts`. */
import { compile, reservationStation } from 'tutti/machines';
import { assign, createActor, sendTo, setup } from 'xstate';

/** A kitchen that cooks when both ingredients have come and the stove is free. */
export const kitchen = setup({
  types: {
    context: {} as { log: string[] },
    events: {} as { type: 'DELIVERED' } | { type: 'STOVE_FREE' } | { type: 'SAY'; text: string },
  },
  actors: {
    dish: reservationStation.provide({
      actions: {
        requestUnit: ({ self }) => self._parent?.send({ type: 'SAY', text: 'waiting for the stove' }),
        start: ({ self }) => self._parent?.send({ type: 'SAY', text: 'cooking' }),
      },
    }),
  },
}).createMachine({
  id: 'kitchen',
  context: { log: [] },
  invoke: { src: 'dish', id: 'dish', input: { station: 0 } },
  entry: sendTo('dish', { type: 'ISSUE', tag: 1, missing: 2 }),
  on: {
    DELIVERED: { actions: sendTo('dish', { type: 'OPERAND' }) },
    STOVE_FREE: { actions: sendTo('dish', { type: 'GRANT_UNIT' }) },
    SAY: { actions: assign({ log: ({ context, event }) => [...context.log, event.text] }) },
  },
});

const actor = createActor(kitchen).start();
actor.send({ type: 'DELIVERED' });
actor.send({ type: 'DELIVERED' });
actor.send({ type: 'STOVE_FREE' });
export const log = actor.getSnapshot().context.log;
console.log(log); // [ 'waiting for the stove', 'cooking' ]

/** The same table as fast logic, for many stations: one look-up for an event, and equal snapshots. */
const fast = createActor(compile(reservationStation), { input: { station: 1 } }).start();
fast.send({ type: 'ISSUE', tag: 2, missing: 0 });
export const value = fast.getSnapshot().value;
console.log(value); // ready
