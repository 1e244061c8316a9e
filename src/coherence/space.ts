/** What a space gives to its agents. */
import type { Clock } from '../../actors/bus/clock.ts';
import type { Replica } from '../../actors/coherence/index.ts';
import type { Schema } from '../score/schema.ts';
import type { TokenLedger } from './ledger.ts';
import type { Strategy } from './strategy.ts';

/** What happened in a space, for a report. */
export interface Counts {
  /** Reads that fetched. */
  misses: number;
  /** Reads of a copy that was no longer current, within the strategy's bound. */
  staleHits: number;
  invalidations: number;
  writes: number;
  conflicts: number;
}

/** Which strategy an agent has for a key: its own, the key's, or the one for all. */
export interface Strategies {
  readonly byAgent: ReadonlyMap<string, Strategy>;
  readonly byKey: ReadonlyMap<string, Strategy>;
  readonly all: Strategy;
}

/** What a space gives to its agents. */
export interface AgentSpace {
  readonly replica: Replica;
  readonly schemas: ReadonlyMap<string, Schema>;
  readonly ledger: TokenLedger | undefined;
  readonly clock: Clock;
  readonly delta: boolean;
  readonly counts: Counts;
  readonly strategies: Strategies;
}

/** What an agent takes along to another replica: it must not see less there. */
export interface Passport {
  readonly applied: number;
  readonly seen: Readonly<Record<string, number>>;
}

/** What a slot needs of its agent. */
export interface SlotAgent {
  readonly name: string;
  readonly space: AgentSpace;
  /** Why nothing will come of this agent any more. */
  readonly dead: Error | undefined;
  /** Reads answered from a copy. */
  hits: number;
  /** By the place of a key, while reads hit: a promise of the copy, and the copy. */
  readonly answers: (Promise<unknown> | undefined)[];
  readonly values: unknown[];
}
