import type { Contender } from '../contender.ts';

/** In the order of the tables: baselines, peers, and the library itself last. Each is imported only in
 *  the process that measures it, so that none pays for another's start. */
export const contenders: Readonly<Record<string, () => Promise<{ readonly contender: Contender }>>> = {
  sequential: () => import('./sequential.ts'),
  batch: () => import('./batch.ts'),
  promises: () => import('./promises.ts'),
  'p-graph': () => import('./p-graph.ts'),
  effect: () => import('./effect.ts'),
  langgraph: () => import('./langgraph.ts'),
  mastra: () => import('./mastra.ts'),
  tutti: () => import('./tutti.ts'),
};

export const contenderNames = Object.keys(contenders);
