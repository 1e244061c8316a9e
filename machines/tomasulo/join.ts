/** When several parts have one result together: the elements of a map, or the reads of a step.
 *
 *  Hardware: a reservation station waits for all of its operands (Q = 0). The other joins are `select` of Unix and Go
 *  (the first) and the quorums of replicated storage (Gifford, "Weighted Voting for Replicated Data", SOSP 1979).
 *
 *  The machine counts; parts and results stay with `actors/tomasulo/joins.ts`. */
import { assign, setup } from 'xstate';

/** `all` parts succeed; `allSettled`: all end; `any`: one succeeds; `first`: the first that ends succeeds; `quorum`: so
 *  many succeed. */
export type Join = 'all' | 'allSettled' | 'any' | 'first' | { readonly quorum: number };

export interface JoinContext {
  readonly parts: number;
  /** Successes that are enough. */
  readonly needs: number;
  /** Failures that do no harm. */
  readonly spare: number;
  /** Whether it is decided when all parts have ended, and not before. */
  readonly waits: boolean;
  readonly succeeded: number;
  readonly failed: number;
}

export type JoinEvent =
  | { type: 'OPEN' } // the parts are known
  | { type: 'SUCCEEDED' }
  | { type: 'FAILED' }
  | { type: 'CANCEL' };

/** What a join means for so many parts. @param eager whether `all` fails with the first failure */
export function joinOf(join: Join, parts: number, eager = false): Omit<JoinContext, 'succeeded' | 'failed'> {
  if (join === 'allSettled') return { parts, needs: 0, spare: parts, waits: true };
  if (join === 'all') return { parts, needs: parts, spare: 0, waits: !eager };
  if (join === 'first') return { parts, needs: 1, spare: 0, waits: false };
  const needs = join === 'any' ? 1 : join.quorum;
  return { parts, needs, spare: parts - needs, waits: false };
}

const isLast = ({ parts, succeeded, failed }: JoinContext): boolean => succeeded + failed + 1 === parts;

const { createMachine } = setup({
  types: {
    context: {} as JoinContext,
    events: {} as JoinEvent,
    input: {} as Omit<JoinContext, 'succeeded' | 'failed'>,
  },
  guards: {
    noParts: ({ context }) => context.parts === 0,
    enough: ({ context }) => !context.waits && context.succeeded + 1 >= context.needs,
    tooMany: ({ context }) => !context.waits && context.failed + 1 > context.spare,
    lastOfGood: ({ context }) => context.waits && isLast(context) && context.failed <= context.spare,
    lastFailureSpared: ({ context }) =>
      context.waits && isLast(context) && context.failed + 1 <= context.spare,
    last: ({ context }) => context.waits && isLast(context),
  },
  actions: {
    countSuccess: assign({ succeeded: ({ context }) => context.succeeded + 1 }),
    countFailure: assign({ failed: ({ context }) => context.failed + 1 }),
    // given meaning by the actor
    meet: () => {}, // there is a result
    fail: () => {}, // there can be none
    impossible: () => {},
  },
});

// the cell words
const ignore = {};
const impossible = { actions: 'impossible' } as const;
const cancel = { target: 'cancelled' } as const;
const late = { SUCCEEDED: ignore, FAILED: ignore, CANCEL: ignore } as const;

// prettier-ignore
const machine = createMachine({
  id: 'join',
  version: '1',
  initial: 'idle',
  context: ({ input }) => ({ ...input, succeeded: 0, failed: 0 }),
  states: {
    idle: {
      description: 'The parts are not known yet.',
      on: {
        OPEN: [{ guard: 'noParts', target: 'met', actions: 'meet' }, { target: 'open' }],
        SUCCEEDED: impossible, FAILED: impossible, CANCEL: cancel,
      },
    },
    open: {
      description: 'Not decided: parts are under way.',
      on: {
        OPEN: impossible,
        SUCCEEDED: [
          { guard: 'enough', target: 'met', actions: 'meet' },
          { guard: 'lastOfGood', target: 'met', actions: 'meet' },
          { guard: 'last', target: 'failed', actions: 'fail' },
          { actions: 'countSuccess' },
        ],
        FAILED: [
          { guard: 'tooMany', target: 'failed', actions: 'fail' },
          { guard: 'lastFailureSpared', target: 'met', actions: 'meet' },
          { guard: 'last', target: 'failed', actions: 'fail' },
          { actions: 'countFailure' },
        ],
        CANCEL: cancel,
      },
    },
    met: { description: 'There is a result. Parts that end later do not count.', on: { OPEN: impossible, ...late } },
    failed: { description: 'There can be no result.', on: { OPEN: impossible, ...late } },
    cancelled: { description: 'No result is wanted.', on: { OPEN: ignore, ...late } },
  },
});

type M = typeof machine;
/** See {@link join}. */
export interface JoinMachine extends M {}

/** The join of several parts.
 *  @example
 *  ```ts
 *  const actor = createActor(join, { input: { parts: 3, needs: 2, spare: 1, waits: false } }).start();
 *  actor.send({ type: 'OPEN' });
 *  actor.send({ type: 'SUCCEEDED' });
 *  actor.send({ type: 'SUCCEEDED' });
 *  actor.getSnapshot().value; // 'met'
 *  ``` */
export const join: JoinMachine = machine;
