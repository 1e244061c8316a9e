/** Ask git what there is to review.
 *
 *  A repository under review is hostile input to git as well: its configuration can name a program to run
 *  (`core.fsmonitor`), so those settings are overridden, and variables such as GIT_DIR, which a hook sets, are
 *  not passed on (see `child.ts`). */
import { run } from './child.ts';

const SAFE = [
  '-c',
  'core.fsmonitor=false',
  '-c',
  'core.hooksPath=/dev/null',
  '-c',
  'core.untrackedCache=false',
];
const SECONDS = 30;

interface Answer {
  ok: boolean;
  records: string[];
  stderr: string;
}

async function git(root: string, args: readonly string[], signal: AbortSignal): Promise<Answer> {
  const records: string[] = [];
  try {
    const outcome = await run('git', ['-C', root, ...SAFE, ...args], {
      cwd: root,
      signal,
      timeout: SECONDS,
      separator: '\0',
      onRecord: (record) => records.push(record),
    });
    return { ok: outcome.code === 0, records, stderr: outcome.stderr.trim() };
  } catch (error) {
    signal.throwIfAborted();
    return { ok: false, records, stderr: error instanceof Error ? error.message : String(error) };
  }
}

export type Listing =
  | { git: true; paths: string[]; commit: string | null }
  /** `note` says why git could not be asked, where a reader should know. */
  | { git: false; note?: string };

/** Tracked files and untracked ones that are not ignored, relative to `root`, which may be any folder of the
 *  work tree. */
export async function listing(root: string, signal: AbortSignal): Promise<Listing> {
  const inside = await git(root, ['rev-parse', '--is-inside-work-tree'], signal);
  if (!inside.ok) {
    if (/not a git repository/i.test(inside.stderr)) return { git: false };
    return { git: false, note: `git could not be asked: ${firstLine(inside.stderr)}` };
  }
  if (inside.records.join('').trim() !== 'true') {
    throw new Error(`${root} is a git repository without a work tree; give the folder of a work tree`);
  }
  const listed = await git(root, ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], signal);
  if (!listed.ok) return { git: false, note: `git could not list the files: ${firstLine(listed.stderr)}` };
  if (listed.records.length === 0 && (await git(root, ['check-ignore', '-q', '.'], signal)).ok) {
    return {
      git: false,
      note: 'the folder is ignored by the git repository around it, so it was read as a plain folder',
    };
  }
  const head = await git(root, ['rev-parse', '--verify', '--quiet', 'HEAD'], signal);
  // A file in conflict is listed once per side.
  const paths = [...new Set(listed.records)];
  return { git: true, paths, commit: head.ok ? head.records.join('').trim() : null };
}

function firstLine(text: string): string {
  return text.split('\n')[0] ?? '';
}
