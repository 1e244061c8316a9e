/** Programs as agents: a command with arguments, text or JSON out, stopped with its whole process group. */
import { spawn, type ChildProcess } from 'node:child_process';
import { resolve } from 'node:path';
import type { AgentContext, AgentPlan } from '../../actors/program.ts';
import type { ProgramAgent } from '../score-file.ts';

const MAX_OUTPUT = 10 * 1_024 * 1_024;
const KEPT_OF_STDERR = 4_096;
/** Between asking a process group to stop and making it stop. */
const KILL_AFTER_MS = 500;

/** A program failed: how, and the end of what it said. */
export class ProgramError extends Error {
  override name = 'ProgramError';
}

/** Groups that are still running; they die with this process. */
const running = new Set<ChildProcess>();
let watchesExit = false;

/** An agent that runs a program.
 *  @param folder where the command is started unless it names a `cwd`. */
export function programAgent(name: string, options: ProgramAgent, folder: string): AgentPlan {
  return {
    name,
    capacity: options.capacity,
    run: (operands, context) => runProgram(name, options, folder, operands, context),
  };
}

async function runProgram(
  name: string,
  options: ProgramAgent,
  folder: string,
  operands: Record<string, unknown>,
  { signal }: AgentContext,
): Promise<unknown> {
  signal.throwIfAborted();
  const [command, ...args] = options.command.map((argument) => fill(argument, operands)) as [
    string,
    ...string[],
  ];
  const child = spawn(command, args, {
    cwd: resolve(folder, options.cwd ?? '.'),
    env: { ...process.env, ...options.env },
    stdio: ['pipe', 'pipe', 'pipe'],
    detached: process.platform !== 'win32', // a group of its own, to be stopped as a whole
    windowsHide: true,
  });
  remember(child);
  const stop = () => stopGroup(child);
  signal.addEventListener('abort', stop, { once: true });
  try {
    const output = collect(child, options.maxOutput ?? MAX_OUTPUT);
    child.stdin.on('error', () => {}); // a program need not read what it is given
    child.stdin.end(options.stdin === 'json' ? JSON.stringify(operands) : undefined);
    const { stdout, stderr, code, killedBy, overflow } = await output;
    signal.throwIfAborted();
    if (overflow)
      throw new ProgramError(
        `'${name}' printed more than ${options.maxOutput ?? MAX_OUTPUT} bytes; print less, or raise \`maxOutput\`.`,
      );
    if (killedBy !== null) throw new ProgramError(`'${name}' was ended by ${killedBy}.${said(stderr)}`);
    if (code !== 0) throw new ProgramError(`'${name}' exited with ${code}.${said(stderr)}`);
    return options.output === 'json' ? parse(name, stdout) : stdout;
  } finally {
    signal.removeEventListener('abort', stop);
    stopGroup(child); // whoever it left behind
    running.delete(child);
  }
}

/** `{operand}` stands for an operand: text as it is, anything else as JSON. There is no shell to escape for. */
const fill = (argument: string, operands: Record<string, unknown>): string =>
  argument.replace(/\{([A-Za-z_][\w-]*)\}/g, (whole, key: string) => {
    if (!Object.hasOwn(operands, key)) return whole;
    const value = operands[key];
    return typeof value === 'string' ? value : JSON.stringify(value);
  });

interface Output {
  stdout: string;
  stderr: string;
  code: number | null;
  killedBy: string | null;
  overflow: boolean;
}

function collect(child: ChildProcess, limit: number): Promise<Output> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let size = 0;
    let overflow = false;
    let stderr = '';
    child.stdout!.on('data', (chunk: Buffer) => {
      size += chunk.length;
      if (size <= limit) return void chunks.push(chunk);
      overflow = true;
      chunks.length = 0;
      stopGroup(child);
    });
    child
      .stderr!.setEncoding('utf8')
      .on('data', (text: string) => (stderr = (stderr + text).slice(-KEPT_OF_STDERR)));
    child.on('error', (error: NodeJS.ErrnoException) => {
      const [command] = child.spawnargs;
      reject(
        error.code === 'ENOENT'
          ? new ProgramError(`there is no program '${command}' (or its folder is missing).`)
          : error,
      );
    });
    child.on('close', (code, killedBy) => {
      resolve({ stdout: Buffer.concat(chunks).toString('utf8'), stderr, code, killedBy, overflow });
    });
    // A grandchild that keeps the pipes open must not keep us waiting once the program itself has ended.
    child.on('exit', () => stopGroup(child));
  });
}

function parse(name: string, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    const start = text.trim().slice(0, 60);
    throw new ProgramError(
      `'${name}' did not print JSON (${(error as Error).message}); it began: ${start || '(nothing)'}`,
    );
  }
}

const said = (stderr: string): string =>
  stderr.trim() === '' ? '' : ` It said: ${stderr.trim().slice(-1_000)}`;

/** Asks the group to stop, and shortly after makes it stop. */
function stopGroup(child: ChildProcess): void {
  if (!signalGroup(child, 'SIGTERM')) return;
  setTimeout(() => signalGroup(child, 'SIGKILL'), KILL_AFTER_MS).unref();
}

function signalGroup(child: ChildProcess, signal: NodeJS.Signals): boolean {
  if (child.pid === undefined) return false;
  try {
    return process.platform === 'win32' ? child.kill(signal) : process.kill(-child.pid, signal);
  } catch {
    return false; // the group is gone
  }
}

function remember(child: ChildProcess): void {
  running.add(child);
  if (watchesExit) return;
  watchesExit = true;
  process.on('exit', () => {
    for (const left of running) signalGroup(left, 'SIGKILL');
  });
}
