/** An uploader that tries again, and a server that acknowledges: the machines of the guide "Check your own machine".
 *  There are two of each. The first pair looks right, and passes every test that one would think of. */
import { assign, emit, setup, type AnyStateMachine } from 'xstate';

export const CHUNKS = 2;

interface Upload {
  readonly chunk: number;
}
type Heard = { type: 'START' } | { type: 'ACK'; chunk?: number };

const { createMachine } = setup({
  types: { context: {} as Upload, events: {} as Heard, emitted: {} as { type: 'PUT'; chunk: number } },
  guards: {
    last: ({ context }) => context.chunk === CHUNKS - 1,
    old: ({ context, event }) => event.type === 'ACK' && event.chunk !== context.chunk,
  },
  actions: {
    put: emit(({ context }) => ({ type: 'PUT' as const, chunk: context.chunk })),
    next: assign({ chunk: ({ context }) => context.chunk + 1 }),
  },
});

/** Sends a chunk, waits for its acknowledgement, sends the next; after a second without one it sends again. */
export const uploader: AnyStateMachine = createMachine({
  id: 'uploader',
  initial: 'idle',
  context: { chunk: 0 },
  states: {
    idle: { on: { START: 'sending', ACK: {} } },
    sending: {
      entry: 'put',
      after: { 1_000: { target: 'sending', reenter: true } },
      on: {
        START: {},
        ACK: [
          { guard: 'last', target: 'done' },
          { target: 'sending', reenter: true, actions: 'next' },
        ],
      },
    },
    done: { on: { START: {}, ACK: {} } },
  },
});

/** The same, but it looks at which chunk was acknowledged. */
export const carefulUploader: AnyStateMachine = createMachine({
  id: 'uploader',
  initial: 'idle',
  context: { chunk: 0 },
  states: {
    idle: { on: { START: 'sending', ACK: {} } },
    sending: {
      entry: 'put',
      after: { 1_000: { target: 'sending', reenter: true } },
      on: {
        START: {},
        ACK: [
          { guard: 'old' },
          { guard: 'last', target: 'done' },
          { target: 'sending', reenter: true, actions: 'next' },
        ],
      },
    },
    done: { on: { START: {}, ACK: {} } },
  },
});

const shelf = setup({
  types: {
    context: {} as { stored: readonly number[] },
    events: {} as { type: 'PUT'; chunk: number },
    emitted: {} as { type: 'ACK'; chunk?: number },
  },
  actions: {
    store: assign({
      stored: ({ context, event }) => [...new Set([...context.stored, event.chunk])].sort((a, b) => a - b),
    }),
    acknowledge: emit({ type: 'ACK' }),
    acknowledgeChunk: emit(({ event }) => ({ type: 'ACK' as const, chunk: event.chunk })),
  },
});

/** Stores what it gets, and says that it got it. */
export const server: AnyStateMachine = shelf.createMachine({
  id: 'server',
  initial: 'open',
  context: { stored: [] },
  states: { open: { on: { PUT: { actions: ['store', 'acknowledge'] } } } },
});

/** The same, but it says what it got. */
export const carefulServer: AnyStateMachine = shelf.createMachine({
  id: 'server',
  initial: 'open',
  context: { stored: [] },
  states: { open: { on: { PUT: { actions: ['store', 'acknowledgeChunk'] } } } },
});
