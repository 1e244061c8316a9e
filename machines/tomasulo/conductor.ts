/** The life of one performance.
 *
 *  Hardware: the issue stage's run / stall / flush control. HCT: the downbeat starts, a caesura stops and
 *  discards, a stall is the dead-lock that the paper's section 4.3 names as the failure mode. */
import { setup } from 'xstate';

export type ConductorEvent =
  // from the caller
  | { type: 'DOWNBEAT' }
  | { type: 'CAESURA' }
  // from the stations
  | { type: 'STALL' } //         work is left, and nothing runs, is ready or has a timer
  | { type: 'PROGRESS' }
  | { type: 'SETTLED' } //       every step has settled and every station is free
  // from the clock
  | { type: 'STALL_TIMEOUT' }
  | { type: 'GRACE_OVER' }; //    since a caesura, agents and bus have had their time to settle

const act = () => {};
const { createMachine } = setup({
  types: { context: {} as Record<string, never>, events: {} as ConductorEvent },
  actions: {
    begin: act, //       issue
    squash: act, //      abort what runs, discard what waits; arm the timer of the grace
    watch: act, //       report who waits for what; arm the stall's timer
    unwatch: act,
    deadlock: act, //    name the dead-lock as the cause
    finish: act,
    impossible: act,
  },
});

const ignore = {};
const impossible = { actions: 'impossible' } as const;
const ended = {
  DOWNBEAT: ignore,
  CAESURA: ignore,
  STALL: ignore,
  PROGRESS: ignore,
  SETTLED: ignore,
  STALL_TIMEOUT: ignore,
  GRACE_OVER: ignore,
} as const;

// prettier-ignore
const machine = createMachine({
  id: 'conductor',
  version: '1',
  initial: 'silent',
  context: {},
  states: {
    silent: {
      description: 'Before the downbeat.',
      on: {
        DOWNBEAT: { target: 'performing', actions: 'begin' }, CAESURA: { target: 'cancelled', actions: 'finish' },
        STALL: impossible, PROGRESS: ignore, SETTLED: impossible, STALL_TIMEOUT: impossible, GRACE_OVER: impossible,
      },
    },
    performing: {
      description: 'Steps are issued and run.',
      on: {
        DOWNBEAT: ignore, CAESURA: { target: 'closing', actions: 'squash' },
        STALL: { target: 'stalled', actions: 'watch' }, PROGRESS: ignore,
        SETTLED: { target: 'completed', actions: 'finish' }, STALL_TIMEOUT: ignore, GRACE_OVER: impossible,
      },
    },
    stalled: {
      description: 'All steps wait: for a cue, or for a silent unit.',
      on: {
        DOWNBEAT: ignore, CAESURA: { target: 'closing', actions: ['unwatch', 'squash'] },
        STALL: ignore, PROGRESS: { target: 'performing', actions: 'unwatch' },
        SETTLED: impossible, // PROGRESS comes first
        STALL_TIMEOUT: { target: 'closing', actions: ['deadlock', 'squash'] }, GRACE_OVER: impossible,
      },
    },
    closing: {
      description: 'A caesura: running agents have been asked to stop.',
      on: {
        DOWNBEAT: ignore, CAESURA: ignore, STALL: ignore, PROGRESS: ignore,
        SETTLED: { target: 'cancelled', actions: 'finish' }, STALL_TIMEOUT: ignore,
        GRACE_OVER: { target: 'cancelled', actions: 'finish' }, // an agent or the bus did not answer
      },
    },
    completed: { description: 'Every step has settled.', on: { ...ended, GRACE_OVER: impossible } },
    cancelled: { description: 'Stopped before the end.', on: ended },
  },
});

type M = typeof machine;
/** See {@link conductor}. */
export interface ConductorMachine extends M {}

/** The conductor of one performance: silent → performing ⇄ stalled → completed, or closing → cancelled. */
export const conductor: ConductorMachine = machine;
