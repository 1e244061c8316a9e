/** Floor 2: the bus, and machines put on it.
 *  @module tutti/actors */
export { Timeline, type StepReport, type StepStatus } from './tomasulo/timeline.ts';
export {
  tagOf,
  type Bus,
  type Seq,
  type PublishOptions,
  type ReplayOptions,
  type BusFault,
} from './bus/bus.ts';
export { VirtualClock, type Clock } from './bus/clock.ts';
export { MissedHistoryError, OriginError } from './coherence/errors.ts';
export { UnitGovernor, type PoolState, type UnitGovernorOptions } from './governor/governor.ts';
export { createBus, type BusOptions } from './bus/in-process-bus.ts';
export type { RunEvent, RunStatus, Usage, RunOutcome } from './tomasulo/run-events.ts';
export type { Settled } from './tomasulo/operands.ts';
export type { Dispatch } from './tomasulo/dispatcher.ts';
export type { Copy } from './coherence/line.ts';
export type { Entry } from './coherence/entry.ts';
export type { Read, StepPlan, AgentContext, Program } from './tomasulo/program.ts';
