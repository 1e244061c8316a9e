/** `--trace` and `--inspect`: what a performance does, in a file and on a page. Nothing is set up without them. */
import type { PerformOptions, Run } from '../score/perform.ts';
import type { Inspector } from '../node/inspector.ts';
import type { Score } from '../score/score.ts';
import type { TraceSink } from '../trace/index.ts';
import { CommandLineError } from './usage.ts';

export interface TracingFlags {
  readonly trace?: string;
  readonly inspect?: boolean;
  /** Opens the page in a browser; includes `inspect`. */
  readonly open?: boolean;
}

export interface Tracing {
  readonly inspect: PerformOptions['inspect'];
  watch(run: Run, score: Score<any, any>): void;
  /** Writes the rest. The page stays until `stop` aborts; in continuous integration it ends with the performance. */
  end(stop: AbortSignal): Promise<void>;
}

/** How long a page may take for the rest of what happened, where the inspector does not stay. */
const GRACE_MS = 2_000;

/** @throws {CommandLineError} when the file cannot be written. */
export async function startTracing(flags: TracingFlags, name: string): Promise<Tracing | undefined> {
  const inspects = flags.inspect === true || flags.open === true;
  if (flags.trace === undefined && !inspects) return undefined;
  const { traceTo } = await import('../trace/index.ts');
  const file = flags.trace === undefined ? undefined : await openFile(flags.trace);
  const inspector = inspects
    ? await (await import('../node/inspector.ts')).startInspector({ name })
    : undefined;
  const trace = traceTo(both(file, inspector?.sink));
  if (inspector !== undefined) {
    process.stderr.write(`inspector: ${inspector.url}\n`);
    process.stderr.write(`in the hosted Stately Inspector: ${inspector.statelyUrl}\n`);
    if (flags.open === true) (await import('./open-browser.ts')).openBrowser(inspector.url);
  }
  return {
    inspect: trace.inspect,
    watch(run, score) {
      trace.watch(run, score);
      inspector?.decidesFor(run);
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
    throw new CommandLineError(`--trace ${path}: cannot be written to (${why}).`);
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

/** Serves the page until Ctrl-C or SIGTERM. In continuous integration it closes at once, because a job has to end. */
async function stayOpen(inspector: Inspector, stop: AbortSignal): Promise<void> {
  const { CI } = process.env;
  if (stop.aborted) return inspector.close();
  if (CI !== undefined && CI !== '' && CI !== 'false') {
    process.stderr.write('the inspector ends with the performance, because CI is set\n');
    return inspector.close(GRACE_MS);
  }
  process.stderr.write(`the inspector stays at ${inspector.url} until Ctrl-C (or SIGTERM)\n`);
  await new Promise((resolve) => stop.addEventListener('abort', resolve, { once: true }));
  await inspector.close();
}
