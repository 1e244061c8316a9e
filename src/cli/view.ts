/** `tutti view`: a trace in the browser. */
import { open, stat } from 'node:fs/promises';
import { interrupted } from './interrupt.ts';
import { UsageError } from './usage.ts';

export interface ViewFlags {
  readonly port?: number;
}

/** Serves the viewer until Ctrl-C. @returns the exit code: 0. */
export async function viewCommand(file: string | undefined, flags: ViewFlags): Promise<number> {
  if (file !== undefined) await checkReadable(file);
  const { port } = flags;
  const { startInspector } = await import('../node/inspector.ts');
  const inspector = await startInspector(file === undefined ? { empty: true, port } : { file, port }).catch(
    (error: unknown) => {
      throw new UsageError(`--port ${port}: ${error instanceof Error ? error.message : String(error)}.`);
    },
  );
  const interrupt = interrupted();
  process.stdout.write(`${inspector.url}\n`);
  process.stderr.write(`open this address in a browser on this machine; Ctrl-C ends it\n`);
  await new Promise((resolve) => interrupt.signal.addEventListener('abort', resolve, { once: true }));
  await inspector.close();
  interrupt.forget();
  return 0;
}

async function checkReadable(file: string): Promise<void> {
  try {
    if (!(await stat(file)).isFile()) throw new Error('it is not a file');
    await (await open(file)).close();
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    throw new UsageError(
      `${file}: cannot be read (${code === 'ENOENT' ? 'there is no such file' : message}).`,
    );
  }
}
