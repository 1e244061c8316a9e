/** `--trace` and `--inspect`: what a performance does, in a file and on a page. Nothing is set up without them. */
import type { PerformOptions, Run } from '../perform.ts';
import type { Inspector } from '../node/inspector.ts';
import type { Score } from '../score.ts';
import type { TraceSink } from '../trace/index.ts';
import { UsageError } from './usage.ts';

export interface TracingFlags {
  readonly trace?: string;
  readonly inspect?: boolean;
}

export interface Tracing {
  readonly inspect: PerformOptions['inspect'];
  watch(run: Run, score: Score<any, any>): void;
  /** Writes the rest. On a terminal, the page stays until `stop` aborts. */
  end(stop: AbortSignal): Promise<void>;
}

/** How long those who look may take for the rest of what happened, where nobody waits at a terminal. */
const GRACE_MS = 2_000;

/** @throws {UsageError} when the file cannot be written. */
export async function startTracing(flags: TracingFlags, name: string): Promise<Tracing | undefined> {
  if (flags.trace === undefined && flags.inspect !== true) return undefined;
  const { traceTo } = await import('../trace/index.ts'); // loaded by those who want it, and by nobody else
  const file = flags.trace === undefined ? undefined : await openFile(flags.trace);
  const inspector =
    flags.inspect === true
      ? await (await import('../node/inspector.ts')).startInspector({ name })
      : undefined;
  const trace = traceTo(both(file, inspector?.sink));
  if (inspector !== undefined) {
    process.stderr.write(`inspector: ${inspector.url}\n`);
    process.stderr.write(`in the hosted Stately Inspector: ${inspector.statelyUrl}\n`);
  }
  return {
    inspect: trace.inspect,
    watch(run, score) {
      trace.watch(run, score);
      if (run.shared !== undefined) trace.watchShared(run.shared, run.bus);
    },
    async end(stop) {
      try {
        await trace.close();
      } catch (error) {
        const why = error instanceof Error ? error.message : String(error);
        process.stderr.write(`tutti: the trace ends early: ${why}\n`);
      }
      if (inspector !== undefined) await stayOpen(inspector, stop);
    },
  };
}

async function openFile(path: string): Promise<TraceSink> {
  const { traceFile } = await import('../node/trace-file.ts');
  try {
    return traceFile(path);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new UsageError(`--trace ${path}: cannot be written to (${why}).`);
  }
}

function both(file: TraceSink | undefined, live: TraceSink | undefined): TraceSink {
  return {
    write(text) {
      void live?.write(text);
      return file?.write(text);
    },
    async close() {
      await live?.close?.();
      await file?.close?.();
    },
  };
}

/** Somebody at a terminal looks on until Ctrl-C; a program that started us is not kept waiting. */
async function stayOpen(inspector: Inspector, stop: AbortSignal): Promise<void> {
  const terminal = process.stdin.isTTY === true && process.stderr.isTTY === true && !process.env['CI'];
  if (terminal && !stop.aborted) {
    process.stderr.write(`the inspector stays at ${inspector.url} until Ctrl-C\n`);
    const alive = setInterval(() => {}, 1 << 30);
    await new Promise((resolve) => stop.addEventListener('abort', resolve, { once: true }));
    clearInterval(alive);
    return inspector.close();
  }
  await inspector.close(GRACE_MS);
}
