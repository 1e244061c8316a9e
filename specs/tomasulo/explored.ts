/** What exploring each machine among its surroundings says of it; `properties.ts` has what lock-step says. */
import type { AnyStateMachine } from 'xstate';
import { conductor, functionalUnit, reservationStation } from '../../machines/index.ts';
import { cells } from '../cells.ts';
import type { Claim, Finding, Message } from '../claim.ts';
import { walk, type WalkOptions } from '../walk.ts';
import { aroundStation, stationAgrees } from './around-station.ts';
import { aroundConductor, aroundUnit, conductorAgrees, unitAgrees } from './around-units.ts';

const station = reservationStation as unknown as AnyStateMachine;
const unit = functionalUnit as unknown as AnyStateMachine;
const leader = conductor as unknown as AnyStateMachine;

const unitOf = (capacity: number): WalkOptions<any> => ({
  input: { unit: 'u', capacity },
  surroundings: aroundUnit(7),
  invariant: unitAgrees,
});

/** Each machine with every setting in which it is explored; the first setting visits every possible cell. */
export const EXPLORED: Readonly<
  Record<string, { machine: AnyStateMachine; settings: readonly WalkOptions<any>[] }>
> = {
  'reservation-station': {
    machine: station,
    settings: [{ input: { station: 0 }, surroundings: aroundStation, invariant: stationAgrees }],
  },
  'functional-unit': { machine: unit, settings: [unitOf(3), unitOf(1), unitOf(2), unitOf(5)] },
  conductor: { machine: leader, settings: [{ surroundings: aroundConductor, invariant: conductorAgrees }] },
};

function walked(name: string): Finding {
  const { machine, settings } = EXPLORED[name]!;
  let states = 0;
  let transitions = 0;
  const bound = `${name}, every situation of the machine and its surroundings`;
  for (const setting of settings) {
    const { situations, steps, violation } = walk(machine, setting);
    states += situations;
    transitions += steps;
    if (violation === undefined) continue;
    const transcript: Message[] = violation.path.map((event) => ({
      from: 'surroundings',
      to: name,
      text: JSON.stringify(event),
    }));
    const what = `${name}: ${violation.what} in '${violation.situation.value}'.`;
    return { verdict: 'fails', bound, states, transitions, counterexample: { what, transcript } };
  }
  return { verdict: 'holds', bound, states, transitions };
}

export const exploredClaims: readonly Claim[] = [
  {
    mapping: 'tomasulo',
    criterion: 'operational semantics',
    property: 'Every step of a station that its surroundings can cause occurs, and no other.',
    source: 'Tomasulo 1967; Hennessy & Patterson, figure 3.13; paper 4.3',
    // Holds, retries, defaults and aborts have no counterpart in hardware (docs/decisions/0002): a station does all that
    // Tomasulo's does, and more.
    expected: 'simulation',
    instrument: 'explore',
    check: () => {
      const found = walked('reservation-station');
      if (found.verdict === 'fails') return found;
      const visited = walk(station, EXPLORED['reservation-station']!.settings[0]!).cells;
      const missing = cells(station)
        .filter(({ kind }) => kind !== 'impossible')
        .map(({ state, event }) => `${state} ${event}`)
        .filter((cell) => !visited.has(cell));
      if (missing.length === 0) return { ...found, verdict: 'simulation' };
      const what = `never visited: ${missing.join(', ')}.`;
      return { ...found, verdict: 'fails', counterexample: { what, transcript: [] } };
    },
  },
  {
    mapping: 'tomasulo',
    criterion: 'invariant guarantees',
    property: 'A station starts once its last operand is there, never before, and writes exactly one result.',
    source: 'Tomasulo 1967; paper 4.3 (no lost operand, fire once)',
    expected: 'holds',
    instrument: 'explore',
    check: () => walked('reservation-station'),
  },
  {
    mapping: 'tomasulo',
    criterion: 'invariant guarantees',
    property: 'A unit never runs more than its capacity, and grants whenever it has room and somebody waits.',
    source: 'Hennessy & Patterson, 3.4 (structural hazards); paper 4.3',
    expected: 'holds',
    instrument: 'explore',
    check: () => walked('functional-unit'),
  },
  {
    mapping: 'tomasulo',
    criterion: 'failure modes',
    property: 'A stall is told and either goes on or is ended as a dead-lock; nothing ends twice.',
    source: 'paper 4.3 (pipeline stall ↔ waiting agents); docs/decisions/0007',
    expected: 'holds',
    instrument: 'explore',
    check: () => walked('conductor'),
  },
];
