/** Difficulty estimation and model selection under a budget.
 *  @module tutti/routing */
export { builtInEstimator, type DifficultyEstimator, type LearningEstimator } from './estimator.ts';
export { loadRouter, readOutcomes, saveRouter } from './files.ts';
export { trainRouter, type TrainOptions } from './training/train.ts';
export { BudgetExceededError, type Amount, type Budget } from '../budget/budget.ts';
export { loadPrices, type ModelPrice, type PriceList, type TokenUsage } from '../budget/prices.ts';
export {
  createRouter,
  type ReasoningEffort,
  type Route,
  type Router,
  type RouteRow,
  type RouterOptions,
} from './router.ts';
export type { Outcome } from './training/outcome.ts';
export type { Feedback } from './trained.ts';
export type { Checked, Fallback, ModelUsage, StepCheck } from '../budget/run-account.ts';
