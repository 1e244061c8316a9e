/** The properties that exploring each machine among its surroundings shows; `properties.ts` has those that lock-step
 *  shows. */
import type { AnyStateMachine } from 'xstate';
import {
  conductor,
  functionalUnit,
  hedge,
  join,
  reservationStation,
  type StationContext,
} from '../../machines/index.ts';
import { joinOf, type Join } from '../../machines/tomasulo/join.ts';
import { tableCells } from '../harness/cells.ts';
import type { Claim, Finding, Message } from '../harness/claim.ts';
import { equivalentTo } from '../harness/product.ts';
import { withReads } from '../harness/with-reads.ts';
import { walk, type WalkOptions } from '../harness/walk.ts';
import { aroundStation, stationAgrees } from './around-station.ts';
import {
  aroundConductor,
  aroundHedge,
  aroundJoin,
  aroundUnit,
  conductorAgrees,
  hedgeAgrees,
  joinAgrees,
  unitAgrees,
  unitTells,
} from './around-units.ts';

const station = reservationStation as unknown as AnyStateMachine;
const unit = withReads(functionalUnit, unitTells);
const leader = conductor as unknown as AnyStateMachine;

const unitOf = (capacity: number): WalkOptions<any> => ({
  input: { unit: 'u', capacity },
  surroundings: aroundUnit(7),
  invariant: unitAgrees,
});

const joinFor = (kind: Join, parts: number, eager = false): WalkOptions<any> => ({
  input: joinOf(kind, parts, eager),
  surroundings: aroundJoin(kind, parts, eager),
  invariant: joinAgrees,
});
const joins = [4, 0, 1, 2].flatMap((parts) => [
  joinFor('all', parts),
  joinFor('all', parts, true),
  joinFor('allSettled', parts),
  ...(parts === 0 ? [] : [joinFor('any', parts), joinFor('first', parts)]),
  ...[1, 2, 3, 4]
    .filter((n) => n <= parts && !(n === 2 && parts === 4))
    .map((n) => joinFor({ quorum: n }, parts)),
]);

export interface ExploredMachine {
  readonly machine: AnyStateMachine;
  /** The first of them visits every possible cell. */
  readonly settings: readonly WalkOptions<any>[];
  /** What the machine's actor reads of the context when it performs an action. */
  readonly hears: (action: string, context: any) => unknown;
}

/** Each machine with every setting in which it is explored. */
export const EXPLORED: Readonly<Record<string, ExploredMachine>> = {
  'reservation-station': {
    machine: station,
    settings: [{ input: { station: 0 }, surroundings: aroundStation, invariant: stationAgrees }],
    hears: (_, { station: place }: StationContext) => place, // actors/tomasulo/station-pool.ts
  },
  'functional-unit': {
    machine: unit,
    settings: [unitOf(3), unitOf(1), unitOf(2), unitOf(5)],
    hears: () => null, // actors/tomasulo/unit.ts reads what `unitTells` records
  },
  conductor: {
    machine: leader,
    settings: [{ surroundings: aroundConductor, invariant: conductorAgrees }],
    hears: () => null, // its context is empty
  },
  hedge: {
    machine: hedge as unknown as AnyStateMachine,
    settings: [{ surroundings: aroundHedge, invariant: hedgeAgrees }],
    hears: () => null, // its context is empty
  },
  join: {
    machine: join as unknown as AnyStateMachine,
    settings: [joinFor({ quorum: 2 }, 4), ...joins],
    hears: () => null, // actors/tomasulo/joins.ts reads nothing of it
  },
};

/** Whether exploring finds a difference between a machine and the real one. */
export const kills = ({ settings }: ExploredMachine, mutant: AnyStateMachine): boolean =>
  settings.some((setting) => walk(mutant, setting).violation !== undefined);

/** Whether a mutant behaves like the real machine in every setting. */
export const isEquivalent = (
  { machine, settings, hears }: ExploredMachine,
  mutant: AnyStateMachine,
): boolean => settings.every((setting) => equivalentTo(machine, mutant, { ...setting, hears }).equivalent);

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
      const missing = tableCells(station)
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
    property:
      'A station starts once its last operand is there, never before, writes exactly one result, and leaves when that has passed or it is squashed.',
    source: 'Tomasulo 1967; paper 4.3 (no lost operand, fire once)',
    expected: 'holds',
    instrument: 'explore',
    check: () => walked('reservation-station'),
  },
  {
    mapping: 'tomasulo',
    criterion: 'invariant guarantees',
    property:
      'A unit never runs more than its capacity, and grants whenever it has room and a station waits.',
    source: 'Hennessy & Patterson, 3.4 (structural hazards); paper 4.3',
    expected: 'holds',
    instrument: 'explore',
    check: () => walked('functional-unit'),
  },
  {
    mapping: 'tomasulo',
    criterion: 'failure modes',
    property: 'A stall is reported, and either goes on or is ended as a dead-lock; nothing ends twice.',
    source: 'paper 4.3 (pipeline stall ↔ waiting agents); docs/decisions/0007',
    expected: 'holds',
    instrument: 'explore',
    check: () => walked('conductor'),
  },
  {
    mapping: 'tomasulo',
    criterion: 'invariant guarantees',
    property:
      'A hedged try has one answer: its first success, or its last failure; the other attempt is asked to stop, and its place is given back.',
    source: 'Dean & Barroso 2013 (hedged requests); docs/decisions/0052',
    expected: 'holds',
    instrument: 'explore',
    check: () => walked('hedge'),
  },
  {
    mapping: 'tomasulo',
    criterion: 'invariant guarantees',
    property:
      'A join of up to four parts decides once, as soon as it has to: for all, allSettled, any, first and every quorum, in every order.',
    source: 'Gifford 1979 (quorums); docs/decisions/0053',
    expected: 'holds',
    instrument: 'explore',
    check: () => walked('join'),
  },
];
