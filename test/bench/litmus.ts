/** Runs a whole collection of litmus tests through the real lines, with random lag: `node test/bench/litmus.ts FILE
 *  [schedules]`. FILE has the form of herdtools7's tests as JSON, with `outcomesSC` for each. Exit code 1 when an
 *  outcome lies outside sequential consistency, or one inside is never reached. */
import { readFileSync } from 'node:fs';
import { normalise, runLitmus, type Litmus } from '../coherence.litmus.ts';

const [file, schedules = '10000'] = process.argv.slice(2);
if (file === undefined) {
  console.error('usage: node test/bench/litmus.ts FILE [schedules]');
  process.exit(2);
}
const { tests } = JSON.parse(readFileSync(file, 'utf8')) as { tests: Litmus[] };
let failed = 0;
for (const readers of ['wait', 'committed'] as const) {
  for (const test of tests) {
    const allowed = new Set(test.outcomesSC.map((outcome) => normalise(outcome.split(';'))));
    const reached = new Set<string>();
    let seed = 0;
    // At least so many; more, up to ten times, until everything that may happen has happened.
    for (
      ;
      seed < Number(schedules) || (reached.size < allowed.size && seed < 10 * Number(schedules));
      seed++
    ) {
      reached.add(await runLitmus(test, { seed, readers }));
    }
    const outside = [...reached].filter((outcome) => !allowed.has(outcome));
    const never = [...allowed].filter((outcome) => !reached.has(outcome));
    if (outside.length + never.length > 0) failed++;
    const verdict =
      outside.length > 0 ? `NOT SC: ${outside[0]}` : never.length > 0 ? `never reached: ${never[0]}` : 'SC';
    console.log(
      `${readers.padEnd(9)} ${test.name.padEnd(24)} ${seed} schedules, ${reached.size} of ${allowed.size} outcomes: ${verdict}`,
    );
  }
}
process.exit(failed === 0 ? 0 : 1);
