/** Claims about `tutti verify` as a user meets it: a table, JSON of the agreed shape, exit codes. */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { expect, test } from 'vitest';

const MAIN = join(import.meta.dirname, '../src/cli/main.ts');
const tutti = (...args: string[]) =>
  spawnSync(process.execPath, [MAIN, 'verify', ...args], { encoding: 'utf8', timeout: 60_000 });

test('prints Table 3 within 60 columns, and what each claim was judged by', () => {
  const { status, stdout, stderr } = tutti('--only', 'dvfs', '--runs', '20');
  expect([status, stdout.split('\n')[1]]).toEqual([0, 'dvfs           isomorphism    holds          holds']);
  expect(stdout).toContain('by lockstep: 20 random traces for each of 6 policies');
  expect(stderr).toContain('✔ dvfs: isomorphism');
});

test('--json prints claims and mutants, and nothing else, on standard output', () => {
  const { status, stdout } = tutti('--only', 'tomasulo', '--runs', '200', '--json');
  const { claims, mutants } = JSON.parse(stdout) as { claims: Record<string, unknown>[]; mutants: unknown[] };
  expect([status, mutants]).toEqual([0, []]);
  expect(claims.map(({ verdict }) => verdict)).toEqual(claims.map(({ expected }) => expected));
  expect(claims.length).toBeGreaterThan(5);
  expect(Object.keys(claims[0]!)).toEqual(
    expect.arrayContaining([
      'mapping',
      'criterion',
      'property',
      'expected',
      'verdict',
      'instrument',
      'bound',
    ]),
  );
  expect(claims).toContainEqual(expect.objectContaining({ states: 569, transitions: 16_499 }));
});

test('a mapping that is not built says so', () => {
  const { status, stdout } = tutti('--only', 'prefetch');
  expect([status, stdout.split('\n')[1]]).toEqual([
    0,
    'prefetch       not built      not built      not built',
  ]);
});

test.each([
  [['--only', 'mesy'], '--only takes speculation'],
  [['--agents', '1'], '--agents takes a whole number from 2 to 4'],
  [['--runs', 'many'], '--runs takes a whole number'],
  [['--frobnicate'], 'unknown option'],
])('%j is bad usage: exit code 2 and what to do', (args, message) => {
  const { status, stderr, stdout } = tutti(...args);
  expect([status, stdout]).toEqual([2, '']);
  expect(stderr).toContain(message);
});

test.each(['tomasulo', 'dvfs'])('Ctrl-C ends a long check of %s, with exit code 130', async (mapping) => {
  const child = spawn(process.execPath, [MAIN, 'verify', '--only', mapping, '--runs', '1000000'], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let said = '';
  const begun = new Promise<void>((done) => {
    child.stderr.on('data', (chunk: Buffer) => {
      said += chunk.toString();
      if (said.includes('judging')) done();
    });
  });
  await begun;
  child.kill('SIGINT');
  const [code, signal] = (await once(child, 'exit')) as [number | null, string | null];
  expect([code, signal]).toEqual([130, null]);
  expect(said).toContain('interrupted after');
});
