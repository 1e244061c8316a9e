/** Floor 2: the bus, and machines put on it. */
export * from './bus/bus.ts';
export * from './bus/clock.ts';
export * from './coherence/index.ts';
export * from './tomasulo/errors.ts';
export * from './governor/governor.ts';
export * from './bus/in-process-bus.ts';
export { Orchestrator } from './tomasulo/orchestrator.ts';
export type { OrchestratorOptions } from './tomasulo/orchestrator-options.ts';
export * from './tomasulo/program.ts';
export type { RunOutcome, RunEvent, RunEventBody, RunStatus, Usage } from './tomasulo/run-events.ts';
export { OperandError, type Settled } from './tomasulo/operands.ts';
export { Timeline, type StepReport, type StepStatus } from './tomasulo/timeline.ts';
export type { Dispatch } from './tomasulo/dispatcher.ts';
