import type { Contender } from '../contender.ts';
import { levels } from '../workloads.ts';

/** Bulk-synchronous: a level starts when all of the level before it is done. This is what a graph
 *  executor with supersteps does, without the executor. */
export const contender: Contender = {
  name: 'batch',
  how: 'level by level, `Promise.all`',
  load: async () => ({
    build: ({ nodes, step }) => {
      const plan = levels(nodes).map((level) => level.map((id) => ({ id, deps: nodes[id]?.deps ?? [] })));
      return {
        run: async () => {
          const results: number[] = [];
          for (const level of plan) {
            await Promise.all(
              level.map(async ({ id, deps }) => {
                results[id] = await step(
                  id,
                  deps.map((dep) => results[dep] as number),
                );
              }),
            );
          }
          return results;
        },
      };
    },
  }),
};
