/** `--out`: the outputs as files, with the timeline's picture, nothing half-written. */
import { mkdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join, posix } from 'node:path';
import type { Report } from '../score/perform.ts';
import { timelineSvg } from '../score/timeline-picture.ts';
import { jsonText, reportJson } from './json.ts';
import { CommandLineError } from './usage.ts';

/** An output may say where the picture goes. */
const PLACEHOLDER = '<!-- tutti:timeline -->';

/** Makes sure that the folder can be written to, before anything runs. */
export async function prepareOut(folder: string): Promise<void> {
  try {
    await mkdir(folder, { recursive: true });
    if (!(await stat(folder)).isDirectory()) throw new Error('it is not a folder');
    const probe = join(folder, `.tutti-${process.pid}`);
    await writeFile(probe, '');
    await rm(probe);
  } catch (error) {
    throw new CommandLineError(
      `--out ${folder}: cannot be written to (${error instanceof Error ? error.message : String(error)}).`,
    );
  }
}

export interface WrittenFiles {
  /** In the order of the outputs. */
  readonly files: string[];
  /** What could not be written, and why. */
  readonly lost: string[];
}

/** Writes every output to a file of its name: text as it is, anything else as JSON; and `timeline.svg`, `run.json`.
 *  An output that cannot be written does not keep the others from being written. */
export async function writeOut(folder: string, report: Report): Promise<WrittenFiles> {
  const picture = timelineSvg(report);
  const written: WrittenFiles = { files: [], lost: [] };
  const taken = new Set(['timeline.svg', 'run.json']);
  const files: [name: string, text: string][] = [];
  for (const [output, value] of Object.entries(report.outputs)) {
    const isText = typeof value === 'string';
    const name = free(fileNameOf(output, isText ? '.txt' : '.json'), taken);
    const json = isText ? { text: fill(name, value, picture) } : jsonText(value, 2);
    if ('why' in json) written.lost.push(`output '${output}' (${json.why})`);
    else files.push([name, isText ? json.text : `${json.text}\n`]);
  }
  files.push(['timeline.svg', picture], ['run.json', `${JSON.stringify(reportJson(report), null, 2)}\n`]);
  for (const [name, text] of files) {
    const path = join(folder, name);
    const draft = join(folder, `.${name}.${process.pid}`);
    try {
      await writeFile(draft, text);
      await rename(draft, path);
      written.files.push(path);
    } catch (error) {
      await rm(draft, { force: true }).catch(() => undefined);
      written.lost.push(`${path} (${(error as NodeJS.ErrnoException).code ?? String(error)})`);
    }
  }
  return written;
}

/** A name that no other file of this performance has, on file systems that ignore case, too. */
function free(name: string, taken: Set<string>): string {
  const [, stem = name, extension = ''] = /^(.*?)(\.[^.]*)?$/s.exec(name) ?? [];
  for (let n = 1; ; n++) {
    const candidate = n === 1 ? name : `${stem}-${n}${extension}`;
    if (taken.has(candidate.toLowerCase())) continue;
    taken.add(candidate.toLowerCase());
    return candidate;
  }
}

/** Files of outputs that this performance did not write: an earlier one did. */
export async function leftFrom(
  folder: string,
  outputs: readonly string[],
  written: readonly string[],
): Promise<string[]> {
  const candidates = outputs.flatMap((name) => [
    ...new Set([fileNameOf(name, '.txt'), fileNameOf(name, '.json')]),
  ]);
  const there = await Promise.all(
    candidates
      .map((name) => join(folder, name))
      .filter((path) => !written.includes(path))
      .map(async (path) => ((await stat(path).catch(() => undefined))?.isFile() ? [path] : [])),
  );
  return there.flat();
}

/** Any output's name as the name of a file in the folder itself. On Windows also without `: * ? " < > |`, of which `:`
 *  would name a stream of another file, and without names of devices. */
export function fileNameOf(name: string, extension: string, platform = process.platform): string {
  const safe =
    posix
      .basename(name.replaceAll('\\', '/'))
      .replace(/[\p{Cc}]/gu, '_')
      .replace(/^\.+/, '_') || 'output';
  const full = /\.[A-Za-z0-9]+$/.test(safe) ? safe : safe + extension;
  if (platform !== 'win32') return full;
  return full.replace(/[<>:"|?*]/g, '_').replace(/^(con|prn|aux|nul|com\d|lpt\d)(?=\.|$)/i, '_$1');
}

function fill(name: string, text: string, picture: string): string {
  if (!text.includes(PLACEHOLDER)) return text;
  return text.replace(PLACEHOLDER, () => (name.endsWith('.md') ? '![Timeline](timeline.svg)' : picture));
}
