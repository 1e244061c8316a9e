/** Triage of one review: one vocabulary of severities, the worst first, and no more of a rule than a reader
 *  can use. What is cut is counted, never silently lost. What is left it writes into the report, which all triages
 *  share: each write is computed from what is there when it is made. */
import { sharedOf } from 'tutti';
import type { Context, Finding, RawFinding, Review, ReportDraft, Severity } from './lib/types.ts';
import { byImportance, SEVERITIES } from './lib/order.ts';

/** Of an error more is shown than of a remark. */
const PER_RULE: Record<Severity, number> = { error: 50, warning: 20, info: 10 };
const IN_ALL = 200;

const WORDS: Record<string, Severity> = {
  error: 'error',
  fatal: 'error',
  critical: 'error',
  high: 'error',
  warning: 'warning',
  warn: 'warning',
  medium: 'warning',
  info: 'info',
  information: 'info',
  advice: 'info',
  hint: 'info',
  note: 'info',
  low: 'info',
};

/** The highest severity of a reviewer's findings: a matter of style should not stop a release. */
const CEILING: Record<string, Severity> = { style: 'info', documentation: 'warning', performance: 'warning' };

export default async function triage(
  { review }: { review: Review },
  context: Context,
): Promise<{ findings: number }> {
  context.signal.throwIfAborted();
  const { findings: raw, counts, ...account } = review;
  const shown = new Map<string, number>();
  const findings = raw
    .map((finding) => normalise(finding, review.reviewer))
    .toSorted(byImportance)
    .filter(({ rule, severity }) => {
      const count = (shown.get(rule) ?? 0) + 1;
      if (count <= PER_RULE[severity]) shown.set(rule, count);
      return count <= PER_RULE[severity];
    });
  const kept = findings.slice(0, IN_ALL);
  for (const { rule } of findings.slice(IN_ALL)) shown.set(rule, (shown.get(rule) ?? 0) - 1);
  const cut = Object.entries(counts)
    .map(([rule, count]) => ({ rule, count: count - (shown.get(rule) ?? 0) }))
    .filter(({ count }) => count > 0)
    .toSorted((a, b) => b.count - a.count);
  await sharedOf<ReportDraft>(context).write('report', (draft) => {
    draft.reviewers.push({ ...account, cut });
    draft.findings.push(...kept);
  });
  return { findings: kept.length };
}

function normalise(finding: RawFinding, reviewer: string): Finding {
  const severity = WORDS[finding.severity.toLowerCase()] ?? 'warning';
  const ceiling = CEILING[reviewer];
  return {
    ...finding,
    reviewer,
    severity: ceiling !== undefined && rank(severity) < rank(ceiling) ? ceiling : severity,
  };
}

const rank = (severity: Severity) => SEVERITIES.indexOf(severity);
