/** Performing a score: a handle with events, signals and a result. */
import type { InspectionEvent, Observer } from 'xstate';
import type { Bus } from '../../actors/bus/bus.ts';
import { realClock, type Clock } from '../../actors/bus/clock.ts';
import type { Dispatch } from '../../actors/tomasulo/dispatcher.ts';
import { createBus } from '../../actors/bus/in-process-bus.ts';
import { asError } from '../../actors/tomasulo/errors.ts';
import { Orchestrator } from '../../actors/tomasulo/orchestrator.ts';
import { ScoreError, type Program, type RetryPolicy, type Share } from '../../actors/tomasulo/program.ts';
import type { RunOutcome, RunEvent, RunStatus, Usage } from '../../actors/tomasulo/run-events.ts';
import { AnswerError, editsOf, refusedAnswer, type HeldStep } from '../../actors/tomasulo/questions.ts';
import type { StepReport, StepStatus } from '../../actors/tomasulo/timeline.ts';
import { caesura, cue, fermata, hctSignalSchema, tacet, type HctSignal } from '../../machines/hct/signal.ts';
import { parseOrRefuse } from '../../machines/hct/refusal.ts';
import { frozenCopy } from '../../actors/bus/freeze.ts';
import type { RunStore } from '../../actors/bus/run-store.ts';
import { LogError } from '../../actors/bus/log.ts';
import type { Decision, RunRecord } from '../durable/facts.ts';
import { signalOf, type InboxRequest } from '../durable/messages.ts';
import { beginJournal, endOf, noteUsage, restoreAccount, watchInbox } from '../durable/of-performance.ts';
import { committingTo, earlierOf, keepShared } from '../durable/keep-shared.ts';
import { shrinkDue } from '../durable/retention.ts';
import type { RunJournal } from '../durable/run-journal.ts';
import { EventStream } from './event-stream.ts';
import { checkPerformOptions, knownKeys, shown } from './limits.ts';
import type { CallReport } from '../budget/call-report.ts';
import { SchemaError, validate, type Schema } from './schema.ts';
import { Ledger, type Budget } from '../budget/budget.ts';
import { RunAccount, type ModelUsage } from '../budget/run-account.ts';
import { Score } from './score.ts';
import { share, sharedValues, type SharedSpace } from '../coherence/shared.ts';

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
  /** For every step that has no retry policy. */
  readonly retry?: RetryPolicy | undefined;
  /** What a failure does that no step absorbs: the other steps `settle` (default), or all is cancelled at once. */
  readonly onFailure?: 'settle' | 'cancel' | undefined;
  /** What the jitter of retries is drawn from, a whole number from 0 to 2^32 − 1: the same seed draws the same delays.
   *  Default: 0 in virtual time, random in real time. */
  readonly seed?: number | undefined;
  /** Hard limits. `calls` counts each start of an agent (a retry and a round of a vamp start it again) and each request to
   *  a model beyond the first one of that start: a retry of the request, a round of tools, a fallback, an escalation, a
   *  verifier. So neither starts nor requests exceed it. `tokens` and `usd` (US dollars) bound what all models use
   *  together. A call that could exceed a limit is not made: its upper bound is set aside first. Only a provider that
   *  writes more than `maxOutputTokens` can exceed `tokens` and `usd`, by that one answer. */
  readonly budget?: Budget | undefined;
  readonly dispatch?: Dispatch | undefined;
  readonly priority?: 'path' | 'fifo' | undefined;
  /** How often a ready step may be passed over by steps of higher priority before it is next, 1 … Default 1,024. */
  readonly patience?: number | undefined;
  /** How long, in real time, an aborted agent may take to settle before it is left behind. A performance that was
   *  cancelled, timed out or lost its bus ends within this time. Default 1,000 ms. */
  readonly graceMs?: number | undefined;
  /** How long, in real time, the bus may take to deliver a result before the performance ends with an
   *  `UnavailableError`. Default: `graceMs`. */
  readonly deliveryMs?: number | undefined;
  /** How long all steps may wait for a cue that no timer will send. Default 30,000 ms. */
  readonly stallMs?: number | undefined;
  /** A bus to share. Default: the performance has its own and closes it at the end. */
  readonly bus?: Bus | undefined;
  /** Default: real time. See `VirtualClock`. */
  readonly clock?: Clock | undefined;
  /** Keeps what happens in a store, so that the performance survives the process: `resume(store, runId, score)` goes on.
   *  Results, inputs and defaults have to be JSON. See the guide on durable performances. */
  readonly durable?: RunStore | undefined;
  /** How long, in real time, all that is left of a durable performance may wait for a person before it ends as `held`.
   *  Default: while a hold has a time limit, until that; else `stallMs`. */
  readonly heldMs?: number | undefined;
  /** The score file, kept with a durable performance for the command line. */
  readonly scoreFile?: string | undefined;
  /** Names the performance on its bus. Default: the score's name and a random part. A bus takes each id once. */
  readonly runId?: string | undefined;
  /** XState inspection of every actor. Costs when present, free when absent. */
  readonly inspect?: Observer<InspectionEvent> | ((event: InspectionEvent) => void) | undefined;
  /** Called synchronously for every event, in order. For async iteration use `run.events`. */
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
  /** Starts recording when you first iterate it. In order; bounded, see `EventStream`. */
  readonly events: AsyncIterable<RunEvent>;
  /** Resolves when every output is there; rejects with {@link PerformanceError}, or {@link SchemaError} for the input. */
  readonly result: Promise<Report<Outputs>>;
  /** Like `result`, but never rejects: a performance that failed or was cancelled resolves, too. */
  readonly report: Promise<Report>;
  /** A caesura: aborts what runs, discards what waits. */
  cancel(reason?: unknown): void;
  /** Puts a signal of HCT on the bus: `fermata` holds, `cue` resumes, ends a vamp and sets urgency, `vamp` repeats,
   *  `caesura` refuses a step or cancels all, `tacet` silences, `attacca` hurries. Targets are the names of steps and
   *  agents; `*`, none, or this performance's id address all of it. Does nothing after the end.
   *  @throws {SignalError} for what is not a signal. */
  signal(signal: HctSignal): void;
  /** Holds steps or agents that have not started, until a cue. No targets: all. */
  fermata(...targets: string[]): void;
  /** Lifts holds, wakes silent agents, ends vamps after the round that runs.
   *  @param targets names of steps and agents. None: all; a step that needs an answer stays held
   *  @param answer what the step's question is answered with; the step finds it in `context.answer`
   *  @param edit operands that the step receives in place of what it reads
   *  @returns a promise where the schema of the answer is asynchronous
   *  @throws {AnswerError} for an answer that does not fit, and where there is no answer though one is needed. The step
   *  stays held. */
  cue(
    targets?: string | readonly string[],
    answer?: unknown,
    edit?: { readonly operands?: Readonly<Record<string, unknown>> },
  ): void | Promise<void>;
  /** Refuses a step that has not started: it fails, or its default stands in.
   *  @throws {AnswerError} for a step that does not exist, runs or has ended */
  refuse(stepId: string, reason?: string): void;
  /** The steps that are held now, in the order of the score, each with its question and its operands. */
  readonly holds: readonly HeldStep[];
  /** Adds to the limits that `budget` has set; steps that wait for it go on, and a lowered ceiling lifts.
   *  @throws {RoutingConfigError} for an amount that is negative, not a number, or not whole where it must be. */
  extend(more: Budget): void;
  /** Calls the listener for every call of a model from now on: the step, the model, tokens and money.
   *  @returns a function that stops it. */
  onUsage(listener: (report: CallReport) => void): () => void;
  /** Silences agents or steps: what runs may end, nothing new starts, until a cue or for a time. No targets: all. */
  tacet(targets: string[], durationMs?: number): void;
  /** Decides about an external step of a durable performance that a crash has cut off.
   *  @throws {LogError} when the step is not in doubt */
  decide(stepId: string, decision: Decision): void;
  readonly bus: Bus;
  /** What the steps share, if the score shares anything. */
  readonly shared: SharedSpace | undefined;
}

/** Run ids that callers have given, by bus: the results of two runs under one id could not be told apart. */
const idsOnBus = new WeakMap<Bus, Set<string>>();

function claimId(bus: Bus | undefined, runId: string): void {
  if (bus === undefined) return;
  const ids = idsOnBus.get(bus) ?? new Set<string>();
  idsOnBus.set(bus, ids);
  if (ids.has(runId) || runId === bus.runId)
    throw new ScoreError(
      'runId',
      `'${runId}' is already in use on this bus; choose another, or leave it out.`,
    );
  ids.add(runId);
}

const randomPart = (): string =>
  [...crypto.getRandomValues(new Uint8Array(8))].map((byte) => byte.toString(16).padStart(2, '0')).join('');

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
  return performFrom(score, options, undefined);
}

/** What a later life of a durable performance begins with. */
export interface Recovered {
  readonly journal: RunJournal;
  readonly record: RunRecord;
}

/** Performs a score from where its log stands.
 *  @internal */
export function performFrom<Input, N extends Record<string, unknown>>(
  score: Score<Input, N>,
  options: PerformOptions<Input>,
  recovered: Recovered | undefined,
): Run<Score<Input, N>['names']> {
  if (!(score instanceof Score))
    throw new ScoreError(
      'score',
      `perform takes a score, as score('name').step(…) makes it; not ${shown(score)}.`,
    );
  checkPerformOptions(options);
  if (options.budget !== undefined) void new Ledger(options.budget); // refuses what it does not know
  const { program } = score;
  const id = options.runId ?? `${score.name}-${randomPart()}`;
  const clock = options.clock ?? realClock;
  if (options.runId !== undefined) claimId(options.bus, id);
  const bus = options.bus ?? createBus({ runId: id, clock });
  const totalMs = options.timeout?.totalMs;
  const { durable } = options;
  const journal = recovered?.journal ?? (durable && beginJournal(durable, id, score.name, program, clock));
  const account = new RunAccount(options.budget, {
    spenders: () => spendersIn(program),
    deadline: totalMs === undefined ? undefined : clock.now() + totalMs,
    shareOfTime: sharesOf(program),
  });
  if (recovered !== undefined) restoreAccount(account, recovered.record);
  const earlier = recovered && earlierOf(recovered.record);
  const shared =
    score.state && share(score.state, { bus, clock, runId: id, inspect: options.inspect, earlier });
  const stopKeeping = shared && journal && keepShared(journal, bus, id, shared, recovered?.record);
  const orchestrator = new Orchestrator(program, {
    ...options,
    journal,
    seed: options.seed ?? usualSeed(clock),
    judge: judgeAnswer,
    share: shared && viewsOf(shared, journal),
    charge: options.budget?.calls === undefined ? undefined : () => account.charge(),
    runId: id,
    bus,
    clock,
    account,
  });
  const { onEvent } = options;
  const onRunEvent = (event: RunEvent): void => {
    events.push(event);
    return onEvent?.(event);
  };
  // Events cost only when they have a listener: until then the orchestrator makes none.
  const events = new EventStream(() => orchestrator.listen(onRunEvent));
  if (onEvent !== undefined) orchestrator.listen(onRunEvent);

  const stopNoting = journal && noteUsage(journal, account);
  journal?.connect(
    (error) => orchestrator.loseBus(error),
    () => orchestrator.wake(),
    () => ({
      ...endOf(orchestrator, program, account),
      ...(shared && { shared: sharedValues(shared) }),
    }),
  );
  const begin = (input: unknown) => {
    if (recovered === undefined) journal?.begin(score.name, input, options);
    orchestrator.start(input);
  };
  const report = (async () => {
    try {
      if (recovered === undefined) await startWith(orchestrator, score, options.input, begin);
      else begin(frozenCopy(recovered.journal.input));
      return reportOf(await orchestrator.outcome, id, score.name, account, shared);
    } finally {
      stopNoting?.();
      stopKeeping?.();
      journal?.log.close();
      if (durable !== undefined) shrinkDue(durable);
      events.end();
      shared?.stop();
      if (options.bus === undefined) void bus.close();
    }
  })();
  const result = report.then((ended) => {
    if (ended.status === 'completed') return ended as Report<Score<Input, N>['names']>;
    const [first] = ended.errors;
    throw first instanceof SchemaError ? first : new PerformanceError(ended);
  });
  // A caller that only watches the events need not handle the rejection as well.
  result.catch(() => {});

  return handleOf({ id, events, result, report, bus, shared }, orchestrator, account, journal);
}

/** Virtual time repeats; real time does not. */
const usualSeed = (clock: Clock): number => (clock.isVirtual ? 0 : Math.floor(Math.random() * 2 ** 32));

/** What a step sees of the shared state: a view for each attempt. */
function viewsOf(shared: SharedSpace, journal: RunJournal | undefined): Share {
  let views = 0;
  return (stepId, waiting) => {
    const view = shared.transaction(`${stepId}#${++views}`, waiting);
    return journal === undefined ? view : committingTo(journal, stepId, view);
  };
}

/** What the caller has of a performance: what happens, and the signals that the caller sends. */
function handleOf<Outputs>(
  parts: Pick<Run<Outputs>, 'id' | 'events' | 'result' | 'report' | 'bus' | 'shared'>,
  orchestrator: Orchestrator,
  account: RunAccount,
  journal: RunJournal | undefined,
): Run<Outputs> {
  const { id, bus } = parts;
  let ended = false;
  void orchestrator.outcome.then(() => (ended = true));
  const publish = (signal: HctSignal): void => {
    if (ended) return;
    try {
      const published: unknown = bus.publish(signal, { runId: id });
      if (published instanceof Promise) published.catch((error: unknown) => orchestrator.loseBus(error));
    } catch (error) {
      orchestrator.loseBus(error);
    }
  };
  const act = (message: InboxRequest): void => {
    const signal = signalOf(message);
    if (signal !== undefined) publish(signal);
    else if ('decide' in message && journal!.isInDoubt(message.decide))
      orchestrator.decided(journal!.decide(message.decide, message.decision));
  };
  const stopLooking = journal && watchInbox(journal, act, (error) => orchestrator.loseBus(error));
  void orchestrator.outcome.then(stopLooking);
  return {
    ...parts,
    signal: (signal) => publish(parseOrRefuse(hctSignalSchema, signal, 'signal')),
    decide(stepId, decision) {
      if (journal === undefined)
        throw new LogError(`the run '${id}' is not durable, so no step of it is in doubt.`);
      orchestrator.decided(journal.decide(stepId, decision));
    },
    cancel: (reason) => orchestrator.cancel(reason),
    onUsage: (listener) => account.listen(listener),
    extend(more) {
      account.ledger.extend(more);
      journal?.append('extend', '', more);
    },
    fermata: (...targets) => publish(fermata({ source: 'caller', targets })),
    get holds() {
      return orchestrator.holds;
    },
    cue(given = [], answer, edit = {}) {
      const targets = typeof given === 'string' ? [given] : given;
      knownKeys('cue', edit, ['operands']);
      const { operands } = edit;
      const brought = {
        ...(answer === undefined ? {} : { answer }),
        ...(operands === undefined ? {} : { operands }),
      };
      const late = targets
        .map((id) => judgeCue(orchestrator, id, answer, operands))
        .filter((one) => one !== undefined);
      const signal = cue({ source: 'caller', targets, intent: 'resume', payload: brought });
      if (late.length === 0) return publish(signal);
      return Promise.all(late).then(() => publish(signal));
    },
    refuse(stepId, reason) {
      const standing = orchestrator.standing(stepId);
      checkWaiting(stepId, standing);
      const why = reason === undefined ? {} : { reason };
      publish(caesura({ source: 'caller', targets: [stepId], payload: { refused: true }, ...why }));
    },
    tacet: (targets, durationMs) =>
      publish(tacet({ source: 'caller', targets, ...(durationMs === undefined ? {} : { durationMs }) })),
  };
}

const WAITING: readonly StepStatus[] = ['pending', 'waiting'];

/** @throws {AnswerError} for a step that does not exist, runs or has ended */
function checkWaiting(stepId: string, standing: ReturnType<Orchestrator['standing']>): void {
  if (standing === undefined) throw new AnswerError(stepId, `the score has no step '${stepId}'.`);
  const { status } = standing;
  if (WAITING.includes(status)) return;
  const where = status === 'running' ? 'runs already' : `has ended (${status})`;
  throw new AnswerError(stepId, `step '${stepId}' ${where}, so it waits for no answer.`);
}

/** Checks what a cue brings for a target, before anything is lifted.
 *  @returns a promise where the schema is asynchronous
 *  @throws {AnswerError} */
function judgeCue(
  orchestrator: Orchestrator,
  target: string,
  answer: unknown,
  operands: unknown,
): Promise<unknown> | undefined {
  const standing = orchestrator.standing(target);
  const brings = answer !== undefined || operands !== undefined;
  if (brings) checkWaiting(target, standing);
  if (standing === undefined || !WAITING.includes(standing.status)) return undefined;
  const { plan, answered } = standing;
  void editsOf(plan, operands);
  const { fermata: hold } = plan;
  if (answer !== undefined && hold?.question === undefined && hold?.answer === undefined)
    throw new AnswerError(
      target,
      `step '${target}' asks nothing. Give several targets as a list, cue(['a', 'b']), or give its fermata a question.`,
    );
  if (hold?.answer === undefined || (answered && answer === undefined)) return undefined;
  const refused = (error: unknown) => {
    throw refusedAnswer(plan, answer, error);
  };
  try {
    const judged = judgeAnswer(hold.answer, answer, target);
    return judged instanceof Promise ? judged.catch(refused) : undefined;
  } catch (error) {
    return refused(error);
  }
}
const judgeAnswer = (schema: object, answer: unknown, stepId: string): unknown =>
  validate(schema as Schema, answer, `the answer to '${stepId}'`);

/** Checks the input and starts; an input that does not fit fails the performance. Waits no longer than it lives. */
async function startWith(
  orchestrator: Orchestrator,
  score: Score<any, any>,
  given: unknown,
  begin: (input: unknown) => void,
): Promise<void> {
  try {
    const { inputSchema } = score;
    const checked = inputSchema ? validate(inputSchema, given, 'the input') : given;
    const input =
      checked instanceof Promise
        ? await Promise.race([checked, orchestrator.outcome.then(() => undefined)])
        : checked;
    begin(frozenCopy(input));
  } catch (error) {
    orchestrator.fail(asError(error));
  }
}

function reportOf(
  outcome: RunOutcome,
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

/** Steps whose agents pay from the account; those of a scope count once. */
const spendersIn = ({ steps }: Program): number =>
  steps.reduce(
    (sum, { agent, tacet, scope }) =>
      tacet ? sum : sum + (scope === undefined ? Number(agent.spends === true) : spendersIn(scope.body)),
    0,
  );

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
