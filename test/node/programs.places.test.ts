/** Claim: programs wait for a place in the order in which they ask, never more run than there are places, an aborted
 *  wait ends, and a system that refuses a program is asked again when another has ended. */
import { execFile } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { limitPrograms } from 'tutti/node';
import { Places } from '../../src/node/program-places.ts';
import { folder } from './programs.helpers.ts';

const plan = fc.record({
  most: fc.integer({ min: 1, max: 4 }),
  /** How many the system has room for. */
  room: fc.integer({ min: 0, max: 5 }),
  programs: fc.array(
    fc.record({
      comes: fc.nat(20),
      takes: fc.nat(5),
      faulty: fc.oneof({ weight: 5, arbitrary: fc.constant(false) }, fc.constant(true)),
      abortAt: fc.option(fc.nat(30)),
    }),
    { minLength: 1, maxLength: 12 },
  ),
});
/** One turn of the event loop is the unit of time. */
const turns = async (count: number) => {
  for (let i = 0; i < count; i++) await new Promise((resolve) => setImmediate(resolve));
};

test('every program is started when there is room, at most so many at once, in the order of asking, or its wait ends', async () => {
  const seen = new Set<string>();
  await fc.assert(
    fc.asyncProperty(plan, async ({ most, room, programs }) => {
      const places = new Places(most);
      let running = 0;
      const asked: number[] = [];
      const firstTries: number[] = [];
      const outcomes = await Promise.all(
        programs.map(async ({ comes, takes, faulty, abortAt }, index) => {
          const controller = new AbortController();
          const reason = new Error('enough');
          if (abortAt !== null) void turns(abortAt).then(() => controller.abort(reason));
          await turns(comes);
          asked.push(index);
          const attempt = async () => {
            if (!firstTries.includes(index)) firstTries.push(index);
            if (faulty) throw new Error('no such program');
            if (running >= room) throw Object.assign(new Error('no room'), { code: 'EMFILE' });
            running++;
            expect(running).toBeLessThanOrEqual(most);
            await turns(1);
          };
          try {
            await places.start(attempt, controller.signal);
          } catch (error) {
            return error === reason ? 'aborted' : (error as Error).message;
          }
          await turns(takes);
          running--;
          places.leave();
          return 'ran';
        }),
      );
      expect(running).toBe(0);
      expect(firstTries).toEqual(asked.filter((index) => firstTries.includes(index)));
      outcomes.forEach((outcome, index) => {
        const { faulty, abortAt } = programs[index]!;
        const expected = faulty ? 'no such program' : room > 0 ? 'ran' : 'no room';
        if (outcome !== 'aborted' || abortAt === null) expect(outcome).toBe(expected);
        seen.add(outcome);
      });
    }),
    { numRuns: 500 },
  );
  expect(seen).toEqual(new Set(['ran', 'aborted', 'no room', 'no such program']));
});

test('more places let more programs run at once, fewer let the running ones end', async () => {
  const places = new Places(1);
  const never = new AbortController().signal;
  let started = 0;
  const all = Array.from({ length: 3 }, () => places.start(async () => void started++, never));
  await turns(2);
  expect(started).toBe(1);
  places.most = 2;
  await turns(2);
  expect(started).toBe(2);
  places.most = 1;
  places.leave();
  await turns(2);
  expect(started).toBe(2);
  places.leave();
  await Promise.all(all);
  expect(started).toBe(3);
});

test.each([0, -1, 1.5, Number.NaN, '3' as unknown as number])('limitPrograms refuses %s', (most) => {
  expect(() => limitPrograms(most)).toThrow(/whole number of at least 1, not/);
});

/** Runs a module in a separate process that may open few files. */
function withFewFiles(
  files: number,
  code: string,
): Promise<{ stdout: string; stderr: string; code: unknown }> {
  const file = join(folder(), 'main.mjs');
  const library = JSON.stringify(new URL('../../src/node/index.ts', import.meta.url).href);
  writeFileSync(
    file,
    `import { openSync } from 'node:fs';
     import { setTimeout as sleep } from 'node:timers/promises';
     import { limitPrograms, programAgent } from ${library};
     const agent = programAgent({ name: 'busy', command: ['sh', '-c', 'sleep 0.2; echo done'] });
     const run = () => agent.run({}, { signal: new AbortController().signal, beat() {} })
       .then((text) => text.trim(), (error) => \`\${error.name}: \${error.message}\`);
     ${code}`,
  );
  return new Promise((resolve) => {
    execFile(
      'sh',
      ['-c', `ulimit -n ${files}; exec "$@"`, 'sh', process.execPath, file],
      { cwd: fileURLToPath(new URL('../..', import.meta.url)) },
      (error, stdout, stderr) => resolve({ stdout, stderr, code: error?.code ?? 0 }),
    );
  });
}

test.skipIf(process.platform === 'win32')(
  'programs that the system has no room for are started when others have ended',
  async () => {
    const { stdout, stderr, code } = await withFewFiles(
      100,
      `limitPrograms(1000);
     const results = await Promise.all(Array.from({ length: 60 }, run));
     console.log(results.join('\\n'));`,
    );
    expect(stderr).not.toMatch(/Error/);
    expect(code).toBe(0);
    expect(stdout.trim().split('\n')).toEqual(Array.from({ length: 60 }, () => 'done'));
  },
);

test.skipIf(process.platform === 'win32')(
  'a program that the system has no room for fails with what to do when no other runs; the process lives',
  async () => {
    const { stdout, code } = await withFewFiles(
      100,
      `await run(); // everything that is loaded late is loaded now
     const files = [];
     try { for (;;) files.push(openSync('/dev/null')); } catch {}
     console.log([await run(), ...(await Promise.all([run(), run()]))].join('\\n'));`,
    );
    expect(code).toBe(0);
    const lines = stdout.trim().split('\n');
    expect(lines).toHaveLength(3);
    for (const line of lines) expect(line).toMatch(/^ProgramError: agent 'busy':.*EMFILE.*ulimit -n/);
  },
);

test.skipIf(process.platform === 'win32')(
  'a process ends while something that its program left behind still runs and holds the pipes',
  async () => {
    const { stdout, code } = await withFewFiles(
      1_000,
      `const daemon = programAgent({ name: 'daemon', command: ['sh', '-c', 'setsid sh -c "echo \\\\$\\\\$; exec sleep 60" & sleep 0.3'] });
     console.log(await daemon.run({}, { signal: new AbortController().signal, beat() {} }));`,
    );
    expect(code).toBe(0);
    const pid = Number(stdout.trim());
    expect(pid).toBeGreaterThan(1);
    process.kill(pid, 'SIGKILL'); // throws if it had ended
  },
);
