/** What of Tomasulo's hardware is what of the machines, and what that is among agents. */
import type { ReservationStationMachine } from '../../machines/reservation-station.ts';

export interface Correspondence {
  readonly hardware: string;
  readonly machine: string;
  readonly agents: string;
}

export const TOMASULO_TABLE: readonly Correspondence[] = [
  { hardware: 'instruction', machine: 'step of the program', agents: 'one call of an agent' },
  { hardware: 'register', machine: 'name that a step writes', agents: 'a named result' },
  {
    hardware: 'register renaming',
    machine: 'the tag in ISSUE',
    agents: 'each version of a result is its own',
  },
  { hardware: 'reservation station', machine: 'reservationStation', agents: 'a call that waits for inputs' },
  { hardware: 'Qj, Qk', machine: '`missing`', agents: 'inputs still due' },
  { hardware: 'common data bus', machine: 'pulse on the bus', agents: 'a result told to all who wait' },
  { hardware: 'functional unit', machine: 'functionalUnit', agents: 'a model or tool with a capacity' },
];

type State = ReturnType<ReservationStationMachine['getInitialSnapshot']>['value'];

/** Where the hardware's station is between issue and its write; `none` where agents need what Tomasulo has not. */
export type Stage = 'not busy' | 'waits for operands' | 'waits for a unit' | 'executes' | 'writes' | 'none';

/** Total: a new state of the station does not compile until it is mapped. */
export const STAGE: Readonly<Record<State, Stage>> = {
  free: 'not busy',
  waiting: 'waits for operands', // Qj ≠ 0 or Qk ≠ 0
  ready: 'waits for a unit', //     Qj = Qk = 0
  executing: 'executes',
  writing: 'writes', //   complete, waits for the common data bus
  held: 'none', //        a fermata, or the rest before a retry
  poisoned: 'none', //    a fault is broadcast; in 1967 an exception is not an operand
  squashed: 'none', //    cancelled; the machine of 1967 does not speculate
};
