/** Claim: however maps, conditions, sub-scores, loops, questions, signals, retries, limits and buses meet, a performance ends
 *  with what the score says, or with a typed error, and leaves nothing behind.
 *
 *  A failure prints a seed and a path. `TUTTI_SEED=… TUTTI_PATH=… npx vitest run test/tomasulo/fuzz.scopes -t '…'` repeats it;
 *  TUTTI_DEEP=1 plays 20 times as many. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Kind } from './fuzz.parts.ts';
import { expectedOfScopes, faultsOfScopes, playScopes, scopeScenarios } from './fuzz.scopes.ts';

const MULTIPLE = process.env['TUTTI_DEEP'] === undefined ? 1 : 20;
const { TUTTI_SEED, TUTTI_PATH } = process.env;
const seed = TUTTI_SEED === undefined ? Date.now() % 2 ** 31 : Number(TUTTI_SEED);

const HEALTHY = ['own', 'shared'] as const;
const FAILING = ['loses', 'throws', 'rejects', 'closes', 'breaks'] as const;
const ANY_MOMENT = ['start', 'time', 'event', 'call', 'publish', 'end'] as const;

interface Claim extends Kind {
  readonly claim: string;
  readonly runs: number;
  /** Of all runs, the part whose outcome the reference says. */
  readonly determined: number;
}
const CLAIMS: readonly Claim[] = [
  {
    claim: 'with what is known before the first step, the outcome is what the reference says',
    clock: 'virtual',
    buses: HEALTHY,
    moments: ['start', 'end', 'end', 'end'],
    runs: 1_100,
    determined: 0.3,
  },
  {
    claim: 'with signals at any moment, nothing breaks, happens twice or is left',
    clock: 'virtual',
    buses: HEALTHY,
    moments: ANY_MOMENT,
    runs: 900,
    determined: 0.1,
  },
  {
    claim: 'a bus that lags changes no outcome',
    clock: 'virtual',
    buses: ['lags'],
    moments: ['end', 'end', 'end', 'call'],
    runs: 200,
    determined: 0.02,
  },
  {
    claim: 'a bus that loses, refuses, closes or breaks ends the performance with a typed error',
    clock: 'virtual',
    buses: FAILING,
    moments: ANY_MOMENT,
    runs: 200,
    determined: 0,
  },
  {
    claim: 'all of it holds in real time',
    clock: 'real',
    buses: [...HEALTHY, 'lags', ...FAILING],
    moments: ANY_MOMENT,
    runs: 100,
    determined: 0,
  },
];

test.each(CLAIMS.map((claim) => [claim.claim, claim] as const))(
  '%s',
  async (_, { runs, determined, ...kind }) => {
    let known = 0;
    let played = 0;
    await fc.assert(
      fc.asyncProperty(scopeScenarios(kind), async (scenario) => {
        played++;
        if (expectedOfScopes(scenario) !== undefined) known++;
        expect(faultsOfScopes(scenario, await playScopes(scenario))).toEqual([]);
      }),
      { numRuns: runs * MULTIPLE, seed, ...(TUTTI_PATH === undefined ? {} : { path: TUTTI_PATH }) },
    );
    // A generator that drifts must not leave the reference without work.
    if (TUTTI_PATH === undefined) expect(known / played).toBeGreaterThanOrEqual(determined);
  },
  MULTIPLE * 300_000,
);
