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
    const { perform, scoreOf } = (await import(entry.href)) as typeof import('../../../src/index.ts');
    return {
      build(job: Job) {
        const agent = {
          name: 'node',
          run: (operands: Record<string, unknown>, { stepId }: { stepId: string }) =>
            job.step(Number(stepId.slice(1)), operands['deps'] as readonly number[]),
        };
        const score = scoreOf(
          'job',
          job.nodes.map(({ id, deps }) => ({
            id: `n${id}`,
            agent,
            reads: { deps: deps.map((dep) => `n${dep}`) },
          })),
        );
        void score.program; // renaming and priorities belong to the build
        return { run: () => perform(score).result };
      },
    };
  },
};
