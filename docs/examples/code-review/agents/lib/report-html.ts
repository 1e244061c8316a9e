/** The report as one HTML page that needs nothing else: no network, no script, no font. */
import { clip, html } from './escape.ts';
import { SEVERITIES } from './order.ts';
import { STYLE } from './report-style.ts';
import { TIMELINE, count, type Counts, type Summary } from './summary.ts';
import type { CheckedFinding } from './types.ts';

const NAMES = { error: 'Error', warning: 'Warning', info: 'Note' } as const;

/** Files shown opened; a page of a thousand opened tables is slow and hard to read. */
const OPEN = 25;

export function reportHtml(summary: Summary): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; img-src data:">
<title>${html(summary.title)}</title>
<style>${STYLE}</style>
</head>
<body>
<header>
<h1>${html(summary.title)}</h1>
<p class="verdict">${html(summary.verdict)}</p>
<p>${html(summary.scope)}</p>
</header>
<main>
${totals(summary.totals)}
<section aria-labelledby="timeline">
<h2 id="timeline">Timeline of the run</h2>
<div class="timeline" role="group" aria-labelledby="timeline" tabindex="0">
${TIMELINE}
</div>
</section>
<section aria-labelledby="reviewers">
<h2 id="reviewers">Reviewers</h2>
${reviewers(summary)}
</section>
<section aria-labelledby="check">
<h2 id="check">Check</h2>
${list(summary.check)}
${summary.omissions.length > 0 ? `<h3>Not read</h3>\n${list(summary.omissions)}` : ''}
</section>
<section aria-labelledby="findings">
<h2 id="findings">Findings</h2>
${summary.files.length === 0 ? '<p>None.</p>' : summary.files.map(file).join('\n')}
</section>
</main>
</body>
</html>
`;
}

function totals(counts: Counts): string {
  const items = SEVERITIES.map(
    (severity) =>
      `<li class="${severity}"><strong>${counts[severity].toLocaleString('en')}</strong> ${NAMES[severity].toLowerCase()}${counts[severity] === 1 ? '' : 's'}</li>`,
  );
  return `<ul class="totals" aria-label="Findings by severity">${items.join('')}</ul>`;
}

function reviewers(summary: Summary): string {
  const rows = summary.reviewers.map(({ account, counts, detail }) => {
    const numbers = SEVERITIES.map((severity) =>
      cell(`${NAMES[severity]}s`, String(counts[severity]), 'number'),
    );
    return `<tr><th scope="row">${html(account.reviewer)}</th>${cell('Status', account.status, `status ${account.status.replace(' ', '-')}`)}${numbers.join('')}<td data-label="What it read">${list(detail)}</td></tr>`;
  });
  return `<table class="wide">
<caption>What each reviewer read and how much it found</caption>
<thead><tr><th scope="col">Reviewer</th><th scope="col">Status</th><th scope="col">Errors</th><th scope="col">Warnings</th><th scope="col">Notes</th><th scope="col">What it read</th></tr></thead>
<tbody>
${rows.join('\n')}
</tbody>
</table>`;
}

function file({ path, counts, findings }: Summary['files'][number], index: number): string {
  const parts = SEVERITIES.filter((severity) => counts[severity] > 0).map((severity) =>
    count(counts[severity], NAMES[severity].toLowerCase()),
  );
  return `<details${index < OPEN ? ' open' : ''}>
<summary><h3>${html(path)}</h3> <span>${parts.join(', ')}</span></summary>
<table>
<caption>${html(path)}: findings by severity</caption>
<thead><tr><th scope="col">Severity</th><th scope="col">Line</th><th scope="col">Finding</th><th scope="col">Rule</th><th scope="col">Reviewer</th></tr></thead>
<tbody>
${findings.map(row).join('\n')}
</tbody>
</table>
</details>`;
}

function row({ severity, line, message, rule, reviewer, alsoBy = [] }: CheckedFinding): string {
  const by = [reviewer, ...alsoBy].join(', ');
  return `<tr><td data-label="Severity"><span class="${severity}">${NAMES[severity]}</span></td>${cell('Line', String(line), 'number')}${cell('Finding', clip(message))}${cell('Rule', rule, 'code')}${cell('Reviewer', by)}</tr>`;
}

function cell(label: string, text: string, kind?: string): string {
  return `<td data-label="${label}"${kind === undefined ? '' : ` class="${kind}"`}>${html(text)}</td>`;
}

function list(lines: readonly string[]): string {
  return `<ul>${lines.map((line) => `<li>${html(clip(line))}</li>`).join('')}</ul>`;
}
