/** Programs as agents: a command with arguments, text or JSON out, stopped with its whole process group. */
import { accessSync, constants, statSync } from 'node:fs';
import { resolve } from 'node:path';
import { z } from 'zod';
import { nearest, type AgentContext, type RetryPolicy } from '../../actors/tomasulo/program.ts';
import { agent, type AgentSpec } from '../score/agent.ts';
import { fillCommand, operandsAsJson, programShape, ProgramError } from '../score/program-command.ts';
import { programEnvironment } from './program-environment.ts';
import { runProcess, type Ended, type Launch } from './program-process.ts';

export { ProgramError };

const MAX_OUTPUT = 10 * 1_024 * 1_024;

/** A program as an agent; the same as an agent with a `command` in a score file. */
export interface ProgramAgentOptions {
  /** Agents of one name share one unit. */
  readonly name: string;
  /** The program and its arguments, started without a shell. `{operand}` in an argument stands for the operand's value:
   *  text as it is, anything else as JSON. A value that begins with `-` fails the step where the program could read it
   *  as an option: at the start of an argument, unless an argument `--` stands before it. */
  readonly command: readonly string[];
  /** What the program prints: `text` (default), or one `json` value. Bytes that are not UTF-8 become U+FFFD in a text,
   *  and fail the step in JSON. */
  readonly output?: 'text' | 'json' | undefined;
  /** What it is given on standard input: its operands as one `json` object (default), or `none`. */
  readonly stdin?: 'json' | 'none' | undefined;
  /** Where it starts. Default: the current folder, or the score's in a score file. */
  readonly cwd?: string | undefined;
  /** It gives `TUTTI_EFFECT_KEY` to the receiver of its effect, which does nothing twice under one key. */
  readonly usesEffectKey?: boolean | undefined;
  /** Change it when the program has changed so that a run that has begun must not go on with it. */
  readonly version?: string | undefined;
  /** Variables of its environment. It also has `PATH`, `HOME`, the locale and the like of this process, and
   *  `TUTTI_RUN_ID`, `TUTTI_ATTEMPT` and `TUTTI_EFFECT_KEY`; nothing else. */
  readonly env?: Readonly<Record<string, string>> | undefined;
  /** Variables that it takes over from this process, where they are set. */
  readonly inheritEnv?: readonly string[] | undefined;
  /** Bytes that it may print, 1 … 2^28; more ends it and fails the step. Default 10 MiB. */
  readonly maxOutput?: number | undefined;
  /** How many steps of this agent may run at once. Default: no limit but that of {@link limitPrograms}. */
  readonly capacity?: number | undefined;
  /** Milliseconds, for steps that do not say. Waiting for other programs to end counts. */
  readonly timeoutMs?: number | undefined;
  /** Defaults for steps that do not say. */
  readonly retry?: RetryPolicy | undefined;
  readonly effects?: 'none' | 'idempotent' | 'external' | undefined;
}

const programOptions = z.strictObject({
  name: z.string().min(1),
  ...programShape,
  timeoutMs: z.number().min(0).optional(),
  retry: z.custom<RetryPolicy>((value) => typeof value === 'object').optional(),
  effects: z.enum(['none', 'idempotent', 'external']).optional(),
});
type Settings = z.infer<typeof programOptions>;

/** An agent that runs a program. When its step is aborted, the program is ended with its whole process group. A step
 *  fails with a {@link ProgramError} when the program cannot be started, exits with another code than 0, or prints too
 *  much. At most four programs per core run at once in a process; see {@link limitPrograms}.
 *  @throws {TypeError} for an option that does not exist or does not fit.
 *  @example
 *  ```ts
 *  const count = programAgent({ name: 'count', command: ['wc', '-w', '--', '{file}'], stdin: 'none' });
 *  const push = programAgent({ name: 'push', command: ['git', 'push'], inheritEnv: ['SSH_AUTH_SOCK'] });
 *  ``` */
export function programAgent(options: ProgramAgentOptions): AgentSpec<Record<string, unknown>, unknown> {
  const settings = checked(options);
  const { name, capacity, timeoutMs, retry, effects, usesEffectKey, version } = settings;
  return agent<Record<string, unknown>, unknown>({
    ...{ name, capacity, timeoutMs, retry, effects, usesEffectKey, version },
    run: (operands, context) => runProgram(settings, operands, context),
  });
}

function checked(options: ProgramAgentOptions): Settings {
  const parsed = programOptions.safeParse(options);
  if (parsed.success) return parsed.data;
  const { issues } = parsed.error;
  const issue = issues.find(({ code }) => code === 'unrecognized_keys') ?? issues[0]!;
  if (issue.code !== 'unrecognized_keys')
    throw new TypeError(
      `programAgent: ${issue.path.join('.') || 'its options'}: ${issue.message.replace(/^Invalid input: /, '')}.`,
    );
  const known = Object.keys(programOptions.shape);
  const [key] = issue.keys as [string];
  const near = nearest(key, known);
  const hint = near === undefined ? '' : ` Did you mean '${near}'?`;
  throw new TypeError(`programAgent: unknown option '${key}'.${hint} Known are ${known.join(', ')}.`);
}

async function runProgram(
  settings: Settings,
  operands: Readonly<Record<string, unknown>>,
  { signal, beat, runId, attempt, effectKey }: AgentContext,
): Promise<unknown> {
  const { name, command, output, stdin, maxOutput = MAX_OUTPUT } = settings;
  const launch: Launch = {
    argv: fillCommand(name, command, operands),
    cwd: resolve(settings.cwd ?? '.'),
    env: {
      ...programEnvironment(settings),
      TUTTI_RUN_ID: runId,
      TUTTI_ATTEMPT: String(attempt),
      TUTTI_EFFECT_KEY: effectKey,
    },
    input: stdin === 'json' ? operandsAsJson(name, operands) : undefined,
    limit: maxOutput,
    onOutput: beat,
  };
  let ended: Ended;
  try {
    ended = await runProcess(launch, signal);
  } catch (error) {
    if (signal.aborted) throw signal.reason;
    throw new ProgramError(`agent '${name}': ${whyNotStarted(error, launch, command)}`, { cause: error });
  }
  const fail = (what: string) => new ProgramError(`agent '${name}' ${what}`);
  const { code, killedBy, overflow, fault } = ended;
  if (overflow)
    throw fail(`printed more than ${maxOutput} bytes. Let it print less, or raise its 'maxOutput'.`);
  if (killedBy !== null) throw fail(`was ended by ${killedBy}.${said(ended.stderr)}`);
  if (code !== 0) throw fail(`exited with ${code}.${said(ended.stderr)}`);
  if (fault !== undefined) throw fail(`printed something that could not be read: ${fault.message}.`);
  return output === 'json' ? parse(ended.stdout, fail) : ended.stdout.toString('utf8');
}

function parse(stdout: Buffer, fail: (what: string) => ProgramError): unknown {
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(stdout);
  } catch {
    throw fail('did not print JSON: its output is not UTF-8. Let it print UTF-8.');
  }
  try {
    return JSON.parse(text);
  } catch (error) {
    const start = text.trim().slice(0, 60);
    throw fail(`did not print JSON (${(error as Error).message}); it began: ${start || '(nothing)'}`);
  }
}

const said = (stderr: string): string =>
  stderr.trim() === '' ? '' : ` It said: ${stderr.trim().slice(-1_000)}`;

/** Why the system did not start a program, and what to do. */
function whyNotStarted(error: unknown, launch: Launch, command: readonly string[]): string {
  const { code, message } = error as NodeJS.ErrnoException;
  const program = launch.argv[0]!;
  switch (code) {
    case 'ENOENT':
    case 'ENOTDIR':
      return whyFolder(launch.cwd) ?? whyNoProgram(program);
    case 'EACCES':
    case 'EPERM':
      return (
        whyFolder(launch.cwd) ??
        `the program '${program}' may not be run (${code}). Make it executable (chmod +x), or name its interpreter first: [sh, ${program}].`
      );
    case 'E2BIG':
    case 'ENAMETOOLONG':
      return whyTooLong(launch, command, code);
    case 'EMFILE':
    case 'ENFILE':
      return `'${program}' cannot be started: too many open files (${code}), and no other program of this process runs whose end would close some. Raise the limit (ulimit -n), or keep fewer files open.`;
    case 'EAGAIN':
    case 'ENOMEM':
      return `'${program}' cannot be started: the system has no room for one more process (${code}), and no other program of this process runs whose end would make some. Raise the limit (ulimit -u) or free memory.`;
    default:
      return `'${program}' cannot be started: ${message}.`;
  }
}

/** What is wrong with the working directory, if something is. */
function whyFolder(cwd: string): string | undefined {
  const about = `the working directory '${cwd}'`;
  try {
    if (!statSync(cwd).isDirectory()) return `${about} is no folder. Correct 'cwd'.`;
    accessSync(cwd, constants.X_OK);
    return undefined;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    return code === 'EACCES'
      ? `${about} may not be entered. Correct its permissions or 'cwd'.`
      : `${about} does not exist. Make it, or correct 'cwd'.`;
  }
}

function whyNoProgram(program: string): string {
  const start = `there is no program '${program}'`;
  if (/[/\\]/.test(program))
    return `${start}, or its first line names an interpreter that is missing. Correct the path; it is relative to the working directory.`;
  const [first, ...rest] = program.trim().split(/\s+/);
  return rest.length > 0
    ? `${start}. A command is a list: [${[first, ...rest].join(', ')}].`
    : `${start} on the PATH. Install it, or correct its name.`;
}

function whyTooLong({ argv, env }: Launch, command: readonly string[], code: string): string {
  const bytes = (text: string) => Buffer.byteLength(text);
  const parts = [
    ...argv.map((text, i) => ({
      what: `argument ${i} ('${command[i]!.slice(0, 60)}')`,
      size: bytes(text),
    })),
    ...Object.entries(env).map(([key, text]) => ({
      what: `the environment variable '${key}'`,
      size: bytes(text ?? ''),
    })),
  ];
  const longest = parts.reduce((a, b) => (b.size > a.size ? b : a));
  const total = parts.reduce((sum, { size }) => sum + size, 0);
  return `its arguments and environment are too long for the system (${code}): ${longest.what} has ${longest.size} of ${total} bytes. Give long operands on standard input (stdin: json) or in a file.`;
}
