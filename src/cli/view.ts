/** `tutti view`: a trace in the browser. */
import { createReadStream } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import { messageOf } from '../../actors/tomasulo/errors.ts';
import { readTrace } from '../trace/read.ts';
import { interrupted } from './interrupt.ts';
import { openBrowser } from './open-browser.ts';
import { CommandLineError } from './usage.ts';

export interface ViewFlags {
  readonly port?: number;
  readonly open?: boolean;
}

/** Serves the viewer until Ctrl-C. @returns the exit code: 0. */
export async function viewCommand(file: string | undefined, flags: ViewFlags): Promise<number> {
  if (file !== undefined) await checkTrace(file);
  const { port } = flags;
  const { startInspector } = await import('../node/inspector.ts');
  const inspector = await startInspector(file === undefined ? { empty: true, port } : { file, port }).catch(
    (error: unknown) => {
      throw new CommandLineError(
        `--port ${port}: ${error instanceof Error ? error.message : String(error)}.`,
      );
    },
  );
  const interrupt = interrupted();
  process.stdout.write(`${inspector.url}\n`);
  process.stderr.write(`open this address in a browser on this machine; Ctrl-C ends it\n`);
  if (flags.open === true) openBrowser(inspector.url);
  await new Promise((resolve) => interrupt.signal.addEventListener('abort', resolve, { once: true }));
  await inspector.close();
  interrupt.forget();
  return 0;
}

/** Counter-examples are read as a whole, and are small. */
const LARGEST_COUNTEREXAMPLE = 64 << 20;
/** How many lines are searched for the first message of a trace. */
const LINES = 10_000;

/** @throws {CommandLineError} when the file cannot be read, or is neither a trace nor a counter-example. A trace that was cut
 *  off is a trace; the page shows a note. */
async function checkTrace(file: string): Promise<void> {
  const { size } = await stat(file).then(
    (found) => {
      if (found.isFile()) return found;
      throw new CommandLineError(`${file}: cannot be read (it is not a file).`);
    },
    ({ code, message }: NodeJS.ErrnoException) => {
      throw new CommandLineError(
        `${file}: cannot be read (${code === 'ENOENT' ? 'there is no such file' : message}).`,
      );
    },
  );
  try {
    if ((await holdsMessage(file)) || (size <= LARGEST_COUNTEREXAMPLE && (await holdsTranscript(file))))
      return;
  } catch (error) {
    throw new CommandLineError(`${file}: cannot be read (${messageOf(error)}).`);
  }
  const what = size === 0 ? 'is empty' : 'is neither a trace nor a counter-example';
  throw new CommandLineError(
    `${file}: ${what}. \`tutti perform SCORE --trace FILE\` writes a trace, \`tutti verify --save DIR\` counter-examples.`,
  );
}

async function holdsMessage(file: string): Promise<boolean> {
  let lines = 0;
  for await (const { message } of readTrace(createReadStream(file))) {
    if (message !== undefined) return true;
    if (++lines === LINES) return false;
  }
  // Cut off within its first message.
  const start = '{"type":"@xstate.';
  let head = '';
  for await (const chunk of createReadStream(file, { encoding: 'utf8', end: start.length - 1 }))
    head += chunk;
  return head === start;
}

async function holdsTranscript(file: string): Promise<boolean> {
  try {
    return findsTranscript(JSON.parse(await readFile(file, 'utf8')), 0);
  } catch (error) {
    if (error instanceof SyntaxError) return false;
    throw error;
  }
}

/** The page finds transcripts at any depth of a report, such as that of \`tutti verify --json\`. */
function findsTranscript(value: unknown, depth: number): boolean {
  if (depth > 12 || typeof value !== 'object' || value === null) return false;
  if ('transcript' in value && Array.isArray(value.transcript)) return true;
  return Object.values(value).some((inner) => findsTranscript(inner, depth + 1));
}
