/** Run oxlint over the JavaScript and TypeScript files, with one of the rule sets in `../rules`.
 *
 *  The reviewed repository's own oxlint configuration is deliberately not honoured. It may be a program
 *  (`oxlint.config.ts`, JavaScript plugins), and a review must not execute what it reviews; it may also be
 *  broken, and it would make the same code get different reviews. An explicit `--config` together with
 *  `--disable-nested-config` shuts all of it out. Comments in the code (`oxlint-disable-line`) are honoured:
 *  they cannot run anything and they record a decision next to the place.
 *
 *  One thread each, because six reviewers run at once and because the order of the findings, and with it the
 *  choice of those that are shown, is then the same in every run. */
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Bag } from './bag.ts';
import { run } from './child.ts';
import { SECONDS, whatHappened } from './program.ts';
import type { Analysis, FileList, RawFinding, SourceFile } from './types.ts';

export type RuleSet = 'security' | 'performance' | 'correctness' | 'style' | 'jsdoc' | 'jest' | 'vitest';

const LANGUAGES = new Set(['JavaScript', 'TypeScript', 'Vue', 'Svelte', 'Astro']);
const BATCH = 96 * 1024; // bytes of file names per command line, well below every system's limit

interface Diagnostic {
  message: string;
  code?: string;
  severity: string;
  help?: string;
  filename: string;
  labels: { span: { line: number; column: number } }[];
}

/** The oxlint of this project, found from here and not from the reviewed folder. */
function executable(): string {
  return join(dirname(createRequire(import.meta.url).resolve('oxlint/package.json')), 'bin', 'oxlint');
}

/** Files that oxlint can read and that are written by hand. */
export function lintable(files: readonly SourceFile[]): SourceFile[] {
  return files.filter((file) => LANGUAGES.has(file.language) && file.text && !file.generated);
}

export async function oxlint(
  rules: RuleSet,
  list: FileList,
  files: readonly SourceFile[],
  signal: AbortSignal,
): Promise<Analysis> {
  const name = `oxlint (${rules})`;
  if (files.length === 0) {
    const note = `no JavaScript or TypeScript ${rules === 'jest' || rules === 'vitest' ? `tests for ${rules}` : 'files'}`;
    return { name, status: 'not applicable', files: 0, note, findings: [], counts: {} };
  }
  const config = fileURLToPath(new URL(`../rules/${rules}.json`, import.meta.url));
  const bag = new Bag();
  const unparsable = new Set<string>();
  const onRecord = (record: string) => {
    const diagnostic = parse(record);
    if (diagnostic === undefined) return;
    if (diagnostic.code !== undefined) return bag.add(finding(diagnostic));
    // Without a code it is the parser speaking. One reviewer says so, once per file: the rest follows from it.
    if (rules !== 'correctness' || unparsable.has(diagnostic.filename)) return;
    unparsable.add(diagnostic.filename);
    bag.add({ ...finding(diagnostic), rule: 'syntax', severity: 'error' });
  };

  const notes: string[] = [];
  const deadline = performance.now() + SECONDS * 1000;
  let done = 0;
  for (const batch of batches(files.map((file) => file.path))) {
    const options = [
      '--config',
      config,
      '--disable-nested-config',
      '--no-ignore',
      '--threads=1',
      '--format',
      'json',
    ];
    // eslint-disable-next-line no-await-in-loop -- one batch at a time, in order
    const outcome = await run(
      process.execPath,
      [executable(), ...options, ...batch.map((path) => `./${path}`)],
      {
        cwd: list.root,
        signal,
        timeout: Math.max(1, (deadline - performance.now()) / 1000),
        onRecord,
      },
    );
    // 1 means that something of severity error was found.
    if (outcome.code !== 0 && outcome.code !== 1) {
      notes.push(`${whatHappened(outcome)} after ${done} of ${files.length} files`);
      break;
    }
    if (outcome.oversized > 0) notes.push(`${outcome.oversized} messages too long to keep`);
    done += batch.length;
  }
  return {
    name,
    status: done === files.length ? 'ran' : done === 0 ? 'failed' : 'partly',
    files: done,
    ...(notes.length > 0 && { note: notes.join('; ') }),
    findings: bag.findings,
    counts: bag.counts,
  };
}

/** oxlint prints one diagnostic per line inside one JSON document; reading line by line keeps memory flat
 *  however many there are. */
function parse(line: string): Diagnostic | undefined {
  const text = line.replace(/^\{ "diagnostics": \[/, '').replace(/(,|\],)\s*$/, '');
  if (!text.startsWith('{"message"')) return undefined;
  return JSON.parse(text) as Diagnostic;
}

function finding(diagnostic: Diagnostic): RawFinding {
  const span = diagnostic.labels[0]?.span;
  return {
    file: diagnostic.filename.replaceAll('\\', '/').replace(/^\.\//, ''),
    line: span?.line ?? 1,
    ...(span && { column: span.column }),
    rule: diagnostic.code === undefined ? 'syntax' : ruleName(diagnostic.code),
    severity: diagnostic.severity,
    message: diagnostic.help ? `${diagnostic.message} ${diagnostic.help}` : diagnostic.message,
  };
}

/** `eslint(no-eval)` becomes `no-eval`, `unicorn(prefer-set-has)` becomes `unicorn/prefer-set-has`. */
function ruleName(code: string): string {
  const match = /^([^(]+)\(([^)]+)\)$/.exec(code);
  if (match === null) return code;
  const [, plugin = '', rule = ''] = match;
  return plugin === 'eslint' ? rule : `${plugin}/${rule}`;
}

function* batches(paths: readonly string[]): Generator<string[]> {
  let batch: string[] = [];
  let bytes = 0;
  for (const path of paths) {
    const size = Buffer.byteLength(path) + 3;
    if (bytes + size > BATCH && batch.length > 0) {
      yield batch;
      batch = [];
      bytes = 0;
    }
    batch.push(path);
    bytes += size;
  }
  if (batch.length > 0) yield batch;
}
