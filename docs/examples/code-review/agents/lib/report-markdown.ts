/** The report in Markdown. */
import { clip, markdown } from './escape.ts';
import { SEVERITIES } from './order.ts';
import { TIMELINE, type Summary } from './summary.ts';

const HEADINGS = { error: 'Errors', warning: 'Warnings', info: 'Notes' } as const;

export function reportMarkdown(summary: Summary): string {
  const lines = [
    `# ${markdown(summary.title)}`,
    '',
    `**${markdown(summary.verdict)}**`,
    '',
    markdown(summary.scope),
    '',
    TIMELINE,
    '',
    '## Reviewers',
    '',
    '| Reviewer | Status | Errors | Warnings | Notes | What it read |',
    '| --- | --- | ---: | ---: | ---: | --- |',
    ...summary.reviewers.map(({ account, counts, detail }) => {
      const numbers = SEVERITIES.map((severity) => counts[severity]).join(' | ');
      return `| ${markdown(account.reviewer)} | ${account.status} | ${numbers} | ${detail.map(text).join('; ')} |`;
    }),
    '',
    '## Check',
    '',
    ...summary.check.map((line) => `- ${text(line)}`),
    '',
  ];
  if (summary.omissions.length > 0) {
    lines.push('Not read:', '', ...summary.omissions.map((line) => `- ${text(line)}`), '');
  }
  lines.push('## Findings', '');
  if (summary.files.length === 0) lines.push('None.', '');
  for (const file of summary.files) {
    lines.push(`### ${markdown(file.path)}`, '');
    for (const severity of SEVERITIES) {
      const findings = file.findings.filter((finding) => finding.severity === severity);
      if (findings.length === 0) continue;
      lines.push(`${HEADINGS[severity]}:`, '');
      for (const { line, column, rule, message, reviewer, alsoBy = [] } of findings) {
        const place = column === undefined ? `Line ${line}` : `Line ${line}, column ${column}`;
        const by = [reviewer, ...alsoBy].map(markdown).join(', ');
        lines.push(`- ${place}: ${text(message)} (${markdown(rule)}; ${by})`);
      }
      lines.push('');
    }
  }
  return `${lines.join('\n').trimEnd()}\n`;
}

const text = (value: string) => markdown(clip(value));
