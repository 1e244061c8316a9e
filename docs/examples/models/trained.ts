/** An estimator that was trained on outcomes, and goes on learning from verdicts. */
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { perform, score } from 'tutti';
import { UnitGovernor } from 'tutti/actors';
import { escalatingAgent, governed } from 'tutti/models';
import { loadRouter, readOutcomes, saveRouter, trainRouter } from 'tutti/routing';
import { z } from 'zod';
import { models, prices, router } from './crew.ts';

const file = join(await mkdtemp(join(tmpdir(), 'router-')), 'router.json');
const outcomes = await readOutcomes(new URL('outcomes.jsonl', import.meta.url).pathname);
await saveRouter(file, trainRouter(outcomes)); // what `tutti train-router` does

const estimator = await loadRouter(file);
const governor = new UnitGovernor({ unit: 'solvers' });
const solve = escalatingAgent<{ task: string }>({
  name: 'solve',
  model: governed({ governor, router, models, estimator }),
  prices,
  prompt: '{task}',
  verify: () => [{ name: 'digits', kind: 'program', check: (answer) => /^\d+$/.test(answer) }],
});

const task = 'Name the colour of bread in winter.';
const before = estimator.estimate(task);
const work = score('s')
  .input(z.object({ task: z.string() }))
  .step('solve', { agent: solve, reads: { task: 'input.task' } });
await perform(work, { input: { task } }).result;
console.log(estimator.estimate(task) > before ? 'the task looks harder now' : 'nothing was learnt');
await saveRouter(file, estimator); // for the next start
