/** Small machines for the tests of the instruments, each with a right and a wrong one. */
import { assign, emit, fromPromise, setup, type AnyStateMachine } from 'xstate';
import { system, type Channel, type System, type World } from 'tutti/specs';

/** A line of a cache under MSI, on a bus that orders requests. The wrong one keeps a shared copy when another writes. */
export const lineMachine = (invalidates: boolean): AnyStateMachine => {
  const { createMachine } = setup({
    types: {
      context: {} as { me: string },
      input: {} as { me: string },
      events: {} as { type: 'LOAD' | 'STORE' } | { type: 'GETS' | 'GETM'; by: string },
      emitted: {} as { type: 'GETS' | 'GETM'; by: string },
    },
    guards: { mine: ({ context, event }) => 'by' in event && event.by === context.me },
    actions: {
      getS: emit(({ context }) => ({ type: 'GETS' as const, by: context.me })),
      getM: emit(({ context }) => ({ type: 'GETM' as const, by: context.me })),
      impossible: () => {},
    },
  });
  const impossible = { guard: 'mine', actions: 'impossible' } as const;
  return createMachine({
    initial: 'I',
    context: ({ input }) => ({ me: input.me }),
    states: {
      I: {
        on: {
          LOAD: { target: 'IS', actions: 'getS' },
          STORE: { target: 'IM', actions: 'getM' },
          GETS: [impossible, {}],
          GETM: [impossible, {}],
        },
      },
      IS: { on: { LOAD: {}, STORE: {}, GETS: [{ guard: 'mine', target: 'S' }, {}], GETM: {} } },
      IM: { on: { LOAD: {}, STORE: {}, GETS: {}, GETM: [{ guard: 'mine', target: 'M' }, {}] } },
      S: {
        on: {
          LOAD: {},
          STORE: { target: 'IM', actions: 'getM' },
          GETS: [impossible, {}],
          GETM: [impossible, invalidates ? { target: 'I' } : {}],
        },
      },
      M: {
        on: { LOAD: {}, STORE: {}, GETS: [impossible, { target: 'S' }], GETM: [impossible, { target: 'I' }] },
      },
    },
  });
};

/** Lines on one bus: a request waits in its agent's outbox until the bus takes it, and then every line receives it. */
export function lines(count: number, invalidates = true): System<null> {
  const names = Array.from({ length: count }, (_, i) => `a${i}`);
  const machine = lineMachine(invalidates);
  return system<null>({
    machines: Object.fromEntries(names.map((me) => [me, { machine, input: { me } }])),
    channels: Object.fromEntries(names.map((name): [string, Channel] => [`out.${name}`, { capacity: 1 }])),
    hears: ({ kind, event }, by) => (kind === 'emitted' ? { to: '*', event, over: `out.${by}` } : []),
    surroundings: {
      initial: null,
      may: ({ parts }) =>
        names.flatMap((to) =>
          ['I', 'S'].includes(parts[to]!.value as string)
            ? ['LOAD', 'STORE'].map((type) => ({ to, event: { type } }))
            : [],
        ),
    },
  });
}

/** One writer, or any number of readers. */
export const oneWriter = ({ parts }: World<null>): boolean => {
  const states = Object.values(parts).map(({ value }) => value);
  const writers = states.filter((state) => state === 'M').length;
  return writers === 0 || (writers === 1 && !states.includes('S'));
};

/** A player with everything that a statechart may have: nested, parallel and history states, a delay, an actor. */
export const player = setup({
  types: { context: {} as { tracks: number } },
  actors: { load: fromPromise(async () => 1) },
  actions: { count: assign({ tracks: ({ context }) => Math.min(2, context.tracks + 1) }) },
}).createMachine({
  id: 'player',
  initial: 'off',
  context: { tracks: 0 },
  states: {
    off: { on: { POWER: 'on', RESET: 'on.deck.back' } },
    on: {
      type: 'parallel',
      states: {
        deck: {
          initial: 'empty',
          states: {
            empty: { on: { LOAD: 'loading' } },
            loading: {
              invoke: {
                src: 'load',
                id: 'load',
                onDone: { target: 'playing', actions: 'count' },
                onError: 'empty',
              },
            },
            playing: { after: { 3_000: 'empty' } },
            back: { type: 'history' },
          },
        },
        light: {
          initial: 'dim',
          states: { dim: { on: { PRESS: 'bright' } }, bright: { after: { 500: 'dim' } } },
        },
      },
      on: { POWER: 'off', RESET: 'on.deck.back', LOAD: {}, PRESS: {} },
    },
  },
});
