/** Going on with a performance whose process has ended. Resuming is a fold of the log: what is done is not done again,
 *  and no code of an agent is run to find out where the performance stood. */
import { LogError } from '../../actors/bus/log.ts';
import type { RunInfo, RunLog, RunStore } from '../../actors/bus/run-store.ts';
import { realClock } from '../../actors/bus/clock.ts';
import { effectKeyOf } from '../../actors/tomasulo/attempt.ts';
import { leftOf } from '../../actors/tomasulo/holds.ts';
import type { Program } from '../../actors/tomasulo/program.ts';
import { EventStream } from '../score/event-stream.ts';
import { knownKeys } from '../score/limits.ts';
import {
  performFrom,
  PerformanceError,
  type PerformOptions,
  type Report,
  type Run,
} from '../score/perform.ts';
import { createBus } from '../../actors/bus/in-process-bus.ts';
import type { Score } from '../score/score.ts';
import { FaultReader } from './fault-record.ts';
import { foldLog, FORMAT, type Decision, type RunRecord } from './facts.ts';
import { signalOf, type InboxRequest } from './messages.ts';
import { RunJournal } from './run-journal.ts';
import { changesSince, ChangedScoreError } from './score-print.ts';

export interface ResumeOptions extends Omit<
  PerformOptions,
  'input' | 'runId' | 'durable' | 'clock' | 'scoreFile'
> {
  /** Go on with a score that has changed in steps that have not been started. */
  readonly adopt?: boolean | undefined;
  /** What a person decides about external steps that a crash has cut off, by step. */
  readonly decide?: Readonly<Record<string, Decision>> | undefined;
  /** How long `reconcile` of an agent may take before a person is asked. Default 30,000 ms. */
  readonly reconcileMs?: number | undefined;
}

/** Goes on with a durable performance. Options that are not given are those that it began with. A run that has ended is
 *  not performed again: the result is what it was.
 *
 *  An external step that was cut off is in doubt. It runs again if its agent uses `context.effectKey` or its retry says
 *  `repeatsEffect`; else `reconcile` of its agent is asked; else it waits for a decision. So an effect takes place
 *  exactly once where the receiver honours the key, and at most once elsewhere.
 *  @throws {UnknownRunError} @throws {RunBusyError} while another process performs it
 *  @throws {ChangedScoreError} when the score is another one
 *  @example
 *  ```ts
 *  const store = sqliteStore('.tutti');
 *  const run = await resume(store, 'review-1', review);
 *  const { outputs } = await run.result;
 *  ``` */
export async function resume<Input, N extends Record<string, unknown>>(
  store: RunStore,
  id: string,
  score: Score<Input, N>,
  options: ResumeOptions = {},
): Promise<Run<Score<Input, N>['names']>> {
  const { adopt = false, decide = {}, reconcileMs = 30_000, ...given } = options;
  if (store.stateOf(id) !== 'open') return endedRun(id, score, foldLog(store.read(id)));
  const log = store.open(id);
  try {
    const record = foldLog(log.read());
    if (record.end !== undefined) {
      log.close();
      return endedRun(id, score, record);
    }
    const { begin } = record;
    if (begin === undefined)
      throw new LogError(
        `the run '${id}' was made and has not begun: nothing of it was performed. Begin it under another id.`,
      );
    if (begin.format > FORMAT)
      throw new LogError(
        `the run '${id}' was written by a later version of tutti (format ${begin.format}; this version reads up to ${FORMAT}). Resume it with that version.`,
      );
    const { program } = score;
    const changes = changesSince(record, program);
    if (changes.length > 0 && (!adopt || changes.some(({ begun }) => begun)))
      throw new ChangedScoreError(id, changes);
    const journal = new RunJournal(log, program, realClock, record);
    for (const [stepId, decision] of Object.entries(decide)) {
      checkDecision(stepId, decision);
      journal.decide(stepId, decision);
    }
    takeMessages(log, journal, record, program);
    const ask = async (stepId: string) => reconcile(journal, record, id, stepId, reconcileMs);
    await Promise.all(journal.inDoubt.map(async (step) => decideBy(journal, program.steps[step]!.id, ask)));
    const onEvent = askInScopes(program, record, given.onEvent, (stepId) => {
      void ask(stepId).then((decision) => {
        if (decision !== undefined && journal.isInDoubt(stepId)) run.decide(stepId, decision);
      });
    });
    const all = { ...begin.options, ...given, onEvent, runId: id, durable: store } as PerformOptions<Input>;
    const run = performFrom(score, all, { journal, record });
    return run;
  } catch (error) {
    log.close();
    throw error;
  }
}

/** Every run of a store, oldest first. */
export const runs = (store: RunStore): RunInfo[] => store.list();

function checkDecision(stepId: string, decision: Decision): void {
  knownKeys(`decide.${stepId}`, decision, ['did', 'redo', 'fail']);
  if (Object.keys(decision).length !== 1)
    throw new LogError(`decide.${stepId}: give one of { did: value }, { redo: true } and { fail: reason }.`);
}

// ── what was said while no process performed the run

/** Messages count from when they were given: an answer in time counts although the deadline has passed since, and an
 *  answer that came too late does not. */
function takeMessages(log: RunLog, journal: RunJournal, record: RunRecord, program: Program): void {
  for (const { id, at, text } of log.inbox()) {
    const message = JSON.parse(text) as InboxRequest;
    log.took(id);
    const signal = signalOf(message);
    if (signal === undefined) {
      const { decide, decision } = message as Extract<InboxRequest, { decide: string }>;
      if (journal.isInDoubt(decide)) journal.decide(decide, decision); // else it has been decided
      continue;
    }
    const target = signal.targets[0]!;
    const { heldSince } = record.steps.get(target) ?? {};
    const { fermata } = program.steps.find((step) => step.id === target) ?? {};
    const late =
      heldSince !== undefined && fermata !== undefined && at > heldSince + (fermata.timeoutMs ?? 30_000);
    if (!late) record.signals.push({ signal, at });
    journal.append('signal', '', undefined, JSON.stringify(signal));
  }
  journal.commit();
}

// ── external steps in doubt

/** Asks the agent of a step in doubt whether its effect took place.
 *  @returns undefined where the agent cannot be asked, or cannot tell: a person decides */
async function reconcile(
  journal: RunJournal,
  record: RunRecord,
  runId: string,
  stepId: string,
  limitMs: number,
): Promise<Decision | undefined> {
  const { agent, vamp } = journal.planOf(stepId)!;
  if (agent.reconcile === undefined) return undefined;
  const round = vamp === undefined ? 0 : (record.steps.get(stepId)?.rounds ?? 0) + 1;
  const limit = new AbortController();
  const { promise: late, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(
    () => {
      limit.abort(new Error(`reconcile took longer than ${limitMs} ms`));
      reject(limit.signal.reason as Error);
    },
    leftOf(limitMs, 0, 0),
  );
  try {
    const asked = Promise.resolve(agent.reconcile(effectKeyOf(runId, stepId, round), limit.signal));
    asked.catch(() => undefined);
    const found = await Promise.race([asked, late]);
    return found === undefined ? { redo: true } : { did: found.value };
  } catch {
    return undefined;
  } finally {
    clearTimeout(timer);
  }
}
async function decideBy(
  journal: RunJournal,
  stepId: string,
  ask: (stepId: string) => Promise<Decision | undefined>,
): Promise<void> {
  const decision = await ask(stepId);
  if (decision !== undefined) journal.decide(stepId, decision);
}

/** Asks about steps in doubt that a map, a loop or a sub-score adds once it is open again. */
function askInScopes(
  { steps }: Program,
  record: RunRecord,
  onEvent: PerformOptions['onEvent'],
  ask: (stepId: string) => void,
): PerformOptions['onEvent'] {
  const fixed = new Set(steps.map(({ id }) => id));
  const added = new Set([...record.steps].flatMap(([id, { open }]) => (open && !fixed.has(id) ? [id] : [])));
  if (added.size === 0) return onEvent;
  return (event) => {
    if (event.type === 'step.doubtful' && added.delete(event.stepId)) ask(event.stepId);
    return onEvent?.(event);
  };
}

// ── runs that have ended

function endedRun<Input, N extends Record<string, unknown>>(
  id: string,
  score: Score<Input, N>,
  record: RunRecord,
): Run<Score<Input, N>['names']> {
  const report = reportOfEnded(id, record, score.program);
  const bus = createBus({ runId: id });
  void bus.close();
  const events = new EventStream(() => {});
  events.end();
  const result =
    report.status === 'completed' ? Promise.resolve(report) : Promise.reject(new PerformanceError(report));
  result.catch(() => {});
  const refuse = (): never => {
    throw new LogError(`the run '${id}' has ended (${report.status}); it takes no signals.`);
  };
  return {
    ...{ id, events, bus, shared: undefined, report: Promise.resolve(report) },
    result: result as Promise<Report<Score<Input, N>['names']>>,
    ...{ signal: refuse, fermata: refuse, cue: refuse, tacet: refuse, extend: refuse, decide: refuse },
    ...{ refuse, holds: [] },
    cancel: () => {},
    onUsage: () => () => {},
  };
}

/** The report of a run that has ended, from its log alone. @internal */
export function reportOfEnded(id: string, record: RunRecord, program?: Program): Report {
  const { status, errors, usage, makespan, criticalPath, outputs, shared } = record.end!;
  const faults = new FaultReader();
  const began = record.begin?.at ?? 0;
  return {
    ...{ runId: id, score: record.begin?.score ?? '', status, makespan, criticalPath },
    outputs: Object.fromEntries(
      Object.entries(outputs).flatMap(([name, [step, path]]) => {
        const kept = step === null ? { value: record.begin?.input } : record.steps.get(step)?.end;
        if (kept === undefined || (kept as { fault?: unknown }).fault !== undefined) return [];
        let value = (kept.value === undefined ? undefined : JSON.parse(kept.value)) as unknown;
        for (const key of path) value = (value as Record<string, unknown> | undefined)?.[key];
        return [[name, value]];
      }),
    ),
    errors: errors.map((error) => faults.read(error)),
    ...(shared === undefined ? {} : { shared }),
    usage: usage as unknown as Report['usage'],
    timeline: (program?.steps ?? []).flatMap((step) => {
      const kept = record.steps.get(step.id);
      if (kept?.end === undefined) return [];
      const start = kept.firstStart === undefined ? undefined : kept.firstStart - began;
      const { end, isOpened } = kept;
      const attempts = isOpened ? 1 : kept.attempts;
      const names = { id: step.id, agent: step.agent.name, status: end.status, waitedFor: [] };
      return [{ ...names, issued: start, start, end: end.at - began, attempts }];
    }),
  };
}
