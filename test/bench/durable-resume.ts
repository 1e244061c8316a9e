/** `begin COUNT FOLDER`: performs a chain durably, and dies by SIGKILL in its last step. `resume COUNT FOLDER`: goes on
 *  with it, and prints how long that took, and how large the database is. */
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { perform, score } from 'tutti';
import { resume } from 'tutti/durable';
import { sqliteStore } from 'tutti/sqlite';

const [what, count, folder] = process.argv.slice(2) as [string, string, string];
const die = (): Promise<never> => {
  setTimeout(() => process.kill(process.pid, 'SIGKILL'), 50);
  return new Promise(() => {});
};
let chain: any = score('chain');
for (let i = 0; i < Number(count); i++)
  chain = chain.step(`s${i}`, {
    agent: async ({ x = 0 }: { x?: number }) => x + 1,
    ...(i > 0 && { reads: { x: `s${i - 1}` } }),
  });
chain = chain
  .step('last', {
    agent: async ({ x }: { x: number }) => (what === 'begin' ? die() : x),
    reads: { x: `s${Number(count) - 1}` },
  })
  .outputs({ last: 'last' });
void chain.program;

const store = sqliteStore(folder);
if (what === 'begin') await perform(chain, { durable: store, runId: 'chain' }).result;
const start = performance.now();
const run = await resume(store, 'chain', chain);
const { outputs } = await run.result;
const ms = performance.now() - start;
store.close(); // writes the log back
if ((outputs as { last: number }).last !== Number(count)) throw new Error('another result');
process.stdout.write(JSON.stringify({ ms, stored: statSync(join(folder, 'runs.db')).size }));
