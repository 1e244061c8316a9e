/** tutti: what a user calls. Machines and actors to embed are in `tutti/machines` and `tutti/actors`. */
export { agent, type Agent, type AgentFunction, type AgentOptions, type AgentSpec } from './agent.ts';
export * from './coherence/index.ts';
export { EventOverflowError } from './event-stream.ts';
export { perform, PerformanceError, type PerformOptions, type Report, type Run } from './perform.ts';
export { Score, score, scoreOf, type Settled, type StepOptions } from './score.ts';
export { sharedOf, type SharedSpace, type SharedState } from './shared.ts';
export { SchemaError, type Schema, type SchemaIssue } from './schema.ts';
export { BusClosedError, UnavailableError, type Bus } from '../actors/bus.ts';
export { createBus } from '../actors/in-process-bus.ts';
export { VirtualClock } from '../actors/clock.ts';
export * from '../actors/errors.ts';
export { ScoreError } from '../actors/program.ts';
export type { AgentContext, HoldPlan, Read, RetryPolicy, StepPlan, VampPlan } from '../actors/program.ts';
export type { RunEvent, RunStatus, Usage } from '../actors/run-events.ts';
export type { StepReport, StepStatus } from '../actors/timeline.ts';
export {
  coherence,
  ConflictError,
  type Coherence,
  type CoherenceOptions,
  type SharedAgent,
} from './coherence/index.ts';
