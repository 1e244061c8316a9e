/** What both report formats say, before it is put into words of either. */
import { SEVERITIES } from './order.ts';
import type { Checked, CheckedFinding, FileList, ReviewerStatus, Severity } from './types.ts';

/** The command line puts the picture of the run's timeline here. */
export const TIMELINE = '<!-- tutti:timeline -->';

export type Counts = Record<Severity, number>;

export interface Summary {
  title: string;
  /** One sentence on what was read. */
  scope: string;
  /** One sentence on the outcome. */
  verdict: string;
  totals: Counts;
  reviewers: { account: ReviewerStatus; counts: Counts; detail: string[] }[];
  /** Files, the one with the worst findings first. */
  files: { path: string; counts: Counts; findings: CheckedFinding[] }[];
  check: string[];
  /** What was not read, and why. */
  omissions: string[];
}

export function summarise(list: FileList, checked: Checked): Summary {
  const { findings } = checked;
  const totals = countBySeverity(findings);
  const name = list.root.split(/[\\/]/).findLast((part) => part !== '') ?? list.root;
  const where =
    list.origin === 'folder'
      ? 'a folder without git'
      : list.commit
        ? `commit ${list.commit.slice(0, 12)} and the work tree`
        : 'a git repository without commits';
  return {
    title: `Code review of ${name}`,
    scope: `${count(list.files.length, 'file')} read from ${where}: ${languages(list)}.`,
    verdict: verdict(totals, checked),
    totals,
    reviewers: checked.reviewers.map((account) => ({
      account,
      counts: countBySeverity(findings.filter(({ reviewer }) => reviewer === account.reviewer)),
      detail: detail(account),
    })),
    files: group(findings),
    check: checkLines(checked),
    omissions: [...list.notes, ...Object.entries(list.skipped).map(([what, times]) => `${what}: ${times}`)],
  };
}

export function count(number: number, noun: string): string {
  return `${number.toLocaleString('en')} ${noun}${number === 1 ? '' : 's'}`;
}

function verdict(totals: Counts, { reviewers, findings }: Checked): string {
  const failed = reviewers.filter(({ status }) => status === 'failed').map(({ reviewer }) => reviewer);
  const without = failed.length > 0 ? ` The review is incomplete: ${failed.join(', ')} failed.` : '';
  if (findings.length === 0) return `Nothing was found.${without}`;
  const parts = SEVERITIES.map((severity) =>
    count(totals[severity], severity === 'info' ? 'note' : severity),
  );
  return `${parts.join(', ')}.${without}`;
}

/** The five commonest languages by number of files. */
function languages(list: FileList): string {
  const counts = new Map<string, number>();
  for (const { language } of list.files) counts.set(language, (counts.get(language) ?? 0) + 1);
  const sorted = [...counts].toSorted(([a, some], [b, more]) => more - some || (a < b ? -1 : 1));
  if (sorted.length === 0) return 'it is empty';
  const named = sorted.slice(0, 5).map(([language, files]) => `${language} ${files.toLocaleString('en')}`);
  return named.join(', ') + (sorted.length > 5 ? `, and ${sorted.length - 5} more languages` : '');
}

function detail(account: ReviewerStatus): string[] {
  if (account.reason !== undefined) return [account.reason];
  const lines = account.analysers.map(({ name, status, files, note }) => {
    const what =
      status === 'ran'
        ? count(files, 'file')
        : status === 'not applicable'
          ? status
          : `${status}, ${count(files, 'file')}`;
    return `${name}: ${what}${note === undefined ? '' : ` (${note})`}`;
  });
  const cut = account.cut.reduce((sum, entry) => sum + entry.count, 0);
  if (cut > 0) {
    const rules = account.cut.map(({ rule, count: times }) => `${rule} ${times.toLocaleString('en')}`);
    lines.push(
      `${cut.toLocaleString('en')} more not shown: ${rules.slice(0, 8).join(', ')}${rules.length > 8 ? ', …' : ''}`,
    );
  }
  return lines;
}

function checkLines({ examined, dropped, duplicates, findings }: Checked): string[] {
  const gone = dropped.reduce((sum, entry) => sum + entry.count, 0);
  return [
    `${count(examined, 'finding')} examined, ${findings.length.toLocaleString('en')} kept, ${count(duplicates, 'duplicate')} collapsed, ${gone.toLocaleString('en')} dropped.`,
    ...dropped.map(
      ({ why, count: times, examples }) => `Dropped ${times} because ${why}: ${examples.join(', ')}`,
    ),
  ];
}

function group(findings: readonly CheckedFinding[]): Summary['files'] {
  const byFile = new Map<string, CheckedFinding[]>();
  for (const finding of findings) {
    const some = byFile.get(finding.file);
    if (some) some.push(finding);
    else byFile.set(finding.file, [finding]);
  }
  const files = [...byFile].map(([path, some]) => ({ path, counts: countBySeverity(some), findings: some }));
  return files.toSorted(
    (a, b) =>
      b.counts.error - a.counts.error ||
      b.counts.warning - a.counts.warning ||
      b.counts.info - a.counts.info ||
      (a.path < b.path ? -1 : 1),
  );
}

function countBySeverity(findings: readonly CheckedFinding[]): Counts {
  const counts: Counts = { error: 0, warning: 0, info: 0 };
  for (const { severity } of findings) counts[severity]++;
  return counts;
}
