/** Two tool calls of one agent that read, think, and write a whole value. */
import { setTimeout as think } from 'node:timers/promises';
import { createBus } from 'tutti';
import { coherence, ConflictError } from 'tutti/coherence';
import { z } from 'zod';

const schema = { todo: z.array(z.string()) };
await using shared = coherence({ bus: createBus(), schema, initial: { todo: [] } });
const planner = shared.agent('planner');

async function tool(entry: string, ms: number) {
  const todo = await planner.copy('todo'); // the value, with its version
  await think(ms);
  await todo.write([...todo.value, entry]); // refused if anything was written meanwhile
}
const ended = await Promise.allSettled([tool('tests', 5), tool('docs', 10)]);
for (const call of ended)
  console.log(call.status === 'rejected' && call.reason instanceof ConflictError ? 'refused' : 'written');
console.log(await planner.read('todo'));
