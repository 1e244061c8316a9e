/** A bag that keeps a bounded number of findings and counts them all.
 *
 *  A formatting rule can fire a hundred thousand times in a large repository. A reader needs only
 *  their count, and an operand that large would slow every step behind it. */
import type { RawFinding } from './types.ts';

const PER_RULE = 100;
const IN_ALL = 2000;

export class Bag {
  readonly findings: RawFinding[] = [];
  readonly counts: Record<string, number> = {};

  add(finding: RawFinding): void {
    const count = (this.counts[finding.rule] ?? 0) + 1;
    this.counts[finding.rule] = count;
    if (count <= PER_RULE && this.findings.length < IN_ALL) this.findings.push(finding);
  }
}
