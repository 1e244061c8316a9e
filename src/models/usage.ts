/** Who used how much: tokens in the AI SDK's shape, and money, by step and by run. */
import type { CallReport } from '../budget/call-report.ts';
import type { TokenUsage } from '../budget/prices.ts';

/** A sum of calls. */
export interface UsageTotal {
  readonly calls: number;
  readonly failed: number;
  /** Calls whose usage is an upper bound. */
  readonly estimated: number;
  readonly usage: TokenUsage;
  /** US dollars. */
  readonly usd: number;
}

const plus = (a: number | undefined, b: number | undefined): number | undefined =>
  a === undefined ? b : b === undefined ? a : a + b;

export const NO_USAGE: TokenUsage = Object.freeze({
  inputTokens: Object.freeze({
    total: undefined,
    noCache: undefined,
    cacheRead: undefined,
    cacheWrite: undefined,
  }),
  outputTokens: Object.freeze({ total: undefined, text: undefined, reasoning: undefined }),
});

/** Adds usages; "not reported" and a number give the number. */
export function addUsage(a: TokenUsage, b: TokenUsage): TokenUsage {
  return {
    inputTokens: {
      total: plus(a.inputTokens.total, b.inputTokens.total),
      noCache: plus(a.inputTokens.noCache, b.inputTokens.noCache),
      cacheRead: plus(a.inputTokens.cacheRead, b.inputTokens.cacheRead),
      cacheWrite: plus(a.inputTokens.cacheWrite, b.inputTokens.cacheWrite),
    },
    outputTokens: {
      total: plus(a.outputTokens.total, b.outputTokens.total),
      text: plus(a.outputTokens.text, b.outputTokens.text),
      reasoning: plus(a.outputTokens.reasoning, b.outputTokens.reasoning),
    },
  };
}

const NOTHING: UsageTotal = Object.freeze({ calls: 0, failed: 0, estimated: 0, usage: NO_USAGE, usd: 0 });
const add = (total: UsageTotal, { usage, usd, estimated, failed }: CallReport): UsageTotal => ({
  calls: total.calls + 1,
  failed: total.failed + (failed ? 1 : 0),
  estimated: total.estimated + (estimated ? 1 : 0),
  usage: addUsage(total.usage, usage),
  usd: total.usd + (usd ?? 0),
});

/** Sums calls by run and by step. Give one to several agents to see a whole performance. */
export class UsageMeter {
  readonly #runs = new Map<string, { total: UsageTotal; steps: Map<string, UsageTotal> }>();

  add(report: CallReport): void {
    const run = this.#runs.get(report.runId) ?? { total: NOTHING, steps: new Map<string, UsageTotal>() };
    run.total = add(run.total, report);
    run.steps.set(report.stepId, add(run.steps.get(report.stepId) ?? NOTHING, report));
    this.#runs.set(report.runId, run);
  }
  run(runId: string): UsageTotal {
    return this.#runs.get(runId)?.total ?? NOTHING;
  }
  step(runId: string, stepId: string): UsageTotal {
    return this.#runs.get(runId)?.steps.get(stepId) ?? NOTHING;
  }
  /** Step by step, in the order of their first calls. */
  steps(runId: string): ReadonlyMap<string, UsageTotal> {
    return this.#runs.get(runId)?.steps ?? new Map();
  }
  /** Lets go of a run, so that a long-lived meter does not grow. */
  forget(runId: string): void {
    this.#runs.delete(runId);
  }
}
