/** Coherent shared state: what a user calls. */
export { SharedAgent } from './agent.ts';
export type { WriteOptions } from './changing.ts';
export { coherence, Coherence, type CoherenceOptions, type Schemas, type ValuesOf } from './coherence.ts';
export type { Recipe } from './compute.ts';
export type { Passport } from './desk.ts';
export type { ReadOptions } from './reading.ts';
export {
  benchCoherence,
  BROADCAST_BASELINE,
  SCENARIOS,
  sweepVolatility,
  table6,
  type BenchOptions,
  type BenchRow,
  type Table6,
} from './bench.ts';
export { estimate, gptTokenizer, type TokenCounter } from './counter.ts';
export {
  ClosedAgentError,
  CoherenceError,
  ConflictError,
  FencedError,
  LapsedError,
  NestedWriteError,
  RecipeError,
  RetryError,
  UnknownKeyError,
  UnsetError,
  UsageError,
  type Conflict,
} from './errors.ts';
export { Hold } from './hold.ts';
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
