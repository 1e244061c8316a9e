/** The empirical check: a finding counts only if the place it points at exists.
 *
 *  Reviewers can be wrong about places: a tool may report a file that was deleted meanwhile, and an agent that
 *  is a language model may invent one. So every file is looked up on disk again, even if it was listed, and
 *  every line is counted. Findings that say the same thing twice collapse into one. */
import { createReadStream } from 'node:fs';
import { lstat, realpath } from 'node:fs/promises';
import { join, sep } from 'node:path';
import { pool } from './lib/pool.ts';
import { byImportance } from './lib/order.ts';
import type { Checked, CheckedFinding, Context, FileList, Finding, Merged } from './lib/types.ts';

const EXAMPLES = 5;

export default async function check(
  { files, merged }: { files: FileList; merged: Merged },
  { signal }: Context,
): Promise<Checked> {
  const byFile = new Map<string, Finding[]>();
  for (const finding of merged.findings) {
    const others = byFile.get(finding.file);
    if (others) others.push(finding);
    else byFile.set(finding.file, [finding]);
  }
  const dropped = new Map<string, { why: string; count: number; examples: string[] }>();
  const drop = (why: string, { file, line }: Finding) => {
    const entry = dropped.get(why) ?? { why, count: 0, examples: [] };
    entry.count++;
    if (entry.examples.length < EXAMPLES) entry.examples.push(`${file}:${line}`);
    dropped.set(why, entry);
  };

  const kept: Finding[] = [];
  await pool([...byFile], 16, signal, async ([file, findings]) => {
    const deepest = Math.max(...findings.map(({ line }) => line).filter(Number.isFinite));
    const lines = await countLines(files.root, file, deepest, signal);
    for (const finding of findings) {
      if (typeof lines === 'string') drop(lines, finding);
      else if (!Number.isInteger(finding.line) || finding.line < 1)
        drop('the line is not a line number', finding);
      else if (finding.line > lines) drop('the file has no such line', finding);
      else kept.push(finding);
    }
  });

  const findings = collapse(kept.toSorted(byImportance));
  return {
    reviewers: merged.reviewers,
    findings,
    examined: merged.findings.length,
    dropped: [...dropped.values()].toSorted((a, b) => b.count - a.count || (a.why < b.why ? -1 : 1)),
    duplicates: kept.length - findings.length,
  };
}

/** How many lines a file has, as editors number them (one more than it has newlines), counted no further than
 *  needed; or why it cannot be said. */
async function countLines(
  root: string,
  file: string,
  upTo: number,
  signal: AbortSignal,
): Promise<number | string> {
  const path = join(root, file);
  if (file === '' || !path.startsWith(root.endsWith(sep) ? root : root + sep))
    return 'the file is outside the repository';
  try {
    if (!(await lstat(path)).isFile()) return 'it is not a file';
    if ((await realpath(path)) !== path) return 'the file is outside the repository';
    let lines = 1;
    if (upTo <= 1) return lines;
    for await (const chunk of createReadStream(path, { signal })) {
      const bytes = chunk as Buffer;
      for (let at = bytes.indexOf(10); at >= 0; at = bytes.indexOf(10, at + 1)) lines++;
      if (lines >= upTo) break;
    }
    return lines;
  } catch {
    signal.throwIfAborted();
    return 'the file does not exist';
  }
}

/** The same rule at the same place, or the same words about the same line, is one finding. The worst stays,
 *  because they come worst first, and remembers who else said it. */
function collapse(sorted: readonly Finding[]): CheckedFinding[] {
  const seen = new Map<string, CheckedFinding>();
  const out: CheckedFinding[] = [];
  for (const finding of sorted) {
    const place = `${finding.file}\0${finding.line}\0`;
    const keys = [
      `${place}rule\0${finding.column ?? ''}\0${finding.rule}`,
      `${place}text\0${finding.column ?? ''}\0${finding.message}`,
    ];
    const same = keys.map((key) => seen.get(key)).find((entry) => entry !== undefined);
    if (same === undefined) {
      const entry: CheckedFinding = { ...finding };
      for (const key of keys) seen.set(key, entry);
      out.push(entry);
    } else if (finding.reviewer !== same.reviewer && !same.alsoBy?.includes(finding.reviewer)) {
      same.alsoBy = [...(same.alsoBy ?? []), finding.reviewer];
    }
  }
  return out;
}
