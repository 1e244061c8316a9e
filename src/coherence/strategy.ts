/** Strategies: when a copy that another agent's write made stale is fetched again, and how stale a read may be. */
import { UsageError } from './errors.ts';

/** | strategy | after another's write | a read is stale by at most |
 *  |---|---|---|
 *  | `lazy` | the copy is dropped; the next read fetches | 0 |
 *  | `eager` | the copy is dropped and fetched again at once | 0 |
 *  | `broadcast` | as eager, for every agent, whole values only | 0 |
 *  | `lease` | the copy may be read for `ttlMs` more | `ttlMs` milliseconds |
 *  | `accessCount` | the copy may be read `reads` more times | `reads` reads |
 *
 *  Staleness is against the applied prefix of the agent's own replica; `fresh: true` reads at the log's tip. A
 *  write is never computed from a stale copy unseen: a stale write is refused, no matter what was read. */
export type Strategy =
  | { readonly name: 'lazy' | 'eager' | 'broadcast' }
  | { readonly name: 'lease'; readonly ttlMs: number }
  | { readonly name: 'accessCount'; readonly reads: number };

export const STRATEGIES = ['lazy', 'eager', 'lease', 'accessCount', 'broadcast'] as const;
export type StrategyName = (typeof STRATEGIES)[number];

const named = { lazy: { name: 'lazy' }, eager: { name: 'eager' }, broadcast: { name: 'broadcast' } } as const;

/** A copy may be read for so long after another agent's write.
 *  @example `coherence({ bus, schema, strategy: lease({ ttlMs: 5_000 }) })` */
export function lease({ ttlMs }: { ttlMs: number }): Strategy {
  if (!(typeof ttlMs === 'number' && ttlMs >= 0))
    throw new UsageError(`lease: ttlMs must be 0 or more, not ${ttlMs}.`);
  return { name: 'lease', ttlMs };
}

/** A copy may be read so often after another agent's write. */
export function accessCount({ reads }: { reads: number }): Strategy {
  if (!Number.isInteger(reads) || reads < 0) {
    throw new UsageError(`accessCount: reads must be a whole number from 0, not ${reads}.`);
  }
  return { name: 'accessCount', reads };
}

/** What a user writes: a name where it needs no number. */
export type StrategyOption = 'lazy' | 'eager' | 'broadcast' | Strategy;

export function strategyOf(option: StrategyOption): Strategy {
  if (typeof option !== 'string' && typeof option === 'object' && option !== null) {
    if (option.name === 'lease') return lease(option);
    if (option.name === 'accessCount') return accessCount(option);
    option = option.name;
  }
  const strategy = Object.hasOwn(named, option) ? named[option] : undefined;
  if (strategy === undefined) {
    throw new UsageError(
      `there is no strategy '${option}'; use ${STRATEGIES.join(', ')} (lease and accessCount with a number).`,
    );
  }
  return strategy;
}

/** How stale a read may be, in words. */
export function stalenessBound(strategy: Strategy): string {
  if (strategy.name === 'lease') return `${strategy.ttlMs} ms`;
  return strategy.name === 'accessCount' ? `${strategy.reads} reads` : '0';
}
