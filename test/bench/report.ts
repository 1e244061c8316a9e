/** Figures as Markdown: medians, with the smallest and the largest in brackets. */
import { cpus, loadavg, totalmem } from 'node:os';
import type { ColdOutcome, Outcome } from './crew.ts';

export interface Sample {
  readonly median: number;
  readonly min: number;
  readonly max: number;
}

export function sample(values: readonly number[]): Sample {
  const sorted = values.toSorted((a, b) => a - b);
  const at = (i: number): number => sorted[i] ?? Number.NaN;
  const mid = sorted.length >> 1;
  const median = sorted.length % 2 === 1 ? at(mid) : (at(mid - 1) + at(mid)) / 2;
  return { median, min: at(0), max: at(sorted.length - 1) };
}

function number(value: number): string {
  if (value >= 100) return Math.round(value).toLocaleString('en');
  return value.toFixed(value >= 10 ? 1 : 2);
}

/** `1.28 (1.10–1.60)`, or the median alone when there is only one value. */
export function spread(values: readonly number[], show: (value: number) => string = number): string {
  const { median, min, max } = sample(values);
  return values.length < 2 ? show(median) : `${show(median)} (${show(min)}–${show(max)})`;
}

export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  return [line(head), line(head.map((_, i) => (i === 0 ? '---' : '---:'))), ...rows.map(line)].join('\n');
}

/** Rows are contenders, columns are cases; a case that was not measured has a dash. */
export function grid(
  names: readonly string[],
  columns: readonly { readonly title: string; readonly outcomes: readonly Outcome[] }[],
  cell: (outcome: Outcome) => string,
): string {
  const rows = names.map((name) => [
    name,
    ...columns.map(({ outcomes }) => {
      const outcome = outcomes.find(({ contender }) => contender === name);
      if (!outcome) return '–';
      return outcome.failure ?? cell(outcome);
    }),
  ]);
  return table(['', ...columns.map(({ title }) => title)], rows);
}

export const ratioCell =
  (criticalPath: number) =>
  ({ rounds }: Outcome): string =>
    spread(
      rounds.map(({ runMs }) => runMs / criticalPath),
      (value) => value.toFixed(3),
    );

const perNode = (ms: number, nodes: number): number => (ms * 1_000) / nodes;

/** The run, and what it costs to build the graph where that is not next to nothing. */
export const overheadCell =
  (nodes: number) =>
  ({ rounds }: Outcome): string => {
    const build = sample(rounds.map(({ buildMs }) => perNode(buildMs, nodes))).median;
    const runs = spread(rounds.map(({ runMs }) => perNode(runMs, nodes)));
    return build < 0.05 ? runs : `${runs} + ${number(build)}`;
  };

export const coldCells =
  (nodes: number) =>
  ({ rounds, loads, failure, contender }: ColdOutcome): string[] => {
    if (failure !== undefined) return [contender, failure, '–', '–'];
    return [
      contender,
      spread(rounds.map(({ runMs }) => perNode(runMs, nodes))),
      spread(rounds.map(({ buildMs }) => perNode(buildMs, nodes))),
      spread(loads.map(({ ms }) => ms)),
    ];
  };

/** Bytes of an array that holds one small whole number per node: the least that results can take. */
const resultBytes = 8;

export const memoryCell =
  (nodes: number) =>
  ({ memory }: Outcome): string => {
    if (!memory) return '–';
    if (memory.kind === 'failed') return memory.message;
    const show = (bytes: number): string =>
      Math.max(0, Math.round(bytes / nodes - resultBytes)).toLocaleString('en');
    return `${show(memory.halfway)} / ${show(memory.after)}`;
  };

export interface Machine {
  readonly node: string;
  readonly platform: string;
  readonly cpu: string;
  readonly cores: number;
  readonly memoryGB: number;
  readonly loadAverage: number;
}

/** The load average is part of the result: on a busy machine, read ratios and smallest values. */
export function machine(): Machine {
  const processors = cpus();
  return {
    node: process.version,
    platform: `${process.platform} ${process.arch}`,
    cpu: processors[0]?.model.trim() ?? 'unknown',
    cores: processors.length,
    memoryGB: Math.round(totalmem() / 2 ** 30),
    loadAverage: Math.round((loadavg()[0] ?? 0) * 10) / 10,
  };
}

export function machineLine({ node, platform, cpu, cores, memoryGB, loadAverage }: Machine): string {
  return `Node ${node.slice(1)} on ${platform}, ${cpu}, ${cores} cores, ${memoryGB} GB; load average ${loadAverage} at the start.`;
}
