/** Judges every claim of Table 3 that something is built for, and says what is not built. */
import {
  CRITERIA,
  MAPPINGS,
  type Bounds,
  type Claim,
  type Evidence,
  type Finding,
  type Verdict,
} from './harness/claim.ts';
import { governorClaims } from './governor/properties.ts';
import { litmusClaims } from './coherence/litmus/litmus.ts';
import { mesiClaims } from './coherence/properties.ts';
import { proveClaims } from './coherence/prove/prove.ts';
import { exploredClaims } from './tomasulo/explored.ts';
import { tomasuloClaims } from './tomasulo/properties.ts';

/** What is claimed of machines and actors, in the order of Table 3, but for the proofs. The command adds what is claimed of
 *  the public API (`src/verify/claims.ts`). */
export const CLAIMS: readonly Claim[] = [
  ...tomasuloClaims,
  ...exploredClaims,
  ...mesiClaims,
  ...litmusClaims,
  ...governorClaims,
];

/** What is claimed of any number of agents. To judge it takes the package z3-solver. */
export const PROOFS: readonly Claim[] = proveClaims;

export interface Judged {
  readonly claim: Claim;
  readonly finding: Finding;
  readonly ms: number;
}

/** From strongest to weakest. */
const STRENGTH: readonly Verdict[] = ['isomorphism', 'holds', 'simulation', 'not built', 'fails'];
/** Whether a finding falls short of what was expected of it. */
export const fellShort = ({ claim, finding }: Judged): boolean =>
  STRENGTH.indexOf(finding.verdict) > STRENGTH.indexOf(claim.expected);
/** The weakest of some verdicts; `not built` for none. */
export const weakest = (verdicts: readonly Verdict[]): Verdict =>
  verdicts.toSorted((a, b) => STRENGTH.indexOf(b) - STRENGTH.indexOf(a))[0] ?? 'not built';

/** How a verdict was obtained. What was both explored and sampled counts as explored: the sample adds to it. */
export const evidenceOf = ({ claim, finding }: Pick<Judged, 'claim' | 'finding'>): Evidence =>
  claim.instrument === 'prove'
    ? 'proved'
    : finding.runs !== undefined && finding.states === undefined
      ? 'sampled'
      : 'explored';

/** Judges claims one by one.
 *  @param claims default: all.
 *  @throws the signal's reason when it is aborted between two checks. */
export async function* judge(bounds: Bounds, claims: readonly Claim[] = CLAIMS): AsyncGenerator<Judged> {
  for (const claim of claims) {
    bounds.signal?.throwIfAborted();
    const start = performance.now();
    const finding = await claim.check(bounds);
    yield { claim, finding, ms: performance.now() - start };
    await new Promise((done) => setTimeout(done)); // a progress line is drawn now, and an interrupt arrives
  }
}

/** The mappings and criteria of which nothing is claimed, because nothing is built. */
export const unbuilt = (): { mapping: string; criterion: string }[] =>
  MAPPINGS.flatMap((mapping) =>
    CRITERIA.filter(
      (criterion) => !CLAIMS.some((c) => c.mapping === mapping && c.criterion === criterion),
    ).map((criterion) => ({ mapping, criterion })),
  );
