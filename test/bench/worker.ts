/** One process for one contender: it loads it, then measures what it is asked to, one request at a time.
 *
 *  A process each keeps one contender's garbage, and what the compiler learnt from its calls, out of
 *  another's figures, and lets the parent end one that hangs. Nothing is timed across the channel. */
import type { Contender, Runnable } from './contender.ts';
import { contenders } from './contenders/index.ts';
import { createJob, type Job, type JudgedJob } from './job.ts';
import { workload, type WorkloadName } from './workloads.ts';

export type Request =
  | { readonly kind: 'load'; readonly contender: string }
  /** Builds once, then runs until `atLeastMs` have passed, once at least. */
  | { readonly kind: 'round'; readonly workload: WorkloadName; readonly atLeastMs: number }
  | { readonly kind: 'memory'; readonly workload: WorkloadName };

export type Reply =
  | { readonly kind: 'loaded'; readonly ms: number; readonly version?: string; readonly how: string }
  | { readonly kind: 'round'; readonly buildMs: number; readonly runMs: number; readonly runs: number }
  | { readonly kind: 'memory'; readonly halfway: number; readonly after: number }
  | { readonly kind: 'failed'; readonly message: string };

type Loaded = Awaited<ReturnType<Contender['load']>>;

let loaded: Loaded | undefined;
let current: { readonly name: WorkloadName; readonly job: JudgedJob } | undefined;

const collect = (): void => globalThis.gc?.();

function jobFor(name: WorkloadName): JudgedJob {
  if (current?.name !== name) current = { name, job: createJob(workload(name)) };
  return current.job;
}

function build(job: Job): Runnable {
  if (!loaded) throw new Error('a contender must be loaded before it is measured');
  return loaded.build(job);
}

async function load(name: string): Promise<Reply> {
  const importer = contenders[name];
  if (!importer) throw new Error(`no contender is called ${name}`);
  const { contender } = await importer();
  const start = performance.now();
  loaded = await contender.load();
  const ms = performance.now() - start;
  const { version } = loaded;
  return { kind: 'loaded', ms, how: contender.how, ...(version === undefined ? {} : { version }) };
}

/** No collection is forced before a round. It would look fair, but a full collection also throws away
 *  compiled code, and the first runs after it took up to five times as long (Effect most of all); a
 *  contender's own garbage is collected, in its own process, during its own runs. */
async function round(name: WorkloadName, atLeastMs: number): Promise<Reply> {
  const job = jobFor(name);
  const start = performance.now();
  const runnable = build(job);
  const buildMs = performance.now() - start;
  const times: number[] = [];
  let total = 0;
  do {
    job.reset();
    const before = performance.now();
    await runnable.run();
    const took = performance.now() - before;
    job.verify();
    times.push(took);
    total += took;
  } while (total < atLeastMs);
  times.sort((a, b) => a - b);
  return { kind: 'round', buildMs, runMs: times[times.length >> 1] ?? 0, runs: times.length };
}

/** Heap and array buffers alive after full collections, so that typed arrays count as well. */
function alive(): number {
  collect();
  collect();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

const turn = (): Promise<void> => new Promise((next) => setImmediate(next));

async function memory(name: WorkloadName): Promise<Reply> {
  const job = jobFor(name);
  job.reset();
  await turn();
  const before = alive();
  let halfway = 0;
  const runnable = build(job);
  job.reset(() => {
    halfway = alive() - before;
  });
  const handedBack = await runnable.run();
  await turn();
  const after = alive() - before;
  job.verify();
  // Both must outlive the measurement, or there would be nothing to measure.
  if (handedBack === runnable) throw new Error('a run handed back its own graph');
  return { kind: 'memory', halfway, after };
}

function answer(request: Request): Promise<Reply> {
  switch (request.kind) {
    case 'load':
      return load(request.contender);
    case 'round':
      return round(request.workload, request.atLeastMs);
    case 'memory':
      return memory(request.workload);
  }
}

const root = new URL('../../', import.meta.url).pathname;

/** One line that fits a cell of a table, with places relative to the repository. */
function complaint(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  const [line = 'failed'] = text.replaceAll(root, '').replaceAll('|', '/').split('\n');
  return line.length > 100 ? `${line.slice(0, 99)}…` : line;
}

// Without this, a run under way would outlive a benchmark that was interrupted.
process.on('disconnect', () => process.exit());

process.on('message', (request: Request) => {
  answer(request).then(
    (reply) => process.send?.(reply),
    (error: unknown) =>
      process.send?.({
        kind: 'failed',
        message: complaint(error),
      } satisfies Reply),
  );
});
