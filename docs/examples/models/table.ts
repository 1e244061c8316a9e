/** Which model answers follows from how difficult a task is, and from how full the pool is. */
import { perform, score } from 'tutti';
import { UnitGovernor } from 'tutti/actors';
import { governed, modelAgent } from 'tutti/models';
import { builtInEstimator } from 'tutti/routing';
import { z } from 'zod';
import { models, prices, router } from './crew.ts';

const governor = new UnitGovernor({ unit: 'solvers', policy: 'schedutil' });
const model = governed({ governor, router, models, estimator: builtInEstimator });
const solve = modelAgent<{ task: string }>({ name: 'solve', model, capacity: 4, prompt: '{task}', prices });

const work = score('two tasks')
  .input(z.object({ easy: z.string(), hard: z.string() }))
  .step('easy', { agent: solve, reads: { task: 'input.easy' } })
  .step('hard', { agent: solve, reads: { task: 'input.hard' } });
await perform(work, {
  input: {
    easy: 'Name the capital of France.',
    hard:
      'Prove that the sum of two odd numbers is even. Do not use modular arithmetic, state every assumption, ' +
      'and if a step needs a lemma, derive it first; compare your proof with one by induction, and explain why ' +
      'exactly one of them must rely on the definition of an odd number, 2k + 1.',
  },
}).result;
for (const [name, { calls }] of Object.entries(models)) console.log(name, calls.length);
