/** Coherent shared state: what a user calls. */
export { SharedAgent } from './agent.ts';
export type { Passport } from './space.ts';
export {
  coherence,
  Coherence,
  type CoherenceOptions,
  type KeyReport,
  type Schemas,
  type ValuesOf,
} from './coherence.ts';
export type { Recipe } from './compute.ts';
export type { ReadOptions, ValueCopy } from './read.ts';
export { Transaction, type StepHold } from './transaction.ts';
export type { Watched, WatchOptions } from './watch.ts';
export type { WriteOptions } from './write.ts';
export {
  benchCoherence,
  BROADCAST_BASELINE,
  SCENARIOS,
  sweepVolatility,
  table6,
  type CoherenceBenchOptions,
  type BenchRow,
  type Table6,
} from '../reproductions/token-savings.ts';
export { estimate, gptTokenizer, type TokenCounter } from './counter.ts';
export {
  ClosedAgentError,
  CoherenceError,
  ConflictError,
  HoldDeadlockError,
  FencedError,
  InDoubtError,
  LapsedError,
  NestedCallError,
  RecipeError,
  RetryError,
  UnknownKeyError,
  UnsetError,
  UsageError,
  ValueError,
  type Conflict,
} from './errors.ts';
export { Hold, HoldSet, type HoldOptions } from './hold.ts';
export {
  broadcastTokens,
  coherentBounds,
  leastSavings,
  TokenLedger,
  type Cause,
  type LedgerReport,
  type LedgerRow,
} from './ledger.ts';
export { retry, type RetryOptions } from './retry.ts';
export type { UpdateOptions } from './update.ts';
export { Session, type SessionOptions } from './session.ts';
export {
  accessCount,
  lease,
  stalenessBound,
  STRATEGIES,
  type Strategy,
  type StrategyName,
  type StrategyOption,
} from './strategy.ts';
