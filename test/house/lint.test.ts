/** Claims: a listed word and a name with two definitions make their lints fail, and nothing else does. */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';

const scripts = join(import.meta.dirname, '../../scripts');
let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'tutti-lint-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

function write(path: string, text: string): void {
  mkdirSync(dirname(join(folder, path)), { recursive: true });
  writeFileSync(join(folder, path), text);
}
function lint(script: string, ...args: string[]): { status: number | null; lines: string[] } {
  const { status, stdout, stderr } = spawnSync(process.execPath, [join(scripts, script), folder, ...args], {
    encoding: 'utf8',
  });
  expect(stderr).toBe('');
  return { status, lines: stdout.trim().split('\n') };
}

const git = (...args: string[]) => execFileSync('git', args, { cwd: folder });

test('listed words beyond the limit fail, in tracked and in new files', () => {
  git('init', '--quiet');
  write('old.ts', '// Somebody waits.\n'.repeat(15));
  git('add', 'old.ts');
  write('new.md', 'Ask nobody.\n'.repeat(5));
  expect(lint('lint-words.js')).toMatchObject({ status: 0 });
  write('more.yaml', '# one line\n# Nobody asks.\n');
  const { status, lines } = lint('lint-words.js');
  expect(status).toBe(1);
  expect(lines).toHaveLength(15 + 5 + 1 + 2);
  expect(lines).toContain('more.yaml:2: Nobody');
  expect(lines).toContain('new.md:5: nobody');
});

test.each([
  ['a phrase', 'It lives in a house of its own.\n', 'a.md:1: of its own'],
  ['a phrase that a line break splits', 'The client is\ntold later.\n', 'a.md:1: is told'],
  ['the longest word that fits', 'A dearer model.\n', 'a.md:1: dearer'],
])('the lint of words finds %s', (_what, text, line) => {
  git('init', '--quiet');
  write('a.md', text);
  expect(lint('lint-words.js').lines).toEqual([line, '1 listed words; 20 are allowed.']);
});

test('the lint of words finds a phrase that a comment splits', () => {
  git('init', '--quiet');
  write('a.ts', '/** Waits for\n *  ever. */\n// The owner is\n// told.\n');
  expect(lint('lint-words.js').lines.slice(0, 2)).toEqual(['a.ts:1: for ever', 'a.ts:3: is told']);
});

test('parts of words, ignored files, generated files and names of decisions do not count', () => {
  git('init', '--quiet');
  write('.gitignore', 'built/\n');
  write('built/a.ts', '// nobody\n');
  write('data.json', '"nobody"');
  write('docs/machines/line.md', 'nobody');
  write('a.md', 'A deary, henceforth; [0006](decisions/0006-a-fault-that-nobody-absorbs.md).\n');
  expect(lint('lint-words.js')).toEqual({ status: 0, lines: ['0 listed words; 20 are allowed.'] });
});

/** The folders that the lint of names reads, with definitions of distinct names and a re-export. */
function sources(): void {
  write('machines/line.ts', 'export interface Line {\n  state: string;\n}\nexport const line = 1;\n');
  write(
    'actors/bus/bus.ts',
    "import { line } from '../machines/line.ts';\nexport class Bus {}\nexport { line };\n",
  );
  write('specs/explore.ts', 'export const [ON, OFF] = [0, 1];\nconst Hidden = 1;\n');
  write(
    'src/index.ts',
    "export { Bus } from '../../actors/bus/bus.ts';\nexport type { Line } from '../machines/line.ts';\n",
  );
}

test('a re-export is not a second definition of a name', () => {
  sources();
  const lines = ['0 exported names have several definitions; 0 are allowed.'];
  expect(lint('lint-names.js', '0')).toEqual({ status: 0, lines });
});

test.each([
  ['export interface Line {\n  key: string;\n}\n', 'Line: machines/line.ts, src/planted.ts'],
  ['export type Line = string;\n', 'Line: machines/line.ts, src/planted.ts'],
  ['export async function line() {}\n', 'line: machines/line.ts, src/planted.ts'],
  ['export abstract class Bus {}\n', 'Bus: actors/bus/bus.ts, src/planted.ts'],
  ['export const OFF = 1;\n', 'OFF: specs/explore.ts, src/planted.ts'],
  ['export const { ON } = states;\n', 'ON: specs/explore.ts, src/planted.ts'],
  ['class Local {}\nexport { Local as Bus };\n', 'Bus: actors/bus/bus.ts, src/planted.ts'],
])('a second definition of a name fails: %j', (text, line) => {
  sources();
  write('src/planted.ts', text);
  const { status, lines } = lint('lint-names.js', '0');
  expect(status).toBe(1);
  expect(lines[0]).toBe(line);
  expect(lint('lint-names.js', '1').status).toBe(0);
});
