/** Models as agents, on the AI SDK.
 *  @module tutti/models */
export {
  governed,
  lookUp,
  type Governed,
  type GovernedOptions,
  type ModelRegistry,
  type ModelChoice,
} from './choose.ts';
export { ModelError } from './errors.ts';
export {
  escalatingAgent,
  modelAgent,
  modelVerifier,
  type ModelAgentOptions,
  type ModelVerifierOptions,
  type EscalatingAgentOptions,
} from './model-agent.ts';
export { modelCall, type ModelAnswer, type ModelCall } from './model-call.ts';
export { MissingKeyError, modelFromEnvironment } from './provider.ts';
export type { ModelFailure, CallReport } from '../budget/call-report.ts';
export type { Verification, Verifier, Escalated, EscalateOptions } from './escalate.ts';
export type { CallEvent } from './meter.ts';
export type { ModelCallOptions } from './call-options.ts';
export type { PromptSource } from './prompt.ts';
export type { RepairText } from './repair.ts';
export type { CallRetry } from './retry.ts';
export type { SdkModel } from './sdk.ts';
