/** Performing a score: a handle with events, signals and a result. */
import type { InspectionEvent, Observer } from 'xstate';
import type { Bus } from '../actors/bus.ts';
import { realClock, type Clock } from '../actors/clock.ts';
import type { Dispatch } from '../actors/dispatcher.ts';
import { createBus } from '../actors/in-process-bus.ts';
import { Orchestrator } from '../actors/orchestrator.ts';
import type { Program, RetryPolicy } from '../actors/program.ts';
import type { Outcome, RunEvent, RunStatus, Usage } from '../actors/run-events.ts';
import type { StepReport } from '../actors/timeline.ts';
import { cue, fermata, tacet, type HctSignal } from '../machines/signal.ts';
import { EventStream } from './event-stream.ts';
import { inRange, milliseconds } from './limits.ts';
import type { CallReport } from './models/usage.ts';
import { validate } from './schema.ts';
import { Ledger, type Budget } from './routing/ledger.ts';
import { RunAccount, type ModelUsage } from './routing/run-account.ts';
import type { Score } from './score.ts';
import { share, sharedValues, type SharedSpace } from './shared.ts';

export interface PerformOptions<Input = unknown> {
  /** What the score reads as `input`. */
  readonly input?: Input;
  /** Cancels the performance: running agents are aborted, `result` rejects. */
  readonly signal?: AbortSignal | undefined;
  /** How many steps may run at once, 1 … Default: as many as are ready, up to the window. */
  readonly maxConcurrency?: number | undefined;
  /** How many steps may be in flight: issued and not yet written, 1 … 2^20. Default 1,024. */
  readonly window?: number | undefined;
  readonly timeout?:
    { readonly totalMs?: number | undefined; readonly stepMs?: number | undefined } | undefined;
  /** For every step that does not say its own. */
  readonly retry?: RetryPolicy | undefined;
  /** Hard limits. `calls` counts agents that are started; `tokens` and `usd` (US dollars) bound what model agents use
   *  together. A call that could exceed one is not made: its upper bound is set aside first. */
  readonly budget?: Budget | undefined;
  readonly dispatch?: Dispatch | undefined;
  readonly priority?: 'path' | 'fifo' | undefined;
  /** How often a ready step may be passed over by steps of higher priority before it is next, 1 … Default 1,024. */
  readonly patience?: number | undefined;
  /** How long an aborted agent may take to settle before it is left behind. Default 1,000 ms. */
  readonly graceMs?: number | undefined;
  /** How long everybody may wait for a cue that no timer will send. Default 30,000 ms. */
  readonly stallMs?: number | undefined;
  /** A bus to share; else the performance has its own and closes it at the end. */
  readonly bus?: Bus | undefined;
  /** Real time unless told; see `VirtualClock`. */
  readonly clock?: Clock | undefined;
  readonly runId?: string | undefined;
  /** XState inspection of every actor. Costs when present, free when absent. */
  readonly inspect?: Observer<InspectionEvent> | ((event: InspectionEvent) => void) | undefined;
  /** Told of every event, in order and at once; `run.events` is the asynchronous way. */
  readonly onEvent?: ((event: RunEvent) => void) | undefined;
}

/** How a performance ended, in milliseconds of its clock. */
export interface Report<Outputs = Record<string, unknown>> {
  readonly runId: string;
  readonly score: string;
  readonly status: RunStatus;
  /** What could be had of the outputs: all of them when `completed`. */
  readonly outputs: Outputs;
  readonly errors: readonly Error[];
  /** What the steps shared, as it was at the end; there when the score shares anything. */
  readonly shared?: Readonly<Record<string, unknown>>;
  readonly usage: Usage & Partial<ModelUsage>;
  readonly makespan: number;
  /** The longest chain of dependent steps by what they really took. */
  readonly criticalPath: { readonly length: number; readonly steps: readonly string[] };
  readonly timeline: readonly StepReport[];
}

/** A performance did not complete. What could be had is in `report`. */
export class PerformanceError extends AggregateError {
  override name = 'PerformanceError';
  declare readonly report: Report;
  constructor(report: Report) {
    const [first] = report.errors;
    const more = report.errors.length > 1 ? ` (and ${report.errors.length - 1} more)` : '';
    super(report.errors, `'${report.score}' ${report.status}: ${first?.message ?? 'unknown'}${more}`, {
      cause: first,
    });
    // Not shown with the error: it has the errors once more, and everything else.
    Object.defineProperty(this, 'report', { value: report, enumerable: false });
  }
}

/** A performance under way. */
export interface Run<Outputs = Record<string, unknown>> {
  readonly id: string;
  /** From the first look on, in order; bounded, see {@link EventStream}. */
  readonly events: AsyncIterable<RunEvent>;
  /** Resolves when every output is there; rejects with {@link PerformanceError}, or {@link SchemaError} for the input. */
  readonly result: Promise<Report<Outputs>>;
  /** Like `result`, but a performance that failed or was cancelled resolves, too. */
  readonly report: Promise<Report>;
  /** A caesura: aborts what runs, discards what waits. */
  cancel(reason?: unknown): void;
  /** Puts a signal of HCT on the bus: `fermata` holds, `cue` resumes, `tacet` silences, `attacca` hurries. */
  signal(signal: HctSignal): void;
  fermata(...targets: string[]): void;
  cue(...targets: string[]): void;
  /** Adds to the limits that `budget` has set; who waits for it goes on, and a lowered ceiling lifts.
   *  @throws {RoutingConfigError} for an amount that is negative, not a number, or not whole where it must be. */
  extend(more: Budget): void;
  /** Tells of every call of a model from now on: who asked which one, tokens and money.
   *  @returns how to stop listening. */
  onUsage(listener: (report: CallReport) => void): () => void;
  tacet(agents: string[], durationMs?: number): void;
  readonly bus: Bus;
  /** What the steps share, if the score shares anything. */
  readonly shared: SharedSpace | undefined;
}

let runs = 0;

/** Performs a score.
 *  @throws {ScoreError} at once, when the score cannot be performed or a limit makes no sense.
 *  @example
 *  ```ts
 *  const run = perform(greeting, { input: { name: 'Ada' }, maxConcurrency: 8, signal: AbortSignal.timeout(60_000) });
 *  for await (const event of run.events) console.log(event.type);
 *  const { outputs, usage } = await run.result;
 *  ``` */
export function perform<Input, N extends Record<string, unknown>>(
  score: Score<Input, N>,
  options: PerformOptions<Input> = {},
): Run<Score<Input, N>['names']> {
  checkOptions(options);
  const { program } = score;
  const id = options.runId ?? `${score.name}-${++runs}`;
  const clock = options.clock ?? realClock;
  const bus = options.bus ?? createBus({ runId: id, clock });
  const { calls, tokens, usd } = options.budget ?? {};
  const limits = { calls };
  const started = clock.now();
  const totalMs = options.timeout?.totalMs;
  const account = new RunAccount(
    { tokens, usd },
    {
      spenders: () => program.steps.filter(({ agent, tacet }) => agent.spends && !tacet).length,
      deadline: totalMs === undefined ? undefined : started + totalMs,
      shareOfTime: sharesOf(program),
    },
  );
  const shared =
    score.state === undefined
      ? undefined
      : share(score.state, { bus, clock, runId: id, inspect: options.inspect });
  let views = 0;
  const view = shared && ((stepId: string) => shared.transaction(`${stepId}#${++views}`));
  let cancelled: { reason: unknown } | undefined;
  let orchestrator: Orchestrator | undefined;
  const { onEvent } = options;
  const tell = (event: RunEvent): void => {
    onEvent?.(event);
    events.push(event);
  };
  // Events cost only when somebody looks: until then the orchestrator has no listener.
  let watched = onEvent !== undefined;
  const events = new EventStream(() => {
    watched = true;
    orchestrator?.listen(tell);
  });

  const begin = (input: unknown): Promise<Report> => {
    orchestrator = new Orchestrator(program, {
      ...options,
      share: view,
      budget: limits,
      runId: id,
      input,
      bus,
      clock,
      account,
    });
    if (watched) orchestrator.listen(tell);
    if (cancelled !== undefined) orchestrator.cancel(cancelled.reason);
    orchestrator.start();
    return orchestrator.outcome.then((outcome) => reportOf(outcome, id, score.name, account, shared));
  };
  const report = (async () => {
    try {
      const { inputSchema } = score;
      return await begin(
        inputSchema ? await validate(inputSchema, options.input, 'the input') : options.input,
      );
    } finally {
      events.end();
      shared?.stop();
      if (options.bus === undefined) void bus.close();
    }
  })();
  const result = report.then((ended) => {
    if (ended.status === 'completed') return ended as Report<Score<Input, N>['names']>;
    throw new PerformanceError(ended);
  });
  // Whoever only watches the events need not handle the rejection as well.
  result.catch(() => {});
  report.catch(() => {});

  const signal = (given: HctSignal): void => void bus.publish(given, { runId: id });
  return {
    id,
    events,
    result,
    report,
    bus,
    shared,
    signal,
    cancel(reason) {
      cancelled = { reason };
      orchestrator?.cancel(reason);
    },
    onUsage: (listener) => account.listen(listener),
    extend(more) {
      const given = new Ledger(more).limits; // checks all of it before anything changes
      account.ledger.extend({ tokens: given.tokens, usd: given.usd });
      if (limits.calls !== undefined) limits.calls += given.calls ?? 0;
    },
    fermata: (...targets) => signal(fermata({ source: 'caller', targets })),
    cue: (...targets) => signal(cue({ source: 'caller', targets, intent: 'resume' })),
    tacet: (targets, durationMs) =>
      signal(tacet({ source: 'caller', targets, ...(durationMs === undefined ? {} : { durationMs }) })),
  };
}

function reportOf(
  outcome: Outcome,
  runId: string,
  score: string,
  account: RunAccount,
  shared?: SharedSpace,
): Report {
  const { status, outputs, errors, usage, timeline } = outcome;
  // Computed when looked at: a performance of 100,000 steps keeps columns, not objects.
  return {
    runId,
    score,
    status,
    outputs,
    errors,
    ...(shared === undefined ? {} : { shared: sharedValues(shared) }),
    usage: { ...usage, ...account.used },
    makespan: timeline.makespan,
    get criticalPath() {
      return timeline.criticalPath();
    },
    get timeline() {
      return timeline.reports();
    },
  };
}

/** A step's own part of the longest remaining path through it. */
function sharesOf({ steps, remaining }: Program): (stepId: string) => number {
  let places: Map<string, number> | undefined;
  return (stepId) => {
    places ??= new Map(steps.map(({ id }, i) => [id, i]));
    const place = places.get(stepId) ?? -1;
    const cost = steps[place]?.cost ?? 1;
    return cost > 0 ? cost / (remaining[place] ?? cost) : 1;
  };
}

function checkOptions(options: PerformOptions<any>): void {
  inRange('maxConcurrency', options.maxConcurrency, 1, Number.MAX_SAFE_INTEGER, true);
  inRange('window', options.window, 1, 2 ** 20, true);
  inRange('patience', options.patience, 1, Number.MAX_SAFE_INTEGER, true);
  inRange('budget.calls', options.budget?.calls, 0, Number.MAX_SAFE_INTEGER, true);
  if (options.budget !== undefined) void new Ledger(options.budget); // refuses what it does not know
  milliseconds('timeout.totalMs', options.timeout?.totalMs);
  milliseconds('timeout.stepMs', options.timeout?.stepMs);
  milliseconds('graceMs', options.graceMs);
  milliseconds('stallMs', options.stallMs);
}
