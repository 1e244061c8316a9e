import type { Contender } from '../contender.ts';

/** A promise per node, written by hand: the floor. It knows nothing of capacity, retries, holds,
 *  time-outs or names that are written twice. */
export const contender: Contender = {
  name: 'promises',
  how: 'a hand-written promise per node: the floor',
  load: async () => ({
    build: ({ nodes, step }) => ({
      run: async () => {
        const promises: Promise<number>[] = [];
        const perform = async (id: number, deps: readonly number[]): Promise<number> => {
          const operands: number[] = [];
          for (const dep of deps) operands.push((await promises[dep]) as number);
          return step(id, operands);
        };
        for (const { id, deps } of nodes) promises.push(perform(id, deps));
        return Promise.all(promises);
      },
    }),
  }),
};
