/** Run a program as a child, and leave nothing behind.
 *
 *  Every analyser runs in its own process: six reviewers then really work at once, a parser that hangs or runs
 *  out of memory ends only its own process, and an abort can end it at any time. The child leads a process
 *  group, so that the processes it started end with it. */
import { spawn } from 'node:child_process';
import { StringDecoder } from 'node:string_decoder';

export interface RunOptions {
  cwd: string;
  signal: AbortSignal;
  /** Seconds after which the whole group is killed; the outcome then says `timedOut`. */
  timeout: number;
  stdin?: string;
  /** Separator of records on standard output; a record is handed on as soon as it is complete. */
  separator?: string;
  onRecord: (record: string) => void;
}

export interface Outcome {
  code: number | null;
  killedBy: NodeJS.Signals | null;
  timedOut: boolean;
  /** The last part of standard error. */
  stderr: string;
  /** Records that were longer than the limit and were discarded. */
  oversized: number;
}

const MAX_RECORD = 1 << 20; // characters; a longer record is not a readable finding
const MAX_STDERR = 4096;

/** An analyser needs nothing of the user's environment, so it is handed no keys, no git settings and no
 *  NODE_OPTIONS. */
function environment(): NodeJS.ProcessEnv {
  const kept: NodeJS.ProcessEnv = { NO_COLOR: '1', LC_ALL: 'C.UTF-8', GIT_OPTIONAL_LOCKS: '0' };
  for (const name of ['PATH', 'HOME', 'TMPDIR', 'TEMP', 'SystemRoot', 'USERPROFILE']) {
    const value = process.env[name];
    if (value !== undefined) kept[name] = value;
  }
  return kept;
}

export function killGroup(pid: number): void {
  try {
    process.kill(process.platform === 'win32' ? pid : -pid, 'SIGKILL');
  } catch {
    // The group is already gone.
  }
}

export async function run(command: string, args: readonly string[], options: RunOptions): Promise<Outcome> {
  const { signal, separator = '\n' } = options;
  signal.throwIfAborted();
  const child = spawn(command, args, {
    cwd: options.cwd,
    env: environment(),
    detached: process.platform !== 'win32',
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  const outcome: Outcome = { code: null, killedBy: null, timedOut: false, stderr: '', oversized: 0 };
  const end = () => {
    if (child.pid !== undefined) killGroup(child.pid);
  };
  const timer = setTimeout(() => {
    outcome.timedOut = true;
    end();
  }, options.timeout * 1000);
  signal.addEventListener('abort', end, { once: true });

  const records = splitter(separator, options.onRecord, () => outcome.oversized++);
  const decoder = new StringDecoder('utf8');
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    outcome.stderr = (outcome.stderr + text).slice(-MAX_STDERR);
  });
  child.stdin.on('error', () => {}); // a child that ends before it has read everything is no fault of ours
  child.stdin.end(options.stdin ?? '');

  try {
    await new Promise<void>((resolve, reject) => {
      child.on('error', reject);
      child.stdout.on('data', (chunk: Buffer) => {
        try {
          records.push(decoder.write(chunk));
        } catch (error) {
          end();
          reject(error);
        }
      });
      child.on('exit', end); // ends processes that the child started and did not wait for
      child.on('close', (code, killedBy) => {
        outcome.code = code;
        outcome.killedBy = killedBy;
        resolve();
      });
    });
    signal.throwIfAborted();
    records.finish();
    return outcome;
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', end);
    end();
  }
}

/** Cut a stream into records without ever holding more than one of them. */
function splitter(separator: string, onRecord: (record: string) => void, onOversized: () => void) {
  let parts: string[] = [];
  let length = 0;
  const flush = () => {
    if (length > MAX_RECORD) onOversized();
    else if (length > 0) onRecord(parts.join(''));
    parts = [];
    length = 0;
  };
  const add = (text: string) => {
    length += text.length;
    if (length <= MAX_RECORD) parts.push(text);
    else parts = [];
  };
  return {
    push(text: string) {
      let from = 0;
      for (let at = text.indexOf(separator); at >= 0; at = text.indexOf(separator, from)) {
        add(text.slice(from, at));
        flush();
        from = at + 1;
      }
      add(text.slice(from));
    },
    finish: flush,
  };
}
