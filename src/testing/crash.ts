/** Crash injection: a performance in a child process that kills itself, with SIGKILL, at chosen places, again and again
 *  until it completes; and what that must not change.
 *
 *  A script performs the score through {@link crashJob}. {@link crashEverywhere} starts the script, and starts it again
 *  after each crash. The work of agents is noted in a file beside the log. */
import { spawn } from 'node:child_process';
import { appendFileSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { once } from 'node:events';
import { join } from 'node:path';
import type { LogRecord } from '../../actors/bus/log.ts';
import type { RunLog, RunStore } from '../../actors/bus/run-store.ts';
import { INPUT, type AgentPlan, type Program } from '../../actors/tomasulo/program.ts';
import { foldLog, type RunRecord } from '../durable/facts.ts';
import { resume, type ResumeOptions } from '../durable/resume.ts';
import { perform, type PerformOptions, type Report } from '../score/perform.ts';
import type { Score } from '../score/score.ts';

/** Where a process kills itself. `append`: before the record of this position is appended. `appended`: after that, and
 *  before the commit. `committed`: right after its commit. `start`: when an agent is called and has done nothing.
 *  `end`: when an agent has done its work and has not answered. For the last two, `at` counts calls of this process. */
export type CrashPhase = 'append' | 'appended' | 'committed' | 'start' | 'end';
export const CRASH_PHASES: readonly CrashPhase[] = ['append', 'appended', 'committed', 'start', 'end'];
export interface CrashPoint {
  readonly phase: CrashPhase;
  /** From 1. */
  readonly at: number;
}

const RUN = 'crash';
const FOLDER = 'TUTTI_CRASH_FOLDER';
const POINT = 'TUTTI_CRASH_POINT';

/** One call of an agent, as the file has it. */
interface Call {
  readonly life: number;
  readonly step: string;
  readonly phase: 'start' | 'end';
  readonly effectKey: string;
  readonly operands?: unknown;
  readonly result?: unknown;
}

function die(): never {
  process.kill(process.pid, 'SIGKILL');
  for (;;) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1_000);
}

/** Performs or resumes a score in the script that {@link crashEverywhere} starts. A person is played by what the file of
 *  calls says: an external step in doubt was done if its agent had done its work.
 *  @throws {Error} outside such a script */
export async function crashJob(
  score: Score<any, any>,
  options: Omit<PerformOptions, 'durable' | 'runId'> & Pick<ResumeOptions, 'adopt'> = {},
): Promise<void> {
  const folder = process.env[FOLDER];
  if (folder === undefined) throw new Error('crashJob: start this script with crashEverywhere().');
  const { sqliteStore } = await import('../engines/sqlite/sqlite-store.ts');
  const point = process.env[POINT] === '' ? undefined : (JSON.parse(process.env[POINT]!) as CrashPoint);
  const calls = join(folder, 'calls.jsonl');
  const life = Number(process.env['TUTTI_CRASH_LIFE']);
  const store = crashing(sqliteStore(folder), point);
  const noted = withNotes(score, calls, life, point);
  const { input: _, adopt, ...rest } = options;
  let run;
  if (store.list().length === 0) run = perform(noted, { ...options, durable: store, runId: RUN });
  else {
    const begun = [...store.read(RUN)].length > 0;
    if (!begun) {
      // the crash came before anything was performed: the id is used, and another begins
      writeFileSync(join(folder, 'unbegun'), '');
      process.exit(0);
    }
    run = await resume(store, RUN, noted, { ...rest, ...(adopt === undefined ? {} : { adopt }) });
  }
  const decide = (stepId: string): void => {
    const done = callsIn(calls).findLast(({ step, phase }) => step === stepId && phase === 'end');
    const open = callsIn(calls).findLast(({ step, phase }) => step === stepId && phase === 'start');
    const did = done !== undefined && done.effectKey === open?.effectKey;
    run.decide(stepId, did ? { did: done.result } : { redo: true });
  };
  void (async () => {
    for await (const event of run.events) {
      if (event.type === 'step.held') await run.cue(event.stepId);
      else if (event.type === 'step.doubtful') decide(event.stepId);
    }
  })();
  const report = await run.report;
  const record = foldLog(store.read(RUN));
  store.close();
  writeFileSync(join(folder, 'report.json'), JSON.stringify(finalOf(report, score.program, record)));
}

interface Final {
  readonly status: Report['status'];
  readonly outputs: unknown;
  readonly shared: unknown;
  readonly errors: readonly string[];
  /** By step of the score: the operands that the log's results make. */
  readonly operands: Readonly<Record<string, unknown>>;
  /** Payloads of the log: what steps in maps, loops and sub-scores get is a part of one. */
  readonly payloads: readonly string[];
}
function finalOf(report: Report, program: Program, record: RunRecord): Final {
  const { status, outputs, shared, errors } = report;
  const operands: Record<string, unknown> = {};
  const valueOf = (edge: number): unknown => {
    const tag = program.source[edge]!;
    const text = tag === INPUT ? record.begin?.input : record.steps.get(program.steps[tag]!.id)?.end?.value;
    let value: any = text === undefined ? undefined : JSON.parse(text);
    for (const key of program.paths.get(edge) ?? []) value = value?.[key];
    return value;
  };
  program.steps.forEach(({ id, reads = {} }, i) => {
    let edge = program.firstEdge[i]!;
    operands[id] = Object.fromEntries(
      Object.entries(reads).map(([name, read]) => [
        name,
        typeof read === 'string' ? valueOf(edge++) : read.map(() => valueOf(edge++)),
      ]),
    );
  });
  const payloads = [record.begin?.input, ...[...record.steps.values()].map(({ end }) => end?.value)];
  return {
    ...{ status, outputs, shared, errors: errors.map(({ message }) => message), operands },
    payloads: payloads.filter((payload) => payload !== undefined),
  };
}

/** The same score, whose agents note what they do and may die. */
function withNotes(
  score: Score<any, any>,
  calls: string,
  life: number,
  point: CrashPoint | undefined,
): Score<any, any> {
  const { program } = score;
  const count = { start: 0, end: 0 };
  const note = (call: Call): void => {
    appendFileSync(calls, `${JSON.stringify(call)}\n`);
    if (point?.phase === call.phase && ++count[call.phase] === point.at) die();
  };
  const plans = new Map<AgentPlan, AgentPlan>();
  const noted = (agent: AgentPlan): AgentPlan => {
    const known = plans.get(agent);
    if (known !== undefined) return known;
    const run: AgentPlan['run'] = async (operands, context) => {
      const { stepId: step, effectKey } = context;
      note({ life, step, phase: 'start', effectKey, operands });
      const result = await agent.run(operands, context);
      note({ life, step, phase: 'end', effectKey, result });
      return result;
    };
    const plan = { ...agent, run };
    plans.set(agent, plan);
    return plan;
  };
  const within = (body: Program): Program => ({
    ...body,
    steps: body.steps.map((step) => {
      const { scope } = step;
      if (scope === undefined) return { ...step, agent: noted(step.agent) };
      return { ...step, scope: { ...scope, body: within(scope.body) } };
    }),
  });
  return Object.create(score, { program: { value: within(program) } }) as Score<any, any>;
}

const callsIn = (file: string): Call[] =>
  existsSync(file)
    ? readFileSync(file, 'utf8')
        .split('\n')
        .filter((line) => line !== '')
        .map((line) => JSON.parse(line) as Call)
    : [];

/** A store whose log kills the process at a point. */
function crashing(store: RunStore, point: CrashPoint | undefined): RunStore {
  if (point === undefined || point.phase === 'start' || point.phase === 'end') return store;
  const { phase, at } = point;
  const wrap = (log: RunLog): RunLog => {
    const append = log.append.bind(log);
    const commit = log.commit.bind(log);
    log.append = (record: LogRecord) => {
      if (phase === 'append' && log.tip + 1 >= at) die();
      const seq = append(record);
      if (phase === 'appended' && seq >= at) die();
      return seq;
    };
    log.commit = () => {
      const before = log.committed;
      commit();
      if (phase === 'committed' && log.committed > before && log.committed >= at) die();
    };
    return log;
  };
  const create = store.create.bind(store);
  const open = store.open.bind(store);
  store.create = (id, name) => wrap(create(id, name));
  store.open = (id) => wrap(open(id));
  return store;
}

// ── the parent

export interface CrashOptions {
  /** The crashes of one run, in order: one for each process, and then one process that completes. */
  readonly points: readonly CrashPoint[];
  /** An empty folder for the log. */
  readonly folder: string;
  /** Steps whose effect must not be doubled. Where a receiver honours the effect key, a repeat is no second effect. */
  readonly external?: readonly string[] | undefined;
  /** Arguments of Node.js, before the script. */
  readonly execArgv?: readonly string[] | undefined;
  /** How long one process may take. Default 60,000 ms. */
  readonly limitMs?: number | undefined;
}

export interface CrashReport {
  /** Processes that died by SIGKILL. */
  readonly kills: number;
  readonly lives: number;
  /** Steps whose result was in the log and that were called again. Must be empty. */
  readonly rerun: readonly string[];
  /** External effects that took place more than once under one key. Must be empty. */
  readonly doubled: readonly string[];
  /** Calls with operands that the log does not have. Must be empty. */
  readonly disowned: readonly string[];
  readonly status: string;
  readonly outputs: unknown;
  readonly shared: unknown;
  readonly errors: readonly string[];
  /** Calls of agents, over all lives. */
  readonly calls: number;
  /** Records of the log at the end. */
  readonly records: number;
}

/** Performs a script's score with crashes. Compare the outputs with those of a run without any.
 *  @param script a module that calls {@link crashJob}
 *  @throws {Error} when a process ends in another way than by its crash or by completing
 *  @example
 *  ```ts
 *  const report = await crashEverywhere('job.ts', { folder, points: [{ phase: 'committed', at: 4 }] });
 *  report.kills; // 1
 *  report.rerun; // []
 *  ``` */
export async function crashEverywhere(script: string, options: CrashOptions): Promise<CrashReport> {
  const { points, folder, external = [], execArgv = [], limitMs = 60_000 } = options;
  const { sqliteStore } = await import('../engines/sqlite/sqlite-store.ts');
  const calls = join(folder, 'calls.jsonl');
  const rerun: string[] = [];
  let kills = 0;
  let lives = 0;
  const live = async (point: CrashPoint | undefined): Promise<boolean> => {
    const done = new Set<string>();
    if (lives > 0) {
      using store = sqliteStore(folder);
      for (const { id } of store.list())
        for (const { kind, about } of store.read(id)) if (kind === 'pulse') done.add(about);
    }
    lives++;
    const env = {
      ...process.env,
      [FOLDER]: folder,
      [POINT]: point === undefined ? '' : JSON.stringify(point),
      TUTTI_CRASH_LIFE: String(lives),
    };
    const child = spawn(process.execPath, [...execArgv, script], {
      env,
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    let said = '';
    child.stderr.on('data', (chunk: Buffer) => (said += chunk.toString()));
    const timer = setTimeout(() => child.kill('SIGTERM'), limitMs);
    const [code, signal] = (await once(child, 'exit')) as [number | null, string | null];
    clearTimeout(timer);
    for (const { life, step, phase } of callsIn(calls))
      if (life === lives && phase === 'start' && done.has(step)) rerun.push(step);
    if (signal === 'SIGKILL') {
      kills++;
      return false;
    }
    if (code !== 0 || signal !== null)
      throw new Error(
        `the script ended with ${signal ?? code} (crash at ${JSON.stringify(point)}): ${said.slice(-2_000)}`,
      );
    return true;
  };
  let over = false;
  for (const point of points) if ((over = await live(point))) break;
  while (!over) over = await live(undefined);
  if (existsSync(join(folder, 'unbegun')))
    return {
      ...{
        kills,
        lives,
        rerun,
        doubled: [],
        disowned: [],
        status: 'unbegun',
        outputs: {},
        shared: undefined,
      },
      ...{ errors: [], calls: callsIn(calls).length, records: 0 },
    };
  const final = JSON.parse(readFileSync(join(folder, 'report.json'), 'utf8')) as Final;
  const made = callsIn(calls);
  const effects = new Map<string, number>();
  for (const { step, phase, effectKey } of made)
    if (phase === 'end' && external.includes(step)) effects.set(effectKey, (effects.get(effectKey) ?? 0) + 1);
  const disowned = made
    .filter(({ phase }) => phase === 'start')
    .filter(({ step, operands }) => {
      const { previous: _, ...read } = operands as Record<string, unknown>;
      if (step in final.operands) return JSON.stringify(read) !== JSON.stringify(final.operands[step]);
      return Object.values(read).some(
        (value) => !final.payloads.some((payload) => payload.includes(JSON.stringify(value))),
      );
    })
    .map(({ step, life }) => `${step} (life ${life})`);
  using store = sqliteStore(folder);
  return {
    ...{ kills, lives, rerun, disowned, calls: made.length },
    doubled: [...effects].filter(([, times]) => times > 1).map(([key]) => key),
    ...{ status: final.status, outputs: final.outputs, shared: final.shared, errors: final.errors },
    records: [...store.read(RUN)].length,
  };
}
