import { describe, expect, it } from 'vitest';
import type { Checked, CheckedFinding, FileList } from '../../docs/examples/code-review/agents/lib/types.ts';
import { call, repository, review } from './code-review.helpers.ts';

interface Report {
  markdown: string;
  html: string;
}

const TIMELINE = '<!-- tutti:timeline -->';
const HOSTILE = `<script>alert(1)</script>"' onload=x [a](javascript:b) \`c\` | d\n# e <!-- tutti:timeline --> \u202Egnp.exe <img src=//evil> https://evil.example www.evil.example`;

const LIST: FileList = {
  root: `/tmp/${HOSTILE}`,
  origin: 'git',
  commit: null,
  files: [],
  skipped: { [HOSTILE]: 1 },
  notes: [HOSTILE],
};

function report(findings: CheckedFinding[]): Promise<Report> {
  const checked: Checked = {
    reviewers: [
      {
        reviewer: 'security',
        status: 'reviewed',
        analysers: [{ name: HOSTILE, status: 'partly', files: 3, note: HOSTILE }],
        cut: [{ rule: HOSTILE, count: 2 }],
      },
      { reviewer: 'testing', status: 'not applicable', reason: HOSTILE, analysers: [], cut: [] },
      { reviewer: 'style', status: 'failed', reason: HOSTILE, analysers: [], cut: [] },
    ],
    findings,
    examined: findings.length + 1,
    dropped: [{ why: 'the file does not exist', count: 1, examples: [HOSTILE] }],
    duplicates: 0,
  };
  return call<Report>('report', { files: LIST, checked });
}

const finding = (more: Partial<CheckedFinding>): CheckedFinding => ({
  file: 'a.ts',
  line: 3,
  rule: 'rule',
  severity: 'warning',
  message: 'message',
  reviewer: 'security',
  ...more,
});

describe('code review: the report', () => {
  it('has one place for the timeline in each format, for any text in the repository', async () => {
    const { markdown, html } = await report([finding({ file: HOSTILE, message: HOSTILE, rule: HOSTILE })]);
    expect(html.split(TIMELINE)).toHaveLength(2);
    expect(markdown.split(TIMELINE)).toHaveLength(2);
  });

  it('escapes everything hostile in HTML', async () => {
    const { html } = await report([finding({ file: HOSTILE, message: HOSTILE, rule: HOSTILE })]);
    const page = html.replace(TIMELINE, '');
    expect(page).not.toMatch(/<script|<img|<!--|\u202E/);
    expect(page).toContain('&lt;script&gt;alert(1)&lt;/script&gt;&quot;&#39; onload=x');
    expect(page).toContain('\\u{202e}gnp.exe');
    // Every attribute on the page is one that the page itself wrote.
    const attributes = [...page.matchAll(/<[a-z][a-z0-9]*((?:\s+[^<>]*?)?)>/g)]
      .map(([, text = '']) => text)
      .join(' ');
    expect(attributes).not.toContain('onload');
  });

  it('escapes everything hostile in Markdown', async () => {
    const { markdown } = await report([finding({ file: HOSTILE, message: HOSTILE, rule: HOSTILE })]);
    expect(markdown.replace(TIMELINE, '')).not.toMatch(
      /<|\u202E|[^\\]\[a\]|[^\\]`c|https:\/\/evil|www\.evil/,
    );
    expect(markdown).not.toMatch(/^# e/m);
    const rows = markdown.split('\n').filter((line) => line.startsWith('|'));
    expect(rows).toHaveLength(5);
    for (const row of rows) expect(row.match(/(?<!\\)\|/g)).toHaveLength(7);
  });

  it('needs no network and no script', async () => {
    const { html } = await report([finding({})]);
    expect(html).toContain(`default-src 'none'`);
    const tags = [...html.matchAll(/<[a-z][^>]*>/g)].map(([tag]) => tag).join('');
    expect(tags).not.toMatch(/\b(src|href)=|<script|<link/);
    expect(html).not.toMatch(/@import|url\(/);
  });

  it('is accessible: language, headings, captions, scopes, both schemes, a narrow screen', async () => {
    const { html } = await report([finding({}), finding({ file: 'b.ts', severity: 'error' })]);
    expect(html).toMatch(/<html lang="en">/);
    expect(html).toContain('width=device-width');
    expect(html.match(/<h1>/g)).toHaveLength(1);
    expect(html.match(/<table/g)?.length).toBe(html.match(/<caption>/g)?.length);
    expect(html.match(/<th(?=[ >])/g)?.length).toBe(html.match(/<th scope=/g)?.length);
    expect(html).toContain('prefers-color-scheme: dark');
    expect(html).toContain('@media (max-width: 48rem)');
  });

  it('uses colours that contrast by at least 4.5 to 1 in both schemes', async () => {
    const { html } = await report([]);
    const schemes = [...html.matchAll(/:root \{([^}]*)\}/g)].map(([, body = '']) => colours(body));
    expect(schemes).toHaveLength(2);
    for (const scheme of schemes) {
      for (const ink of ['text', 'soft', 'error', 'warning', 'info', 'good']) {
        for (const paper of ['page', 'panel']) {
          expect(
            contrast(scheme[ink] ?? '', scheme[paper] ?? ''),
            `${ink} on ${paper}`,
          ).toBeGreaterThanOrEqual(4.5);
        }
      }
    }
  });

  it('groups findings by file, the worst file first, and by severity within it', async () => {
    const { markdown, html } = await report([
      finding({ file: 'fine.ts', severity: 'info' }),
      finding({ file: 'bad.ts', severity: 'error', message: 'first' }),
      finding({ file: 'bad.ts', severity: 'info', message: 'second' }),
    ]);
    const order = ['bad.ts', 'first', 'second', 'fine.ts'];
    for (const text of [markdown, html]) {
      const from = text.lastIndexOf('Findings</h2>') + text.lastIndexOf('## Findings') + 1;
      const places = order.map((part) => text.indexOf(part, from));
      expect(places).toEqual(places.toSorted((a, b) => a - b));
      expect(Math.min(...places)).toBeGreaterThan(0);
    }
    expect(markdown).toContain('**1 error, 0 warnings, 2 notes.');
  });

  it('says why a reviewer was not applicable, failed or stopped early, and what was cut', async () => {
    const { markdown } = await report([]);
    expect(markdown).toMatch(/\| testing \| not applicable \|.*alert/);
    expect(markdown).toMatch(/\| style \| failed \|.*alert/);
    expect(markdown).toMatch(/partly, 3 files/);
    expect(markdown).toMatch(/2 more not shown/);
    expect(markdown).toContain('The review is incomplete: style failed.');
  });

  it('survives a repository whose file names are markup', async () => {
    const name = '<img src=x onerror=alert(1)>.js';
    const root = repository({ [name]: 'eval(globalThis.x)\n', 'a|b`c\n# d.js': 'eval(globalThis.x)\n' });
    const done = await review(root);
    expect(done.findings.findings.map(({ file }) => file)).toEqual(
      expect.arrayContaining([name, 'a|b`c\n# d.js']),
    );
    expect(done['report.html']).not.toContain('<img');
    expect(done['report.md'].replace(TIMELINE, '')).not.toMatch(/<|^# d/m);
  });
});

function colours(body: string): Record<string, string> {
  return Object.fromEntries(
    [...body.matchAll(/--(\w+): (#[0-9a-f]{6})/g)].map(([, name, value]) => [name, value]),
  );
}

/** The contrast ratio of WCAG 2. */
function contrast(a: string, b: string): number {
  const [light = 0, dark = 0] = [luminance(a), luminance(b)].toSorted((x, y) => y - x);
  return (light + 0.05) / (dark + 0.05);
}

function luminance(colour: string): number {
  const [red = 0, green = 0, blue = 0] = [1, 3, 5].map((at) => {
    const part = Number.parseInt(colour.slice(at, at + 2), 16) / 255;
    return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}
