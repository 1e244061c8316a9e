/** Claims: `--trace`, `--inspect` and `tutti view` as a user meets them, and nothing is left running. */
import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, expect, test } from 'vitest';
import { TraceLines } from '../../src/trace/read.ts';
import { ask, listenTo, until } from '../node/inspector.helpers.ts';

const main = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'tutti-trace-'));
const node = JSON.stringify(process.execPath);
const scoreFile = join(folder, 'score.yaml');
writeFileSync(
  scoreFile,
  `
score: waiting
input: { type: object, properties: { ms: { type: integer, default: 0 } } }
agents:
  wait: { command: [${node}, -e, 'process.argv[1] < 0 ? process.exit(3) : setTimeout(() => console.log("done"), process.argv[1])', '{ms}'] }
steps:
  - { id: first, agent: wait, reads: { ms: input.ms } }
  - { id: second, agent: wait, reads: { ms: input.ms, first: first } }
`,
);

const children = new Set<ChildProcess>();
afterEach(() => {
  for (const child of children) child.kill('SIGKILL'); // a test that failed leaves no server behind
  children.clear();
});

function start(args: string[], env: NodeJS.ProcessEnv = { CI: '1' }) {
  const child = spawn(process.execPath, [main, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, ...env },
  });
  children.add(child);
  const said = { stdout: '', stderr: '' };
  child.stdout.setEncoding('utf8').on('data', (text: string) => (said.stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (said.stderr += text));
  const ended = new Promise<number | null>((resolve) => child.on('close', resolve));
  return { child, said, ended };
}
async function urlIn(said: { stdout: string; stderr: string }): Promise<string> {
  const address = /http:\/\/127\.0\.0\.1:\d+\/[\w-]+\/(?=\s)/;
  await until(() => address.test(said.stderr + said.stdout));
  return (address.exec(said.stderr + said.stdout) as RegExpExecArray)[0];
}

test('perform --trace writes a trace that is whole, and says nothing more than without', async () => {
  const file = join(folder, 'run.jsonl');
  const { said, ended } = start(['perform', scoreFile, '--quiet', '--trace', file]);
  expect(await ended).toBe(0);
  expect(said).toEqual({ stdout: expect.stringContaining('done'), stderr: '' });
  const lines = new TraceLines();
  const found = [...lines.add(readFileSync(file)), ...lines.end()];
  expect(found.filter(({ note }) => note !== undefined)).toEqual([]);
  expect(found.at(-1)?.message).toMatchObject({ snapshot: { status: 'done', context: { faults: 0 } } });
  expect(
    found.some(({ message }) => message?.type === '@xstate.event' && message.event.type === 'tutti.ended'),
  ).toBe(true);
});

test('a trace that cannot be written is bad usage, before anything runs', async () => {
  const { said, ended } = start([
    'perform',
    scoreFile,
    '--trace',
    join(folder, 'no', 'such', 'folder.jsonl'),
  ]);
  expect(await ended).toBe(2);
  expect(said.stderr).toMatch(/^tutti: --trace .*folder\.jsonl: cannot be written to/);
  expect(said.stdout).toBe('');
});

test('perform --inspect shows what happens while it does, and in CI ends with the performance', async () => {
  const { said, ended } = start(['perform', scoreFile, '--quiet', '--input', 'ms=400', '--inspect']);
  const url = await urlIn(said);
  const client = listenTo(url);
  await client.opened;
  await until(() => client.frames.join('').includes('"value":"executing"'));
  expect(JSON.parse((await ask(`${url}source.json`)).body)).toEqual({ kind: 'live', name: 'waiting' });
  expect(await client.closed).toMatchObject({ code: 1000 });
  expect(client.frames.join('').trim().split('\n').at(-1)).toContain('tutti.end');
  expect(await ended).toBe(0);
  await expect(ask(url)).rejects.toThrow('ECONNREFUSED');
});

test.each([
  ['completed', 'SIGINT', '0', 0],
  ['failed', 'SIGTERM', '-1', 1],
] as const)(
  'after a performance that %s the page is served until %s, and the exit code is that of the performance',
  async (status, signal, ms, code) => {
    const { child, said, ended } = start(
      ['perform', scoreFile, '--json', '--input', `ms=${ms}`, '--inspect'],
      {
        CI: '',
      },
    );
    await until(() => said.stderr.includes('until Ctrl-C (or SIGTERM)'));
    const url = await urlIn(said);
    expect(JSON.parse(said.stdout)).toMatchObject({ status });
    expect((await ask(`${url}source.json`)).status).toBe(200);
    child.kill(signal);
    expect(await ended).toBe(code);
  },
);

test.skipIf(process.platform !== 'linux')(
  '--open opens the page; where nothing can, nothing fails',
  async () => {
    const opened = join(folder, 'opened');
    writeFileSync(join(folder, 'xdg-open'), `#!/bin/sh\necho "$1" > ${opened}\n`, { mode: 0o755 });
    const first = start(['perform', scoreFile, '--quiet', '--open'], {
      CI: '1',
      PATH: folder + ':/bin:/usr/bin',
    });
    expect(await first.ended).toBe(0);
    await until(() => existsSync(opened) && readFileSync(opened, 'utf8') !== '');
    expect(readFileSync(opened, 'utf8').trim()).toBe(await urlIn(first.said));
    const second = start(['perform', scoreFile, '--quiet', '--open'], {
      CI: '1',
      PATH: join(folder, 'none'),
    });
    expect(await second.ended).toBe(0);
    expect(second.said.stderr).toContain('no browser could be opened');
  },
);

test('a client that looks and never reads does not keep the process', async () => {
  const { said, ended } = start(['perform', scoreFile, '--quiet', '--input', 'ms=200', '--inspect']);
  const client = listenTo(await urlIn(said));
  await client.opened;
  (client.socket as unknown as { _socket: { pause(): void } })._socket.pause();
  expect(await ended).toBe(0);
  client.socket.terminate();
});

test('view serves a file until it is interrupted', async () => {
  const file = join(folder, 'small.jsonl');
  const text = '{"type":"@xstate.event","sessionId":"x:0","event":{"type":"go"}}\n';
  writeFileSync(file, text);
  const { child, said, ended } = start(['view', file]);
  const url = await urlIn(said);
  expect(said.stdout).toBe(`${url}\n`);
  expect(await ask(`${url}trace.jsonl`)).toMatchObject({ status: 200, body: text });
  child.kill('SIGINT');
  expect(await ended).toBe(0);
});

test('view without a file serves the page alone', async () => {
  const { child, said, ended } = start(['view']);
  const url = await urlIn(said);
  expect(JSON.parse((await ask(`${url}source.json`)).body)).toEqual({ kind: 'none' });
  expect((await ask(`${url}trace.jsonl`)).status).toBe(404);
  child.kill('SIGTERM');
  expect(await ended).toBe(0);
});

test('view of what is not there, or is no file, is bad usage', async () => {
  for (const [given, why] of [
    [join(folder, 'missing.jsonl'), 'there is no such file'],
    [folder, 'it is not a file'],
  ] as const) {
    const { said, ended } = start(['view', given]);
    expect(await ended).toBe(2);
    expect(said.stderr).toContain(`cannot be read (${why})`);
    expect(said.stdout).toBe('');
  }
  const { said, ended } = start(['view', '--port', '0']);
  expect(await ended).toBe(2);
  expect(said.stderr).toContain('--port takes a whole number from 1 to 65535');
});
