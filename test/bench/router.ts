/**
 * The figures of the difficulty estimators on RouteLLM's outcomes (Mixtral 8x7B against GPT-4), and the time of a
 * decision. Reads routing_mmlu.json and routing_gsm8k.json from a folder; says so and stops where they are not.
 *
 *   node test/bench/router.ts [FOLDER]
 */
import { existsSync } from 'node:fs';
import {
  builtInEstimator,
  readOutcomes,
  trainRouter,
  type DifficultyEstimator,
  type Outcome,
} from '../../src/routing/index.ts';
import { evaluateRouter } from '../../src/routing/training/evaluate.ts';
import { formatRouter, parseRouter } from '../../src/routing/router-file.ts';
import type { Figures } from '../../src/routing/training/figures.ts';
import { randomFrom } from '../../src/routing/training/folds.ts';

const folder = process.argv[2] ?? new URL('../../../shared/data', import.meta.url).pathname;
const SEEDS = 10;
const CHARACTERS = 2_000;

function line(name: string, { apgr, cpt50, cpt80 }: Omit<Figures, 'curve'>, note = ''): void {
  const cells = [apgr.toFixed(4), cpt50.toFixed(3), cpt80.toFixed(3)];
  console.log(`  ${name.padEnd(22)}${cells.join('   ')}   ${note}`);
}

const mean = (numbers: readonly number[]) => numbers.reduce((sum, each) => sum + each, 0) / numbers.length;
const quantile = (numbers: readonly number[], share: number) =>
  numbers.toSorted((a, b) => a - b)[Math.floor(share * (numbers.length - 1))]!;

/** The standard error of APGR: how far it would move with other rows of the same kind. By resampling, for the
 *  built-in estimator, which needs no training on each sample. */
function standardError(rows: readonly Outcome[], draws = 200): number {
  const random = randomFrom(1);
  const scores = rows.map(({ prompt }) => builtInEstimator.estimate(prompt));
  const found = Array.from({ length: draws }, () => {
    const picks = rows.map(() => Math.floor(random() * rows.length));
    const sample = picks.map((pick) => rows[pick]!);
    const router = new Map(picks.map((pick) => [rows[pick]!.prompt, scores[pick]!]));
    return evaluateRouter(sample, { router: { estimate: (task) => router.get(task)! } }).apgr;
  });
  return Math.sqrt(mean(found.map((each) => (each - mean(found)) ** 2)));
}

function decisionTime(name: string, estimator: DifficultyEstimator, tasks: readonly string[]): void {
  const times: number[] = [];
  for (let round = 0; round < 60; round++) {
    for (const task of tasks) {
      const start = process.hrtime.bigint();
      estimator.estimate(task);
      // The first rounds are the compiler's.
      if (round >= 10) times.push(Number(process.hrtime.bigint() - start) / 1_000);
    }
  }
  const [median, low, high] = [0.5, 0.05, 0.95].map((share) => quantile(times, share).toFixed(1));
  console.log(`  ${name.padEnd(22)}median ${median} us, 5 % to 95 %: ${low} to ${high} us`);
}

for (const name of ['mmlu', 'gsm8k']) {
  const file = `${folder}/routing_${name}.json`;
  if (!existsSync(file)) {
    console.log(`${file} is not there; give the folder of the outcomes.`);
    process.exit(1);
  }
  const rows = await readOutcomes(file);
  const start = performance.now();
  const router = trainRouter(rows);
  const seconds = (performance.now() - start) / 1_000;
  const text = formatRouter(router);
  const found = evaluateRouter(rows, { repeats: SEEDS });
  console.log(
    `${name}: ${found.n} rows, weak ${found.weakAccuracy.toFixed(4)}, strong ${found.strongAccuracy.toFixed(4)}; ` +
      `trained in ${seconds.toFixed(2)} s, ${(text.length / 1_000).toFixed(1)} kB, rarity ${router.trained.rarity}`,
  );
  console.log(`  ${''.padEnd(22)}APGR     CPT50   CPT80`);
  const apgrs = found.method.kind === 'cross-validation' ? found.method.apgrs : [];
  const deviation = Math.sqrt(mean(apgrs.map((each) => (each - found.apgr) ** 2)));
  const spread = `${Math.min(...apgrs).toFixed(4)} to ${Math.max(...apgrs).toFixed(4)}, deviation ${deviation.toFixed(4)}`;
  line('trained, 5-fold', found, `${SEEDS} seeds: ${spread}`);
  line('built in, untrained', found.baselines.builtIn);
  line('prompt length', found.baselines.promptLength);
  line('random', found.baselines.random);
  line('oracle', found.baselines.oracle);
  console.log(
    `  another draw of rows moves an APGR by ${standardError(rows).toFixed(3)} (one standard error)`,
  );
  const long = rows.filter(({ prompt }) => prompt.length >= CHARACTERS).slice(0, 100);
  const pool =
    long.length > 0 ? long.map(({ prompt }) => prompt) : [rows.map(({ prompt }) => prompt).join('\n')];
  const tasks = pool.map((prompt) => prompt.slice(0, CHARACTERS));
  decisionTime('decision, trained', parseRouter(text), tasks);
  decisionTime('decision, built in', builtInEstimator, tasks);
}
