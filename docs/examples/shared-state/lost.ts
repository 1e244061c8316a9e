/** How an update is lost: two agents read, think, and write back what they read. */
import { setTimeout as think } from 'node:timers/promises';

let stored = { todo: [] as string[] };
async function add(item: string, ms: number) {
  const copy = structuredClone(stored); // read
  await think(ms);
  copy.todo.push(item);
  stored = copy; // write back
}
await Promise.all([add('write tests', 10), add('write docs', 20)]);
console.log(stored.todo);
