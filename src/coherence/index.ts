/** Coherent shared state: what a user calls.
 *  @module tutti/coherence */
export { coherence, type Coherence, type CoherenceOptions, type KeyReport } from './coherence.ts';
export { estimate, gptTokenizer } from './counter.ts';
export {
  CoherenceError,
  ConflictError,
  HoldDeadlockError,
  FencedError,
  InDoubtError,
  RetryError,
  ValueError,
} from './errors.ts';
export { TokenLedger, broadcastTokens, coherentBounds, leastSavings } from './ledger.ts';
export { retry } from './retry.ts';
export { accessCount, lease, stalenessBound, type Strategy } from './strategy.ts';
export type { SharedAgent } from './agent.ts';
export type { Transaction } from './transaction.ts';
export type { Session } from './session.ts';
export type { Hold, HoldSet } from './hold.ts';
export type { ReadOptions } from './read.ts';
export type { WriteOptions } from './write.ts';
export type { Recipe } from './compute.ts';
