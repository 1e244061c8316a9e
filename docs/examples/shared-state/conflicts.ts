/** What is refused, what the error says, and the three ways on. */
import { setTimeout as think } from 'node:timers/promises';
import { createBus } from 'tutti';
import { coherence, ConflictError, retry } from 'tutti/coherence';
import { z } from 'zod';

const Plan = z.object({ todo: z.array(z.string()) });
await using shared = coherence({ bus: createBus(), schema: { plan: Plan }, initial: { plan: { todo: [] } } });
const [planner, critic] = [shared.agent('planner'), shared.agent('critic')];

const mine = await planner.read('plan');
await critic.write('plan', (plan) => void plan.todo.push('a budget'));
try {
  await planner.write('plan', { todo: [...mine.todo, 'a schedule'] }); // computed from what is no longer there
} catch (error) {
  if (!(error instanceof ConflictError)) throw error;
  const { key, expected, actual, patches, recover } = error;
  console.log(key, expected, actual, JSON.stringify(patches));
  console.log(recover);
}

// 1. Give a recipe: it computes from what is current when it runs.
await planner.write('plan', (plan) => void plan.todo.push('a schedule'));

// 2. Let the work be done again, when thinking takes long and its result depends on what was read.
await planner.update('plan', async ({ todo }) => {
  await think(5); // a model's call, say; nothing is held meanwhile
  return { todo: todo.toSorted() };
});

// 3. The same by hand: compare and set, as often as is sensible.
const version = await retry(
  async () => {
    const { value, version: seen } = await planner.copy('plan');
    return planner.compareAndSet('plan', seen, { todo: [...value.todo, 'a review'] });
  },
  { attempts: 5 },
);
console.log(version, (await critic.read('plan')).todo);
