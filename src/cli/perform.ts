/** `tutti perform`: a score, performed while you watch. */
import { realpath } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { RunStore } from '../../actors/bus/run-store.ts';
import { HeldError } from '../../actors/tomasulo/errors.ts';
import type { Decision } from '../durable/facts.ts';
import type { Score } from '../score/score.ts';
import { MissingPackageError, ModelError, UnknownModelError } from '../models/errors.ts';
import { MissingKeyError } from '../models/provider.ts';
import { SchemaError } from '../score/schema.ts';
import { ScoreError } from '../../actors/tomasulo/program.ts';
import type { ScoreDocument } from '../score/score-file.ts';
import type { RunEvent } from '../../actors/tomasulo/run-events.ts';
import type { CallReport } from '../budget/call-report.ts';
import { PerformanceError, perform, type PerformOptions, type Report, type Run } from '../score/perform.ts';
import { loadScore } from '../node/load-score.ts';
import { limitPrograms } from '../node/program-places.ts';
import { RoutingConfigError } from '../budget/config-error.ts';
import { RoutingDataError } from '../routing/errors.ts';
import { timelineText, seconds } from '../score/timeline-picture.ts';
import { answersGiven, answersTo, refusalsGiven } from './answers.ts';
import { inputNames, readInput } from './input.ts';
import { reportJson, shownText, unwrittenIn } from './json.ts';
import { leftFrom, prepareOut, writeOut } from './out.ts';
import { progressOn } from './progress.ts';
import { safeMessage } from './secrets.ts';
import { interrupted } from './interrupt.ts';
import { clean, columnsOf } from './terminal.ts';
import { CommandLineError } from './usage.ts';
import { startTracing, type TracingFlags } from './tracing.ts';

export interface PerformFlags extends TracingFlags {
  readonly cue: readonly string[];
  /** `STEP=VALUE`. */
  readonly answer: readonly string[];
  /** `STEP`, or `STEP=REASON`. */
  readonly refuse: readonly string[];
  readonly input: readonly string[];
  readonly inputFile?: string;
  readonly model?: string;
  readonly maxConcurrency?: number;
  readonly programs?: number;
  /** Seconds. */
  readonly timeout?: number;
  readonly out?: string;
  /** The folder of the store, or true for the default. */
  readonly durable?: string | true;
  readonly runId?: string;
  readonly json?: boolean;
  readonly quiet?: boolean;
}

/** The timeout of a step that has none in its score file, so that nothing waits indefinitely. */
const STEP_TIMEOUT_MS = 600_000;

/** A run that is resumed. */
export interface Resumed {
  readonly store: RunStore;
  readonly id: string;
  readonly decide: Readonly<Record<string, Decision>>;
  readonly adopt: boolean;
}

/** After this long, a durable run that only waits for a person ends, where no person is at the terminal. */
const HELD_MS = 1_000;

/** @param resumed goes on with this run instead of beginning one
 *  @returns the exit code: 0 completed, 1 failed, 2 a model that cannot be asked, 3 held, 130 interrupted. */
export async function performCommand(file: string, flags: PerformFlags, resumed?: Resumed): Promise<number> {
  const { score, document } = await loadScore(file);
  if (flags.programs !== undefined) limitPrograms(flags.programs);
  const input = resumed === undefined ? await inputOfFlags(flags, document) : undefined;
  const given = await answersGiven(score.program, flags.answer);
  const refusals = refusalsGiven(score.program, flags.refuse);
  if (flags.out !== undefined) await prepareOut(flags.out);
  if (flags.trace !== undefined) await refuseOverwriting(flags.trace, [file, flags.inputFile]);
  const progress = isSilent(flags) ? undefined : progressOn(process.stderr, score.program);
  const tracing = await startTracing(flags, score.name);
  const running = new Set<string>();
  const interrupt = interrupted(() => stepsInWords([...running]));
  const answers = answersTo(score.program, {
    cues: flags.cue,
    cue: (stepId, answer) => run.cue(stepId, answer),
    refuse: (stepId, reason) => run.refuse(stepId, reason),
    operands: (stepId) => run.holds.find((held) => held.stepId === stepId)?.operands,
    input: process.stdin,
    say: (line) => (progress === undefined ? process.stderr.write(`${line}\n`) : progress.say(line)),
    // Only where this process is the one that draws and the one that is typed to.
    typed: process.stdin.isTTY ? progress?.typed : undefined,
  });
  const note = (event: RunEvent): void => {
    if (event.type === 'step.started') running.add(event.stepId);
    else if (event.type === 'step.ended' || event.type === 'step.retrying') running.delete(event.stepId);
    progress?.tell(event);
    answers.note(event);
  };
  let run: Run;
  const store = await storeOfFlags(flags, resumed);
  try {
    const common = {
      signal: interrupt.signal,
      onEvent: note,
      inspect: tracing?.inspect,
      ...(store === undefined ? {} : { heldMs: process.stdin.isTTY ? undefined : HELD_MS }),
    };
    const begin = () =>
      perform(score, {
        ...common,
        input,
        durable: store,
        runId: flags.runId,
        scoreFile: store && resolve(file),
        maxConcurrency: flags.maxConcurrency,
        budget: document.budget,
        timeout: timeoutOf(flags),
      });
    run = resumed === undefined ? begin() : await goOn(score, resumed, common);
    for (const [stepId, answer] of given) void run.cue(stepId, answer);
    for (const [stepId, reason] of refusals) run.refuse(stepId, reason);
    tracing?.watch(run, score);
    const rejections = rejectionsOf(run, flags.model);
    const report = await run.report;
    answers.end();
    progress?.end();
    const lost = await writeReport(report, score, flags);
    const rejected = rejections();
    if (rejected !== undefined && report.status === 'completed') {
      process.stderr.write(`tutti: ${safeMessage(new Error(rejected))}\n`);
      return 2;
    }
    if (report.status === 'completed') return lost > 0 ? 1 : 0;
    return explainFailure(report, flags, store !== undefined, interrupt.signal.aborted);
  } finally {
    answers.end();
    progress?.end();
    await tracing?.end(interrupt.signal);
    interrupt.forget();
    if (resumed === undefined) store?.close();
  }
}

const isSilent = ({ quiet, json }: PerformFlags): boolean =>
  quiet === true || (json === true && process.stderr.isTTY !== true);

/** What the score reads as `input`, with warnings of what is not known and of a model that is not asked. */
async function inputOfFlags(
  flags: PerformFlags,
  document: Awaited<ReturnType<typeof loadScore>>['document'],
): Promise<unknown> {
  const inputs = flags.model === undefined ? flags.input : [...flags.input, `model=${flags.model}`];
  const warn = (text: string) => {
    if (flags.quiet !== true) process.stderr.write(`tutti: ${text}\n`);
  };
  const input = await readInput(inputs, flags.inputFile, inputNames(document), document.input, warn);
  const unasked = await whyUnasked(flags, document.input, input);
  if (unasked !== undefined) warn(unasked);
  return input;
}

const timeoutOf = ({ timeout }: PerformFlags): NonNullable<PerformOptions['timeout']> => ({
  totalMs: timeout === undefined ? undefined : timeout * 1_000,
  stepMs: STEP_TIMEOUT_MS,
});

/** Writes the outputs where they are wanted, and says what happened.
 *  @returns how many could not be written. */
async function writeReport(report: Report, score: Score<any, any>, flags: PerformFlags): Promise<number> {
  const { files, lost } =
    flags.out === undefined
      ? { files: [], lost: flags.json ? unwrittenIn(report.outputs).map(asLost) : [] }
      : await writeOut(flags.out, report);
  if (flags.json) process.stdout.write(`${JSON.stringify(reportJson(report), null, 2)}\n`);
  else say(report, files, flags);
  if (flags.out !== undefined && report.status !== 'completed')
    for (const file of await leftFrom(flags.out, [...score.program.outputs.keys()], files))
      process.stderr.write(`tutti: ${file} is of an earlier performance.\n`);
  for (const file of lost) process.stderr.write(`tutti: could not be written: ${file}\n`);
  return lost.length;
}

/** Says why a performance did not complete, and what to do.
 *  @returns the exit code. */
function explainFailure(
  report: Report,
  { durable }: PerformFlags,
  isDurable: boolean,
  interrupted: boolean,
): number {
  process.stderr.write(`tutti: ${safeMessage(new PerformanceError(report))}\n`);
  const folder = [undefined, true, '.tutti'].includes(durable) ? '' : ` --durable ${durable}`;
  if (report.status === 'held') {
    process.stderr.write(howToAnswer(report.runId, report, folder));
    return 3;
  }
  if (interrupted) {
    if (isDurable) process.stderr.write(`tutti: tutti resume ${report.runId}${folder} goes on.\n`);
    return 130;
  }
  return report.errors.length > 0 && report.errors.every(isBadUsage) ? 2 : 1;
}

/** Where the run is kept, if it is to outlive this process. */
async function storeOfFlags(
  { durable, runId }: PerformFlags,
  resumed: Resumed | undefined,
): Promise<RunStore | undefined> {
  if (resumed !== undefined) return resumed.store;
  if (durable === undefined) {
    if (runId !== undefined) throw new CommandLineError('--run-id names a durable run; add --durable.');
    return undefined;
  }
  const { sqliteStore } = await import('../engines/sqlite/sqlite-store.ts');
  return sqliteStore(durable === true ? '.tutti' : durable);
}

async function goOn(
  score: Score<any, any>,
  { store, id, decide, adopt }: Resumed,
  options: Pick<PerformOptions, 'signal' | 'onEvent' | 'inspect' | 'heldMs'>,
): Promise<Run> {
  const { resume } = await import('../durable/resume.ts');
  return (await resume(store, id, score, { ...options, decide, adopt })) as Run;
}

/** How a person lets a held run go on. */
function howToAnswer(id: string, { errors }: Report, folder: string): string {
  const [held] = errors;
  const waiting = held instanceof HeldError ? held.waiting : [];
  const lines = waiting.slice(0, 5).flatMap(({ stepId, waitsFor }) => {
    if (waitsFor === 'a cue') return [`  tutti cue ${id} ${clean(stepId)}${folder}`];
    if (!waitsFor.startsWith('a decision')) return [];
    return [
      `  tutti resume ${id}${folder} --did ${clean(stepId)}=VALUE | --redo ${clean(stepId)} | --fail ${clean(stepId)}`,
    ];
  });
  return `tutti: the run '${id}' waits for a person:\n${lines.join('\n')}\n  then tutti resume ${id}${folder}\n`;
}

/** `step 'a'`, `steps 'a', 'b'`; undefined for none. */
function stepsInWords(ids: readonly string[]): string | undefined {
  if (ids.length === 0) return undefined;
  const names = ids.slice(0, 5).map((id) => `'${clean(id)}'`);
  const more = ids.length > 5 ? ` and ${ids.length - 5} more` : '';
  return `${ids.length === 1 ? 'step' : 'steps'} ${names.join(', ')}${more}`;
}

/**
 * Notices when the provider of a model of `--model` rejects its key or its name, also where the score does without that
 * step: the command asked for the model.
 *
 * @returns what to say of the first step that got no answer from any model for this reason; undefined if there is none
 */
function rejectionsOf(run: Run, model: string | undefined): () => string | undefined {
  const named = model?.split(',') ?? [];
  const last = new Map<string, CallReport>();
  if (named.length > 0) run.onUsage((report) => last.set(report.stepId, report));
  return () => {
    for (const { model: asked, failure } of last.values())
      if (failure !== undefined && named.includes(asked) && REFUSED.includes(failure.statusCode ?? 0))
        return `model '${asked}': ${failure.problem}. ${failure.remedy}`;
    return undefined;
  };
}

/** Why a score that can ask a model will ask none.
 *  @throws for a model of `--model` that is not known or has no key. */
async function whyUnasked(
  { model }: PerformFlags,
  schema: ScoreDocument['input'],
  input: unknown,
): Promise<string | undefined> {
  const properties = (typeof schema === 'object' ? schema['properties'] : undefined) as object | undefined;
  if (model === undefined) {
    const named = (input as { model?: unknown }).model;
    const asks = properties !== undefined && 'model' in properties && !named;
    return asks ? 'no model is asked; --model provider:name asks one.' : undefined;
  }
  const { modelFromEnvironment } = await import('../models/provider.ts');
  for (const name of model.split(',')) await modelFromEnvironment(name, process.env);
  return undefined;
}

/** @throws {CommandLineError} when a trace would be written over what is performed. */
async function refuseOverwriting(trace: string, inputs: readonly (string | undefined)[]): Promise<void> {
  const there = (path: string | undefined) => path && realpath(path).catch(() => undefined);
  const target = await there(trace);
  for (const input of inputs)
    if (target !== undefined && target === (await there(input)))
      throw new CommandLineError(`--trace ${trace}: is what is performed. Give another file.`);
}

/** A step that could not begin: a model, a key, a price, a package or an option that it names does not exist, or is not
 *  accepted. */
function isBadUsage(error: Error): boolean {
  if (error instanceof SchemaError) return true; // the input, for no step has failed
  const { cause } = error;
  if (cause instanceof ModelError)
    return [cause, ...cause.earlier].every(({ statusCode = 0 }) => REFUSED.includes(statusCode));
  const kinds = [
    UnknownModelError,
    MissingKeyError,
    MissingPackageError,
    RoutingConfigError,
    RoutingDataError,
    ScoreError,
  ];
  return kinds.some((kind) => cause instanceof kind);
}
/** The key, what it may do, the model's name. */
const REFUSED = [401, 403, 404];

function say(report: Report, files: readonly string[], flags: PerformFlags): void {
  const columns = columnsOf(process.stdout);
  if (!flags.quiet) process.stdout.write(`${timelineText(report, columns)}\n\n`);
  if (files.length > 0) process.stdout.write(`${files.join('\n')}\n`);
  else {
    const outputs = Object.entries(report.outputs);
    for (const [name, value] of outputs.slice(0, SHOWN))
      process.stdout.write(`${safe(name)}: ${safe(shown(value))}\n`);
    if (outputs.length > SHOWN)
      process.stdout.write(`and ${outputs.length - SHOWN} more outputs; --out or --json has all\n`);
  }
  if (flags.quiet) return;
  const { usage, makespan, criticalPath, timeline } = report;
  const count = (n: number, one: string, many = `${one}s`) => `${n} ${n === 1 ? one : many}`;
  const retries = usage.retries > 0 ? `, ${count(usage.retries, 'retry', 'retries')}` : '';
  const counts = `${count(timeline.length, 'step')}, ${count(usage.calls, 'call')}${retries}`;
  process.stdout.write(
    `${report.status}: ${counts} in ${seconds(makespan)} (critical path ${seconds(criticalPath.length)})\n`,
  );
  if (usage.modelCalls !== undefined) process.stdout.write(`models: ${spent(usage)}\n`);
  for (const { stepId, answered, failed } of (usage.fallbacks ?? []).slice(0, SHOWN)) {
    const why = failed.map(({ model, failure }) => `${model} failed (${failure})`).join(', ');
    const answer = answered === undefined ? 'no model answered' : `${answered} answered`;
    process.stdout.write(`fallback: ${safe(`step '${stepId}': ${why}; ${answer}`)}\n`);
  }
}

/** Cents to the digit, and what is less than one by its first two. */
const dollars = (usd: number): string => `$${usd === 0 || usd >= 0.01 ? usd.toFixed(4) : usd.toPrecision(2)}`;

/** Quality and cost in one line, so that neither is seen alone. */
function spent({ modelCalls, tokens = 0, usd, checked }: Report['usage']): string {
  const money = usd === undefined ? 'cost not known' : dollars(usd);
  const used = `${modelCalls} calls, ${tokens.toLocaleString('en')} tokens, ${money}`;
  if (checked === undefined) return used;
  return `${used}; ${checked.accepted} of ${checked.steps.length} checked steps accepted, quality ${checked.quality.toFixed(2)}`;
}

const SHOWN = 100;
/** What an agent wrote moves no cursor and clears no screen. */
const safe = (text: string): string =>
  process.stdout.isTTY === true ? text.replace(/(?![\n\t])[\p{Cc}]/gu, '\u{FFFD}') : text;

const asLost = ({ output, why }: { output: string; why: string }): string => `output '${output}' (${why})`;

function shown(value: unknown): string {
  const text = typeof value === 'string' ? value : shownText(value);
  const most = 4_000;
  return text.length <= most
    ? text.trimEnd()
    : `${text.slice(0, most)}… (${text.length} characters; --out or --json has all)`;
}
