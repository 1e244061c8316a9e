import { existsSync } from 'node:fs';
import type { Contender } from '../contender.ts';
import type { Job } from '../job.ts';

/** The measured library's own entry, loaded from its source as the tests load it. */
const entry = new URL('../../../src/index.ts', import.meta.url);

/** tutti through its public interface: a score with a step per node, issued in order, each read
 *  renamed to its writer. The same work as the others, plus renaming and longest-path priority. */
export const contender: Contender = {
  name: 'tutti',
  how: 'a score with a step per node, performed by stations on one bus',
  load: async () => {
    if (!existsSync(entry)) throw new Error('src/index.ts is not there yet');
    const library = (await import(entry.href)) as Record<string, unknown>;
    return { build: (job: Job) => ({ run: () => perform(library, job) }) };
  },
};

// ---------------------------------------------------------------------------------------------------
// TO BE COMPLETED with the library: build a score once in `build` (one step per node of `job.nodes`,
// reading the nodes at `deps` by name, whose agent calls `job.step(id, operands)`), perform it here,
// and await its result. Nothing else in the benchmark needs to change.
// ---------------------------------------------------------------------------------------------------
async function perform(library: Record<string, unknown>, _job: Job): Promise<void> {
  throw new Error(`no contender for tutti yet (its entry exports ${Object.keys(library).length} names)`);
}
