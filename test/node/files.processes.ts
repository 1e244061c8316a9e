/** Starts processes that share files, and collects the lines that they print. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';

export interface Child {
  /** What it has printed so far. */
  readonly lines: () => readonly string[];
  /** Resolves when it has printed this line. */
  readonly printed: (line: string) => Promise<void>;
  readonly kill: () => void;
  /** How it ended. */
  readonly ended: Promise<{ code: number | null; stderr: string }>;
}

/** Runs `files.child.ts`. */
export function start(job: string, folder: string, name: string, count = 0): Child {
  const program = join(import.meta.dirname, 'files.child.ts');
  const child = spawn(process.execPath, [program, job, folder, name, String(count)]);
  let [stdout, stderr] = ['', ''];
  child.stdout.setEncoding('utf8').on('data', (text: string) => void (stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => void (stderr += text));
  const ended = once(child, 'close').then(([code]) => ({ code: code as number | null, stderr }));
  const lines = () => stdout.split('\n').slice(0, -1);
  return {
    lines,
    ended,
    kill: () => void child.kill('SIGKILL'),
    printed: (line) =>
      new Promise((resolve, reject) => {
        const look = () => lines().includes(line) && resolve();
        child.stdout.on('data', look);
        void ended.then(() => reject(new Error(`ended without printing ${line}: ${stderr}`)));
        look();
      }),
  };
}
