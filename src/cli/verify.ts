/** `tutti verify`: the paper's Table 3, filled in by what instruments found. */
import {
  CRITERIA,
  MAPPINGS,
  type Counterexample,
  type Criterion,
  type MappingName,
} from '../../specs/claim.ts';
import {
  CLAIMS,
  fellShort,
  judge,
  judgeMutants,
  weakest,
  type Judged,
  type MutantReport,
} from '../../specs/verify.ts';
import { seconds } from '../timeline-picture.ts';
import { interrupted } from './interrupt.ts';

export interface VerifyFlags {
  readonly only?: MappingName;
  readonly agents: number;
  readonly runs: number;
  readonly seed: number;
  readonly mutants?: boolean;
  readonly json?: boolean;
}

/** @returns 0, or 1 when a claim fell short of what is expected of it, or 130 when interrupted. */
export async function verifyCommand(flags: VerifyFlags): Promise<number> {
  const { only, agents, runs, seed } = flags;
  const interrupt = interrupted();
  const say = (line: string) => void process.stderr.write(`${line}\n`);
  const judged: Judged[] = [];
  const mutants: MutantReport[] = [];
  try {
    const claims = CLAIMS.filter(({ mapping }) => only === undefined || mapping === only);
    say(`judging ${claims.length} claims`);
    for await (const one of judge({ agents, lines: 1, runs, seed, signal: interrupt.signal }, claims)) {
      judged.push(one);
      const { claim, finding, ms } = one;
      say(
        `${fellShort(one) ? '✘' : '✔'} ${claim.mapping}: ${finding.verdict} (${seconds(ms)})  ${claim.property}`,
      );
    }
    if (flags.mutants) {
      for await (const report of judgeMutants(interrupt.signal)) {
        mutants.push(report);
        say(`· ${report.machine}: ${report.killed} of ${report.total} mutants killed`);
      }
    }
  } catch (error) {
    if (!interrupt.signal.aborted) throw error;
    say(`tutti: interrupted after ${judged.length} claims.`);
    return 130;
  } finally {
    interrupt.forget();
  }
  if (flags.json) process.stdout.write(`${JSON.stringify(asJson(judged, mutants), null, 2)}\n`);
  else
    process.stdout.write(
      table(judged, only) + judged.map(details).join('') + mutants.map(survivors).join(''),
    );
  return judged.some(fellShort) ? 1 : 0;
}

function asJson(judged: readonly Judged[], mutants: readonly MutantReport[]): unknown {
  return {
    claims: judged.map(({ claim, finding }) => {
      const { mapping, criterion, property, expected, instrument } = claim;
      return { mapping, criterion, property, expected, instrument, ...finding };
    }),
    // None is taken for equivalent without a proof.
    mutants: mutants.map((report) => ({ ...report, equivalent: 0 })),
  };
}

/** One row a mapping; a cell is the weakest verdict of its claims. Fits 60 columns. */
function table(judged: readonly Judged[], only: MappingName | undefined): string {
  const cell = (mapping: MappingName, criterion: Criterion) =>
    weakest(
      judged
        .filter(({ claim }) => claim.mapping === mapping && claim.criterion === criterion)
        .map(({ finding }) => finding.verdict),
    );
  const row = (first: string, rest: readonly string[]) =>
    `${first.padEnd(15)}${rest.map((x) => x.padEnd(15)).join('')}`.trimEnd();
  const lines = MAPPINGS.filter((mapping) => only === undefined || mapping === only).map((mapping) =>
    row(
      mapping,
      CRITERIA.map((criterion) => cell(mapping, criterion)),
    ),
  );
  return `${[row('', ['operational', 'invariants', 'failure modes']), ...lines].join('\n')}\n`;
}

function details({ claim, finding, ms }: Judged): string {
  const { states, transitions, runs, bound, counterexample } = finding;
  const counts = [
    states === undefined ? '' : `${states} states`,
    transitions === undefined ? '' : `${transitions} transitions`,
    runs === undefined ? '' : `${runs} runs`,
    seconds(ms),
  ].filter((text) => text !== '');
  return (
    `\n${claim.mapping}, ${claim.criterion}: ${finding.verdict}` +
    `${finding.verdict === claim.expected ? '' : ` (expected: ${claim.expected})`}\n` +
    `  ${claim.property}\n  by ${claim.instrument}: ${bound}\n  ${counts.join(', ')}\n  source: ${claim.source}\n` +
    (counterexample === undefined ? '' : sequence(counterexample))
  );
}

/** A counter-example as a sequence, one line a message. */
function sequence({ what, seed, transcript }: Counterexample): string {
  const lines = transcript.map(
    ({ from, to, text }, i) => `  ${i + 1}. ${from}${to === undefined ? '' : ` → ${to}`}: ${text}`,
  );
  return `  counter-example: ${what}${seed === undefined ? '' : ` (--seed ${seed})`}\n${lines.map((line) => `${line}\n`).join('')}`;
}

function survivors({ machine, total, killed, survivors: left }: MutantReport): string {
  const most = 20;
  const shown = left.slice(0, most).map((name) => `    ${name}\n`);
  const more = left.length > most ? `    and ${left.length - most} more; --json has all\n` : '';
  return `\nmutants of ${machine}: ${killed} of ${total} killed\n${left.length > 0 ? '  survivors:\n' : ''}${shown.join('')}${more}`;
}
