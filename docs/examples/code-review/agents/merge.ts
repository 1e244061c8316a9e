/** Joins the six triaged reviews. Each arrives settled, so that a reviewer that failed is one line of the
 *  report and not the end of it. */
import { byImportance } from './lib/order.ts';
import type { Context, Finding, Merged, ReviewerStatus, Triaged } from './lib/types.ts';

type Settled = { status: 'fulfilled'; value: Triaged } | { status: 'rejected'; reason: unknown };

export default async function merge(operands: Record<string, Settled>, { signal }: Context): Promise<Merged> {
  signal.throwIfAborted();
  const reviewers: ReviewerStatus[] = [];
  const findings: Finding[] = [];
  for (const [reviewer, settled] of Object.entries(operands)) {
    if (settled.status === 'rejected') {
      const reason = reasonOf(settled.reason);
      reviewers.push({ reviewer, status: 'failed', reason, analysers: [], cut: [] });
      continue;
    }
    const { findings: some, ...account } = settled.value;
    reviewers.push(account);
    findings.push(...some);
  }
  return { reviewers, findings: findings.toSorted(byImportance) };
}

/** The words of a fault, in whichever shape it travelled. */
function reasonOf(reason: unknown): string {
  if (typeof reason === 'string') return reason;
  if (
    typeof reason === 'object' &&
    reason !== null &&
    'message' in reason &&
    typeof reason.message === 'string'
  ) {
    return reason.message;
  }
  return JSON.stringify(reason) ?? 'no reason was given';
}
