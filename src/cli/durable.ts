/** `tutti resume`, `runs`, `cue`, `refuse`, `runs rm`: durable performances on the command line. */
import { existsSync, statSync } from 'node:fs';
import { foldLog, type Decision, type RunRecord } from '../durable/facts.ts';
import type { InboxRequest } from '../durable/messages.ts';
import type { RunInfo, RunStore } from '../../actors/bus/run-store.ts';
import { shrinkRuns } from '../durable/retention.ts';
import { idsIn } from '../durable/score-print.ts';
import { sqliteStore, type SqliteStore } from '../engines/sqlite/sqlite-store.ts';
import { loadScore } from '../node/load-score.ts';
import { cuedAnswer } from './answers.ts';
import { performCommand, type PerformFlags } from './perform.ts';
import { CommandLineError } from './usage.ts';

/** Where runs are kept unless a folder is given. */
export const RUNS_FOLDER = '.tutti';

export interface StoreFlags {
  /** The folder. */
  readonly durable?: string;
}
export interface ResumeFlags
  extends Omit<PerformFlags, 'durable' | 'runId' | 'input' | 'inputFile'>, StoreFlags {
  readonly did?: readonly string[];
  readonly redo?: readonly string[];
  readonly fail?: readonly string[];
  readonly adopt?: boolean;
}

/** Whether there is such a folder.
 *  @throws {CommandLineError} when that cannot be known */
function isThere(folder: string): boolean {
  try {
    return statSync(folder, { throwIfNoEntry: false }) !== undefined;
  } catch (error) {
    throw new CommandLineError(`--durable ${folder}: may not be read (${(error as Error).message}).`);
  }
}

/** @throws {CommandLineError} when the folder has no runs */
function storeOf({ durable = RUNS_FOLDER }: StoreFlags): SqliteStore {
  if (!isThere(durable))
    throw new CommandLineError(
      `there are no runs in '${durable}'. Give the folder with --durable, or begin one: tutti perform SCORE --durable`,
    );
  return sqliteStore(durable);
}

/** @returns as `perform` does */
export async function resumeCommand(id: string, flags: ResumeFlags): Promise<number> {
  const store = storeOf(flags);
  try {
    const record = recordOf(store, id);
    const file = record.begin?.file;
    if (file === undefined)
      throw new CommandLineError(
        `the run '${id}' was not begun by this command line, so its score file is not known. Resume it in a program: resume(store, id, score).`,
      );
    const decide = decisionsOf(flags);
    return await performCommand(
      file,
      { ...flags, input: [], durable: flags.durable ?? RUNS_FOLDER },
      { store, id, decide, adopt: flags.adopt === true },
    );
  } finally {
    store.close();
  }
}

function decisionsOf({ did = [], redo = [], fail = [] }: ResumeFlags): Record<string, Decision> {
  const decisions: Record<string, Decision> = {};
  const add = (stepId: string, decision: Decision): void => {
    if (Object.hasOwn(decisions, stepId))
      throw new CommandLineError(`step '${stepId}' has two decisions; give one of --did, --redo and --fail.`);
    decisions[stepId] = decision;
  };
  for (const text of did) {
    const at = text.indexOf('=');
    if (at < 1) throw new CommandLineError(`--did ${text}: say which result the step gave: --did STEP=VALUE`);
    add(text.slice(0, at), { did: valueOf(text.slice(at + 1)) });
  }
  for (const stepId of redo) add(stepId, { redo: true });
  for (const stepId of fail) add(stepId, { fail: 'on the command line' });
  return decisions;
}

/** JSON where it is JSON, else text. */
function valueOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

/** Prints the runs of a folder. */
export function runsCommand(flags: StoreFlags & { readonly json?: boolean }): number {
  const { durable = RUNS_FOLDER } = flags;
  if (!isThere(durable)) {
    process.stdout.write(flags.json ? '[]\n' : `no runs in ${durable}\n`);
    return 0;
  }
  const store = storeOf(flags);
  try {
    const rows = store.list().map((run) => ({ ...run, ...standOf(store, run) }));
    if (flags.json) {
      process.stdout.write(`${JSON.stringify(rows, null, 2)}\n`);
      return 0;
    }
    if (rows.length === 0) process.stdout.write(`no runs in ${durable}\n`);
    for (const { id, score, stand, done, waitsFor, holder, isShrunk } of rows) {
      const waits = waitsFor.length > 0 ? `, waits for a person: ${waitsFor.join(', ')}` : '';
      const by = holder === undefined ? '' : `, by ${holder}`;
      process.stdout.write(
        `${id}  ${score}  ${stand}${by}, ${isShrunk ? 'shrunk' : `${done} ${done === 1 ? 'step' : 'steps'} done`}${waits}\n`,
      );
    }
    return 0;
  } finally {
    store.close();
  }
}

function standOf(store: RunStore, { id, state, holder }: RunInfo) {
  const record = recordOf(store, id);
  const steps = [...record.steps];
  const done = steps.filter(([, step]) => step.end !== undefined).length;
  const open = state === 'open';
  const isHeld = ([, step]: (typeof steps)[number]) =>
    step.end === undefined && step.heldSince !== undefined && step.attempts === 0;
  const isCutOff = steps.some(([, step]) => step.open && step.end === undefined);
  const waitsFor = open && !isCutOff ? steps.filter(isHeld).map(([stepId]) => stepId) : [];
  const stand = !open
    ? state
    : holder !== undefined
      ? 'running'
      : waitsFor.length > 0
        ? 'held'
        : 'interrupted';
  return { stand, done, waitsFor };
}

const recordOf = (store: RunStore, id: string): RunRecord => foldLog(store.read(id));

/** Answers a hold of a run, whether or not a process performs it. */
async function tell(
  id: string,
  stepId: string,
  requestOf: (scoreFile: string | undefined) => Promise<InboxRequest>,
  flags: StoreFlags,
): Promise<number> {
  const store = storeOf(flags);
  try {
    if (store.stateOf(id) !== 'open') store.tell(id, ''); // refuses, and says why
    const { print, steps, begin } = recordOf(store, id);
    const known = idsIn(print);
    // Steps in maps, loops and sub-scores are in the log once they are held.
    if (!known.includes(stepId) && !steps.has(stepId))
      throw new CommandLineError(
        `the run '${id}' has no step '${stepId}'; it has ${known.slice(0, 12).join(', ')}.`,
      );
    store.tell(id, JSON.stringify(await requestOf(begin?.file)));
    const holder = store.list().find((run) => run.id === id)?.holder;
    process.stdout.write(
      holder === undefined
        ? `noted; tutti resume ${id} goes on with it\n`
        : `noted; ${holder} goes on with it\n`,
    );
    return 0;
  } finally {
    store.close();
  }
}
/** Lets a held step go on. A value is checked at once where the score file is still there, and when the run goes on. */
export const cueCommand = async (
  id: string,
  stepId: string,
  value: string | undefined,
  flags: StoreFlags,
): Promise<number> => {
  const requestOf = async (file: string | undefined): Promise<InboxRequest> => {
    const known = file !== undefined && existsSync(file) ? await loadScore(file) : undefined;
    const plain = value === undefined ? undefined : valueOf(value);
    const answer = known === undefined ? plain : await cuedAnswer(known.score.program, stepId, value);
    return { cue: stepId, ...(answer === undefined ? {} : { value: answer }) };
  };
  return tell(id, stepId, requestOf, flags);
};
/** Refuses a held step. */
export const refuseCommand = async (
  id: string,
  stepId: string,
  reason: string | undefined,
  flags: StoreFlags,
): Promise<number> => tell(id, stepId, () => Promise.resolve({ refuse: stepId, reason }), flags);

/** Removes runs. Their ids are not used again. */
export function removeCommand(ids: readonly string[], flags: StoreFlags): number {
  const store = storeOf(flags);
  try {
    for (const id of ids) store.remove(id);
    store.compact();
    return 0;
  } finally {
    store.close();
  }
}

/** Shrinks runs that have ended: those that are named, or all that ended `days` ago or earlier. */
export function shrinkCommand(ids: readonly string[], flags: StoreFlags & { readonly days: number }): number {
  const store = storeOf(flags);
  try {
    const shrunk = shrinkRuns(store, ids.length > 0 ? ids : { endedMs: flags.days * 86_400_000 });
    store.compact();
    process.stdout.write(`${shrunk.length} ${shrunk.length === 1 ? 'run' : 'runs'} shrunk\n`);
    return 0;
  } finally {
    store.close();
  }
}
