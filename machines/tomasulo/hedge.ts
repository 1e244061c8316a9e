/** One hedged try of a step: a second attempt is started when the first one is late, and the first success counts.
 *
 *  Source: hedged requests, Dean & Barroso, "The Tail at Scale", CACM 56(2), 2013. Hardware has no counterpart: a
 *  functional unit does not run one instruction twice.
 *
 *  The machine says when the step has its answer, and which attempt is to stop. Operands, results and places of units stay
 *  with `actors/tomasulo/hedges.ts`. */
import { setup } from 'xstate';

export type HedgeEvent =
  // from the timer, once the unit has lent a second place
  | { type: 'LENT' }
  // from the attempts
  | { type: 'SUCCEEDED' }
  | { type: 'FAILED' } // also of an attempt that was left behind
  // from the step: a time-out, a refusal, a cancellation
  | { type: 'STOP' };

const act = () => {};

const { createMachine } = setup({
  types: { events: {} as HedgeEvent },
  actions: {
    // given meaning by the actor
    startSecond: act, //  call the agent once more
    disarm: act, //       no second attempt will be started
    answer: act, //       what this attempt gave is the answer of the step
    abortOther: act, //   ask the attempt that still runs to stop
    abortAll: act, //     ask every attempt that runs to stop
    giveBack: act, //     this attempt is over, and its place is free; what it gave is dropped
    impossible: act,
  },
});

// the cell words
const ignore = {};
const impossible = { actions: 'impossible' } as const;
const answer = { target: 'over', actions: 'answer' } as const;
const dropped = { target: 'over', actions: 'giveBack' } as const;

// prettier-ignore
const machine = createMachine({
  id: 'hedge',
  version: '1',
  initial: 'early',
  states: {
    early: {
      description: 'The first attempt runs; it is not late yet.',
      on: {
        LENT: { target: 'both', actions: 'startSecond' },
        SUCCEEDED: { target: 'over', actions: ['disarm', 'answer'] },
        FAILED: { target: 'over', actions: ['disarm', 'answer'] },
        STOP: { target: 'single', actions: ['disarm', 'abortAll'] },
      },
    },
    both: {
      description: 'Two attempts run.',
      on: {
        LENT: impossible,
        SUCCEEDED: { target: 'decided', actions: ['answer', 'abortOther'] },
        FAILED: { target: 'single', actions: 'giveBack' },
        STOP: { target: 'stopped', actions: 'abortAll' },
      },
    },
    single: {
      description: 'One attempt runs, and no other will be started: what it gives is the answer.',
      on: { LENT: impossible, SUCCEEDED: answer, FAILED: answer, STOP: { actions: 'abortAll' } },
    },
    stopped: {
      description: 'Both attempts are to stop. The first that has settled is the answer.',
      on: {
        LENT: impossible,
        SUCCEEDED: { target: 'decided', actions: 'answer' }, FAILED: { target: 'decided', actions: 'answer' },
        STOP: ignore,
      },
    },
    decided: {
      description: 'The step has its answer; the other attempt still runs, and is to stop.',
      on: { LENT: impossible, SUCCEEDED: dropped, FAILED: dropped, STOP: ignore },
    },
    over: {
      description: 'No attempt runs.',
      on: { LENT: impossible, SUCCEEDED: impossible, FAILED: impossible, STOP: ignore },
    },
  },
});

type M = typeof machine;
/** See {@link hedge}. */
export interface HedgeMachine extends M {}

/** The hedge of one try.
 *  @example
 *  ```ts
 *  const actor = createActor(hedge.provide({ actions: { startSecond: () => console.log('once more') } })).start();
 *  actor.send({ type: 'LENT' }); //      prints 'once more'
 *  actor.send({ type: 'SUCCEEDED' }); // decided: the other attempt is asked to stop
 *  ``` */
export const hedge: HedgeMachine = machine;
