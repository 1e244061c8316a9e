/** Claim: however signals, retries, holds, limits, agents, buses and clocks meet, a performance ends with what the score
 *  says, or with a typed error, and leaves nothing behind.
 *
 *  A failure prints a seed and a path. `TUTTI_SEED=… TUTTI_PATH=… npx vitest run test/tomasulo/fuzz.perform -t '…'` repeats it;
 *  TUTTI_DEEP=1 plays 10 times as many. */
import { ANY_MOMENT, FAILING, HEALTHY, judge, type FuzzClaim } from './fuzz.claims.ts';
import { expectedOf, faultsOf, play, scenarios } from './fuzz.perform.ts';

const CLAIMS: readonly FuzzClaim[] = [
  {
    claim: 'with signals before the first step, the outcome is what the reference says',
    clock: 'virtual',
    buses: HEALTHY,
    moments: ['start', 'start', 'start', 'end'],
    runs: 2_000,
    determined: 0.5,
  },
  {
    claim: 'with signals at any moment, nothing breaks, happens twice or is left',
    clock: 'virtual',
    buses: HEALTHY,
    moments: ANY_MOMENT,
    runs: 2_000,
    determined: 0.15,
  },
  {
    claim: 'a bus that lags changes no outcome',
    clock: 'virtual',
    buses: ['lags'],
    moments: ANY_MOMENT,
    runs: 400,
    determined: 0.1,
  },
  {
    claim: 'a bus that loses, refuses, closes or breaks ends the performance with a typed error',
    clock: 'virtual',
    buses: FAILING,
    moments: ANY_MOMENT,
    runs: 400,
    determined: 0,
  },
  {
    claim: 'all of it holds in real time',
    clock: 'real',
    buses: [...HEALTHY, 'lags', ...FAILING],
    moments: ANY_MOMENT,
    runs: 300,
    determined: 0.02,
  },
];

judge(CLAIMS, { scenarios: scenarios, expectedOf: expectedOf, faultsOf: faultsOf, play: play, deep: 10 });
