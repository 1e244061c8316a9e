/** Claims: the results of a performance are not lost when its output is no longer read, when a file cannot be written, or
 *  when a name is taken; and text of an agent never moves the cursor. */
import { spawn, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { timelineText } from '../../src/score/timeline-picture.ts';

const MAIN = join(import.meta.dirname, '../../src/cli/main.ts');
const folder = mkdtempSync(join(tmpdir(), 'tutti-output-'));
afterAll(() => rmSync(folder, { recursive: true }));
const scoreFile = (name: string, body: string) => {
  const file = join(folder, name);
  writeFileSync(file, body);
  return file;
};
const node = JSON.stringify(process.execPath);
const two = scoreFile(
  'two.yaml',
  `score: two
agents: { say: { command: [${node}, -e, 'setTimeout(() => console.log("done"), 200)'] } }
steps: [{ id: a, agent: say }, { id: b, agent: say }]
outputs: { a.txt: a, b.txt: b }
`,
);
const tutti = (...args: string[]) =>
  spawnSync(process.execPath, [MAIN, ...args], { encoding: 'utf8', timeout: 60_000 });

test('the work goes on when its progress is no longer read', async () => {
  const out = join(folder, 'unread');
  const child = spawn(process.execPath, [MAIN, 'perform', two, '--out', out], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  child.stderr.destroy();
  const code = await new Promise((resolve) => child.on('close', resolve));
  expect([code, readFileSync(join(out, 'b.txt'), 'utf8').trim()]).toEqual([0, 'done']);
});

test('one output that cannot be written loses no other, and is named', () => {
  const out = join(folder, 'taken');
  mkdirSync(join(out, 'a.txt'), { recursive: true });
  const { status, stderr } = tutti('perform', two, '--out', out, '--quiet');
  expect([status, readFileSync(join(out, 'b.txt'), 'utf8').trim()]).toEqual([1, 'done']);
  expect(stderr).toMatch(/could not be written: .*a\.txt/);
  expect(JSON.parse(readFileSync(join(out, 'run.json'), 'utf8'))).toMatchObject({ status: 'completed' });
});

test('a failed performance reports the files that an earlier one left', () => {
  const out = join(folder, 'earlier');
  expect(tutti('perform', two, '--out', out, '--quiet').status).toBe(0);
  const broken = scoreFile(
    'broken.yaml',
    readFileSync(two, 'utf8').replace('console.log("done")', 'process.exit(3)'),
  );
  const { status, stderr } = tutti('perform', broken, '--out', out, '--quiet');
  expect(status).toBe(1);
  expect(stderr).toMatch(/a\.txt is of an earlier performance/);
});

test('a trace is not written over the score', () => {
  const before = readFileSync(two, 'utf8');
  const { status, stderr } = tutti('perform', two, '--trace', two);
  expect([status, readFileSync(two, 'utf8')]).toEqual([2, before]);
  expect(stderr).toContain('is what is performed');
});

test('a step may not be called input, for its result would be lost', () => {
  const file = scoreFile('input.yaml', readFileSync(two, 'utf8').replace('id: a,', 'id: input,'));
  const { status, stderr } = tutti('check', file);
  expect(status).toBe(2);
  expect(stderr).toMatch(/input\.yaml:3:\d+: nothing may write 'input'/);
});

test.each([24, 40, 80])(
  'the timeline fits %i columns with names of any length, and says how a step ended',
  (columns) => {
    const step = (id: string, status: string) => ({
      ...{ id, agent: 'a', status, issued: 0, start: 0, end: 300, waitedFor: [], attempts: 1 },
    });
    const timeline = [
      step('写一个很长的名字的步骤', 'done'),
      step('🎻🎻🎻 first violin', 'failed'),
      step('c', 'done'),
    ];
    const text = timelineText(
      { timeline, makespan: 300, criticalPath: { length: 300, steps: ['c'] } } as never,
      columns,
    );
    const width = (line: string) =>
      [...line].reduce((sum, c) => sum + (/[\p{Emoji_Presentation}\u2E80-\uA4CF]/u.test(c) ? 2 : 1), 0);
    expect(text.split('\n').filter((line) => width(line) > columns)).toEqual([]);
    expect(text).toContain('failed');
  },
);

test('what a score file lacks is named with what it has to be', () => {
  const { status, stderr } = tutti('check', scoreFile('bare.yaml', 'score: bare\n'));
  expect([status, stderr]).toEqual([
    2,
    expect.stringContaining("bare.yaml:1:1: 'agents' is missing; give it a mapping."),
  ]);
});

test('a folder of runs that cannot be looked at is not called empty', () => {
  const { status, stdout, stderr } = tutti('runs', '--durable', 'x'.repeat(5_000));
  expect([status, stdout]).toEqual([2, '']);
  expect(stderr).toMatch(/may not be read/);
});
