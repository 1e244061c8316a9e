/** Writes docs/verification.md from a run of the claims, without times, so that two runs give the same page.
 *  `node scripts/verification.ts [--check]` */
import { readFileSync, writeFileSync } from 'node:fs';
import { format } from 'prettier';
import {
  CLAIMS,
  CRITERIA,
  judge,
  judgeMutants,
  MAPPINGS,
  PROOFS,
  weakest,
  type Judged,
} from '../specs/index.ts';

const BOUNDS = { agents: 3, lines: 1, runs: 1_000, seed: 1 };
const PAGE = new URL('../docs/verification.md', import.meta.url);

const MEANING: Readonly<Record<string, string>> = {
  isomorphism: 'each side’s steps are the other’s, as far as it was looked',
  simulation: 'what the hardware does, ours does; ours does more, so the other direction does not hold',
  holds: 'no counter-example within the bound',
  'not built': 'there is no mechanism to judge yet',
  fails: 'there is a counter-example',
};

export async function verificationPage(): Promise<string> {
  const judged: Judged[] = [];
  for await (const one of judge(BOUNDS, [...CLAIMS, ...PROOFS])) judged.push(one);
  const cell = (mapping: string, criterion: string) =>
    weakest(
      judged
        .filter(({ claim }) => claim.mapping === mapping && claim.criterion === criterion)
        .map(({ finding }) => finding.verdict),
    );
  const rows = MAPPINGS.map(
    (mapping) => `| ${mapping} | ${CRITERIA.map((c) => cell(mapping, c)).join(' | ')} |`,
  );
  const claims = judged.map(({ claim, finding: { verdict, bound, states, transitions, runs } }) => {
    const counts = [
      states === undefined ? [] : `${states} states`,
      transitions === undefined ? [] : `${transitions} transitions`,
      runs === undefined ? [] : `${runs} runs`,
    ].flat();
    return `### ${claim.mapping}, ${claim.criterion}: ${verdict}\n\n${claim.property}\n\n- by ${claim.instrument}: ${bound}\n${counts.length === 0 ? '' : `- ${counts.join(', ')}\n`}- source: ${claim.source}\n`;
  });
  const mutants: string[] = [];
  for await (const { machine, total, killed, equivalent, survivors } of judgeMutants())
    mutants.push(`| ${machine} | ${total} | ${killed} | ${equivalent.length} | ${survivors.length} |`);
  const text = `# What has been verified

This page is written by \`npm run docs:verification\` from a run of the claims; \`tutti verify\` runs them again, further if asked (\`--agents\`, \`--lines\`, \`--runs\`, \`--mutants\`, \`--prove\`, \`--litmus FILE\`).

The paper claims that seven mechanisms of hardware and of agents are the same in operation, in what they guarantee and in how they fail (Definition 6, Table 3). A cell shows the weakest verdict of its claims.

| mapping | ${CRITERIA.join(' | ')} |
| --- | --- | --- | --- |
${rows.join('\n')}

${Object.entries(MEANING)
  .map(([verdict, meaning]) => `- **${verdict}**: ${meaning}.`)
  .join('\n')}

What is explored is explored completely, and only up to its bound: three agents say nothing certain of thirty. What is proved holds for any number of them, of the abstraction that [decision 0029](decisions/0029-what-prove-proves.md) describes. What is drawn at random is a sample. The oracles import nothing and were written from the sources that each claim names, but by people who know the machines. What is not judged stands in [decision 0028](decisions/0028-what-verify-does-not-judge.md).

## What the checks are worth

Every mistake of one step in a machine's table (a transition left out or led elsewhere, an action left out or swapped with its neighbour, a guard left out) is run through the instruments that judge the machine. What none of them tells apart is shown equivalent by walking machine and mutant side by side, or it is a survivor: a hole.

| machine | mutants | killed | shown equivalent | survivors |
| --- | --- | --- | --- | --- |
${mutants.join('\n')}

## The claims

${claims.join('\n')}`;
  return format(text, { parser: 'markdown', printWidth: 110 });
}

if (import.meta.main) {
  const page = await verificationPage();
  if (!process.argv.includes('--check')) writeFileSync(PAGE, page);
  else if (readFileSync(PAGE, 'utf8') !== page) {
    console.error('docs/verification.md is out of date: npm run docs:verification');
    process.exitCode = 1;
  }
}
