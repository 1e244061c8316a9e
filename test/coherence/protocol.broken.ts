/** A claim about MESI that really fails: memory without one of its rules, explored to the shortest way to what is wrong. */
import type { Faults } from '../../actors/coherence/faults.ts';
import type { Claim, Finding } from '../../specs/harness/claim.ts';
import { exploreOneKey, MesiViolation } from '../../specs/coherence/explore.ts';
import type { Judged } from '../../specs/verify.ts';

const NO_EPOCHS: Faults = { ignoreEpoch: true, ignoreVersion: true };

function explored(faults: Faults): Finding {
  const bound = '2 agents × 1 key, queued bus';
  try {
    const { states } = exploreOneKey(2, 'wait', { bus: 'queued', faults });
    return { verdict: 'holds', bound, states };
  } catch (error) {
    if (!(error instanceof MesiViolation)) throw error;
    const { message: what, transcript } = error;
    return { verdict: 'fails', bound, counterexample: { what, transcript } };
  }
}

export function judgedBroken(faults: Faults = NO_EPOCHS): Judged {
  const check = (): Finding => explored(faults);
  const claim: Claim = {
    mapping: 'mesi',
    criterion: 'invariant guarantees',
    property: 'One writer or any number of readers, and no reader has a stale copy.',
    source: 'Sorin, Hill & Wood, A Primer on Memory Consistency, 2.3',
    expected: 'holds',
    instrument: 'explore',
    check,
  };
  const finding = check();
  if (finding.verdict !== 'fails') throw new Error('memory without its rule was not found out');
  return { claim, finding, ms: 1 };
}
