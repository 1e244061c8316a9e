/** Whether each machine's states are the hardware's stages, and its steps the hardware's steps.
 *
 *  Apart from what agents need and hardware does not have (holds, faults, retries, repeats, silence, cancellation), the
 *  mapping from machine to hardware has to be a bisimulation: each step that one side may take, the other may take,
 *  too, and both are at the same stage again. */
import type { AnyStateMachine } from 'xstate';
import type { Message } from '../harness/claim.ts';
import type { Situation, WalkOptions } from '../harness/walk.ts';
import { EXPLORED } from './explored.ts';
import { ISSUE_STAGE, STAGE, UNIT_STAGE } from './mapping.ts';
import { only, situationsOf, stepsFrom, situationTranscript } from './situations.ts';
import * as hardware from './stages.ts';

/** One machine, and the part of the hardware that it is. */
export interface MappedMachine {
  readonly name: string;
  readonly machine: AnyStateMachine;
  /** Machine state to hardware stage, or `none`. */
  readonly mapping: Readonly<Record<string, string>>;
  readonly stages: readonly string[];
  /** All surroundings, and those that do only what hardware does. */
  readonly all: readonly WalkOptions<any>[];
  readonly quiet: WalkOptions<any>;
  /** The hardware's stage for a state of the machine. */
  readonly at: (situation: Situation<any>) => unknown;
  readonly steps: (at: any) => readonly hardware.HardwareStep<unknown>[];
  /** The hardware's step by the event that causes the machine's. */
  readonly names: Readonly<Record<string, string>>;
}

const [station, unit, conductor] = ['reservation-station', 'functional-unit', 'conductor'].map((name) => {
  const { machine, settings } = EXPLORED[name]!;
  return { name, machine, all: settings };
}) as [Base, Base, Base];
type Base = Pick<MappedMachine, 'name' | 'machine' | 'all'>;

const quietly = (setting: WalkOptions<any>, allows: (event: any) => boolean): WalkOptions<any> => ({
  ...setting,
  surroundings: only(setting.surroundings, allows),
});
const among = (names: MappedMachine['names'], event: { type: string }) => names[event.type] !== undefined;

const STATION_STEP = {
  ISSUE: 'issue',
  OPERAND: 'capture',
  GRANT_UNIT: 'begin',
  DONE: 'complete',
  WRITTEN: 'write',
};
const UNIT_STEP = { ACQUIRE: 'ask', RELEASE: 'free' };
const ISSUE_STEP = { DOWNBEAT: 'start', STALL: 'stall', PROGRESS: 'go on', SETTLED: 'drain' };
const EXTRAS = ['holds', 'retries', 'repeats', 'tolerant', 'fallback', 'again'];

/** The parts; the units once for each capacity. */
export const MAPPED_MACHINES: readonly MappedMachine[] = [
  {
    ...station,
    mapping: STAGE,
    stages: hardware.STATION_STAGES,
    quiet: quietly(
      station.all[0]!,
      (event) => among(STATION_STEP, event) && !EXTRAS.some((extra) => event[extra]),
    ),
    at: ({ value, context }) => ({
      stage: STAGE[value as keyof typeof STAGE],
      due: value === 'waiting' ? context.missing : 0,
    }),
    steps: hardware.stationSteps,
    names: STATION_STEP,
  },
  ...unit.all.map((setting): MappedMachine => {
    const { capacity } = setting.input as { capacity: number };
    return {
      ...unit,
      mapping: UNIT_STAGE,
      stages: hardware.UNIT_STAGES,
      quiet: quietly(setting, (event) => among(UNIT_STEP, event)),
      at: ({ value, context }) => ({
        stage: UNIT_STAGE[value as keyof typeof UNIT_STAGE],
        busy: context.inUse,
        waiting: context.queued,
      }),
      steps: (at: hardware.HardwareUnits) => hardware.unitSteps(at, capacity, 7),
      names: UNIT_STEP,
    };
  }),
  {
    ...conductor,
    mapping: ISSUE_STAGE,
    stages: hardware.ISSUE_PHASES,
    quiet: quietly(conductor.all[0]!, (event) => among(ISSUE_STEP, event)),
    at: ({ value }) => ISSUE_STAGE[value as keyof typeof ISSUE_STAGE],
    steps: hardware.issueSteps,
    names: ISSUE_STEP,
  },
];

/** What was compared, and the first thing that one side does and the other does not. */
export interface Compared {
  readonly states: number;
  readonly transitions: number;
  readonly wrong?: string;
  /** How to get where it is wrong. */
  readonly way?: readonly Message[];
}

/** Compares the steps of both sides, in every situation among quiet surroundings. An event that changes no stage and
 *  has no output does not count as a step. */
export function stepForStep({ name, machine, quiet, at, steps, names }: MappedMachine): Compared {
  let transitions = 0;
  const { all, impossible } = situationsOf(machine, quiet);
  const from = stepsFrom(machine, quiet);
  for (const situation of all) {
    const here = JSON.stringify(at(situation));
    const ours: string[] = [];
    for (const { event, to, said } of from(situation)) {
      transitions++;
      const there = JSON.stringify(at(to));
      if (there !== here || said.length > 0) ours.push(`${names[event.type]}, to ${there}`);
    }
    const theirs = steps(at(situation)).map((step) => `${step.name}, to ${JSON.stringify(step.to)}`);
    const extra = ours.find((step) => !theirs.includes(step));
    const missing = theirs.find((step) => !ours.includes(step));
    const where = `${name} in '${situation.value}', ${here}`;
    const wrong =
      extra === undefined
        ? missing && `${where}: the hardware does ${missing}; the machine does not`
        : `${where}: the machine does ${extra}; the hardware does not`;
    if (wrong !== undefined)
      return { states: all.length, transitions, wrong, way: situationTranscript(machine, quiet, situation) };
  }
  return { states: all.length, transitions, ...(impossible && { wrong: impossible }) };
}

/** Whether every state of the machine is mapped and occurs, and every stage of the hardware is reached without anything
 *  that hardware has not; a state without a counterpart is not.
 *  @returns the states that have none. */
export function everyStageOccurs({
  name,
  machine,
  mapping,
  stages,
  all,
  quiet,
}: MappedMachine): Compared & { extra: string[] } {
  const visited = (setting: WalkOptions<any>) => {
    const found = situationsOf(machine, setting).all;
    return { count: found.length, values: new Set(found.map(({ value }) => value)) };
  };
  const every = all.map(visited);
  const values = new Set(every.flatMap((one) => [...one.values]));
  const calm = visited(quiet).values;
  const reached = new Set([...calm].map((value) => mapping[value]));
  const states = Object.keys(machine.states);
  const extra = states.filter((state) => mapping[state] === 'none');
  const wrong = [
    ...states.filter((state) => mapping[state] === undefined).map((state) => `'${state}' is not mapped`),
    ...Object.keys(mapping)
      .filter((state) => !states.includes(state))
      .map((state) => `'${state}' is mapped and is no state`),
    ...states.filter((state) => !values.has(state)).map((state) => `'${state}' never occurs`),
    ...stages.filter((stage) => !reached.has(stage)).map((stage) => `the stage '${stage}' is never reached`),
    ...extra
      .filter((state) => calm.has(state))
      .map((state) => `'${state}' has no counterpart, and is reached as if it had`),
  ][0];
  return {
    states: states.length,
    transitions: every.reduce((sum, { count }) => sum + count, 0),
    extra,
    ...(wrong && { wrong: `${name}: ${wrong}` }),
  };
}
