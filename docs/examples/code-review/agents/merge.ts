/** Closes the report: what the triages wrote into it, in the score's order and the worst findings first. A review
 *  arrives settled, so that a reviewer that failed is one line of the report and not the end of it. */
import { sharedOf } from 'tutti';
import { byImportance } from './lib/order.ts';
import type { Context, Merged, ReportDraft, ReviewerStatus } from './lib/types.ts';

type Settled = { status: 'fulfilled'; value: unknown } | { status: 'rejected'; reason: unknown };

export default async function merge(operands: Record<string, Settled>, context: Context): Promise<Merged> {
  context.signal.throwIfAborted();
  const report = sharedOf<ReportDraft>(context);
  const { reviewers, findings } = await report.read('report');
  const written = new Map(reviewers.map((account) => [account.reviewer, account]));
  const closed = Object.entries(operands).map(([reviewer, settled]): ReviewerStatus => {
    const account = written.get(reviewer);
    if (settled.status === 'fulfilled' && account !== undefined) return account;
    const reason = settled.status === 'rejected' ? reasonOf(settled.reason) : 'wrote nothing into the report';
    return { reviewer, status: 'failed', reason, analysers: [], cut: [] };
  });
  await report.write('report', (draft) => {
    draft.reviewers = closed;
    draft.findings = findings.toSorted(byImportance);
  });
  return report.read('report');
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
