/** The benchmark: every contender in the same run, in rounds that alternate, medians with spread.
 *
 *      node test/bench/run.ts [--only NAME,…] [--workload NAME,…] [--table NAME,…]
 *                             [--runs N] [--limit SECONDS] [--json FILE]
 *
 *  Tables on standard output, progress on standard error. The measuring is this folder's own: the
 *  libraries made for micro-benchmarks measure one case after the other in one process, and what is
 *  wanted here is processes that alternate, that can be ended, and that start cold. */
import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { contenderNames, contenders } from './contenders/index.ts';
import { type ColdOutcome, measure, measureCold, type Outcome, type Plan } from './crew.ts';
import { installPeers, peerNames } from './peers.ts';
import {
  coldCells,
  grid,
  machine,
  machineLine,
  memoryCell,
  overheadCell,
  ratioCell,
  table,
} from './report.ts';
import {
  barrierPath,
  criticalPath,
  isWorkloadName,
  workload,
  workloadNames,
  type WorkloadName,
} from './workloads.ts';

const tables = {
  makespan: ['W1', 'W2'],
  overhead: ['layered-1k', 'fan-1k', 'chain-1k'],
  cold: ['layered-1k'],
  growth: ['layered-1k', 'layered-10k', 'layered-100k', 'chain-100k'],
} as const satisfies Record<string, readonly WorkloadName[]>;

type TableName = keyof typeof tables;
const tableNames = Object.keys(tables) as TableName[];

/** A request that cannot be met: a message that says what can. */
class UsageError extends Error {}

function choose<T extends string>(what: string, given: string | undefined, known: readonly T[]): T[] {
  if (given === undefined) return [...known];
  const wanted = given.split(',').map((name) => name.trim());
  const unknown = wanted.find((name) => !known.some((one) => one === name));
  if (unknown !== undefined) throw new UsageError(`no ${what} is called ${unknown}: ${known.join(', ')}`);
  return known.filter((name) => wanted.includes(name));
}

function wholeNumber(option: string, given: string, most: number): number {
  const value = Number(given);
  if (Number.isInteger(value) && value >= 1 && value <= most) return value;
  throw new UsageError(`--${option} takes a whole number from 1 to ${most}, not ${given}`);
}

function options() {
  try {
    const { values } = parseArgs({
      options: {
        only: { type: 'string' },
        workload: { type: 'string' },
        table: { type: 'string' },
        runs: { type: 'string', default: '7' },
        limit: { type: 'string', default: '60' },
        json: { type: 'string' },
      },
    });
    return {
      names: choose('contender', values.only, contenderNames),
      workloads: choose('workload', values.workload, workloadNames),
      tables: choose('table', values.table, tableNames),
      rounds: wholeNumber('runs', values.runs, 1_000),
      limitMs: wholeNumber('limit', values.limit, 3_600) * 1_000,
      json: values.json,
    };
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
}

const started = performance.now();
const say = (line: string): void => {
  process.stderr.write(`[${((performance.now() - started) / 1_000).toFixed(0).padStart(4)} s] ${line}\n`);
};
const print = (text: string): void => void process.stdout.write(`${text}\n\n`);
const count = (name: WorkloadName): number => workload(name).nodes.length;

async function main(): Promise<void> {
  const { names, workloads, tables: wanted, rounds, limitMs, json } = options();
  if (names.some((name) => peerNames.includes(name))) installPeers(say);
  const facts = machine();
  const raw: Record<string, Outcome[] | ColdOutcome[]> = {};
  const each = async (name: TableName, plan: Pick<Plan, 'warmMs' | 'roundMs'> & { memory?: boolean }) => {
    const columns: { workload: WorkloadName; title: string; outcomes: Outcome[] }[] = [];
    for (const one of tables[name]) {
      if (!isWorkloadName(one) || !workloads.includes(one)) continue;
      const outcomes = await measure(names, { ...plan, workload: one, rounds, limitMs }, say);
      columns.push({ workload: one, title: workload(one).title, outcomes });
    }
    raw[name] = columns.flatMap(({ outcomes }) => outcomes);
    return columns;
  };

  print(`# Benchmark\n\n${machineLine(facts)} Medians of ${rounds} rounds (smallest–largest).`);
  print(await legend(names));

  if (wanted.includes('makespan')) {
    const columns = await each('makespan', { warmMs: 0, roundMs: 0 });
    if (columns.length > 0) print('## Makespan / critical path, steps of 20–200 ms');
    const titled = columns.map(({ workload: name, title, outcomes }) => {
      const { nodes } = workload(name);
      const path = criticalPath(nodes);
      const barriers = (barrierPath(nodes) / path).toFixed(3);
      return { title: `${name}: ${title} (${path} ms, barriers ${barriers})`, outcomes, path };
    });
    if (columns.length > 0)
      print(
        grid(names, titled, (outcome) => ratioCell(criticalPath(workload(outcome.workload).nodes))(outcome)),
      );
  }

  if (wanted.includes('overhead')) {
    const columns = await each('overhead', { warmMs: 1_500, roundMs: 50 });
    if (columns.length > 0)
      print(
        '## Overhead per node, µs, zero-latency asynchronous steps, warm: run (spread) + build of the graph\n\n' +
          grid(names, columns, (outcome) => overheadCell(count(outcome.workload))(outcome)),
      );
  }

  if (wanted.includes('cold') && workloads.includes('layered-1k')) {
    const outcomes = await measureCold(names, { workload: 'layered-1k', rounds, limitMs }, say);
    raw['cold'] = outcomes;
    print(
      '## Cold: the first run of a fresh process, random layered graph of 1,000 nodes\n\n' +
        table(
          ['', 'run, µs per node', 'build, µs per node', 'loading the library, ms'],
          outcomes.map(coldCells(count('layered-1k'))),
        ),
    );
  }

  if (wanted.includes('growth')) {
    const columns = await each('growth', { warmMs: 1_500, roundMs: 50, memory: true });
    if (columns.length > 0) {
      print(
        '## Growth, µs per node: run (spread) + build of the graph\n\n' +
          grid(names, columns, (outcome) => overheadCell(count(outcome.workload))(outcome)),
      );
      print(
        '## Growth, live bytes per node beyond the results: half-way / after completion\n\n' +
          grid(names, columns, (outcome) => memoryCell(count(outcome.workload))(outcome)),
      );
    }
  }

  if (json !== undefined)
    writeFileSync(json, `${JSON.stringify({ machine: facts, rounds, raw }, null, 2)}\n`);
  say('done');
}

/** What each name stands for. Only `how` is read here: no peer is loaded into this process. */
async function legend(names: readonly string[]): Promise<string> {
  const lines = names.map(async (name) => `- **${name}**: ${(await contenders[name]?.())?.contender.how}`);
  return (await Promise.all(lines)).join('\n');
}

try {
  await main();
} catch (error) {
  process.stderr.write(`bench: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = error instanceof UsageError ? 2 : 1;
}
