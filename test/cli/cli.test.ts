/** The command line as a user meets it: what it prints, where, and with which exit code. */
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const main = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url));
const folder = () => mkdtempSync(join(tmpdir(), 'tutti-cli-'));

interface Ended {
  code: number | null;
  stdout: string;
  stderr: string;
}
function start(args: string[], cwd = process.cwd()) {
  const child = spawn(process.execPath, [main, ...args], { cwd, stdio: ['ignore', 'pipe', 'pipe'] });
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  const ended = new Promise<Ended>((resolve) =>
    child.on('close', (code) => resolve({ code, stdout, stderr })),
  );
  return { child, ended, said: () => stderr };
}
const tutti = (args: string[], cwd?: string) => start(args, cwd).ended;
const score = (text: string, name = 'score.yaml') => {
  const dir = folder();
  writeFileSync(join(dir, name), text);
  return { dir, file: join(dir, name) };
};
const node = JSON.stringify(process.execPath);
const echo = (code: string, more = '') => `{ command: [${node}, -e, ${JSON.stringify(code)}]${more} }`;

const good = `
score: greeting
input: { type: object, properties: { name: { type: string }, times: { type: integer, default: 1 } }, required: [name] }
agents:
  hello: ${echo('process.stdout.write("Hello " + JSON.parse(require("fs").readFileSync(0)).name)')}
  shout: ${echo('console.log(JSON.stringify({ text: process.argv[1].toUpperCase() }))', ', output: json').replace('-e', '-e').replace(/\] *,/, ', "{text}"],')}
steps:
  - { id: hello, agent: hello, reads: { name: input.name } }
  - { id: shout, agent: shout, reads: { text: hello } }
outputs: { shout.txt: shout.text }
`;

test('perform --json prints the report, and nothing else, on standard output', async () => {
  const { file } = score(good);
  const { code, stdout } = await tutti(['perform', file, '--input', 'name=Ada', '--json']);
  expect(code).toBe(0);
  const report = JSON.parse(stdout);
  expect(Object.keys(report)).toEqual(['status', 'outputs', 'steps', 'makespan', 'criticalPath', 'usage']);
  expect(report.status).toBe('completed');
  expect(report.outputs).toEqual({ 'shout.txt': 'HELLO ADA' });
  expect(Object.keys(report.steps[1])).toEqual(['id', 'agent', 'status', 'start', 'end', 'waitedFor']);
  expect(report.steps[1].waitedFor).toEqual(['hello']);
  expect(report.steps[1].start).toBeGreaterThanOrEqual(report.steps[0].end);
});

test('piped, progress is plain lines on standard error; --quiet has none; --out writes the files', async () => {
  const { dir, file } = score(good);
  const loud = await tutti(['perform', file, '--input', 'name=Ada']);
  expect(loud.stderr).toMatch(/hello: started[\s\S]*hello: done in/);
  expect(loud.stderr).not.toContain('\u001b');
  expect(loud.stdout).toContain('HELLO ADA');
  const out = join(dir, 'out');
  const quiet = await tutti(['perform', file, '--input', 'name=Ada', '--quiet', '--out', out]);
  expect(quiet.stderr).toBe('');
  expect(readdirSync(out).sort()).toEqual(['run.json', 'shout.txt', 'timeline.svg']);
  expect(readFileSync(join(out, 'shout.txt'), 'utf8')).toBe('HELLO ADA');
});

test('check prints the dependences after renaming, as text and as Mermaid', async () => {
  const { file } = score(
    good
      .replace('id: shout, agent: shout', 'id: shout, agent: shout, writes: hello')
      .replace('shout.text', 'hello.text'),
  );
  expect((await tutti(['check', file])).stdout).toContain('shout (shout) → hello#2  reads hello#1');
  expect((await tutti(['check', file, '--format', 'mermaid'])).stdout).toContain('s0 -- "hello#1" --> s1');
});

const minimal = (steps: string, more = '') =>
  `score: s\nagents:\n  a: ${echo('0')}\n${more}steps:\n${steps}\n`;
const bad: [what: string, text: string, said: RegExp][] = [
  ['not YAML', 'score: [', /score\.yaml:1:\d+: not YAML/],
  ['an empty file', '', /score\.yaml:1:1: /],
  [
    'an unknown key',
    minimal('  - { id: x, agent: a, retries: 3 }'),
    /score\.yaml:5:\d+: unknown key 'retries' in a step; known are id, agent/,
  ],
  [
    'a read of an unknown name',
    minimal('  - { id: x, agent: a }\n  - { id: y, agent: a, reads: { v: z } }'),
    /score\.yaml:6:\d+: no step above writes 'z'/,
  ],
  [
    'a duplicate id',
    minimal('  - { id: x, agent: a }\n  - { id: x, agent: a }'),
    /score\.yaml:6:\d+: 'x' is used twice/,
  ],
  ['a wrong type', minimal('  - { id: x, agent: 3 }'), /score\.yaml:5:\d+: 'agent': expected string/],
  ['a negative limit', minimal('  - { id: x, agent: a, timeout: -1 }'), /score\.yaml:5:\d+: 'timeout'/],
  [
    'an unknown agent',
    minimal('  - { id: x, agent: b }'),
    /score\.yaml:5:\d+: unknown agent 'b'; the score's agents are: a/,
  ],
  [
    'a misspelt key, at the key and not at what follows',
    'score: s\nagents: { a: { command: [echo] } }\nstps:\n\n  - { id: x, agent: a }',
    /score\.yaml:3:1: unknown key 'stps'/,
  ],
  [
    'a misspelt key of a step',
    minimal('  - id: x\n    agent: a\n    timout:\n      5'),
    /score\.yaml:7:5: unknown key 'timout'/,
  ],
  [
    'a missing module',
    'score: s\nagents: { m: { module: ./nope.js } }\nsteps: [{ id: x, agent: m }]',
    /score\.yaml:2:\d+: there is no module '.\/nope.js'/,
  ],
];
test.each(['perform', 'check'])(
  '%s refuses a score of more than 16 MiB before it parses it',
  async (command) => {
    const { file } = score(minimal(`  - { id: x, agent: a }\n#${' '.repeat(2 ** 24)}`));
    const { code, stderr } = await tutti([command, file]);
    expect(code).toBe(2);
    expect(stderr).toContain('is larger than a score can be (at most 16777216 bytes).');
  },
);

test('a module that imports a missing file is refused with the name of that file', async () => {
  const { dir, file } = score('score: s\nagents: { m: { module: ./m.js } }\nsteps: [{ id: x, agent: m }]');
  writeFileSync(join(dir, 'm.js'), `import './missing.js';`);
  const { code, stderr } = await tutti(['perform', file]);
  expect(code).toBe(2);
  expect(stderr).toMatch(/module '\.\/m\.js' cannot be loaded: .*missing\.js/);
});

test('a module in TypeScript that this Node does not read is refused with what to do', async () => {
  const { dir, file } = score('score: s\nagents: { m: { module: ./m.ts } }\nsteps: [{ id: x, agent: m }]');
  // What Node says when it does not strip types, said by the module itself: every Node that runs these tests does.
  const said = `throw Object.assign(new Error('Unknown file extension ".ts"'), { code: 'ERR_UNKNOWN_FILE_EXTENSION' });`;
  writeFileSync(join(dir, 'm.ts'), said);
  const { code, stderr } = await tutti(['perform', file]);
  expect(code).toBe(2);
  expect(stderr).toMatch(
    /score\.yaml:2:\d+: module '.\/m.ts' cannot be loaded: .*NODE_OPTIONS=--experimental-strip-types/,
  );
});
test.each(bad)('%s is refused with its place, exit code 2 and nothing written', async (_, text, said) => {
  const { dir, file } = score(text);
  const { code, stdout, stderr } = await tutti(['perform', file, '--out', join(dir, 'out')]);
  expect(stderr).toMatch(said);
  expect(stderr).not.toMatch(/\n\s+at /);
  expect({ code, stdout, out: existsSync(join(dir, 'out')) }).toEqual({ code: 2, stdout: '', out: false });
});

test('a missing file, a folder, wrong input, unknown options and absurd limits are bad usage', async () => {
  const { dir, file } = score(good);
  const cases: [args: string[], said: RegExp][] = [
    [['perform', join(dir, 'nope.yaml')], /there is no such file/],
    [['perform', dir], /is a folder/],
    [['perform', file], /the input does not fit its schema/],
    [['perform', file, '--input', 'name'], /--input takes key=value/],
    [['perform', file, '--input', 'name=A', '--input', 'times=many'], /'many' is not of type integer/],
    [['perform', file, '--input-file', join(dir, 'nope.json')], /there is no such file/],
    [['perform', file, '--max-concurrency', '0'], /--max-concurrency takes a whole number from 1/],
    [['perform', file, '--timeout', '-3'], /--timeout takes seconds/],
    [['perform', file, '--frobnicate'], /unknown option '--frobnicate'/],
    [['perform', file, 'extra'], /too many arguments/],
    [['simulate', join(dir, 'nope.json')], /there is no such file/],
    [['simulate', file], /not JSON/],
    [['nonsense'], /unknown command/],
  ];
  for (const [args, said] of cases) {
    const { code, stderr } = await tutti(args);
    expect(stderr, args.join(' ')).toMatch(said);
    expect(code, args.join(' ')).toBe(2);
  }
});

const failing: [what: string, agent: string, said: RegExp][] = [
  ['throws', echo('throw new Error("oops")'), /exited with 1[\s\S]*oops/],
  ['hangs', echo('setInterval(() => {}, 1e6)', ', timeout: 0.3'), /did not finish within 0.3 s/],
  ['dies by a signal', echo('process.kill(process.pid, "SIGKILL")'), /ended by SIGKILL/],
  [
    'prints 100 MB',
    echo('const b = "x".repeat(1 << 20); for (let i = 0; i < 100; i++) process.stdout.write(b)'),
    /printed more than 10485760 bytes/,
  ],
  ['prints no JSON', echo('console.log("hm")', ', output: json'), /did not print JSON/],
  ['does not exist', '{ command: [no-such-program-here] }', /there is no program 'no-such-program-here'/],
];
test.each(failing)(
  'an agent that %s fails its step: dependents settle, the rest completes, exit code 1',
  async (_, agent, said) => {
    const steps =
      '  - { id: bad, agent: b }\n  - { id: after, agent: a, reads: { x: bad } }\n  - { id: other, agent: a }';
    const { file } = score(`score: s\nagents:\n  a: ${echo('0')}\n  b: ${agent}\nsteps:\n${steps}\n`);
    const { code, stdout, stderr } = await tutti(['perform', file, '--json']);
    const report = JSON.parse(stdout);
    expect(code).toBe(1);
    expect(stderr).toMatch(said);
    expect(report.steps.map(({ status }: { status: string }) => status)).toEqual([
      'failed',
      'skipped',
      'done',
    ]);
  },
);

const alive = (pid: number) => {
  try {
    process.kill(pid, 0);
    return readFileSync(`/proc/${pid}/stat`, 'utf8').split(' ')[2] !== 'Z';
  } catch {
    return false;
  }
};
test.skipIf(process.platform !== 'linux')(
  'Ctrl-C ends with 130 and leaves no process behind, not even a deaf grandchild',
  async () => {
    const dir = folder();
    const pids = join(dir, 'pids');
    const grandchild = `process.on("SIGTERM", () => {}); require("fs").appendFileSync(${JSON.stringify(pids)}, process.pid + "\\n"); setInterval(() => {}, 1e6)`;
    const child = `require("child_process").spawn(process.execPath, ["-e", ${JSON.stringify(grandchild)}]); ${grandchild}`;
    writeFileSync(
      join(dir, 'score.yaml'),
      `score: s\nagents:\n  a: ${echo(child)}\nsteps: [{ id: x, agent: a }]\n`,
    );
    const run = start(['perform', join(dir, 'score.yaml')]);
    const written = () => (existsSync(pids) ? readFileSync(pids, 'utf8').trim().split('\n').map(Number) : []);
    while (written().length < 2) await new Promise((resolve) => setTimeout(resolve, 20));
    run.child.kill('SIGINT');
    const { code, stderr } = await run.ended;
    expect(code).toBe(130);
    expect(stderr).toContain('cancelled');
    for (let tries = 0; written().some(alive) && tries < 200; tries++)
      await new Promise((resolve) => setTimeout(resolve, 20));
    expect(written().filter(alive)).toEqual([]);
  },
);

const workflow = (tasks: { id: string; parents: string[]; runtime: unknown }[]) =>
  JSON.stringify({
    name: 'w',
    workflow: {
      specification: { tasks: tasks.map(({ id, parents }) => ({ id, parents, children: [] })) },
      execution: {
        tasks: tasks.flatMap(({ id, runtime }) =>
          runtime === undefined ? [] : [{ id, runtimeInSeconds: runtime }],
        ),
      },
    },
  });
const diamond = [
  { id: 'a', parents: [], runtime: 1 },
  { id: 'b', parents: ['a'], runtime: 5 },
  { id: 'c', parents: ['a'], runtime: 2 },
  { id: 'd', parents: ['c'], runtime: 7 },
  { id: 'e', parents: ['b'], runtime: 1 },
];

test('simulate gives the critical path without limits, level sums in batches, the total work in sequence', async () => {
  const { file } = score(workflow(diamond), 'w.json');
  const makespan = async (...args: string[]) =>
    JSON.parse((await tutti(['simulate', file, '--json', ...args])).stdout);
  expect(await makespan()).toEqual({
    ...{ name: 'w', tasks: 5, edges: 4, units: 'inf', dispatch: 'reactive', priority: 'path' },
    ...{ makespan: 10, criticalPath: 10, totalWork: 16 },
  });
  expect((await makespan('--dispatch', 'batch')).makespan).toBe(13);
  expect((await makespan('--dispatch', 'sequential')).makespan).toBe(16);
  expect((await makespan('--units', '1', '--priority', 'fifo')).makespan).toBe(16);
});

test('a recorded workflow that cannot be is refused, naming the task', async () => {
  const cases: [text: string, said: RegExp][] = [
    [
      workflow([
        { id: 'a', parents: ['b'], runtime: 1 },
        { id: 'b', parents: ['a'], runtime: 1 },
      ]),
      /in a circle: (a → b → a|b → a → b)/,
    ],
    [workflow([{ id: 'a', parents: [], runtime: undefined }]), /task 'a' has no runtime/],
    [
      workflow([{ id: 'a', parents: [], runtime: -1 }]),
      /'a'\): runtimeInSeconds must be a number of at least 0/,
    ],
    [
      workflow([{ id: 'a', parents: [], runtime: 1 }]).replace(
        '"runtimeInSeconds":1',
        '"runtimeInSeconds":NaN',
      ),
      /not JSON/,
    ],
    [
      workflow([{ id: 'a', parents: [], runtime: 1 }]).replace(
        '"runtimeInSeconds":1',
        '"runtimeInSeconds":1e999',
      ),
      /runtimeInSeconds/,
    ],
    [workflow([{ id: 'a', parents: ['z'], runtime: 1 }]), /parents names 'z', which is not among the tasks/],
    ['{}', /workflow: /],
  ];
  for (const [text, said] of cases) {
    const { code, stderr } = await tutti(['simulate', score(text, 'w.json').file]);
    expect(stderr).toMatch(said);
    expect(code).toBe(2);
  }
});
