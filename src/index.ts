/** What a user calls. Machines and actors to embed are in `tutti/machines` and `tutti/actors`.
 *  @module tutti */
export { agent, type Agent, type AgentOptions } from './score/agent.ts';
export { perform, PerformanceError, type PerformOptions, type Report, type Run } from './score/perform.ts';
export { score, scoreOf, type Score, type StepOptions } from './score/score.ts';
export { sharedOf } from './coherence/shared.ts';
export { createBus } from '../actors/bus/in-process-bus.ts';
export { VirtualClock } from '../actors/bus/clock.ts';
export { coherence, type Coherence, type CoherenceOptions } from './coherence/coherence.ts';
export { ConflictError } from './coherence/errors.ts';
export { SchemaError, type Schema } from './score/schema.ts';
export { AnswerError } from '../actors/tomasulo/questions.ts';
export {
  ScoreError,
  type AgentContext,
  type StepPlan,
  type VampPlan,
  type HoldPlan,
  type RetryPolicy,
} from '../actors/tomasulo/program.ts';
export {
  StepError,
  TimeoutError,
  CancelledError,
  DeadlockError,
  BudgetError,
} from '../actors/tomasulo/errors.ts';
export { BusClosedError, UnavailableError, type Bus } from '../actors/bus/bus.ts';
export type { Settled } from '../actors/tomasulo/operands.ts';
export type { RunEvent } from '../actors/tomasulo/run-events.ts';

export type { SharedAgent } from './coherence/agent.ts';
export { NonRetryableError } from '../actors/tomasulo/errors.ts';
