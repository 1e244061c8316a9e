/** How the claims of a fuzzer are judged: random scenarios are played, and nothing may be wrong with any of them. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Kind } from './fuzz.parts.ts';

const DEEP = process.env['TUTTI_DEEP'] !== undefined;
const { TUTTI_SEED, TUTTI_PATH } = process.env;
const seed = TUTTI_SEED === undefined ? Date.now() % 2 ** 31 : Number(TUTTI_SEED);

export const HEALTHY = ['own', 'shared'] as const;
export const FAILING = ['loses', 'throws', 'rejects', 'closes', 'breaks'] as const;
export const ANY_MOMENT = ['start', 'time', 'event', 'call', 'publish', 'end'] as const;

export interface FuzzClaim extends Kind {
  readonly claim: string;
  readonly runs: number;
  /** Of all runs, the part whose outcome the reference says. */
  readonly determined: number;
}

interface Fuzzer<Scenario, Outcome> {
  readonly scenarios: (kind: Kind) => fc.Arbitrary<Scenario>;
  /** What the reference says; undefined where time decides. */
  readonly expectedOf: (scenario: Scenario) => unknown;
  readonly play: (scenario: Scenario) => Promise<Outcome>;
  readonly faultsOf: (scenario: Scenario, outcome: Outcome) => readonly string[];
  /** How many times as many scenarios are played with TUTTI_DEEP. */
  readonly deep: number;
}

/** A test for each claim. */
export function judge<Scenario, Outcome>(
  claims: readonly FuzzClaim[],
  { scenarios, expectedOf, play, faultsOf, deep }: Fuzzer<Scenario, Outcome>,
): void {
  const multiple = DEEP ? deep : 1;
  test.each(claims.map((claim) => [claim.claim, claim] as const))(
    '%s',
    async (_, { runs, determined, ...kind }) => {
      let known = 0;
      let played = 0;
      await fc.assert(
        fc.asyncProperty(scenarios(kind), async (scenario) => {
          played++;
          if (expectedOf(scenario) !== undefined) known++;
          expect(faultsOf(scenario, await play(scenario))).toEqual([]);
        }),
        { numRuns: runs * multiple, seed, ...(TUTTI_PATH === undefined ? {} : { path: TUTTI_PATH }) },
      );
      // A generator that drifts must not leave the reference without work.
      if (TUTTI_PATH === undefined) expect(known / played).toBeGreaterThanOrEqual(determined);
    },
    multiple * 300_000,
  );
}
