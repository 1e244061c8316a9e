/** What a trace costs: the same graph performed without, with tracing loaded but off, and on.
 *
 *      node test/bench/trace.ts [--workload NAME] [--rounds N] [--runs N] [--processes N]
 *
 *  Some processes each, because two of the same program differ by several per cent for as long as they live; in
 *  rounds that alternate. A round is the median of some runs of each process. `on` ends when the performance
 *  does; `closed` when the last line is in the file, as well. */
import { fork, type ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { createJob } from './job.ts';
import { machine, machineLine, table } from './report.ts';
import { isWorkloadName, workload, workloadNames, type WorkloadName } from './workloads.ts';

type Mode = 'untraced' | 'off' | 'on';
const modes: readonly Mode[] = ['untraced', 'off', 'on'];

interface Figures {
  readonly run: number;
  readonly closed: number;
  readonly bytes: number;
  readonly messages: number;
}

// ── the process that is measured
const library = (path: string) => import(new URL(`../../src/${path}`, import.meta.url).href);

async function measured(mode: Mode, name: WorkloadName): Promise<(runs: number) => Promise<Figures>> {
  const { perform, scoreOf } = (await library('index.ts')) as typeof import('../../src/index.ts');
  const tracing = mode === 'untraced' ? undefined : await tracer();
  const job = createJob(workload(name));
  const agent = {
    name: 'node',
    run: (operands: Record<string, unknown>, { stepId }: { stepId: string }) =>
      job.step(Number(stepId.slice(1)), operands['deps'] as readonly number[]),
  };
  const score = scoreOf(
    'job',
    job.nodes.map(({ id, deps }) => ({ id: `n${id}`, agent, reads: { deps: deps.map((dep) => `n${dep}`) } })),
  );
  void score.program; // renaming and priorities belong to the build
  const folder = mkdtempSync(join(tmpdir(), 'tutti-bench-'));
  const file = join(folder, 'trace.jsonl');
  process.on('exit', () => rmSync(folder, { recursive: true, force: true }));
  const once = async (): Promise<Figures> => {
    job.reset();
    // What the run before has left to do is not this one's.
    await new Promise((resolve) => setTimeout(resolve, 5));
    const trace = mode === 'on' ? tracing?.begin(file) : undefined;
    const start = performance.now();
    const run = trace === undefined ? perform(score) : perform(score, { inspect: trace.inspect });
    trace?.watch(run, score);
    await run.result;
    const took = performance.now() - start;
    await trace?.close();
    const closed = performance.now() - start;
    job.verify();
    return {
      run: took,
      closed,
      bytes: trace === undefined ? 0 : statSync(file).size,
      messages: trace?.written ?? 0,
    };
  };
  return async (runs) => {
    const all: Figures[] = [];
    for (let i = 0; i < runs; i++) all.push(await once());
    return middle(all);
  };
}

async function tracer() {
  const { traceTo } = (await library('trace/index.ts')) as typeof import('../../src/trace/index.ts');
  const { traceFile } = (await library(
    'node/trace-file.ts',
  )) as typeof import('../../src/node/trace-file.ts');
  return {
    begin(file: string) {
      let written = 0;
      const sink = traceFile(file);
      const trace = traceTo({
        write(text) {
          for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) written++;
          return sink.write(text);
        },
        close: () => sink.close?.(),
      });
      return {
        inspect: trace.inspect,
        watch: trace.watch.bind(trace),
        close: () => trace.close(),
        get written() {
          return written;
        },
      };
    },
  };
}

const median = (values: readonly number[]): number =>
  [...values].sort((a, b) => a - b)[values.length >> 1] ?? 0;

function middle(all: readonly Figures[]): Figures {
  const [{ bytes, messages }] = all as [Figures];
  return {
    run: median(all.map(({ run }) => run)),
    closed: median(all.map(({ closed }) => closed)),
    bytes,
    messages,
  };
}

// ── the process that asks
function ask(child: ChildProcess, runs: number): Promise<Figures> {
  return new Promise((resolve, reject) => {
    const left = () => reject(new Error('a measured process has ended'));
    child.once('exit', left);
    child.once('message', (figures: Figures) => {
      child.off('exit', left);
      resolve(figures);
    });
    child.send(runs);
  });
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      workload: { type: 'string', default: 'layered-10k' },
      rounds: { type: 'string', default: '9' },
      runs: { type: 'string', default: '9' },
      processes: { type: 'string', default: '5' },
    },
  });
  const { workload: name } = values;
  if (!isWorkloadName(name)) throw new Error(`no workload is called ${name}: ${workloadNames.join(', ')}`);
  const [rounds, runs, processes] = [values.rounds, values.runs, values.processes].map(Number) as [
    number,
    number,
    number,
  ];
  const file = fileURLToPath(import.meta.url);
  const children = Array.from({ length: processes }, () => modes)
    .flat()
    .map((mode) => ({ mode, child: fork(file, ['--measured', mode, name]) }));
  const all = modes.map((): Figures[] => []);
  for (const { child } of children) await ask(child, runs); // warm
  for (let round = 0; round < rounds; round++) {
    const figures: { mode: Mode; figures: Figures }[] = [];
    for (const { mode, child } of children) figures.push({ mode, figures: await ask(child, runs) });
    for (const [i, mode] of modes.entries())
      all[i]?.push(middle(figures.filter((one) => one.mode === mode).map((one) => one.figures)));
  }
  for (const { child } of children) child.kill();

  const [untraced, off, on] = all as [Figures[], Figures[], Figures[]];
  const column = (figures: Figures[], of: (one: Figures) => number) => figures.map(of);
  const base = column(untraced, ({ run }) => run);
  const line = (what: string, times: readonly number[]) => {
    // Round by round, so that what slows the whole machine down counts on both sides.
    const ratios = times.map((time, round) => time / (base[round] as number)).sort((a, b) => a - b);
    const sorted = [...times].sort((a, b) => a - b);
    const spread = (list: readonly number[], digits: number) =>
      `${median(list).toFixed(digits)} (${list[0]?.toFixed(digits)}–${list.at(-1)?.toFixed(digits)})`;
    return [what, `${spread(sorted, 2)} ms`, spread(ratios, 3)];
  };
  const [{ bytes, messages }] = on as [Figures];
  process.stdout.write(
    `# Tracing, ${workload(name).title}\n\n${machineLine(machine())} Medians of ${rounds} rounds of ${runs} runs in ${processes} processes each (smallest–largest).\n\n`,
  );
  process.stdout.write(
    `${table(
      ['', 'time', 'times the untraced'],
      [
        line('untraced', base),
        line(
          'off: loaded, not used',
          column(off, ({ run }) => run),
        ),
        line(
          'on: until the performance ends',
          column(on, ({ run }) => run),
        ),
        line(
          'on: until the file is closed',
          column(on, ({ closed }) => closed),
        ),
      ],
    )}\n\n${messages.toLocaleString('en')} messages, ${(bytes / 2 ** 20).toFixed(1)} MB.\n`,
  );
}

const [flag, mode, name] = process.argv.slice(2);
if (flag === '--measured' && process.send !== undefined) {
  process.on('disconnect', () => process.exit());
  const ready = measured(mode as Mode, name as WorkloadName);
  process.on('message', (runs: number) => {
    void ready.then((measure) => measure(runs)).then((figures) => process.send?.(figures));
  });
} else await main();
