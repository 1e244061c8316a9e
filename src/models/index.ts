/** Models as agents, on the AI SDK. */
export {
  governed,
  lookUp,
  type Governed,
  type GovernedOptions,
  type ModelChoice,
  type ModelChooser,
  type ModelRegistry,
  type Points,
  type Terms,
} from './choose.ts';
export { MissingPackageError, ModelError, UnknownModelError } from './errors.ts';
export type { FailedModel, ModelFailure } from '../budget/call-report.ts';
export {
  escalate,
  EscalationError,
  type EscalateOptions,
  type Escalated,
  type EscalationAttempt,
  type Verification,
  type Verifier,
} from './escalate.ts';
export type { CallEvent } from './meter.ts';
export {
  escalatingAgent,
  modelAgent,
  modelVerifier,
  type EscalatingAgentOptions,
  type ModelAgentOptions,
  type ModelVerifierOptions,
} from './model-agent.ts';
export type { ModelCallOptions } from './call-options.ts';
export { modelCall, type ModelAnswer, type ModelCall } from './model-call.ts';
export type { PromptSource } from './prompt.ts';
export { MissingKeyError, modelFromEnvironment } from './provider.ts';
export type { RepairText } from './repair.ts';
export type { CallRetry } from './retry.ts';
export { redactor, type Redact } from './redact.ts';
export { modelName, type SdkModel } from './sdk.ts';
export { UsageMeter, type UsageTotal } from './usage.ts';
export type { CallFailure, CallReport } from '../budget/call-report.ts';
