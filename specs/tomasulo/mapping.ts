/** Which part of Tomasulo's hardware is which part of the machines, and what that is among agents. */
import type { ConductorMachine } from '../../machines/tomasulo/conductor.ts';
import type { FunctionalUnitMachine } from '../../machines/tomasulo/functional-unit.ts';
import type { ReservationStationMachine } from '../../machines/tomasulo/reservation-station.ts';
import type { IssuePhase, StationStage, UnitStage } from './stages.ts';

/*  hardware                        machine                    agents
 *  instruction                     step of the program        one call of an agent
 *  register                        name that a step writes    a named result
 *  register renaming               the tag in ISSUE           each version of a result is its own
 *  reservation station             reservationStation         a call that waits for inputs
 *  Qj, Qk                          `missing`                  inputs still due
 *  common data bus                 pulse on the bus           a result sent to all that wait
 *  functional unit                 functionalUnit             a model or tool with a capacity
 *  issue stage that runs or stalls conductor                  the life of one performance */

type StateOf<M extends { getInitialSnapshot: (...args: never[]) => { value: unknown } }> = ReturnType<
  M['getInitialSnapshot']
>['value'] &
  string;

/** Where the hardware's station is between issue and its write; `none` where agents need what Tomasulo has not. */
export type Stage = StationStage | 'none';

/** Total: a new state of the station does not compile until it is mapped. */
export const STAGE: Readonly<Record<StateOf<ReservationStationMachine>, Stage>> = {
  free: 'not busy',
  waiting: 'waits for operands', //  Qj ≠ 0 or Qk ≠ 0
  ready: 'waits for a unit', //      Qj = Qk = 0
  executing: 'executes',
  writing: 'writes its result', //   complete, waits for the common data bus
  held: 'none', //                   a fermata, or the rest before a retry
  poisoned: 'none', //               a fault is broadcast; in 1967 an exception is not an operand
  squashed: 'none', //               cancelled; the machine of 1967 does not speculate
};

/** The same for the units of one class. */
export const UNIT_STAGE: Readonly<Record<StateOf<FunctionalUnitMachine>, UnitStage | 'none'>> = {
  idle: 'all free',
  busy: 'some busy',
  saturated: 'all busy', //          the structural hazard: who is ready waits
  tacet: 'none', //                  silenced; no unit of 1967 can be made to rest
};

/** The same for the control of the issue stage. */
export const ISSUE_STAGE: Readonly<Record<StateOf<ConductorMachine>, IssuePhase | 'none'>> = {
  silent: 'reset',
  performing: 'issues',
  stalled: 'stalls', //              nothing can go on
  closing: 'none', //                a caesura; the machine of 1967 has no flush
  completed: 'drained', //           every instruction has written
  cancelled: 'none',
};
