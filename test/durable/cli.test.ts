/** Claims: a run outlives its process on the command line, and a person answers from another one. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, expect, test, vi } from 'vitest';

const main = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'tutti-cli-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function start(...args: string[]) {
  const child = spawn(process.execPath, [main, ...args], { cwd: folder, stdio: ['ignore', 'pipe', 'pipe'] });
  let out = '';
  let err = '';
  child.stdout.on('data', (chunk: Buffer) => (out += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (err += chunk.toString()));
  const ended = once(child, 'close').then(([code, signal]) => ({ code, signal, out, err }));
  return { child, ended };
}
const tutti = (...args: string[]) => start(...args).ended;

const SCORE = `
score: letters
agents:
  env: { command: [sh, -c, 'echo "$TUTTI_RUN_ID $TUTTI_ATTEMPT $TUTTI_EFFECT_KEY"'], stdin: none }
  slow: { command: [sh, -c, 'echo x >> began; test -e go || sleep 60; echo sent'], stdin: none }
  say: { command: [echo, said], stdin: none }
steps:
  - { id: first, agent: env }
  - { id: send, agent: slow, effects: external, after: [first] }
  - { id: ask, agent: say, after: [send], fermata: { hold: human, timeout: 3600 } }
`;

test(
  'killed, resumed with a decision, held, answered from another process, and finished',
  { timeout: 300_000 },
  async () => {
    writeFileSync(join(folder, 'score.yaml'), SCORE);
    const killed = start('perform', 'score.yaml', '--durable', '--run-id', 'one', '--quiet');
    await vi.waitFor(() => expect(existsSync(join(folder, 'began'))).toBe(true), 60_000);
    const busy = await tutti('resume', 'one', '--quiet');
    expect(busy).toMatchObject({
      code: 2,
      err: expect.stringMatching(/'one' is performed by process \d+ on /),
    });
    killed.child.kill('SIGKILL');
    expect((await killed.ended).signal).toBe('SIGKILL');

    const listed = JSON.parse((await tutti('runs', '--json')).out) as unknown[];
    expect(listed).toMatchObject([{ id: 'one', score: 'letters', stand: 'interrupted', done: 1 }]);

    const doubtful = await tutti('resume', 'one', '--quiet');
    expect(doubtful.code).toBe(3);
    expect(doubtful.err).toMatch(/tutti resume one --did send=VALUE \| --redo send \| --fail send/);
    expect(readFileSync(join(folder, 'began'), 'utf8'), 'not sent again').toBe('x\n');

    const held = await tutti('resume', 'one', '--did', 'send=by hand', '--quiet');
    expect(held.code).toBe(3);
    expect(held.err).toMatch(/tutti cue one ask\n/);
    expect((await tutti('runs')).out).toMatch(
      /one {2}letters {2}held, 2 steps done, waits for a person: ask/,
    );

    expect(await tutti('cue', 'one', 'aks')).toMatchObject({
      code: 2,
      err: expect.stringMatching(/has no step 'aks'/),
    });
    expect((await tutti('cue', 'one', 'ask')).out).toBe('noted; tutti resume one goes on with it\n');
    const done = await tutti('resume', 'one', '--json');
    expect(done.code).toBe(0);
    expect(JSON.parse(done.out)).toMatchObject({
      status: 'completed',
      outputs: { first: 'one 1 one/first\n', send: 'by hand', ask: 'said\n' },
    });
    expect(readFileSync(join(folder, 'began'), 'utf8')).toBe('x\n');
    const again = await tutti('resume', 'one', '--json');
    expect(JSON.parse(again.out)).toMatchObject({ status: 'completed', outputs: { send: 'by hand' } });

    expect((await tutti('runs', 'shrink', '--days', '1')).out).toBe('0 runs shrunk\n');
    expect((await tutti('runs', 'shrink')).out).toBe('1 run shrunk\n');
    expect((await tutti('runs')).out).toBe('one  letters  completed, shrunk\n');
    const shrunk = await tutti('resume', 'one', '--json');
    expect(JSON.parse(shrunk.out)).toMatchObject({ status: 'completed', outputs: { send: 'by hand' } });
    expect(await tutti('cue', 'one', 'ask')).toMatchObject({
      code: 2,
      err: expect.stringMatching(/has ended \(completed\); it takes no answers/),
    });
    expect((await tutti('runs', 'rm', 'one')).code).toBe(0);
    expect((await tutti('runs')).out).toBe('no runs in .tutti\n');
    const reused = await tutti('perform', 'score.yaml', '--durable', '--run-id', 'one');
    expect(reused).toMatchObject({ code: 2, err: expect.stringMatching(/ids are never used again/) });
  },
);

test(
  'Ctrl-C says how to go on; a hold is refused while the run is performed',
  { timeout: 300_000 },
  async () => {
    writeFileSync(
      join(folder, 'wait.yaml'),
      SCORE.replace('effects: external, ', '').replace('>> began', '>> begun'),
    );
    const run = start('perform', 'wait.yaml', '--durable', 'kept', '--run-id', 'two', '--quiet');
    await vi.waitFor(() => expect(existsSync(join(folder, 'begun'))).toBe(true), 60_000);
    run.child.kill('SIGINT');
    const interrupted = await run.ended;
    expect(interrupted).toMatchObject({
      code: 130,
      err: expect.stringMatching(/tutti resume two --durable kept goes on/),
    });
    writeFileSync(join(folder, 'go'), '');
    expect((await tutti('refuse', 'two', 'ask', 'too late', '--durable', 'kept')).code).toBe(0);
    const refused = await tutti('resume', 'two', '--durable', 'kept', '--json');
    expect(refused.code).toBe(1);
    expect(JSON.parse(refused.out)).toMatchObject({ status: 'failed', outputs: { send: 'sent\n' } });
    expect(refused.err).toMatch(/too late/);
    expect(await tutti('resume', 'none', '--durable', 'kept')).toMatchObject({ code: 2 });
    expect(await tutti('resume', 'none', '--durable', 'nowhere')).toMatchObject({
      code: 2,
      err: expect.stringMatching(/no runs in 'nowhere'/),
    });
    expect(await tutti('perform', 'wait.yaml', '--run-id', 'x')).toMatchObject({
      code: 2,
      err: expect.stringMatching(/add --durable/),
    });
  },
);
