/** Everything that `tutti verify` judges by default: what is claimed of machines and actors, and of what a user calls. */
import type { Claim } from '../../specs/harness/claim.ts';
import { CLAIMS } from '../../specs/verify.ts';
import { coherenceClaims } from './coherence.ts';
import { durableClaims } from './durable.ts';
import { routingClaims } from './routing.ts';
import { scoreClaims } from './scores.ts';

/** What is claimed of the public API. */
export const API_CLAIMS: readonly Claim[] = [
  ...scoreClaims,
  ...durableClaims,
  ...coherenceClaims,
  ...routingClaims,
];

/** All claims but for the proofs. */
export const ALL_CLAIMS: readonly Claim[] = [...CLAIMS, ...API_CLAIMS];
