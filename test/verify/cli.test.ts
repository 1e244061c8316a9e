/** Claims about `tutti verify` as a user meets it: a table, JSON of the agreed shape, exit codes. */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { CLAIMS, type Judged } from '../../specs/verify.ts';
import { verdicts } from '../../src/cli/verdicts.ts';

const MAIN = join(import.meta.dirname, '../../src/cli/main.ts');
const tutti = (...args: string[]) =>
  spawnSync(process.execPath, [MAIN, 'verify', ...args], { encoding: 'utf8', timeout: 60_000 });
const folder = mkdtempSync(join(tmpdir(), 'tutti-verify-'));
afterAll(() => rmSync(folder, { recursive: true }));
const file = (name: string, content: unknown): string => {
  const path = join(folder, name);
  writeFileSync(path, typeof content === 'string' ? content : JSON.stringify(content));
  return path;
};

test('prints Table 3 within 60 columns, and what each claim was judged by', () => {
  const { status, stdout, stderr } = tutti('--only', 'dvfs', '--runs', '20');
  expect([status, stdout.split('\n')[1]]).toEqual([0, 'dvfs           simulation     holds          holds']);
  expect(stdout.replaceAll(/\s+/g, ' ')).toContain('20 random traces for each of 6 policies');
  expect(stdout).toContain('sampled: random cases were run');
  expect(stdout).toMatch(/^All \d+ claims are as expected\.$/m);
  expect(stderr).toContain('✔ dvfs: simulation, sampled');
});

test('--only api judges what users call, of every mapping, and scales with --runs', () => {
  const { status, stdout } = tutti('--only', 'api', '--runs', '10', '--json');
  const { claims } = JSON.parse(stdout) as {
    claims: { mapping: string; instrument: string; evidence: string }[];
  };
  const judged = claims.filter(({ instrument }) => instrument !== null);
  expect([status, new Set(judged.map(({ instrument }) => instrument))]).toEqual([0, new Set(['api'])]);
  expect(new Set(judged.map(({ mapping }) => mapping))).toEqual(new Set(['tomasulo', 'mesi', 'dvfs']));
  expect(new Set(judged.map(({ evidence }) => evidence))).toEqual(new Set(['sampled']));
});

test('seeded mistakes stand under a heading of their own, outside the table', () => {
  const judged = CLAIMS.map((claim): Judged => ({
    claim,
    ms: 1,
    finding: { verdict: claim.expected, bound: 'x', states: 1 },
  }));
  const text = verdicts(judged, [], 'mesi');
  expect(text).toContain('mesi, checks of the checker: holds');
  const failureModes = text.split('mesi, failure modes: holds')[1]!.split('mesi, checks of the checker')[0]!;
  expect(failureModes).not.toContain('seeded');
  expect(text.replaceAll(/\s+/g, ' ')).toContain('✔ holds, explored completely:');
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
});

test('a mapping that is not built says so', () => {
  const { status, stdout } = tutti('--only', 'prefetch');
  expect([status, stdout.split('\n')[1]]).toEqual([
    0,
    'prefetch       not built      not built      not built',
  ]);
});

const judged = (): Judged => ({
  claim: CLAIMS[0]!,
  ms: 12,
  finding: {
    verdict: 'fails',
    bound: 'a word-that-is-much-longer-than-any-terminal-could-ever-be-wide and then some more words',
    states: 1,
    counterexample: {
      what: 'the second instruction starts before its operand is there.',
      seed: 7,
      transcript: [{ from: 'station 1', to: 'unit', text: 'GRANT_UNIT although operand 2 is missing' }],
    },
  },
});

test.each([40, 60, 80])('%i columns are enough for a claim that fails, with its counter-example', (width) => {
  const text = verdicts([judged()], [], 'tomasulo', width);
  const table = text.split('\n').slice(3);
  const tooLong = table.filter((line) => line.length > width && line.trim().includes(' '));
  expect(tooLong).toEqual([]);
  const words = text.replaceAll(/\s+/g, ' ');
  expect(words).toContain(
    'counter-example (--seed 7): the second instruction starts before its operand is there.',
  );
  expect(words).toContain('1 of 1 claims fall short of what is expected.');
  expect(words).toContain('tomasulo fails not judged not judged');
});

test('--litmus judges the tests of a file: what one memory shows holds', () => {
  const path = file('sb.json', {
    tests: [
      {
        name: 'SB',
        init: { x: 0, y: 0 },
        threads: [
          [
            { op: 'W', loc: 'x', val: 1 },
            { op: 'R', loc: 'y', reg: 'r0' },
          ],
          [
            { op: 'W', loc: 'y', val: 1 },
            { op: 'R', loc: 'x', reg: 'r0' },
          ],
        ],
      },
    ],
  });
  const { status, stdout } = tutti('--litmus', path, '--runs', '50', '--json');
  const { claims } = JSON.parse(stdout) as { claims: { instrument: string; verdict: string }[] };
  expect([status, new Set(claims.map(({ instrument }) => instrument))]).toEqual([0, new Set(['litmus'])]);
});

test('a claim that fails ends with exit code 1, its counter-example, and --save keeps that for the viewer', () => {
  const wrong = file('wrong.json', {
    tests: [
      {
        name: 'CoRR',
        init: { x: 0 },
        threads: [[{ op: 'W', loc: 'x', val: 1 }], [{ op: 'R', loc: 'x', reg: 'r0' }]],
        outcomesSC: ['1:r0=0;[x]=1'], // one memory shows 1, too
      },
    ],
  });
  const { status, stdout, stderr } = tutti(
    '--litmus',
    wrong,
    '--runs',
    '20',
    '--save',
    join(folder, 'found'),
  );
  expect([status, stdout.includes('✘ fails (expected: holds)')]).toEqual([1, true]);
  expect(stdout).toContain('counter-example:\nCoRR: ');
  expect(stderr).toMatch(/counter-example: tutti view .*mesi-invariant-guarantees-\d+\.json/);
});

test.each([
  [['--only', 'mesy'], '--only takes speculation'],
  [['--agents', '1'], '--agents takes a whole number from 2 to 5'],
  [['--lines', '3'], '--lines takes a whole number from 1 to 2'],
  [['--runs', 'many'], '--runs takes a whole number'],
  [['--frobnicate'], 'unknown option'],
  [['--litmus', '/nowhere.json'], '--litmus /nowhere.json: there is no such file'],
  [['--litmus', file('text.json', 'no json')], 'not JSON'],
  [['--litmus', file('null.json', 'null')], "has no list 'tests'"],
  [['--litmus', file('none.json', { tests: [] })], "'tests' is empty"],
  [
    ['--litmus', file('fence.json', { tests: [{ name: 'F', init: {}, threads: [[{ op: 'fence' }]] }] })],
    'F: ',
  ],
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
