/** The token ledger: what coherence costs each agent, by key and cause, and what theory says it may cost.
 *
 *  Counted is what an agent would have to read again: a value it never had (cold fetch), one that it has in an
 *  older version (re-fetch), the difference (delta), a value pushed to all agents (broadcast), and the notice that
 *  its copy is stale (invalidation; 12 tokens, as in arXiv 2603.15183). What an agent wrote itself it knows. */
import type { Patch } from '../../actors/coherence/index.ts';
import { estimate, type TokenCounter } from './counter.ts';

export const CAUSES = ['coldFetch', 'reFetch', 'delta', 'invalidation', 'broadcast'] as const;
export type Cause = (typeof CAUSES)[number];

export interface LedgerRow {
  readonly agent: string;
  readonly key: string;
  readonly cause: Cause;
  readonly tokens: number;
  readonly events: number;
}

export interface LedgerReport {
  readonly counter: string;
  readonly tokens: number;
  readonly byCause: Readonly<Record<Cause, number>>;
  readonly byAgent: Readonly<Record<string, number>>;
  readonly byKey: Readonly<Record<string, number>>;
  readonly rows: readonly LedgerRow[];
}

interface Entry {
  tokens: number;
  events: number;
}

export class TokenLedger {
  readonly counter: TokenCounter;
  /** Tokens of one notice that a copy is stale. */
  readonly invalidationTokens: number;
  readonly #entries = new Map<string, Map<string, Map<Cause, Entry>>>();
  /** By key: the tokens of the version last counted. */
  readonly #counted = new Map<string, { version: number; tokens: number }>();
  #tokens = 0;

  constructor({
    counter = estimate,
    invalidationTokens = 12,
  }: { counter?: TokenCounter; invalidationTokens?: number } = {}) {
    this.counter = counter;
    this.invalidationTokens = invalidationTokens;
  }

  /** All tokens so far. */
  get tokens(): number {
    return this.#tokens;
  }

  add(agent: string, key: string, cause: Cause, tokens: number): void {
    let keys = this.#entries.get(agent);
    if (keys === undefined) this.#entries.set(agent, (keys = new Map()));
    let causes = keys.get(key);
    if (causes === undefined) keys.set(key, (causes = new Map()));
    const entry = causes.get(cause);
    if (entry === undefined) causes.set(cause, { tokens, events: 1 });
    else {
      entry.tokens += tokens;
      entry.events++;
    }
    this.#tokens += tokens;
  }

  /** Tokens of a version; counted once per key and version. */
  tokensOf(key: string, version: number, value: unknown): number {
    const known = this.#counted.get(key);
    if (known?.version === version) return known.tokens;
    const tokens = this.#count(value);
    this.#counted.set(key, { version, tokens });
    return tokens;
  }
  tokensOfDelta(patches: readonly Patch[]): number {
    try {
      return this.counter.delta?.(patches) ?? this.counter.count(patches);
    } catch {
      return estimate.count(patches);
    }
  }
  /** A counter that throws must not end what it counts: then it is the estimate that counts. */
  #count(value: unknown): number {
    try {
      return this.counter.count(value);
    } catch {
      return estimate.count(value);
    }
  }

  report(): LedgerReport {
    const rows: LedgerRow[] = [];
    for (const [agent, keys] of this.#entries) {
      for (const [key, causes] of keys)
        for (const [cause, entry] of causes) rows.push({ agent, key, cause, ...entry });
    }
    const sum = (of: (row: LedgerRow) => string) => {
      const sums = new Map<string, number>();
      for (const row of rows) sums.set(of(row), (sums.get(of(row)) ?? 0) + row.tokens);
      return Object.fromEntries(sums);
    };
    const none = Object.fromEntries(CAUSES.map((cause) => [cause, 0])) as Record<Cause, number>;
    return {
      counter: this.counter.name,
      tokens: this.#tokens,
      byCause: { ...none, ...sum((row) => row.cause) },
      byAgent: sum((row) => row.agent),
      byKey: sum((row) => row.key),
      rows,
    };
  }
}

/** Broadcast cost: every agent is given every artifact at every step, n · S · Σ|d| (inventory C10).
 *  @example broadcastTokens({ agents: 5, steps: 50, artifacts: [8192, 8192, 8192] }); // 6144000 */
export function broadcastTokens({
  agents,
  steps,
  artifacts,
}: {
  agents: number;
  steps: number;
  artifacts: readonly number[];
}): number {
  return agents * steps * artifacts.reduce((sum, tokens) => sum + tokens, 0);
}

/** The bound of Token Coherence for one artifact: every agent fetches it once, and every write makes the writer
 *  fetch at most once, (n + W) · |d|: it holds where a write is read by one other agent before the next write.
 *  The seed's form n · |d| + W · n · |d| holds always (inventory C11). Notices are extra. */
export function coherentBounds({
  agents,
  writes,
  tokens,
}: {
  agents: number;
  writes: number;
  tokens: number;
}): {
  readonly tight: number;
  readonly always: number;
} {
  return { tight: (agents + writes) * tokens, always: (agents + writes * agents) * tokens };
}

/** The least share that coherence saves against broadcast when the tight bound applies, 1 − (n + W)/S. */
export function leastSavings({
  agents,
  writes,
  steps,
}: {
  agents: number;
  writes: number;
  steps: number;
}): number {
  return 1 - (agents + writes) / steps;
}
