/** Runs a whole collection of litmus tests: `node test/bench/litmus.ts FILE [schedules] [schedules through the API]`.
 *  FILE has the form of herdtools7's tests as JSON. First every interleaving of the real lines, and random schedules of
 *  them (10,000 by default); then, if asked for, random schedules through the user's API, of which a part can be drawn.
 *  Exit code 1 when an outcome lies outside sequential consistency, or one inside is never reached; 2 when FILE is not
 *  such a file. */
import { readFileSync } from 'node:fs';
import type { LitmusFile } from '../../specs/harness/claim.ts';
import { checkLitmus, READERS, type LitmusReport } from '../../specs/coherence/litmus/litmus.ts';
import { LitmusFileError, parseLitmus } from '../../specs/coherence/litmus/file.ts';
import { oneMemory } from '../../specs/coherence/litmus/model.ts';
import { runLitmus } from '../../src/verify/litmus.ts';

const [path, schedules = '10000', calls = '0'] = process.argv.slice(2);
if (path === undefined) {
  console.error('usage: node test/bench/litmus.ts FILE [schedules] [schedules through the API]');
  process.exit(2);
}
const file = { ...(JSON.parse(readFileSync(path, 'utf8')) as LitmusFile), name: path };
try {
  const start = performance.now();
  const report = (one: LitmusReport) => {
    const { test, readers, states, transitions, runs, reached, allowed, replayed, partial, ms } = one;
    const explored = `${states} worlds, ${transitions} steps${partial.length > 0 ? ` (not all from ${partial.join(', ')})` : ''}`;
    const verdict = one.counterexample?.what ?? `SC, ${replayed} replayed`;
    console.log(
      `${readers.padEnd(9)} ${test.padEnd(20)} ${explored}, ${runs} schedules, ${(ms / 1_000).toFixed(1)} s: ` +
        `${reached} of ${allowed} outcomes: ${verdict}`,
    );
  };
  const bounds = { agents: 2, lines: 1, runs: Number(schedules), seed: 1 };
  const finding = await checkLitmus(file, bounds, { report });
  console.log(
    `${finding.verdict} in ${((performance.now() - start) / 1_000).toFixed(0)} s: ${finding.bound}; ` +
      `${finding.states} worlds, ${finding.transitions} steps, ${finding.runs} schedules`,
  );
  if (finding.verdict === 'fails') process.exitCode = 1;
} catch (error) {
  if (!(error instanceof LitmusFileError)) throw error;
  console.error(error.message);
  process.exit(2);
}

// Through the API.
for (const readers of Number(calls) > 0 ? READERS : []) {
  for (const test of parseLitmus(file)) {
    const allowed = oneMemory(test.init, test.threads);
    const reached = new Set<string>();
    let seed = 0;
    // At least so many; more, up to ten times, until everything that may happen has happened.
    for (; seed < Number(calls) || (reached.size < allowed.size && seed < 10 * Number(calls)); seed++) {
      reached.add(await runLitmus(test, { seed, readers }));
    }
    const outside = [...reached].find((outcome) => !allowed.has(outcome));
    if (outside !== undefined) process.exitCode = 1;
    const verdict = outside === undefined ? 'SC' : `NOT SC: ${outside}`;
    console.log(
      `API, ${readers.padEnd(9)} ${test.name.padEnd(20)} ${seed} schedules, ${reached.size} of ${allowed.size} outcomes drawn: ${verdict}`,
    );
  }
}
