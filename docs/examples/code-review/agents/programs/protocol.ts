/** The child's side of the protocol in `../lib/program.ts`. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Request } from '../lib/program.ts';
import type { RawFinding } from '../lib/types.ts';

/** The whole request; a pipe to standard input is never larger than the list of files. */
export function request(): Request {
  return JSON.parse(readFileSync(0, 'utf8')) as Request;
}

const pending: string[] = [];

function say(message: object): void {
  pending.push(JSON.stringify(message));
  if (pending.length >= 200) flush();
}

/** Synchronous enough: `process.stdout` on a pipe blocks on POSIX, so nothing is lost at the end. */
function flush(): void {
  if (pending.length > 0) process.stdout.write(`${pending.splice(0).join('\n')}\n`);
}

export const report = (finding: RawFinding): void => say({ finding });
export const note = (text: string): void => say({ note: text });
export const progress = (files: number): void => {
  say({ files });
  flush();
};

/** Read every file in turn until the time is up. A file that cannot be read any more is simply passed over:
 *  the work tree may change under a review. */
export async function eachFile(
  { root, files, seconds }: Request,
  look: (path: string, bytes: Buffer) => void | Promise<void>,
): Promise<void> {
  const deadline = performance.now() + seconds * 1000;
  let done = 0;
  for (const path of files) {
    if (performance.now() > deadline) {
      note(`stopped by the time limit after ${done} of ${files.length} files`);
      break;
    }
    let bytes: Buffer;
    try {
      bytes = readFileSync(join(root, path));
    } catch {
      done++;
      continue;
    }
    // eslint-disable-next-line no-await-in-loop -- analysers are synchronous at heart; one file is held at a time
    await look(path, bytes);
    done++;
    if (done % 250 === 0) progress(done);
  }
  finish(done);
}

export function finish(files: number): void {
  say({ files });
  say({ done: true });
  flush();
}
