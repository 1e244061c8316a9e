/** Claim: for any arguments, the command ends with a documented exit code, and an error is a sentence. */
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, expect, test } from 'vitest';

const MAIN = join(import.meta.dirname, '../../src/cli/main.ts');
const folder = mkdtempSync(join(tmpdir(), 'tutti-arguments-'));
afterAll(() => rmSync(folder, { recursive: true }));
const put = (name: string, content: string | Buffer) => {
  writeFileSync(join(folder, name), content);
  return join(folder, name);
};
const score = put(
  'score.yaml',
  'score: s\nagents: { a: { command: [echo, hi] } }\nsteps: [{ id: x, agent: a, reads: { t: input.t } }]\n',
);
const FILES = [
  score,
  put('empty', ''),
  put('bytes', Buffer.from([1, 0, 2, 255])),
  put('text.md', '# Hello\n'),
  put('number.json', '7'),
  put('list.json', '[1, {"prompt": 3}]'),
  put('deep.yaml', '['.repeat(3_000)),
  folder,
  join(folder, 'missing'),
  '',
  '-',
  'a\nb',
];
/** Options of the commands that end by themselves and quickly; whether each takes a value. */
const COMMANDS: Readonly<Record<string, Readonly<Record<string, boolean>>>> = {
  perform: {
    '--input': true, '--input-file': true, '--max-concurrency': true, '--timeout': true, '--out': true, '--json': false,
    '--quiet': false, '--cue': true,
  },
  simulate: { '--units': true, '--dispatch': true, '--priority': true, '--json': false },
  check: { '--format': true },
  'train-router': {},
  'evaluate-router': { '--router': true, '--json': false },
}; // prettier-ignore

const value = fc.oneof(
  fc.constantFrom(
    'inf',
    '0',
    '-1',
    '1e9',
    '2',
    'NaN',
    't=1',
    'u=2',
    '=',
    'path',
    'batch',
    'mermaid',
    'x',
    '*',
    ...FILES,
  ),
  fc.string({ unit: 'grapheme', maxLength: 8 }).filter((text) => !text.includes('\0')),
);
const argv = fc.constantFrom(...Object.keys(COMMANDS)).chain((command) => {
  const known = Object.entries(COMMANDS[command]!).map(([option, takes]) =>
    takes ? value.map((given) => [option, given]) : fc.constant([option]),
  );
  const option = fc.oneof(
    ...known,
    fc.constantFrom(['--nonsense'], ['-x'], ['--']),
    value.map((given) => [given]),
  );
  return fc
    .tuple(fc.constantFrom(...FILES), fc.array(option, { maxLength: 3 }))
    .map(([file, options]) => [command, file, ...options.flat()]);
});

/** Runs the command in the folder, so that nothing is written elsewhere. */
function run(args: string[]): Promise<{ code: number | null; stderr: string }> {
  const child = spawn(process.execPath, [MAIN, ...args], {
    cwd: folder,
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let stderr = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  return new Promise((resolve) => child.on('close', (code) => resolve({ code, stderr })));
}

test('random arguments end with 0, 1 or 2, and never with a stack trace', async () => {
  await fc.assert(
    fc.asyncProperty(argv, async (args) => {
      const { code, stderr } = await run(args);
      expect([0, 1, 2], `${JSON.stringify(args)}: ${stderr}`).toContain(code);
      expect(stderr).not.toMatch(/\n\s+at .*:\d+:\d+|was not expected|TypeError|node:internal/);
      if (code === 2) expect(stderr).toMatch(/^(tutti|error): /m);
    }),
    { numRuns: process.env['TUTTI_DEEP'] === undefined ? 25 : 500, interruptAfterTimeLimit: 600_000 },
  );
}, 660_000);

test.each(['perform', 'simulate', 'check', 'evaluate-router'])(
  '%s refuses a misspelt option with the nearest name',
  async (command) => {
    const [option = '--help'] = Object.keys(COMMANDS[command]!);
    const { code, stderr } = await run([command, score, `${option}x`]);
    expect(code).toBe(2);
    expect(stderr).toMatch(new RegExp(`unknown option '${option}x'\\s+\\(Did you mean ${option}\\?\\)`));
  },
);
