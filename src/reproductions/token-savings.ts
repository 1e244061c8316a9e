/** `tutti bench coherence`: the published figures, run again. Deterministic: no clock, no machine in it. */
import { createBus } from '../../actors/bus/in-process-bus.ts';
import type { Schema } from '../score/schema.ts';
import { CANONICAL, runCanonical } from './canonical-trace.ts';
import { coherence } from '../coherence/coherence.ts';
import { UsageError } from '../coherence/errors.ts';
import { broadcastTokens } from '../coherence/ledger.ts';
import {
  accessCount,
  lease,
  STRATEGIES,
  type StrategyName,
  type StrategyOption,
} from '../coherence/strategy.ts';

export interface CoherenceBenchOptions {
  /** Default: every strategy. */
  readonly strategy?: StrategyName;
  /** Whether readers are sent differences. Default false, as published. */
  readonly delta?: boolean;
  /** 0 … 1. Default: the four scenarios A to D. With it, one scenario named after it. */
  readonly writeProbability?: number;
  /** The first seed. Default: the scenario's own. */
  readonly seed?: number;
  /** Seeds seed, seed + 1, …: 1 … 10,000. Default 10. */
  readonly runs?: number;
}

export interface BenchRow {
  readonly scenario: string;
  readonly strategy: StrategyName;
  readonly delta: boolean;
  readonly writeProbability: number;
  readonly seed: number;
  readonly runs: number;
  /** Means per run. */
  readonly tokens: number;
  /** Against the broadcast baseline of 1,966,080 tokens. */
  readonly savings: number;
  readonly hitRate: number;
  readonly staleHits: number;
  readonly blindWrites: number;
  readonly invalidations: number;
}

/** The scenarios of the paper's Table: name, write probability, first seed. */
export const SCENARIOS = [
  { scenario: 'A', writeProbability: 0.05, seed: 20_260_305 },
  { scenario: 'B', writeProbability: 0.1, seed: 20_260_306 },
  { scenario: 'C', writeProbability: 0.25, seed: 20_260_307 },
  { scenario: 'D', writeProbability: 0.5, seed: 20_260_308 },
] as const;

/** Every agent is given every artifact at every tick. */
export const BROADCAST_BASELINE = broadcastTokens({
  agents: CANONICAL.agents,
  steps: CANONICAL.ticks,
  artifacts: new Array<number>(CANONICAL.artifacts).fill(CANONICAL.tokens),
});

/** Ticks for which `lease` lets a stale copy be read, and reads that `accessCount` allows. */
const BOUND = { ttlMs: 5_000, reads: 5 } as const;

/** Runs the canonical trace.
 *  @throws {UsageError} naming the option that is out of range. */
export async function benchCoherence(
  options: CoherenceBenchOptions = {},
): Promise<{ readonly rows: readonly BenchRow[] }> {
  const { strategy, delta = false, writeProbability, seed, runs = 10 } = options;
  if (strategy !== undefined && !STRATEGIES.includes(strategy)) {
    throw new UsageError(`there is no strategy '${String(strategy)}'; use ${STRATEGIES.join(', ')}.`);
  }
  check('runs', runs, 1, 10_000, true);
  if (writeProbability !== undefined) check('writeProbability', writeProbability, 0, 1, false);
  if (seed !== undefined) check('seed', seed, 0, Number.MAX_SAFE_INTEGER - 10_000, true);
  const scenarios =
    writeProbability === undefined
      ? SCENARIOS
      : [{ scenario: `V=${writeProbability}`, writeProbability, seed: SCENARIOS[0].seed }];
  const rows: BenchRow[] = [];
  for (const scenario of scenarios) {
    for (const name of strategy === undefined ? STRATEGIES : [strategy]) {
      rows.push(await row({ ...scenario, seed: seed ?? scenario.seed, runs, delta, strategy: name }));
    }
  }
  return { rows };
}

/** The same trace with more and more writes: V = .05, .10, … 1. */
export async function sweepVolatility(
  options: Omit<CoherenceBenchOptions, 'writeProbability'> = {},
): Promise<{ readonly rows: readonly BenchRow[] }> {
  const rows: BenchRow[] = [];
  for (let step = 1; step <= 20; step++) {
    const swept = await benchCoherence({ strategy: 'lazy', ...options, writeProbability: step / 20 });
    rows.push(...swept.rows);
  }
  return { rows };
}

type RowPlan = Pick<BenchRow, 'scenario' | 'strategy' | 'delta' | 'writeProbability' | 'seed' | 'runs'>;

async function row(plan: RowPlan): Promise<BenchRow> {
  const sum = { tokens: 0, actions: 0, hits: 0, staleHits: 0, blindWrites: 0, invalidations: 0 };
  for (let run = 0; run < plan.runs; run++) {
    const figures = await runCanonical({ ...plan, seed: plan.seed + run, strategy: optionOf(plan.strategy) });
    for (const name of Object.keys(sum) as (keyof typeof sum)[]) sum[name] += figures[name];
  }
  const { scenario, strategy, delta, writeProbability, seed, runs } = plan;
  const tokens = sum.tokens / runs;
  return {
    ...{ scenario, strategy, delta, writeProbability, seed, runs, tokens },
    savings: 1 - tokens / BROADCAST_BASELINE,
    hitRate: sum.hits / sum.actions,
    staleHits: sum.staleHits / runs,
    blindWrites: sum.blindWrites / runs,
    invalidations: sum.invalidations / runs,
  };
}

function optionOf(name: StrategyName): StrategyOption {
  if (name === 'lease') return lease(BOUND);
  return name === 'accessCount' ? accessCount(BOUND) : name;
}

/** The paper's Table 6: three agents write one document in three rounds; all read at the start of a round. */
export interface Table6 {
  readonly modifications: number;
  readonly none: { readonly stale: number };
  readonly mesi: { readonly stale: number; readonly rfos: number; readonly invalidations: number };
}

const text: Schema<string, string> = {
  '~standard': { version: 1, vendor: 'tutti', validate: (value) => ({ value: value as string }) },
};

/** Runs Table 6. Without coherency an agent writes from what it read at the start of the round; with it, from its
 *  copy, which the cue of the last write has brought up to date (`eager`: the paper's "from I back to S"). */
export async function table6({ agents = 3, rounds = 3 } = {}): Promise<Table6> {
  const names = Array.from({ length: agents }, (_, index) => `agent-${index}`);
  let none = 0;
  let version = 0;
  for (let round = 0; round < rounds; round++) {
    const read = version;
    for (let writer = 0; writer < agents; writer++) if (version++ !== read) none++;
  }
  const shared = coherence({
    bus: createBus(),
    schema: { document: text },
    initial: { document: '' },
    strategy: 'eager',
    session: 'table6',
  });
  const crew = names.map((name) => shared.agent(name));
  let stale = 0;
  for (let round = 0; round < rounds; round++) {
    for (const agent of crew) await agent.read('document');
    for (const agent of crew) {
      const base = (await agent.read('document'), agent.version('document'));
      const written = await agent.write('document', (document) => `${document}${agent.name};`);
      if (written !== base + 1) stale++;
    }
  }
  const { invalidations } = shared.counts;
  const rfos = shared.replica.memory.counts.getm;
  await shared.close();
  return { modifications: agents * rounds, none: { stale: none }, mesi: { stale, rfos, invalidations } };
}

function check(name: string, value: number, least: number, most: number, whole: boolean): void {
  if (value >= least && value <= most && (!whole || Number.isInteger(value))) return;
  throw new UsageError(
    `\`${name}\` must be ${whole ? 'a whole number' : 'a number'} from ${least} to ${most}, not ${value}.`,
  );
}
