/** A process that performs a run and writes down what happens to it. `paused`: its agent waits until it is aborted.
 *  `read-only`: it opens a store in a folder that it must not write. */
import { appendFileSync } from 'node:fs';
import { perform, score, type AgentContext } from '../../src/index.ts';
import { sqliteStore } from '../../src/engines/sqlite/index.ts';

const [what, folder, notes] = process.argv.slice(2) as [string, string, string];
const note = (text: string): void => appendFileSync(notes, `${text}\n`);

if (what === 'read-only') {
  try {
    sqliteStore(folder);
    process.stdout.write('opened');
  } catch (error) {
    process.stdout.write(`${(error as Error).name}: ${(error as Error).message}`);
  }
} else {
  const store = sqliteStore(folder, { leaseMs: 400 });
  const slow = score('slow')
    .step('before', { agent: () => 'done' })
    .step('slow', {
      after: ['before'],
      agent: (_: unknown, { signal }: AgentContext) =>
        new Promise((_resolve, reject) => {
          note('began');
          signal.addEventListener('abort', () => (note('aborted'), reject(signal.reason as Error)));
        }),
    });
  const report = await perform(slow, { durable: store, runId: 'r', graceMs: 50 }).report;
  note(report.errors[0]?.name ?? report.status);
  store.close();
}
