/** The table of checks on plain text: who asks, what it is called, how bad it is, how to see it. */
import type { Text, Hit } from './text-file.ts';
import { languageOf } from '../lib/classify.ts';
import { checkJson, checkYaml } from './data-files.ts';

interface Check {
  reviewer: 'security' | 'correctness' | 'style' | 'documentation';
  rule: string;
  severity: 'error' | 'warning' | 'info';
  look: (text: Text) => Iterable<Hit>;
}

/** One hit per matching line, in files of the given languages. */
function pattern(languages: readonly string[] | 'any', expression: RegExp, message: string): Check['look'] {
  return function* ({ path, lines }) {
    if (languages !== 'any' && !languages.includes(languageOf(path))) return;
    for (const [index, line] of lines.entries()) {
      if (line.length < 2000 && expression.test(line)) yield { line: index + 1, message };
    }
  };
}

/** One hit per file that says how many lines match, at the first of them. */
function tally(match: (line: string) => boolean, message: (count: number) => string): Check['look'] {
  return function* ({ lines }) {
    let count = 0;
    let first = 0;
    for (const [index, line] of lines.entries()) {
      if (!match(line)) continue;
      if (count === 0) first = index + 1;
      count++;
    }
    if (count > 0) yield { line: first, message: message(count) };
  };
}

const plural = (count: number, noun: string) => `${count} ${noun}${count === 1 ? '' : 's'}`;

function* conflicts({ lines }: Text): Generator<Hit> {
  // Only the full triple counts: a row of equals signs alone underlines a heading.
  const start = lines.findIndex((line) => /^<{7}( |$)/.test(line));
  const middle = lines.findIndex((line, index) => index > start && /^={7}\r?$/.test(line));
  const end = lines.findIndex((line, index) => index > middle && /^>{7}( |$)/.test(line));
  if (start >= 0 && middle >= 0 && end >= 0) {
    yield { line: start + 1, message: 'A merge conflict was committed unresolved.' };
  }
}

function* encoding({ lines, valid }: Text): Generator<Hit> {
  if (valid) return;
  const line = lines.findIndex((candidate) => candidate.includes('\uFFFD')) + 1;
  yield {
    line: Math.max(1, line),
    message: 'The file is not valid UTF-8; tools will disagree on what it says.',
  };
}

function* indentation({ path, lines }: Text): Generator<Hit> {
  if (['Makefile', 'Markdown', 'Go', 'other'].includes(languageOf(path))) return;
  const tab = lines.findIndex((line) => line.startsWith('\t'));
  const space = lines.findIndex((line) => /^ {2,}[^\s*]/.test(line)); // ` *` continues a block comment
  if (tab < 0 || space < 0) return;
  yield {
    line: Math.max(tab, space) + 1,
    message: 'Tabs and spaces are mixed for indentation in this file.',
  };
}

function* endings({ lines }: Text): Generator<Hit> {
  const ended = lines.slice(0, -1);
  const windows = ended.filter((line) => line.endsWith('\r')).length;
  if (windows === 0 || windows === ended.length) return;
  const rarer = windows * 2 <= ended.length;
  const line = ended.findIndex((candidate) => candidate.endsWith('\r') === rarer) + 1;
  yield { line, message: 'Line endings are mixed (LF and CRLF) in this file.' };
}

function* ending({ path, lines }: Text): Generator<Hit> {
  if (lines.at(-1) === '' || languageOf(path) === 'other') return;
  yield { line: lines.length, message: 'The file does not end with a newline.' };
}

function trailing(text: Text): Iterable<Hit> {
  // Two spaces at the end of a line break it in Markdown, and a diff's context lines end in one.
  if (['Markdown', 'other'].includes(languageOf(text.path))) return [];
  return tally(
    (line) => /[ \t]\r?$/.test(line),
    (count) => `${plural(count, 'line')} in this file end${count === 1 ? 's' : ''} in white space.`,
  )(text);
}

/** Invisible characters that reorder what a reader sees (CVE-2021-42574, "Trojan Source"). */
const BIDI = /[\u202A-\u202E\u2066-\u2069]/;

export const checks: readonly Check[] = [
  {
    reviewer: 'security',
    rule: 'bidirectional-control',
    severity: 'error',
    look: pattern('any', BIDI, 'An invisible character reorders this line: what is read is not what is run.'),
  },
  {
    reviewer: 'security',
    rule: 'pipe-to-shell',
    severity: 'warning',
    look: pattern(
      ['Shell', 'Dockerfile', 'Makefile', 'YAML'],
      /^(?!\s*#).*\b(curl|wget)\b[^|;&]*\|\s*(sudo\s+)?(ba|z|da)?sh\b/,
      'A download is run as it arrives; pin it, check its digest, then run it.',
    ),
  },
  {
    reviewer: 'security',
    rule: 'python-shell',
    severity: 'warning',
    look: pattern(
      ['Python'],
      /^(?!\s*#).*(\bshell\s*=\s*True\b|\bos\.system\s*\()/,
      'The command goes through a shell: any text that is inserted into it can run as a command.',
    ),
  },
  {
    reviewer: 'security',
    rule: 'python-unsafe-load',
    severity: 'warning',
    look: pattern(
      ['Python'],
      /^(?!\s*#).*(\bpickle\.loads?\s*\(|\byaml\.load\s*\((?!.*(Safe|CSafe|Base)Loader))/,
      'Loading this format runs code that the data chooses; use a format or a loader that cannot.',
    ),
  },
  {
    reviewer: 'security',
    rule: 'certificate-check-off',
    severity: 'warning',
    look: pattern(
      ['Python', 'JavaScript', 'TypeScript', 'Go', 'Shell', 'Dockerfile'],
      /(\bverify\s*=\s*False\b)|(\brejectUnauthorized\s*:\s*false\b)|(\bInsecureSkipVerify\s*:\s*true\b)|(NODE_TLS_REJECT_UNAUTHORIZED\s*=\s*["']?0)/,
      'Certificates are not checked, so anyone on the way can answer.',
    ),
  },
  { reviewer: 'correctness', rule: 'merge-conflict', severity: 'error', look: conflicts },
  { reviewer: 'correctness', rule: 'invalid-utf8', severity: 'warning', look: encoding },
  { reviewer: 'correctness', rule: 'invalid-json', severity: 'error', look: checkJson },
  { reviewer: 'correctness', rule: 'invalid-yaml', severity: 'error', look: checkYaml },
  { reviewer: 'style', rule: 'trailing-space', severity: 'info', look: trailing },
  { reviewer: 'style', rule: 'mixed-indentation', severity: 'info', look: indentation },
  { reviewer: 'style', rule: 'mixed-line-endings', severity: 'info', look: endings },
  { reviewer: 'style', rule: 'no-final-newline', severity: 'info', look: ending },
  {
    reviewer: 'documentation',
    rule: 'notes-for-later',
    severity: 'info',
    look: tally(
      (line) => /(\/\/|#|\/\*|\*|--|;|%)\s*(TODO|FIXME|XXX|HACK)\b/.test(line.slice(0, 2000)),
      (count) => `${plural(count, 'note')} for later (TODO, FIXME, XXX or HACK) in this file.`,
    ),
  },
];
