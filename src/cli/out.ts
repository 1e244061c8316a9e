/** `--out`: the outputs as files, with the timeline's picture, nothing half-written. */
import { mkdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { Report } from '../perform.ts';
import { timelineSvg } from '../timeline-picture.ts';
import { reportJson } from './json.ts';
import { UsageError } from './usage.ts';

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
    throw new UsageError(
      `--out ${folder}: cannot be written to (${error instanceof Error ? error.message : String(error)}).`,
    );
  }
}

export interface Written {
  /** In the order of the outputs. */
  readonly files: string[];
  /** What could not be written, and why. */
  readonly lost: string[];
}

/** Writes every output to a file of its name: text as it is, anything else as JSON; and `timeline.svg`, `run.json`.
 *  What cannot be written keeps nothing else from being written. */
export async function writeOut(folder: string, report: Report): Promise<Written> {
  const picture = timelineSvg(report);
  const files: [name: string, text: string][] = Object.entries(report.outputs).map(([name, value]) =>
    typeof value === 'string'
      ? [named(name, '.txt'), fill(named(name, '.txt'), value, picture)]
      : [named(name, '.json'), `${JSON.stringify(value, null, 2) ?? 'null'}\n`],
  );
  files.push(['timeline.svg', picture], ['run.json', `${JSON.stringify(reportJson(report), null, 2)}\n`]);
  const written: Written = { files: [], lost: [] };
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

/** Files of outputs that this performance did not make: they are of an earlier one. */
export async function leftFrom(
  folder: string,
  outputs: readonly string[],
  written: readonly string[],
): Promise<string[]> {
  const candidates = outputs.flatMap((name) => [...new Set([named(name, '.txt'), named(name, '.json')])]);
  const there = await Promise.all(
    candidates
      .map((name) => join(folder, name))
      .filter((path) => !written.includes(path))
      .map(async (path) => ((await stat(path).catch(() => undefined))?.isFile() ? [path] : [])),
  );
  return there.flat();
}

/** An output's name may come from anybody: it stays in the folder. */
function named(name: string, extension: string): string {
  const safe =
    basename(name.replaceAll('\\', '/'))
      .replace(/[\p{Cc}]/gu, '_')
      .replace(/^\.+/, '_') || 'output';
  return /\.[A-Za-z0-9]+$/.test(safe) ? safe : safe + extension;
}

function fill(name: string, text: string, picture: string): string {
  if (!text.includes(PLACEHOLDER)) return text;
  return text.replace(PLACEHOLDER, () => (name.endsWith('.md') ? '![Timeline](timeline.svg)' : picture));
}
