/** fast-check with a tenth of the examples, the same ones for every mutant, and no search for a smaller example. */
import * as real from '../../node_modules/fast-check/lib/fast-check.js';

real.configureGlobal({ seed: 1967, endOnFailure: true });

type Judge = (property: unknown, params: object) => unknown;
const judge = real.assert as Judge;

export const assert: Judge = (property, params: { readonly numRuns?: number } = {}) =>
  judge(property, { ...params, numRuns: Math.ceil((params.numRuns ?? 100) / 10) });

export * from '../../node_modules/fast-check/lib/fast-check.js';
const tenth: object = { ...real, assert };
export default tenth;
