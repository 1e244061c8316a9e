/** One reservation station: a buffer in which a step waits for its operands, then for a unit.
 *
 *  Hardware: Tomasulo 1967; the fields Busy, Qj/Qk and Op of Hennessy & Patterson, fig. 3.10.
 *  Here: `waiting` is Q ≠ 0, `missing` counts the operands still due, `tag` names the result.
 *  Deviations, each with its reason in docs/decisions/0002:
 *  - an operand may be a fault (`FAULT`), so that no dependent waits indefinitely;
 *  - a step may be repeated until it is satisfied (HCT's vamp), at most as often as issue or a signal allowed;
 *  - a step that has not started may be refused (`REFUSE`: a caesura, or a hold that ran out);
 *  - `held` (HCT's fermata, and the rest before a retry) counts its holds and keeps on capturing;
 *  - a station is free only when its own broadcast has passed on the bus (`WRITTEN`), or the bus has refused it
 *    (`UNSENT`).
 *
 *  The machine holds control only. Operands and results stay with the actor that owns the station. */
import { assign, setup } from 'xstate';

export interface StationContext {
  /** Which station of the pool this is; −1 outside a pool. */
  readonly station: number;
  /** The tag that the result bears (when free: that of the last one); −1 before the first. */
  readonly tag: number;
  /** Operands not yet captured. */
  readonly missing: number;
  /** Holds that have to be lifted before the step may go on. */
  readonly holds: number;
  /** How often the step may still be retried after a failure. */
  readonly retries: number;
  /** How often the step may still be repeated (a vamp). */
  readonly repeats: number;
  /** Whether a faulty operand counts as an operand (join `allSettled`). */
  readonly tolerant: boolean;
  /** Whether the step has a default that stands in for its result. */
  readonly fallback: boolean;
}

export type StationEvent =
  // from the issue stage
  | {
      type: 'ISSUE';
      tag: number;
      missing: number;
      holds?: number;
      retries?: number;
      repeats?: number;
      tolerant?: boolean;
      fallback?: boolean;
    }
  // snooped on the bus: an operand that this station waits for, or its fault; its own broadcast
  | { type: 'OPERAND' }
  | { type: 'FAULT' }
  | { type: 'WRITTEN' }
  | { type: 'UNSENT' } // the bus refused the broadcast, or lost it
  // from the units and the agent
  | { type: 'GRANT_UNIT' }
  | { type: 'DONE'; again?: boolean; capFails?: boolean } // `again`: a vamp is not satisfied yet
  | { type: 'FAILED'; retryable?: boolean }
  // from the conductor
  | { type: 'HOLD' }
  | { type: 'RESUME' }
  | { type: 'REFUSE' } // the step is not to run: a caesura that names it, or its hold ran out
  | { type: 'VAMP'; rounds: number } // repeat the step up to this many times more
  | { type: 'SQUASH' };

type Issue = StationEvent & { type: 'ISSUE' };

const empty = {
  tag: -1,
  missing: 0,
  holds: 0,
  retries: 0,
  repeats: 0,
  tolerant: false,
  fallback: false,
} as const;
const act = () => {};

const { createMachine } = setup({
  types: {
    context: {} as StationContext,
    events: {} as StationEvent,
    input: {} as { station?: number } | undefined,
  },
  guards: {
    heldAtIssue: ({ event }) => event.type === 'ISSUE' && (event.holds ?? 0) > 0,
    completeAtIssue: ({ event }) => event.type === 'ISSUE' && event.missing === 0,
    lastOperand: ({ context }) => context.missing === 1,
    lastHold: ({ context }) => context.holds === 1,
    lastHoldComplete: ({ context }) => context.holds === 1 && context.missing === 0,
    tolerant: ({ context }) => context.tolerant,
    tolerantLast: ({ context }) => context.tolerant && context.missing === 1,
    fallback: ({ context }) => context.fallback,
    again: ({ context, event }) => context.repeats > 0 && 'again' in event && event.again === true,
    capped: ({ event }) => 'again' in event && event.again === true && event.capFails === true,
    cappedFallback: ({ context, event }) =>
      context.fallback && 'again' in event && event.again === true && event.capFails === true,
    mayRetry: ({ context, event }) =>
      context.retries > 0 && !('retryable' in event && event.retryable === false),
  },
  actions: {
    latch: assign(({ event }) => {
      const {
        tag,
        missing,
        holds = 0,
        retries = 0,
        repeats = 0,
        tolerant = false,
        fallback = false,
      } = event as Issue;
      return { tag, missing, holds, retries, repeats, tolerant, fallback };
    }),
    capture: assign({ missing: ({ context }) => context.missing - 1 }),
    hold: assign({ holds: ({ context }) => context.holds + 1 }),
    lift: assign({ holds: ({ context }) => context.holds - 1 }),
    repeat: assign({ repeats: ({ context }) => context.repeats - 1 }),
    vamp: assign({ repeats: ({ event }) => (event as StationEvent & { type: 'VAMP' }).rounds }),
    rest: assign({ holds: 1, retries: ({ context }) => context.retries - 1 }),
    // given meaning by the actor
    requestUnit: act, //        every operand is here: ask for a unit
    withdraw: act, //           take the request back
    start: act, //              hand the operands to the agent
    broadcast: act, //          put the result on the bus
    broadcastDefault: act, //   put the step's default on the bus
    broadcastFault: act, //     put the fault on the bus
    backOff: act, //            give the unit back; RESUME after a delay
    abort: act, //              ask the agent to stop; DONE or FAILED will follow
    refuse: act, //             the same for one step that is not to run; FAILED will follow
    release: act, //            the station is free again
    impossible: act, //         the bus never does this
  },
});

// the cell words
const ignore = {}; //                                                  observed, no effect
const impossible = { actions: 'impossible' } as const;
const free = { target: 'free', actions: 'release' } as const; // leave for good
const ready = { target: 'ready', actions: ['capture', 'requestUnit'] } as const;
const capture = { actions: 'capture' } as const;
const hold = { actions: 'hold' } as const;
const stand = { target: 'writing', actions: 'broadcastDefault' } as const; // the default stands in
const poison = { target: 'poisoned', actions: 'broadcastFault' } as const;
const refuse = [{ guard: 'fallback', ...stand }, poison] as const;
const vamp = { actions: 'vamp' } as const;

// prettier-ignore
const machine = createMachine({
  id: 'reservation-station',
  version: '1',
  initial: 'free',
  context: ({ input }) => ({ station: input?.station ?? -1, ...empty }),
  states: {
    // ── stable
    free: {
      description: 'Not busy.',
      on: {
        ISSUE: [
          { guard: 'heldAtIssue', target: 'held', actions: 'latch' },
          { guard: 'completeAtIssue', target: 'ready', actions: ['latch', 'requestUnit'] },
          { target: 'waiting', actions: 'latch' },
        ],
        OPERAND: impossible, FAULT: impossible, WRITTEN: impossible, UNSENT: impossible,
        GRANT_UNIT: impossible, DONE: impossible, FAILED: impossible,
        HOLD: ignore, RESUME: ignore, REFUSE: ignore, VAMP: ignore, SQUASH: ignore,
      },
    },
    waiting: {
      description: 'Waits for operands; captures each as it passes on the bus.',
      on: {
        ISSUE: impossible,
        OPERAND: [{ guard: 'lastOperand', ...ready }, capture],
        FAULT: [{ guard: 'tolerantLast', ...ready }, { guard: 'tolerant', ...capture }, { guard: 'fallback', ...stand }, poison],
        WRITTEN: impossible, UNSENT: impossible,
        GRANT_UNIT: impossible, DONE: impossible, FAILED: impossible,
        HOLD: { target: 'held', ...hold }, RESUME: ignore, REFUSE: refuse, VAMP: vamp, SQUASH: free,
      },
    },
    ready: {
      description: 'Has every operand; waits for a unit.',
      on: {
        ISSUE: impossible,
        OPERAND: impossible, FAULT: impossible, WRITTEN: impossible, UNSENT: impossible,
        GRANT_UNIT: { target: 'executing', actions: 'start' }, DONE: impossible, FAILED: impossible,
        HOLD: { target: 'held', actions: ['hold', 'withdraw'] }, RESUME: ignore, VAMP: vamp,
        REFUSE: [
          { guard: 'fallback', target: 'writing', actions: ['withdraw', 'broadcastDefault'] },
          { target: 'poisoned', actions: ['withdraw', 'broadcastFault'] },
        ],
        SQUASH: { target: 'free', actions: ['withdraw', 'release'] },
      },
    },
    held: {
      description: 'A fermata, or the rest before a retry. Operands are still captured.',
      on: {
        ISSUE: impossible,
        OPERAND: capture,
        FAULT: [{ guard: 'tolerant', ...capture }, { guard: 'fallback', ...stand }, poison],
        WRITTEN: impossible, UNSENT: impossible,
        GRANT_UNIT: impossible, DONE: impossible, FAILED: impossible,
        HOLD: hold,
        RESUME: [
          { guard: 'lastHoldComplete', target: 'ready', actions: ['lift', 'requestUnit'] },
          { guard: 'lastHold', target: 'waiting', actions: 'lift' },
          { actions: 'lift' },
        ],
        REFUSE: refuse, VAMP: vamp, SQUASH: free,
      },
    },
    executing: {
      description: 'The agent has the operands and a unit.',
      on: {
        ISSUE: impossible,
        OPERAND: impossible, FAULT: impossible, WRITTEN: impossible, UNSENT: impossible,
        GRANT_UNIT: impossible,
        DONE: [
          { guard: 'again', target: 'ready', actions: ['repeat', 'requestUnit'] },
          { guard: 'cappedFallback', ...stand }, { guard: 'capped', ...poison },
          { target: 'writing', actions: 'broadcast' },
        ],
        FAILED: [{ guard: 'mayRetry', target: 'held', actions: ['rest', 'backOff'] }, { guard: 'fallback', ...stand }, poison],
        HOLD: ignore, RESUME: ignore, // what has begun is not held
        REFUSE: { actions: 'refuse' }, VAMP: vamp,
        SQUASH: { target: 'squashed', actions: 'abort' },
      },
    },
    // ── transient: the broadcast is on its way
    writing: {
      description: 'The result is on its way to the bus.',
      on: {
        ISSUE: impossible,
        OPERAND: ignore, FAULT: ignore, WRITTEN: free, UNSENT: free,
        GRANT_UNIT: impossible, DONE: impossible, FAILED: impossible,
        HOLD: ignore, RESUME: ignore, REFUSE: ignore, VAMP: ignore, SQUASH: ignore,
      },
    },
    poisoned: {
      description: 'The fault is on its way to the bus.',
      on: {
        ISSUE: impossible,
        OPERAND: ignore, FAULT: ignore, WRITTEN: free, UNSENT: free, // operands of the step may still pass
        GRANT_UNIT: impossible, DONE: impossible, FAILED: impossible,
        HOLD: ignore, RESUME: ignore, REFUSE: ignore, VAMP: ignore, SQUASH: ignore,
      },
    },
    squashed: {
      description: 'Asked to stop while executing; the station is kept until the agent has settled.',
      on: {
        ISSUE: impossible,
        OPERAND: impossible, FAULT: impossible, WRITTEN: impossible, UNSENT: impossible,
        GRANT_UNIT: impossible, DONE: free, FAILED: free,
        HOLD: ignore, RESUME: ignore, REFUSE: ignore, VAMP: ignore, SQUASH: ignore,
      },
    },
  },
});

type M = typeof machine;
/** See {@link reservationStation}. */
export interface ReservationStationMachine extends M {}

/** The reservation station.
 *  @example
 *  ```ts
 *  const station = createActor(reservationStation.provide({ actions: { start: () => console.log('go') } }));
 *  station.start();
 *  station.send({ type: 'ISSUE', tag: 7, missing: 1 });
 *  station.send({ type: 'OPERAND' }); //    ready
 *  station.send({ type: 'GRANT_UNIT' }); // prints 'go'
 *  ``` */
export const reservationStation: ReservationStationMachine = machine;
