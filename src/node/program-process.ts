/** One program as a child process: started when the system lets it, read until it has exited, ended as a whole group. */
import { spawn, spawnSync, type ChildProcessWithoutNullStreams } from 'node:child_process';
import { once } from 'node:events';
import { places } from './program-places.ts';

/** Between asking a process group to stop and making it stop. */
const KILL_AFTER_MS = 500;
/** After a program has exited, its pipes are closed when nothing has come for this long … */
const QUIET_MS = 100;
/** … and at the latest after this long. */
const DRAIN_MS = 1_000;
const KEPT_OF_STDERR = 4_096;
export interface Launch {
  readonly argv: readonly string[];
  readonly cwd: string;
  readonly env: NodeJS.ProcessEnv;
  /** What it is given on standard input. */
  readonly input: string | undefined;
  /** Bytes of standard output; the program is ended when it prints more. */
  readonly limit: number;
  /** Called whenever it prints something. */
  readonly onOutput: () => void;
}

export interface Ended {
  readonly stdout: Buffer;
  /** The last part. */
  readonly stderr: string;
  readonly code: number | null;
  readonly killedBy: string | null;
  readonly overflow: boolean;
  /** The output could not be read. */
  readonly fault: Error | undefined;
}

/** Runs a program to its end, as soon as there is a place for it. When the signal aborts, its process group is ended.
 *  @throws the signal's reason; or the system's error when the program cannot be started. */
export async function runProcess(launch: Launch, signal: AbortSignal): Promise<Ended> {
  const child = await places.start(() => start(launch), signal);
  const stop = () => endGroup(child);
  signal.addEventListener('abort', stop, { once: true });
  if (signal.aborted) stop();
  try {
    const ended = await collect(child, launch);
    signal.throwIfAborted();
    return ended;
  } finally {
    signal.removeEventListener('abort', stop);
    places.leave();
  }
}

async function start({ argv, cwd, env }: Launch): Promise<ChildProcessWithoutNullStreams> {
  const [program, ...args] = argv as [string, ...string[]];
  const child = spawn(program, args, {
    cwd,
    env,
    stdio: 'pipe',
    detached: process.platform !== 'win32', // a new process group, to be ended as a whole
    windowsHide: true,
  });
  // There are no streams when the system had no room for them.
  for (const stream of child.stdio ?? []) stream?.on('error', () => {});
  await once(child, 'spawn');
  remember(child);
  return child;
}

function collect(child: ChildProcessWithoutNullStreams, { limit, input, onOutput }: Launch): Promise<Ended> {
  return new Promise((resolve) => {
    const chunks: Buffer[] = [];
    let size = 0;
    let received = 0;
    let overflow = false;
    let stderr = '';
    let fault: Error | undefined;
    child.stdout.on('data', (chunk: Buffer) => {
      received++;
      onOutput();
      size += chunk.length;
      if (size <= limit) return void chunks.push(chunk);
      overflow = true;
      chunks.length = 0;
      endGroup(child);
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      received++;
      onOutput();
      stderr = (stderr + text).slice(-KEPT_OF_STDERR);
    });
    child.stdout.on('error', (error) => (fault ??= error));
    child.on('error', () => {}); // it has started, so this is a signal that could not be sent
    child.on('exit', () => {
      endGroup(child); // what it left behind in its group
      closeWhenQuiet(child, () => received);
    });
    child.on('close', (code, killedBy) => {
      resolve({ stdout: Buffer.concat(chunks), stderr, code, killedBy, overflow, fault });
    });
    // A program need not read what it is given; see the error listener of its streams.
    child.stdin.end(input);
  });
}

/** What a program has printed is in its pipes when it exits. If they stay open then, a process that it left behind in
 *  another group holds them, and does not keep this process waiting or alive. */
function closeWhenQuiet(child: ChildProcessWithoutNullStreams, received: () => number): void {
  const latest = performance.now() + DRAIN_MS;
  let timer: NodeJS.Timeout | undefined;
  const look = (before: number) => {
    // Timers run before input is read: after a busy event loop, read the input once more before deciding.
    timer = setTimeout(() => setImmediate(decide, before), QUIET_MS);
  };
  const decide = (before: number) => {
    if (received() !== before && performance.now() < latest) look(received());
    else for (const stream of child.stdio) stream?.destroy();
  };
  child.once('close', () => clearTimeout(timer));
  look(received());
}

/** Groups that may still have members; they die with this process. The timer is set once a group was asked to stop. */
const groups = new Map<ChildProcessWithoutNullStreams, NodeJS.Timeout | undefined>();
let watchesExit = false;

function remember(child: ChildProcessWithoutNullStreams): void {
  groups.set(child, undefined);
  if (watchesExit) return;
  watchesExit = true;
  process.on('exit', () => {
    for (const left of groups.keys()) signalGroup(left, 'SIGKILL');
  });
}

/** Asks a group to stop, and makes it stop shortly after; forgets it once it has no members. */
function endGroup(child: ChildProcessWithoutNullStreams): void {
  const asked = groups.get(child);
  if (!groups.has(child)) return;
  if (!signalGroup(child, asked === undefined ? 'SIGTERM' : 0)) {
    clearTimeout(asked);
    groups.delete(child);
  } else if (asked === undefined) {
    const kill = () => {
      signalGroup(child, 'SIGKILL');
      groups.delete(child);
    };
    groups.set(child, setTimeout(kill, KILL_AFTER_MS).unref());
  }
}

/** @returns whether the group has members. */
function signalGroup(child: ChildProcessWithoutNullStreams, signal: NodeJS.Signals | 0): boolean {
  try {
    if (process.platform !== 'win32') return process.kill(-child.pid!, signal);
    // Windows has no groups: the tree is ended while its root still runs.
    if (child.exitCode !== null || child.signalCode !== null) return false;
    spawnSync('taskkill', ['/pid', String(child.pid), '/T', '/F'], { stdio: 'ignore', windowsHide: true });
    return true;
  } catch {
    return false;
  }
}
