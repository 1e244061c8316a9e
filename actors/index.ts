/** Floor 2: the bus, and machines put on it. */
export * from './bus.ts';
export * from './clock.ts';
export * from './coherence/index.ts';
export * from './errors.ts';
export * from './governor.ts';
export * from './in-process-bus.ts';
export * from './orchestrator.ts';
export * from './program.ts';
export type { Outcome, RunEvent, RunEventBody, RunStatus, Usage } from './run-events.ts';
export { OperandError, type Settled } from './operands.ts';
export { Timeline, type StepReport, type StepStatus } from './timeline.ts';
export type { Dispatch } from './dispatcher.ts';
