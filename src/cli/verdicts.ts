/** What `tutti verify` prints: Table 3 filled in, then every claim with what judged it, within the terminal's width. */
import {
  CRITERIA,
  HEADINGS,
  MAPPINGS,
  MEANING,
  type Counterexample,
  type Criterion,
  type Heading,
  type MappingName,
} from '../../specs/harness/claim.ts';
import type { MutantReport } from '../../specs/mutation.ts';
import { sequenceText } from '../../specs/harness/transcript.ts';
import { evidenceOf, fellShort, weakest, type Judged } from '../../specs/verify.ts';
import { ALL_CLAIMS } from '../verify/claims.ts';
import { seconds } from '../score/timeline-picture.ts';

/** A table that is narrower than this cannot be read. */
const LEAST = 40;
/** Wider than this no diagram becomes clearer. */
const WIDEST = 120;
const SHORT: Readonly<Record<Criterion, string>> = {
  'operational semantics': 'operational',
  'invariant guarantees': 'invariants',
  'failure modes': 'failure modes',
};

/** @param columns of the terminal; a pipe has 80. */
export function verdicts(
  judged: readonly Judged[],
  mutants: readonly MutantReport[],
  only: MappingName | 'api' | undefined,
  columns = 80,
): string {
  const width = Math.max(LEAST, columns);
  const mappings = MAPPINGS.filter((mapping) => only === undefined || only === 'api' || mapping === only);
  const parts = [table(judged, mappings)];
  for (const mapping of mappings) {
    for (const criterion of HEADINGS) {
      const cell = of(judged, mapping, criterion);
      if (cell.length === 0) continue;
      const title = `${mapping}, ${criterion}: ${verdictOf(cell)}`;
      parts.push(`\n${title}\n${cell.map((one) => claimText(one, width)).join('')}`);
    }
  }
  parts.push(...mutants.map((report) => `\n${mutantText(report, width)}`));
  parts.push(`\n${legend(judged, width)}`);
  const wrong = judged.filter(fellShort).length;
  const sum =
    wrong === 0
      ? `All ${judged.length} claims are as expected.`
      : `${wrong} of ${judged.length} claims fall short of what is expected.`;
  parts.push(`\n${wrapped(sum, width, '')}`);
  return parts.join('');
}

const of = (judged: readonly Judged[], mapping: MappingName, criterion: Heading): Judged[] =>
  judged.filter(({ claim }) => claim.mapping === mapping && claim.criterion === criterion);
/** The weakest verdict of a cell; what is built and was not asked for says so. */
function inTable(judged: readonly Judged[], mapping: MappingName, criterion: Criterion): string {
  const cell = of(judged, mapping, criterion);
  const built = ALL_CLAIMS.some((claim) => claim.mapping === mapping && claim.criterion === criterion);
  return cell.length === 0 && built ? 'not judged' : verdictOf(cell);
}
const verdictOf = (cell: readonly Judged[]) => weakest(cell.map(({ finding }) => finding.verdict));

/** What the words above mean: those that occur. */
function legend(judged: readonly Judged[], width: number): string {
  const words = new Set(judged.flatMap((one) => [one.finding.verdict, evidenceOf(one)]));
  words.add('not built');
  const known = Object.entries(MEANING).filter(([word]) => words.has(word as keyof typeof MEANING));
  return known.map(([word, meaning]) => wrapped(`${word}: ${meaning}.`, width, '')).join('');
}

/** One row a mapping; a cell is the weakest verdict of its claims. Fits 60 columns. */
function table(judged: readonly Judged[], mappings: readonly MappingName[]): string {
  const row = (first: string, rest: readonly string[]) =>
    `${first.padEnd(15)}${rest.map((x) => x.padEnd(15)).join('')}`.trimEnd();
  const lines = mappings.map((mapping) =>
    row(
      mapping,
      CRITERIA.map((criterion) => inTable(judged, mapping, criterion)),
    ),
  );
  return `${[row('', Object.values(SHORT)), ...lines].join('\n')}\n`;
}

function claimText(one: Judged, width: number): string {
  const { claim, finding, ms } = one;
  const { verdict, bound, counterexample } = finding;
  const expected = verdict === claim.expected ? '' : ` (expected: ${claim.expected})`;
  return (
    wrapped(
      `${fellShort(one) ? '✘' : '✔'} ${verdict}${expected}, ${howFound(one)}: ${claim.property}`,
      width,
      '  ',
    ) +
    wrapped(
      `by ${claim.instrument}, ${[...countsOf(one), seconds(ms)].join(', ')}: ${bound}`,
      width,
      '    ',
    ) +
    wrapped(`source: ${claim.source}`, width, '    ') +
    (counterexample === undefined
      ? ''
      : fellShort(one)
        ? sequence(counterexample, width)
        : wrapped(
            `counter-example, as expected: ${counterexample.what} (${counterexample.transcript.length} messages; --save keeps them)`,
            width,
            '    ',
          ))
  );
}

/** How a verdict was obtained, in words that stand before its bound. */
export const howFound = (one: Judged): string =>
  ({ proved: 'proved', explored: 'explored completely', sampled: 'sampled' })[evidenceOf(one)];

/** `37 states`, and what else was counted. */
export const countsOf = ({ finding: { states, transitions, runs } }: Judged): string[] =>
  [
    states === undefined ? '' : `${states} states`,
    transitions === undefined ? '' : `${transitions} transitions`,
    runs === undefined ? '' : `${runs} runs`,
  ].filter((text) => text !== '');

/** What went wrong, and the way there as a sequence diagram. */
function sequence(counterexample: Counterexample, width: number): string {
  const { seed, ...drawn } = counterexample;
  const replay = seed === undefined ? '' : ` (--seed ${seed})`;
  return `    counter-example${replay}:\n${sequenceText(drawn, { width: Math.min(width, WIDEST) })}\n`;
}

const SHOWN = 20;
function mutantText({ machine, total, killed, equivalent, survivors }: MutantReport, width: number): string {
  const shown = survivors.slice(0, SHOWN).map((name) => wrapped(name, width, '    '));
  const more = survivors.length > SHOWN ? `    and ${survivors.length - SHOWN} more; --json has all\n` : '';
  const same = equivalent.length === 0 ? '' : `, ${equivalent.length} shown equivalent`;
  const left = survivors.length === 0 ? '' : ', survivors:';
  return `${wrapped(`mutants of ${machine}: ${killed} of ${total} killed${same}${left}`, width, '')}${shown.join('')}${more}`;
}

/** Lines of at most so many columns, each with the indent; a word that is longer stands alone. */
function wrapped(text: string, width: number, indent: string): string {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(/\s+/)) {
    const before = indent.length + (lines.length > 0 ? 2 : 0);
    if (line !== '' && before + line.length + 1 + word.length > width) {
      lines.push(line);
      line = word;
    } else line = line === '' ? word : `${line} ${word}`;
  }
  return [...lines, line].map((one, i) => `${indent}${i > 0 ? '  ' : ''}${one}\n`).join('');
}
