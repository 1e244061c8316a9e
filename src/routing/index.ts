/** Difficulty estimation and model selection under a budget. */
export { RoutingDataError, type RoutingDataDetails } from './errors.ts';
export {
  BUILT_IN_WEIGHTS,
  builtInEstimator,
  type DifficultyEstimator,
  type LearningEstimator,
} from './estimator.ts';
export { evaluateRouter, type EvaluateOptions, type Evaluation, type Method } from './training/evaluate.ts';
export { FEATURES, READ_LIMIT, readFeatures, type Feature } from './features.ts';
export { figures, type CurvePoint, type Figures } from './training/figures.ts';
export { loadRouter, readOutcomes, saveRouter } from './files.ts';
export type { Outcome } from './training/outcome.ts';
export { formatRouter, parseRouter } from './router-file.ts';
export { trainRouter, type TrainOptions } from './training/train.ts';
export { TrainedRouter, type RouterState, type Training, type Feedback } from './trained.ts';
export { parseOutcomes } from './training/training-file.ts';
export {
  benchRouting,
  type BenchRoutingOptions,
  type RoutingBench,
} from '../reproductions/routing-savings.ts';
export { RoutingConfigError } from '../budget/config-error.ts';
export { BudgetExceededError, Ledger, type Amount, type Budget, type Reservation } from '../budget/budget.ts';
export {
  loadPrices,
  PriceError,
  type ModelPrice,
  type PriceList,
  type TokenUsage,
} from '../budget/prices.ts';
export { ROLES, verifierFor } from './roles.ts';
export {
  createRouter,
  REASONING_EFFORTS,
  type ReasoningEffort,
  type Route,
  type Router,
  type RouteRow,
  type RouterOptions,
} from './router.ts';
export type { Checked, Fallback, ModelUsage, StepCheck } from '../budget/run-account.ts';
export { efficientRungs, throttle, type Need, type ThrottleOptions } from './throttle.ts';
