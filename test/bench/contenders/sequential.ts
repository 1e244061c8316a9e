import type { Contender } from '../contender.ts';

/** One step after the other: the worst makespan and the least machinery. */
export const contender: Contender = {
  name: 'sequential',
  how: 'a loop that awaits each step',
  load: async () => ({
    build: ({ nodes, step }) => ({
      run: async () => {
        const results: number[] = [];
        for (const { id, deps } of nodes) {
          results[id] = await step(
            id,
            deps.map((dep) => results[dep] as number),
          );
        }
        return results;
      },
    }),
  }),
};
