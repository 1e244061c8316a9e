/** Claims: a person can let a held step go on, from the keyboard, a pipe or an option; and nothing that an agent or an
 *  open pipe does keeps the command from ending. */
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { setImmediate as turn } from 'node:timers/promises';
import fc from 'fast-check';
import { afterAll, expect, test } from 'vitest';
import { score, type RunEvent } from 'tutti';
import { answersTo } from '../../src/cli/answers.ts';
import { CommandLineError } from '../../src/cli/usage.ts';
import { until } from '../node/inspector.helpers.ts';

const MAIN = join(import.meta.dirname, '../../src/cli/main.ts');
const folder = mkdtempSync(join(tmpdir(), 'tutti-holds-'));
afterAll(() => rmSync(folder, { recursive: true }));
const node = JSON.stringify(process.execPath);
const held = join(folder, 'held.yaml');
writeFileSync(
  held,
  `score: held
agents: { a: { command: [${node}, -e, 'console.log("hi")'] } }
steps:
  - { id: ask, agent: a, fermata: { hold: human, timeout: 60 } }
  - { id: sign off, agent: a, fermata: { hold: human, timeout: 60 } }
  - { id: free, agent: a }
`,
);

function start(args: string[]) {
  const child = spawn(process.execPath, [MAIN, ...args], { stdio: ['pipe', 'pipe', 'pipe'] });
  const said = { stdout: '', stderr: '' };
  child.stdout.setEncoding('utf8').on('data', (text: string) => (said.stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (said.stderr += text));
  child.stdin.on('error', () => {});
  const ended = new Promise<[number | null, string | null]>((resolve) =>
    child.on('close', (code, signal) => resolve([code, signal])),
  );
  return { child, said, ended };
}

test('a hold is announced with what to type; a line releases it while others run, and the open pipe ends nothing', async () => {
  const { child, said, ended } = start(['perform', held, '--json']);
  await until(() => said.stderr.includes('sign off: held; type "cue sign off" and Enter'));
  child.stdin.write('nothing\ncue ask\n');
  await until(() => said.stderr.includes("there is no step 'nothing'; held: ask, sign off"));
  child.stdin.write('sign off\n');
  expect(await ended).toEqual([0, null]); // standard input is still open
  expect(JSON.parse(said.stdout)).toMatchObject({ status: 'completed' });
});

test('what --cue names goes on without a stop, and a name that the score does not have is bad usage', async () => {
  const each = start(['perform', held, '--quiet', '--cue', 'ask', '--cue', 'sign off']);
  expect([await each.ended, each.said.stderr]).toEqual([[0, null], '']);
  const all = start(['perform', held, '--quiet', '--cue', '*']);
  expect([await all.ended, all.said.stderr]).toEqual([[0, null], '']);
  const wrong = start(['perform', held, '--cue', 'aks']);
  expect(await wrong.ended).toEqual([2, null]);
  expect(wrong.said.stderr).toContain('--cue aks: the score has no such step; it has ask, sign off, free.');
});

const asking = join(folder, 'asking.yaml');
writeFileSync(
  asking,
  `score: asking
agents:
  draft: { command: [${node}, -e, 'console.log("a draft")'] }
  publish: { module: publish.mjs }
steps:
  - { id: draft, agent: draft }
  - id: publish
    agent: publish
    reads: { text: draft }
    fermata: { question: 'Publish it?', answer: { type: boolean }, timeout: 60 }
  - id: stars
    agent: publish
    fermata: { question: 'How many?', answer: { type: integer, maximum: 5 }, timeout: 60 }
  - { id: free, agent: draft }
`,
);
writeFileSync(join(folder, 'publish.mjs'), 'export default (_, { answer }) => ({ answer });');

test('a question is asked with what it is about, and typed answers reach their steps', async () => {
  const { child, said, ended } = start(['perform', asking, '--json']);
  await until(() => said.stderr.includes('publish: Publish it?\n  text: a draft'));
  await until(() => said.stderr.includes('stars: How many?'));
  child.stdin.write('stars=9\n');
  await until(() => said.stderr.includes('still held'));
  child.stdin.write('stars=4\npublish=yes\n');
  expect(await ended).toEqual([0, null]);
  const { outputs } = JSON.parse(said.stdout);
  expect(outputs).toMatchObject({ publish: { answer: true }, stars: { answer: 4 } });
  expect(said.stderr).toContain("the answer to 'stars' does not fit its schema");
});

test('--answer and --refuse decide before the start; an answer that does not fit is bad usage', async () => {
  const both = start(['perform', asking, '--json', '--answer', 'publish=true', '--refuse', 'stars=too early']);
  expect(await both.ended).toEqual([1, null]);
  expect(both.said.stderr).toContain("step 'stars' was refused: too early");
  expect(JSON.parse(both.said.stdout).outputs).toMatchObject({ publish: { answer: true } });
  for (const [args, message] of [
    [['--answer', 'stars=many'], "--answer stars: the answer to 'stars' does not fit its schema"],
    [['--answer', 'star=1'], "--answer star: the score has no such step; it has draft, publish, stars, free. Did you mean 'stars'?"],
    [['--answer', 'free=1'], '--answer free: the step asks nothing; --cue free lets it go on.'],
    [['--refuse', 'fre'], '--refuse fre: the score has no such step'],
  ] as const) {
    const wrong = start(['perform', asking, ...args]);
    expect(await wrong.ended).toEqual([2, null]);
    expect(wrong.said.stderr).toContain(message);
  }
}); // prettier-ignore

const program = score('s')
  .step('ask', { agent: () => 1, fermata: {} })
  .step('cue', { agent: () => 1, fermata: {} })
  .step('free', { agent: () => 1 }).program;

function person(cues: string[] = [], terminal = false) {
  const input = Object.assign(new PassThrough(), { setRawMode: () => input, raw: false });
  const released: string[] = [];
  const said: string[] = [];
  const typed: (string | undefined)[] = [];
  const answers = answersTo(program, {
    cues,
    cue: (id, answer) => released.push(answer === undefined ? id : `${id}=${JSON.stringify(answer)}`),
    refuse: (id, reason) => released.push(`refuse ${id} ${reason}`),
    operands: () => undefined,
    input: input as unknown as NodeJS.ReadStream,
    say: (line) => said.push(line),
    typed: terminal ? (text) => typed.push(text) : undefined,
  });
  const hold = (stepId: string) =>
    answers.note({ type: 'step.held', stepId, runId: 'r', timestamp: 0 } as RunEvent);
  const type = async (text: string) => {
    input.write(text);
    for (let i = 0; i < 5; i++) await turn();
  };
  return { answers, hold, type, released, said, typed, input };
}

test.each([
  ['cue ask\n', ['ask']],
  ['ask\n', ['ask']],
  ['\n', ['ask']],
  ['y\n\n', ['ask', 'cue']],
  ['cue\n', ['cue']],
  ['cue cue\n', ['cue']],
  ['no\n', []],
])('typed %j', async (text, released) => {
  const one = person();
  one.hold('ask');
  one.hold('cue');
  await one.type(text);
  expect(one.released).toEqual(released);
  one.answers.end();
});

test('a line for a step that is not held yet counts when it is', async () => {
  const one = person();
  one.hold('ask');
  await one.type('cue\nask\n');
  one.hold('cue');
  await turn();
  expect(one.released).toEqual(['ask', 'cue']);
  one.answers.end();
});

test('on a terminal the keys are shown as they are typed, with backspace, and nothing is read after the end', async () => {
  const one = person([], true);
  one.hold('ask');
  await one.type('cue asj\u007fk');
  expect(one.typed.at(-1)).toBe('cue ask');
  await one.type('\r');
  expect([one.released, one.typed.at(-1)]).toEqual([['ask'], '']);
  one.answers.end();
  await one.type('cue\r');
  expect([one.released, one.typed.at(-1)]).toEqual([['ask'], undefined]);
});

test('no text that is typed releases a step that is not held, or ends in an error', async () => {
  await fc.assert(
    fc.asyncProperty(fc.string({ unit: 'binary' }), fc.boolean(), async (text, terminal) => {
      const one = person([], terminal);
      one.hold('ask');
      await one.type(text.replaceAll('\u0003', ''));
      await one.type('\ncue\n\n');
      expect(one.released.filter((id) => id !== 'ask')).toEqual([]);
      one.answers.end();
    }),
    { numRuns: 100 },
  );
});

test('a cue for an unknown step names the nearest', () => {
  expect(() => person(['fre'])).toThrow(CommandLineError);
  expect(() => person(['fre'])).toThrow("Did you mean 'free'?");
});

const deaf = join(folder, 'deaf.yaml');
writeFileSync(
  join(folder, 'deaf.mjs'),
  'export default () => new Promise(() => { setInterval(() => {}, 1000); });\n',
);
writeFileSync(
  deaf,
  'score: deaf\nagents: { d: { module: ./deaf.mjs } }\nsteps: [{ id: x, agent: d }, { id: y, agent: d }]\n',
);

test('Ctrl-C says after a moment what is being waited for, and ends although the agent does not', async () => {
  const { child, said, ended } = start(['perform', deaf]);
  await until(() => said.stderr.includes('y: started'));
  child.kill('SIGINT');
  expect(await ended).toEqual([130, null]);
  expect(said.stderr).toContain("waiting for steps 'x', 'y' to stop; press Ctrl-C again to end at once");
});

test('a second Ctrl-C ends at once with 130', async () => {
  const { child, said, ended } = start(['perform', deaf]);
  await until(() => said.stderr.includes('y: started'));
  child.kill('SIGINT');
  await until(() => said.stderr.includes('press Ctrl-C again'));
  child.kill('SIGINT');
  expect(await ended).toEqual([130, null]);
});

test('an agent that was left behind at its time limit does not keep the command', async () => {
  const { said, ended } = start(['perform', deaf, '--timeout', '0.5', '--json']);
  expect(await ended).toEqual([1, null]);
  expect(JSON.parse(said.stdout)).toMatchObject({ status: 'failed' });
});
