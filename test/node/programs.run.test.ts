/** Claim: a program gets exactly the arguments and the environment that its agent names, or its step fails; every run
 *  ends; no more programs run at once than allowed; and none is left running. */
import { readFileSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, describe, expect, test } from 'vitest';
import { limitPrograms, programAgent, ProgramError } from 'tutti/node';
import { folder, isAlive, runAgent, STEP_ENVIRONMENT, until } from './programs.helpers.ts';

const RUNS = process.env['TUTTI_DEEP'] === undefined ? 25 : 500;
afterEach(() => limitPrograms(availableParallelism() * 4));

/** Prints what it was given. */
const probe = join(folder(), 'probe.cjs');
writeFileSync(
  probe,
  `const { readFileSync } = require('node:fs');
   process.stdout.write(JSON.stringify({ argv: process.argv.slice(2), env: process.env, stdin: readFileSync(0, 'utf8') }));`,
);

/** What every program gets, beside what its agent names. Node itself adds the last two. */
const HARMLESS =
  /^(PATH|HOME|USER|LOGNAME|SHELL|TERM|LANG|LANGUAGE|LC_[A-Z]+|TZ|TMPDIR|TMP|TEMP|NODE_V8_COVERAGE|__CF_USER_TEXT_ENCODING)$/;
const SECRETS = {
  OPENAI_API_KEY: 'sk-secret',
  ANTHROPIC_API_KEY: 'sk-ant',
  MY_TOKEN: 'mine',
  NODE_OPTIONS: '',
};

const KEYS = ['a', 'b', 'größe'];
const awkward = fc.constantFrom(
  '-x',
  '--help',
  '-',
  '--',
  '',
  'a\0b',
  '\ud800',
  '{b}',
  '$HOME; echo "`id`"',
  '\n',
);
const value = fc.oneof(
  awkward,
  fc.string({ unit: 'grapheme' }),
  fc.jsonValue(),
  fc.constantFrom<unknown>(undefined, 10n, -5),
);
type Part = { literal: string } | { key: string };
const part: fc.Arbitrary<Part> = fc.oneof(
  fc.record({ literal: fc.constantFrom('x', '--n=', '-', 'über', ' ', '{nope}') }),
  fc.record({ key: fc.constantFrom(...KEYS) }),
);
const argument = fc.oneof(
  { weight: 5, arbitrary: fc.array(part, { minLength: 1, maxLength: 3 }) },
  fc.constant<Part[]>([{ literal: '--' }]),
);
const launch = fc.record({
  command: fc.array(argument, { maxLength: 5 }),
  operands: fc.dictionary(fc.constantFrom(...KEYS), value),
  env: fc.dictionary(fc.constantFrom('GIVEN', 'MY_TOKEN', 'PATH', 'X Y'), fc.constantFrom('', 'v', 'ü=1')),
  inheritEnv: fc.subarray(['MY_TOKEN', 'NOT_SET_ANYWHERE', 'HOME']),
  stdin: fc.constantFrom('json' as const, 'none' as const),
});

const isText = (text: string) => !text.includes('\0') && text.isWellFormed();
const asText = (given: unknown): string | undefined => {
  if (typeof given === 'string') return isText(given) ? given : undefined;
  return typeof given === 'bigint' ? undefined : JSON.stringify(given);
};

test('a program sees the arguments and the environment that were asked for and no others, or its step fails', async () => {
  const before = { ...process.env };
  Object.assign(process.env, SECRETS);
  const ran = { succeeded: 0, failed: 0 };
  try {
    await fc.assert(
      fc.asyncProperty(launch, async ({ command, operands, env, inheritEnv, stdin }) => {
        const template = command.map((parts) =>
          parts.map((each) => ('key' in each ? `{${each.key}}` : each.literal)).join(''),
        );
        const asked = command.map((parts) => {
          const texts = parts.map((each) => {
            if ('literal' in each) return each.literal;
            return Object.hasOwn(operands, each.key) ? asText(operands[each.key]) : `{${each.key}}`;
          });
          return texts.includes(undefined) ? undefined : texts.join('');
        });
        const unsayable =
          asked.includes(undefined) ||
          (stdin === 'json' && Object.values(operands).some((given) => typeof given === 'bigint'));
        const likeOptions = asked.filter(
          (text, i) => text?.startsWith('-') && template[i]!.startsWith('{') && text !== template[i],
        );
        const exposed = asked.some(
          (text, i) => likeOptions.includes(text) && !template.slice(0, i).includes('--'),
        );
        const agent = programAgent({
          ...{ name: 'probe', stdin, env, inheritEnv, output: 'json' },
          command: [process.execPath, probe, ...template],
        });
        const result = await runAgent(agent, operands).catch((error: unknown) => error);
        if (result instanceof Error) {
          ran.failed++;
          expect(result).toBeInstanceOf(ProgramError);
          expect(result.message).toContain("agent 'probe'");
          expect(unsayable || likeOptions.length > 0).toBe(true);
          return;
        }
        ran.succeeded++;
        expect(unsayable || exposed).toBe(false);
        const seen = result as { argv: string[]; env: Record<string, string>; stdin: string };
        expect(seen.argv).toEqual(asked);
        expect(seen.stdin).toBe(stdin === 'none' ? '' : JSON.stringify(operands));
        const allowed: Record<string, string | undefined> = { ...process.env, ...env, ...STEP_ENVIRONMENT };
        for (const [name, content] of Object.entries(seen.env)) {
          const isStated = name in env || inheritEnv.includes(name) || name in STEP_ENVIRONMENT;
          expect(HARMLESS.test(name) || isStated, name).toBe(true);
          expect(content).toBe(allowed[name]);
        }
        expect(seen.env).toMatchObject({ ...env, ...STEP_ENVIRONMENT });
      }),
      { numRuns: RUNS * 2 },
    );
  } finally {
    for (const name of Object.keys(SECRETS)) delete process.env[name];
    Object.assign(process.env, before);
  }
  expect(Math.min(ran.succeeded, ran.failed)).toBeGreaterThan(0);
});

/** Programs that behave in different ways; each writes `+pid` when it starts and `-pid` just before it ends. */
const BEHAVIOURS: Record<string, string> = {
  quick: 'true',
  slow: 'sleep 0.05',
  fails: 'leave; exit 3',
  floods: 'yes | head -c 300000',
  leaves: 'sleep 60 & echo "=$!" >> "$LOG"',
  waits: 'sleep 60 & echo "=$!" >> "$LOG"; wait',
  deaf: 'trap "" TERM; sleep 60 & echo "=$!" >> "$LOG"; wait',
};
const behaviour = (what: string) =>
  `leave() { echo "-$$" >> "$LOG"; }; trap 'leave; exit 0' TERM; echo "+$$" >> "$LOG"; ${BEHAVIOURS[what]}; leave`;
const ENDLESS = ['waits', 'deaf'];

test.skipIf(process.platform === 'win32')(
  'every program ends or is ended, not more of them than the limit run at once, and no process is left',
  async () => {
    const plan = fc.record({
      limit: fc.integer({ min: 1, max: 3 }),
      programs: fc.array(
        fc.record({
          what: fc.constantFrom(...Object.keys(BEHAVIOURS)),
          abortAfter: fc.option(fc.integer({ min: 0, max: 80 })),
        }),
        { minLength: 1, maxLength: 6 },
      ),
    });
    await fc.assert(
      fc.asyncProperty(plan, async ({ limit, programs }) => {
        limitPrograms(limit);
        const log = join(folder(), 'log');
        writeFileSync(log, '');
        await Promise.all(
          programs.map(async ({ what, abortAfter }) => {
            const agent = programAgent({
              ...{ name: what, command: ['sh', '-c', behaviour(what)], env: { LOG: log } },
              maxOutput: 200_000,
            });
            const controller = new AbortController();
            const reason = new Error('enough');
            const abort = () => controller.abort(reason);
            const after = ENDLESS.includes(what) ? (abortAfter ?? 40) : abortAfter;
            const timer = after === null ? undefined : setTimeout(abort, after);
            const result = await runAgent(agent, {}, controller.signal).catch((error: unknown) => error);
            clearTimeout(timer);
            if (controller.signal.aborted) expect(result).toBe(reason);
            else if (['fails', 'floods'].includes(what)) expect(result).toBeInstanceOf(ProgramError);
            else expect(result).toBe('');
          }),
        );
        const lines = readFileSync(log, 'utf8').split('\n').filter(Boolean);
        const pids = lines.filter((line) => !line.startsWith('-')).map((line) => Number(line.slice(1)));
        await until(() => !pids.some(isAlive));
        // What was killed wrote no end, so only a plan without such programs tells how many ran at once.
        if (programs.some(({ what }) => what === 'deaf')) return;
        let running = 0;
        for (const line of lines) {
          if (line.startsWith('+')) running++;
          if (line.startsWith('-')) running--;
          expect(running).toBeLessThanOrEqual(limit);
        }
      }),
      { numRuns: RUNS },
    );
  },
);

describe('a program that cannot be run fails its step with the agent, the place and what to do', () => {
  const dir = folder();
  writeFileSync(join(dir, 'plain.txt'), 'no program');
  writeFileSync(join(dir, 'lost.sh'), '#!/no/such/interpreter\n', { mode: 0o755 });
  const faults: [what: string, options: object, operands: Record<string, unknown>, said: RegExp][] = [
    [
      'a program that is missing',
      { command: ['no-such-program'] },
      {},
      /no program 'no-such-program'.*Install/,
    ],
    ['a missing interpreter', { command: ['./lost.sh'] }, {}, /'\.\/lost\.sh'.*interpreter that is missing/],
    ['a command in one string', { command: ['sleep 1'] }, {}, /A command is a list: \[sleep, 1\]/],
    ['a missing folder', { cwd: join(dir, 'nope') }, {}, /working directory '.*nope' does not exist.*'cwd'/],
    ['a folder that is a file', { cwd: join(dir, 'plain.txt') }, {}, /plain\.txt' is no folder/],
    ['a file that is no program', { command: ['./plain.txt'] }, {}, /may not be run.*chmod \+x/],
    ['a NUL', {}, { x: 'a\0b' }, /argument 1 '\{x\}': operand 'x' contains NUL/],
    ['half of a surrogate pair', {}, { x: '\ud800' }, /argument 1 '\{x\}': operand 'x' contains NUL or half/],
    ['no value', {}, { x: undefined }, /argument 1 '\{x\}': operand 'x' has no value/],
    ['a BigInt', {}, { x: 1n }, /operand 'x' is not JSON/],
    ['a BigInt for standard input', { stdin: 'json' }, { x: 'x', y: 1n }, /operand 'y' is not JSON/],
    ['3 MB', {}, { x: 'x'.repeat(3e6) }, /too long.*argument 1 \('\{x\}'\) has 3000000.*standard input/],
    ['an option', {}, { x: '-n' }, /argument 1 '\{x\}': it begins with '-'.*operand 'x'.*Put '--'/],
    ['an empty name of a program', { command: ['{x}'] }, { x: '' }, /operand 'x' is empty/],
    [
      'an operand inside a script',
      { command: ['sh', '-c', 'echo {x}'] },
      { x: '$(id)' },
      /argument 2 'echo \{x\}': '\{x\}' is inside the text of a script.*"\$1"/,
    ],
  ];
  test.skipIf(process.platform === 'win32').each(faults)('%s', async (_, options, operands, said) => {
    const agent = programAgent({
      name: 'printer',
      command: ['echo', '{x}'],
      stdin: 'none',
      cwd: dir,
      ...options,
    });
    const result = await runAgent(agent, operands).catch((error: unknown) => error);
    expect(result).toBeInstanceOf(ProgramError);
    expect((result as Error).message).toMatch(said);
    expect((result as Error).message).toContain("agent 'printer'");
  });
});

test.skipIf(process.platform === 'win32')(
  'an operand after -- or after the text of a shell script may begin with -',
  async () => {
    const run = (command: string[]) =>
      runAgent(programAgent({ name: 'a', command, stdin: 'none' }), { x: '-n $(id)' });
    expect(await run(['printf', '--', '{x}'])).toBe('-n $(id)');
    expect(await run(['sh', '-c', 'printf "%s" "$1"', 'sh', '{x}'])).toBe('-n $(id)');
    expect(await run(['printf', '%s', '--name={x}'])).toBe('--name=-n $(id)');
  },
);

test.skipIf(process.platform === 'win32')(
  'a program that does not read its standard input does not fail, however much it is given',
  async () => {
    const agent = programAgent({ name: 'a', command: ['sh', '-c', 'exec 0<&-; sleep 0.1; echo done'] });
    expect(await runAgent(agent, { x: 'x'.repeat(5e6) })).toBe('done\n');
  },
);

test.skipIf(process.platform === 'win32')(
  'bytes that are not UTF-8 are replaced in a text and refused in JSON',
  async () => {
    const command = ['printf', '"a\\377b"'];
    expect(await runAgent(programAgent({ name: 'a', command }))).toBe('"a\u{FFFD}b"');
    const json = programAgent({ name: 'a', command, output: 'json' });
    await expect(runAgent(json)).rejects.toThrow(/agent 'a' did not print JSON: its output is not UTF-8/);
  },
);

test.skipIf(process.platform === 'win32')(
  'a result arrives, whole, while a process in another group still holds the output open',
  async () => {
    const dir = folder();
    const script = `setsid sh -c 'echo $$ > daemon; exec sleep 60' & while [ ! -s daemon ]; do sleep 0.02; done; head -c 200000 /dev/zero | tr '\\0' x`;
    const agent = programAgent({ name: 'a', command: ['sh', '-c', script], cwd: dir });
    expect(await runAgent(agent)).toBe('x'.repeat(200_000));
    const daemon = Number(readFileSync(join(dir, 'daemon'), 'utf8'));
    expect(isAlive(daemon)).toBe(true);
    process.kill(daemon, 'SIGKILL');
  },
);
