/** One functional unit: a pool of interchangeable agents, models or tools with a capacity.
 *
 *  Hardware: the functional units of Tomasulo 1967 with their structural hazard: a ready station waits
 *  while every unit is busy. Deviations: one machine stands for the whole pool (it counts), and HCT's
 *  `tacet` silences it: what runs may end, nothing new starts. */
import { assign, setup } from 'xstate';

export interface UnitContext {
  readonly unit: string;
  /** How many may run at once; 1 … Number.MAX_SAFE_INTEGER (which stands for no limit). */
  readonly capacity: number;
  readonly inUse: number;
  readonly queued: number;
}

export type UnitEvent =
  // from stations
  | { type: 'ACQUIRE' }
  | { type: 'WITHDRAW' } // a queued station no longer wants a unit
  | { type: 'RELEASE' }
  | { type: 'TRY' } // a second attempt wants a place at once, or none
  // from the conductor
  | { type: 'TACET' }
  | { type: 'WAKE' };

/** How many of those queued the unit can take now. */
export const grantable = ({ capacity, inUse, queued }: UnitContext): number =>
  Math.min(capacity - inUse, queued);

const { createMachine } = setup({
  types: {
    context: {} as UnitContext,
    events: {} as UnitEvent,
    input: {} as { unit: string; capacity?: number },
  },
  guards: {
    lastSlot: ({ context }) => context.inUse + 1 === context.capacity,
    lastInUse: ({ context }) => context.inUse === 1,
    someoneWaits: ({ context }) => context.queued > 0,
    quiet: ({ context }) => context.inUse === 0 && context.queued === 0,
    fills: ({ context }) => context.inUse + context.queued >= context.capacity,
  },
  actions: {
    take: assign({ inUse: ({ context }) => context.inUse + 1 }),
    give: assign({ inUse: ({ context }) => context.inUse - 1 }),
    enqueue: assign({ queued: ({ context }) => context.queued + 1 }),
    dequeue: assign({ queued: ({ context }) => context.queued - 1 }),
    takeQueued: assign(({ context }) => {
      const taken = grantable(context);
      return { inUse: context.inUse + taken, queued: context.queued - taken };
    }),
    // given meaning by the actor
    grant: () => {}, //        one station of the queue gets a unit
    grantQueued: () => {}, //  as many as `grantable` returns
    lend: () => {}, //         the second attempt has its place
    impossible: () => {},
  },
});

// the cell words
const ignore = {};
const impossible = { actions: 'impossible' } as const;
const grant = { actions: ['take', 'grant'] } as const;
const lend = { actions: ['take', 'lend'] } as const;
const queue = { actions: 'enqueue' } as const; //           wait for a RELEASE
const dequeue = { actions: 'dequeue' } as const;
const give = { actions: 'give' } as const;
const silence = { target: 'tacet' } as const;
const wakeWaiting = { actions: ['grantQueued', 'takeQueued'] } as const;

// prettier-ignore
const machine = createMachine({
  id: 'functional-unit',
  version: '1',
  initial: 'idle',
  context: ({ input }) => ({ unit: input.unit, capacity: input.capacity ?? Number.MAX_SAFE_INTEGER, inUse: 0, queued: 0 }),
  states: {
    idle: {
      description: 'Nothing runs.',
      on: {
        ACQUIRE: [{ guard: 'lastSlot', target: 'saturated', ...grant }, { target: 'busy', ...grant }],
        TRY: [{ guard: 'lastSlot', target: 'saturated', ...lend }, { target: 'busy', ...lend }],
        WITHDRAW: impossible, RELEASE: impossible, TACET: silence, WAKE: ignore,
      },
    },
    busy: {
      description: 'Something runs, and there is room.',
      on: {
        ACQUIRE: [{ guard: 'lastSlot', target: 'saturated', ...grant }, grant],
        TRY: [{ guard: 'lastSlot', target: 'saturated', ...lend }, lend],
        WITHDRAW: impossible, RELEASE: [{ guard: 'lastInUse', target: 'idle', ...give }, give],
        TACET: silence, WAKE: ignore,
      },
    },
    saturated: {
      description: 'Full; stations queue.',
      on: {
        ACQUIRE: queue, TRY: ignore, WITHDRAW: dequeue,
        RELEASE: [
          { guard: 'someoneWaits', actions: ['dequeue', 'grant'] }, // the slot passes on
          { guard: 'lastInUse', target: 'idle', ...give },
          { target: 'busy', ...give },
        ],
        TACET: silence, WAKE: ignore,
      },
    },
    tacet: {
      description: 'Silent: what runs may end, nothing new starts.',
      on: {
        ACQUIRE: queue, TRY: ignore, WITHDRAW: dequeue, RELEASE: give, TACET: ignore,
        WAKE: [
          { guard: 'quiet', target: 'idle' },
          { guard: 'fills', target: 'saturated', ...wakeWaiting },
          { target: 'busy', ...wakeWaiting },
        ],
      },
    },
  },
});

type M = typeof machine;
/** See {@link functionalUnit}. */
export interface FunctionalUnitMachine extends M {}

/** The functional unit.
 *  @example
 *  ```ts
 *  const unit = createActor(functionalUnit, { input: { unit: 'search', capacity: 1 } }).start();
 *  unit.send({ type: 'ACQUIRE' });
 *  unit.getSnapshot().value; // 'saturated'
 *  ``` */
export const functionalUnit: FunctionalUnitMachine = machine;
