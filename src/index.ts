/** tutti: what a user calls. Machines and actors to embed are in `tutti/machines` and `tutti/actors`. */
export { agent, type Agent, type AgentFunction, type AgentOptions, type AgentSpec } from './score/agent.ts';
export * from './coherence/index.ts';
export { EventOverflowError } from './score/event-stream.ts';
export { perform, PerformanceError, type PerformOptions, type Report, type Run } from './score/perform.ts';
export { Score, score, scoreOf, type Settled, type StepOptions } from './score/score.ts';
export { sharedOf, type SharedSpace, type SharedState } from './coherence/shared.ts';
export { SchemaError, type Schema, type SchemaIssue } from './score/schema.ts';
export { BusClosedError, UnavailableError, type Bus } from '../actors/bus/bus.ts';
export { createBus } from '../actors/bus/in-process-bus.ts';
export { VirtualClock } from '../actors/bus/clock.ts';
export * from '../actors/tomasulo/errors.ts';
export { ScoreError } from '../actors/tomasulo/program.ts';
export { AnswerError, type HeldStep } from '../actors/tomasulo/questions.ts';
export type {
  AgentContext,
  HoldPlan,
  Read,
  RetryPolicy,
  StepPlan,
  VampPlan,
} from '../actors/tomasulo/program.ts';
export type { RunEvent, RunStatus, Usage } from '../actors/tomasulo/run-events.ts';
export type { StepReport, StepStatus } from '../actors/tomasulo/timeline.ts';
export {
  coherence,
  ConflictError,
  type Coherence,
  type CoherenceOptions,
  type SharedAgent,
} from './coherence/index.ts';
