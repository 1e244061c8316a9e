/** The parts of Tomasulo's hardware as steps from stage to stage. It imports nothing, so that it cannot agree with the
 *  machines by accident.
 *
 *  Source: Hennessy & Patterson, Computer Architecture, ch. 3, the steps issue, execute, write result with what each
 *  waits for; fields Busy, Qj and Qk of a station; units that are busy (structural hazard); issue in order that stalls.
 *  The book's stations have two operands at most. */

/** Something that the hardware may do next, and where it is then. */
export interface HardwareStep<S> {
  readonly name: string;
  readonly to: S;
}

export type StationStage =
  'not busy' | 'waits for operands' | 'waits for a unit' | 'executes' | 'writes its result';
export interface HardwareStation {
  readonly stage: StationStage;
  /** How many of Qj and Qk name a producer. */
  readonly due: number;
}
export const STATION_STAGES: readonly StationStage[] = [
  'not busy',
  'waits for operands',
  'waits for a unit',
  'executes',
  'writes its result',
];

const waiting = (due: number): HardwareStation => ({
  stage: due > 0 ? 'waits for operands' : 'waits for a unit',
  due,
});
export function stationSteps({ stage, due }: HardwareStation): HardwareStep<HardwareStation>[] {
  switch (stage) {
    case 'not busy':
      return [0, 1, 2].map((operands) => ({ name: 'issue', to: waiting(operands) }));
    case 'waits for operands':
      return [{ name: 'capture', to: waiting(due - 1) }];
    case 'waits for a unit':
      return [{ name: 'begin', to: { stage: 'executes', due: 0 } }];
    case 'executes':
      return [{ name: 'complete', to: { stage: 'writes its result', due: 0 } }];
    case 'writes its result':
      return [{ name: 'write', to: { stage: 'not busy', due: 0 } }];
  }
}

export type UnitStage = 'all free' | 'some busy' | 'all busy';
export interface HardwareUnits {
  readonly stage: UnitStage;
  readonly busy: number;
  /** Stations that have their operands and no unit. */
  readonly waiting: number;
}
export const UNIT_STAGES: readonly UnitStage[] = ['all free', 'some busy', 'all busy'];

/** @param of how many units there are
 *  @param most how many stations there are */
export function unitSteps(
  { busy, waiting: queue }: HardwareUnits,
  of: number,
  most: number,
): HardwareStep<HardwareUnits>[] {
  const at = (running: number, queued: number): HardwareUnits => ({
    stage: running === of ? 'all busy' : running === 0 ? 'all free' : 'some busy',
    busy: running,
    waiting: queued,
  });
  const asked = busy < of ? at(busy + 1, queue) : at(busy, queue + 1);
  const freed = queue > 0 ? at(busy, queue - 1) : at(busy - 1, queue);
  return [
    ...(busy + queue < most ? [{ name: 'ask', to: asked }] : []),
    ...(busy > 0 ? [{ name: 'free', to: freed }] : []),
  ];
}

export type IssuePhase = 'reset' | 'issues' | 'stalls' | 'drained';
export const ISSUE_PHASES: readonly IssuePhase[] = ['reset', 'issues', 'stalls', 'drained'];
const ISSUE: Readonly<Record<IssuePhase, readonly HardwareStep<IssuePhase>[]>> = {
  reset: [{ name: 'start', to: 'issues' }],
  issues: [
    { name: 'stall', to: 'stalls' },
    { name: 'drain', to: 'drained' },
  ],
  stalls: [{ name: 'go on', to: 'issues' }],
  drained: [],
};
export const issueSteps = (stage: IssuePhase): readonly HardwareStep<IssuePhase>[] => ISSUE[stage];
