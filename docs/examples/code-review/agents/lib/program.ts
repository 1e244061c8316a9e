/** Run one of the programs in `../programs` over files, and collect what it finds.
 *
 *  The protocol is one JSON request on standard input and one JSON record per line on standard output:
 *  `{finding}`, `{note}`, `{files}` (how many are done so far) and, at the very end, `{done: true}`. A program
 *  that stops early for any reason therefore never looks like one that found nothing. */
import { fileURLToPath } from 'node:url';
import { Bag } from './bag.ts';
import { run, type Outcome } from './child.ts';
import type { Analysis, RawFinding } from './types.ts';

export type Program = 'secrets' | 'text' | 'markdown' | 'types';

export interface Request {
  root: string;
  files: readonly string[];
  /** Which checks of the program to run, where it has several. */
  checks?: readonly string[];
  /** Seconds after which the program should stop by itself and report what it has. */
  seconds: number;
}

type Message = { finding: RawFinding } | { note: string } | { files: number } | { done: true };

/** Seconds that an analyser may take; below the step's own timeout, so that partial results arrive. */
export const SECONDS = 40;
const GRACE = 4;
const MEGABYTES = 1024;

/** Types are stripped by Node itself; the flags make that so from Node 22.12 on. */
const FLAGS = [
  '--experimental-strip-types',
  '--disable-warning=ExperimentalWarning',
  `--max-old-space-size=${MEGABYTES}`,
];

export async function runProgram(
  program: Program,
  name: string,
  request: Omit<Request, 'seconds'>,
  signal: AbortSignal,
): Promise<Analysis> {
  const bag = new Bag();
  const notes: string[] = [];
  let files = 0;
  let done = false;
  const onRecord = (record: string) => {
    const message = JSON.parse(record) as Message;
    if ('finding' in message) bag.add(message.finding);
    else if ('note' in message) notes.push(message.note);
    else if ('files' in message) files = message.files;
    else done = true;
  };
  const file = fileURLToPath(new URL(`../programs/${program}.ts`, import.meta.url));
  const outcome = await run(process.execPath, [...FLAGS, file], {
    cwd: fileURLToPath(new URL('.', import.meta.url)), // never the reviewed folder: nothing there is loaded
    signal,
    timeout: SECONDS + GRACE,
    stdin: JSON.stringify({ ...request, seconds: SECONDS } satisfies Request),
    onRecord,
  });
  const trouble = done && outcome.code === 0 ? undefined : whatHappened(outcome);
  if (trouble !== undefined) notes.push(`${trouble} after ${files} of ${request.files.length} files`);
  const partly = trouble !== undefined || files < request.files.length;
  return {
    name,
    status: trouble !== undefined && files === 0 ? 'failed' : partly ? 'partly' : 'ran',
    files,
    ...(notes.length > 0 && { note: notes.join('; ') }),
    findings: bag.findings,
    counts: bag.counts,
  };
}

/** One line on how a child ended badly. */
export function whatHappened(outcome: Outcome): string {
  if (outcome.timedOut) return 'stopped by the time limit';
  if (/heap out of memory/.test(outcome.stderr)) return `ran out of its ${MEGABYTES} MB of memory`;
  if (outcome.killedBy) return `ended by ${outcome.killedBy}`;
  const lines = outcome.stderr.split('\n').filter((line) => line.trim() !== '');
  const line = lines.find((candidate) => /error/i.test(candidate)) ?? lines[0] ?? '';
  return `ended with exit code ${outcome.code}${line === '' ? '' : ` (${line.trim().slice(0, 200)})`}`;
}
