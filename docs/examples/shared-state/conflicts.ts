/** What is refused, what the error says, and what to do then. */
import { setTimeout as think } from 'node:timers/promises';
import { createBus } from 'tutti';
import { coherence, ConflictError, retry } from 'tutti/coherence';
import { z } from 'zod';

const Plan = z.object({ todo: z.array(z.string()) });
await using shared = coherence({ bus: createBus(), schema: { plan: Plan }, initial: { plan: { todo: [] } } });
const [planner, critic] = [shared.agent('planner'), shared.agent('critic')];

const mine = await planner.copy('plan');
await critic.write('plan', (plan) => void plan.todo.push('a budget'));
try {
  await mine.write({ todo: [...mine.value.todo, 'a schedule'] }); // computed from an older version
} catch (error) {
  if (!(error instanceof ConflictError)) throw error;
  const { key, expected, actual, patches, recover } = error;
  console.log(key, expected, actual, JSON.stringify(patches));
  console.log(recover);
}

// 1. Give a recipe: it computes from what is current when it runs.
await planner.write('plan', (plan) => void plan.todo.push('a schedule'));

// 2. Let `update` compute again, when thinking takes long and its result depends on what was read.
await planner.update('plan', async ({ todo }) => {
  await think(5); // a call of a model, for example
  return { todo: todo.toSorted() };
});

// 3. Do the same by hand, with a bound of your own.
const version = await retry(
  async () => {
    const { value, version: seen } = await planner.copy('plan');
    return planner.compareAndSet('plan', seen, { todo: [...value.todo, 'a review'] });
  },
  { attempts: 5 },
);
console.log(version, (await critic.read('plan')).todo);
