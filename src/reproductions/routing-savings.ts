/** `tutti bench routing`: the paper's Table 5 recomputed, and governors under load. No model is called. */
import { knownFields } from '../budget/config-error.ts';
import { UnitGovernor } from '../../actors/governor/governor.ts';
import { GOVERNORS } from '../../machines/governor/governor.ts';
import type { OperatingPoint } from '../../machines/governor/operating-point.ts';
import { builtInEstimator, type DifficultyEstimator } from '../routing/estimator.ts';
import { LOADS } from '../routing/fixtures/loads.ts';
import { DIFFICULTY, PRINTED, TABLE, TASKS, TOKENS, type Complexity } from './table-5.ts';
import { loadPrices, type ModelPrice, type PriceList } from '../budget/prices.ts';
import { createRouter, type RouteRow } from '../routing/router.ts';
import { traceGovernor, type GovernorTrace } from './governor-traces.ts';
import { drawTraces } from './governor-traces-svg.ts';

export interface BenchRoutingOptions {
  /** Default: the paper's three tiers, see `fixtures/table-5.ts`. Nearest match is on. */
  readonly table?: readonly RouteRow[] | undefined;
  /** By `provider:name`, US dollars per million tokens; wins over the price table. */
  readonly prices?: Readonly<Record<string, ModelPrice>> | undefined;
  /** Default: the built-in one. */
  readonly estimator?: DifficultyEstimator | undefined;
  /** Loads to run the governors under, in percent per second. Default: step, ramp, burst, recorded. */
  readonly loads?: Readonly<Record<string, readonly number[]>> | undefined;
}

/** Where one task went, and for how much. */
export interface RoutedTask {
  readonly complexity: Complexity;
  readonly difficulty: number;
  readonly point: OperatingPoint;
  readonly model: string;
  /** US dollars. */
  readonly usd: number;
  /** US dollars at the frontier. */
  readonly frontierUsd: number;
}
export interface RoutingCost {
  readonly tasks: readonly RoutedTask[];
  readonly single: number;
  readonly router: number;
  /** 0 to 1; negative when routing costs more. */
  readonly savings: number;
  /** Complex tasks that went to another model than the frontier's. */
  readonly complexBelowFrontier: number;
}
export interface RoutingBench {
  readonly table5: {
    /** As the paper prints it. */
    readonly printed: { readonly single: number; readonly router: number; readonly savings: number };
    /** From the paper's three rows: 0.0687 of 0.225. */
    readonly fromComponents: { readonly single: number; readonly router: number; readonly savings: number };
    /** From raw tokens and today's prices, each task by its class. */
    readonly recomputed: RoutingCost;
    /** The same, each task by what the estimator makes of its text. */
    readonly estimated: RoutingCost;
    readonly tokensPerTask: { readonly input: number; readonly output: number };
  };
  readonly governors: Readonly<Record<string, readonly GovernorTrace[]>>;
  /** The traces as an SVG picture. */
  readonly picture: string;
}

/** @throws RoutingConfigError for a table or a price that cannot be used */
export async function benchRouting(options: BenchRoutingOptions = {}): Promise<RoutingBench> {
  knownFields('benchRouting', options, ['table', 'prices', 'estimator', 'loads']);
  const prices = await loadPrices(options.prices === undefined ? {} : { overrides: options.prices });
  const table = options.table ?? TABLE;
  const estimator = options.estimator ?? builtInEstimator;
  const loads = Object.entries(options.loads ?? LOADS);
  const governors = Object.fromEntries(
    loads.map(([name, demand]) => [name, GOVERNORS.map((governor) => traceGovernor(governor, demand))]),
  );
  const { rows, total, savings } = PRINTED;
  const parts = Object.values(rows).reduce((sum, row) => sum + row.router, 0);
  return {
    table5: {
      printed: { ...total, savings },
      fromComponents: { single: total.single, router: parts, savings: 1 - parts / total.single },
      recomputed: costOf(table, prices, ({ complexity }) => DIFFICULTY[complexity]),
      estimated: costOf(table, prices, ({ task }) => estimator.estimate(task)),
      tokensPerTask: TOKENS,
    },
    governors,
    picture: drawTraces(governors),
  };
}

function costOf(
  table: readonly RouteRow[],
  prices: PriceList,
  difficultyOf: (task: (typeof TASKS)[number]) => number,
): RoutingCost {
  const router = createRouter({ table, nearest: true });
  const governor = new UnitGovernor({ unit: 'bench' });
  const frontier = router.route(governor.ceiling).model;
  const { input, output } = TOKENS;
  const usage = {
    inputTokens: { total: input, noCache: input, cacheRead: 0, cacheWrite: 0 },
    outputTokens: { total: output, text: output, reasoning: 0 },
  };
  const frontierUsd = prices.cost(frontier, usage);
  const tasks = TASKS.map((task): RoutedTask => {
    const difficulty = difficultyOf(task);
    const point = governor.pointFor(difficulty);
    const { model } = router.route(point);
    return {
      complexity: task.complexity,
      difficulty,
      point,
      model,
      usd: prices.cost(model, usage),
      frontierUsd,
    };
  });
  governor.stop();
  const single = tasks.reduce((sum, task) => sum + task.frontierUsd, 0);
  const routed = tasks.reduce((sum, task) => sum + task.usd, 0);
  const complexBelowFrontier = tasks.filter(
    ({ complexity, model }) => complexity === 'complex' && model !== frontier,
  ).length;
  return {
    tasks,
    single,
    router: routed,
    savings: single === 0 ? 0 : 1 - routed / single,
    complexBelowFrontier,
  };
}
