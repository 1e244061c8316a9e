/** The same two agents, and nothing is lost. */
import { setTimeout as think } from 'node:timers/promises';
import { createBus } from 'tutti';
import { coherence } from 'tutti/coherence';
import { z } from 'zod';

const Plan = z.object({ todo: z.array(z.string()) });
const shared = coherence({ bus: createBus(), schema: { plan: Plan }, initial: { plan: { todo: [] } } });
async function add(name: string, item: string, ms: number) {
  const agent = shared.agent(name);
  await agent.read('plan');
  await think(ms);
  await agent.write('plan', (plan) => void plan.todo.push(item));
}
await Promise.all([add('tester', 'write tests', 10), add('writer', 'write docs', 20)]);
console.log((await shared.agent('reader').read('plan')).todo);
await shared.close();
