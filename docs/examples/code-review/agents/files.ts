/** Lists what there is to review: every regular file of the folder that git tracks or would track, or, in a
 *  folder without git, every file that no tool put there. Nothing outside the folder is ever listed. */
import { lstat, open, realpath, stat } from 'node:fs/promises';
import { dirname, join, resolve, sep } from 'node:path';
import { isGenerated, isTest, isTemplate, languageOf } from './lib/classify.ts';
import { listing } from './lib/git.ts';
import { pool } from './lib/pool.ts';
import type { Context, FileList, SourceFile } from './lib/types.ts';
import { count, walk } from './lib/walk.ts';

const MAX_FILES = 50_000;
/** Larger files are listed, and reported as large, and not read. */
const MAX_TEXT = 1 << 20;
const HEAD = 8192; // bytes in which a NUL makes a file binary, as git decides it

export default async function files({ repo }: { repo: string }, { signal }: Context): Promise<FileList> {
  const root = await folder(repo);
  const listed = await listing(root, signal);
  const skipped: Record<string, number> = {};
  const notes: string[] = [];
  let paths: string[];
  if (listed.git) {
    paths = listed.paths;
  } else {
    if (listed.note !== undefined) notes.push(listed.note);
    const walked = await walk(root, MAX_FILES, signal);
    paths = walked.paths;
    Object.assign(skipped, walked.skipped);
  }
  if (paths.length > MAX_FILES) {
    notes.push(`only the first ${MAX_FILES} files of ${listed.git ? paths.length : 'more'} were read`);
    paths = paths.slice(0, MAX_FILES);
  }

  let large = 0;
  const outside = outsideOf(root);
  const found: (SourceFile | string)[] = await pool(paths, 32, signal, async (path) => {
    // A name that is not UTF-8 cannot be written in JSON, nor opened by the text of it.
    if (path.includes('\uFFFD')) return 'name that is not UTF-8';
    if (path.endsWith('/')) return 'nested repository';
    try {
      if (await outside(path)) return 'file behind a symbolic link';
      const stats = await lstat(join(root, path));
      if (stats.isSymbolicLink()) return 'symbolic link';
      if (stats.isDirectory()) return 'submodule';
      if (!stats.isFile()) return 'special file';
      if (stats.size > MAX_TEXT) large++;
      const head = stats.size <= MAX_TEXT ? await headOf(join(root, path)) : undefined;
      const text = head !== undefined && !head.includes(0);
      return {
        path,
        language: text && isTemplate(path, head.toString('utf8')) ? 'Template' : languageOf(path),
        bytes: stats.size,
        text,
        test: isTest(path),
        generated: isGenerated(path),
      };
    } catch (error) {
      return (error as NodeJS.ErrnoException).code === 'ENOENT'
        ? 'file deleted from the work tree'
        : 'file that cannot be read';
    }
  });
  if (large > 0)
    notes.push(`contents of files over 1 MiB, of which only name and size were looked at: ${large}`);
  const sources: SourceFile[] = [];
  for (const entry of found) {
    if (typeof entry === 'string') count(skipped, entry);
    else sources.push(entry);
  }
  return {
    root,
    origin: listed.git ? 'git' : 'folder',
    commit: listed.git ? listed.commit : null,
    files: sources,
    skipped,
    notes,
  };
}

async function folder(repo: string): Promise<string> {
  const path = resolve(repo);
  let stats;
  try {
    stats = await stat(path);
  } catch {
    throw new Error(`there is no folder ${path}; give the folder to review as the input "repo"`);
  }
  if (!stats.isDirectory())
    throw new Error(`${path} is not a folder; give the folder to review as the input "repo"`);
  return realpath(path);
}

/** Whether a path leaves the root by way of a folder that is a symbolic link; asked once per folder. */
function outsideOf(root: string): (path: string) => Promise<boolean> {
  const known = new Map<string, Promise<boolean>>();
  return (path) => {
    const parent = dirname(path);
    let answer = known.get(parent);
    if (answer === undefined) {
      const expected = parent === '.' ? root : join(root, parent.split('/').join(sep));
      answer = realpath(expected).then((real) => real !== expected);
      known.set(parent, answer);
    }
    return answer;
  };
}

async function headOf(path: string): Promise<Buffer> {
  const file = await open(path, 'r');
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(HEAD), 0, HEAD, 0);
    return buffer.subarray(0, bytesRead);
  } finally {
    await file.close();
  }
}
