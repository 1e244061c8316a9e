/** Claim: however maps, conditions, sub-scores, loops, questions, signals, retries, limits and buses meet, a performance ends
 *  with what the score says, or with a typed error, and leaves nothing behind.
 *
 *  A failure prints a seed and a path. `TUTTI_SEED=… TUTTI_PATH=… npx vitest run test/tomasulo/fuzz.scopes -t '…'` repeats it;
 *  TUTTI_DEEP=1 plays 20 times as many. */
import { ANY_MOMENT, FAILING, HEALTHY, judge, type FuzzClaim } from './fuzz.claims.ts';
import { expectedOfScopes, faultsOfScopes, playScopes, scopeScenarios } from './fuzz.scopes.ts';

const CLAIMS: readonly FuzzClaim[] = [
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

judge(CLAIMS, {
  scenarios: scopeScenarios,
  expectedOf: expectedOfScopes,
  faultsOf: faultsOfScopes,
  play: playScopes,
  deep: 20,
});
