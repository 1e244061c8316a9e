/** `tutti train-router` and `tutti evaluate-router`. */
import { realpath } from 'node:fs/promises';
import { CommandLineError } from './usage.ts';
import { loadRouter, readOutcomes, saveRouter, trainRouter } from '../routing/index.ts';
import { evaluateRouter } from '../routing/training/evaluate.ts';
import type { Figures } from '../routing/training/figures.ts';

export async function trainCommand(data: string, { out }: { out: string }): Promise<number> {
  const rows = await readOutcomes(data);
  const there = (path: string) => realpath(path).catch(() => undefined);
  if ((await there(out)) === (await there(data)))
    throw new CommandLineError(`--out ${out}: is the data itself. Give another file.`);
  await saveRouter(out, trainRouter(rows));
  process.stderr.write(`trained on ${rows.length} outcomes: ${out}\n`);
  return 0;
}

export async function evaluateCommand(
  data: string,
  flags: { router?: string; json?: boolean },
): Promise<number> {
  const rows = await readOutcomes(data);
  const router = flags.router === undefined ? undefined : await loadRouter(flags.router);
  if (router === undefined) process.stderr.write('no --router: training and testing by cross-validation …\n');
  const found = evaluateRouter(rows, { router });
  const { method, baselines, n, weakAccuracy, strongAccuracy } = found;
  if (method.kind === 'router' && method.trainedOnTheseRows) {
    process.stderr.write('warning: this router was trained on these very rows; the figures flatter it.\n');
  }
  if (flags.json) {
    process.stdout.write(`${JSON.stringify(found, null, 2)}\n`);
    return 0;
  }
  const row = (name: string, { apgr, cpt50, cpt80 }: Figures) =>
    `${name.padEnd(16)}${[apgr, cpt50, cpt80].map((share) => (share === null ? '–' : share.toFixed(3)).padStart(8)).join('')}\n`;
  process.stdout.write(
    `${n} outcomes; the weak model is right on ${percent(weakAccuracy)}, the strong one on ${percent(strongAccuracy)}\n` +
      `${' '.repeat(16)}    APGR   CPT50   CPT80\n` +
      row(method.kind === 'router' ? 'router' : 'cross-validated', found) +
      row('built in', baselines.builtIn) +
      row('prompt length', baselines.promptLength) +
      row('random', baselines.random) +
      row('oracle', baselines.oracle),
  );
  return 0;
}

const percent = (share: number): string => `${(100 * share).toFixed(1)} %`;
