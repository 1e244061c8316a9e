/** Writes docs/verification.md from a run of the claims, without times, so that two runs give the same page.
 *  `node scripts/verification.ts [--check]` */
import { readFileSync, writeFileSync } from 'node:fs';
import { format } from 'prettier';
import { CHECKER, CRITERIA, MAPPINGS, MEANING } from '../specs/harness/claim.ts';
import { evidenceOf, judge, PROOFS, weakest, type Judged } from '../specs/verify.ts';
import { judgeMutants } from '../specs/mutation.ts';
import { BOOK_STATES } from '../specs/coherence/mapping.ts';
import { ALL_CLAIMS } from '../src/verify/claims.ts';

const BOUNDS = { agents: 3, lines: 1, runs: 1_000, seed: 1 };
const PAGE = new URL('../docs/verification.md', import.meta.url);

const HOW = { proved: 'proved', explored: 'explored completely, up to', sampled: 'sampled' } as const;

/** Runs every claim. */
export async function judgedClaims(): Promise<Judged[]> {
  const judged: Judged[] = [];
  for await (const one of judge(BOUNDS, [...ALL_CLAIMS, ...PROOFS])) judged.push(one);
  return judged;
}

export async function verificationPage(judged: readonly Judged[]): Promise<string> {
  const cell = (mapping: string, criterion: string) =>
    weakest(
      judged
        .filter(({ claim }) => claim.mapping === mapping && claim.criterion === criterion)
        .map(({ finding }) => finding.verdict),
    );
  const rows = MAPPINGS.map(
    (mapping) => `| ${mapping} | ${CRITERIA.map((c) => cell(mapping, c)).join(' | ')} |`,
  );
  const shown = (which: (one: Judged) => boolean) => judged.filter(which).map(claimText).join('\n');
  const mutants: string[] = [];
  for await (const { machine, total, killed, equivalent, survivors } of judgeMutants())
    mutants.push(`| ${machine} | ${total} | ${killed} | ${equivalent.length} | ${survivors.length} |`);
  const text = `# What has been verified

This page is written by \`npm run docs:verification\` from a run of the claims; \`tutti verify\` runs them again, further if asked (\`--agents\`, \`--lines\`, \`--runs\`, \`--mutants\`, \`--prove\`, \`--litmus FILE\`).

The paper claims that seven mechanisms of hardware and of agents are the same in operation, in what they guarantee and in how they fail (Definition 6, Table 3). A cell shows the weakest verdict of its claims.

| mapping | ${CRITERIA.join(' | ')} |
| --- | --- | --- | --- |
${rows.join('\n')}

## How to read a verdict

${Object.entries(MEANING)
  .map(
    ([word, meaning]) =>
      `- **${word}**: ${meaning.replace('docs/decisions/0029', '[decision 0029](decisions/0029-what-prove-proves.md)')}.`,
  )
  .join('\n')}

Claims by the instrument \`api\` run what a user calls: \`perform\`, \`coherence\` and its agents, governors, routers, ledgers and prices. The other claims run machines and actors. The oracles import nothing and were written from the sources that each claim names, but by people who know the machines. [Decision 0028](decisions/0028-what-verify-does-not-judge.md) lists what no claim looks at.

## Our states and the book's

The book's M, a copy that is newer than memory, has no state of its own here, because a write goes through to memory at once: after a write our line is in E. Our M means that the agent owns the key and works with it: it holds it, or its write is about to be sent.

| the line | the book | what the agent may do |
| --- | --- | --- |
${Object.entries(BOOK_STATES)
  .map(([state, { book, may }]) => `| ${state} | ${book} | ${may} |`)
  .join('\n')}

## The claims

${shown(({ claim }) => claim.criterion !== CHECKER)}

## Checks of the checker

These say nothing of the product. A mistake is made on purpose, and an instrument has to find it.

Every mistake of one step in a machine's table (a transition left out or led elsewhere, an action left out or swapped with its neighbour, a guard left out) is run through the instruments that judge the machine. What none of them tells apart is shown equivalent by walking machine and mutant side by side, or it is a survivor: a hole.

| machine | mutants | killed | shown equivalent | survivors |
| --- | --- | --- | --- | --- |
${mutants.join('\n')}

A test breaks the code that users call, one line at a time (\`test/verify/breaks.ts\`); for each break \`tutti verify\` has to end with exit code 1.

${shown(({ claim }) => claim.criterion === CHECKER)}`;
  return format(text, { parser: 'markdown', printWidth: 110 });
}

function claimText(one: Judged): string {
  const { claim, finding } = one;
  const { verdict, bound, states, transitions, runs } = finding;
  const counts = [
    states === undefined ? [] : `${states} states`,
    transitions === undefined ? [] : `${transitions} transitions`,
    runs === undefined ? [] : `${runs} runs`,
  ].flat();
  const how = HOW[evidenceOf(one)];
  return `### ${claim.mapping}, ${claim.criterion}: ${verdict}\n\n${claim.property}\n\n- by ${claim.instrument}; ${how}: ${bound}\n${counts.length === 0 ? '' : `- ${counts.join(', ')}\n`}- source: ${claim.source}\n`;
}

if (import.meta.main) {
  const page = await verificationPage(await judgedClaims());
  if (!process.argv.includes('--check')) writeFileSync(PAGE, page);
  else if (readFileSync(PAGE, 'utf8') !== page) {
    console.error('docs/verification.md is out of date: npm run docs:verification');
    process.exitCode = 1;
  }
}
