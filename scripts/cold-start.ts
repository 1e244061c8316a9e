/** What starting costs: the CPU time of `tutti --help` and of importing each entry point, as medians of several runs.
 *  `npm run bench:cold`, after `npm run build`. `node scripts/cold-start.ts --runs 21 --json` changes what is done.
 *
 *  CPU time and not elapsed time, because the latter also measures what else the machine does. An import is measured
 *  within its process, without the start of Node.js itself; a command is measured with it. */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const { values } = parseArgs({
  options: { runs: { type: 'string', default: '11' }, json: { type: 'boolean', default: false } },
});
const runs = Number(values.runs);
if (!(Number.isInteger(runs) && runs >= 1 && runs <= 1_000))
  throw new RangeError(`--runs takes a whole number from 1 to 1000, not '${values.runs}'.`);

/** Runs Node.js and returns the number that the process writes to file descriptor 3. */
function measured(args: readonly string[]): number {
  const { status, output, stderr } = spawnSync(process.execPath, args, {
    cwd: ROOT,
    encoding: 'utf8',
    stdio: ['ignore', 'ignore', 'pipe', 'pipe'],
  });
  if (status !== 0) throw new Error(`node ${args.join(' ')} ended with ${status}: ${stderr}`);
  return Number(output[3]);
}

const report = 'process.on("exit", () => require("fs").writeSync(3, String(cpu())));';
const cpu = (since: string) =>
  `const cpu = () => { const { user, system } = process.cpuUsage(${since}); return (user + system) / 1000; };`;
const importing = (specifier: string) =>
  measured([
    '-e',
    `const since = process.cpuUsage(); ${cpu('since')} ${report} import(${JSON.stringify(specifier)})`,
  ]);
const commanding = (...args: string[]) => {
  const preload = `import { writeSync } from "node:fs"; ${cpu('')} process.on("exit", () => writeSync(3, String(cpu())));`;
  return measured([`--import=data:text/javascript,${encodeURIComponent(preload)}`, 'bin/tutti.js', ...args]);
};

const { exports } = JSON.parse(readFileSync(`${ROOT}/package.json`, 'utf8')) as { exports: object };
const entries = Object.keys(exports)
  .filter((key) => !key.endsWith('.json'))
  .map((key) => key.replace('.', 'tutti'));
const measures: [what: string, measure: () => number][] = [
  ['node', () => measured(['-e', `${cpu('')} ${report}`])],
  ['tutti --help', () => commanding('--help')],
  ['tutti check', () => commanding('check', 'docs/examples/first-score/score.yaml')],
  ...[...entries, 'xstate', 'rxjs', 'zod'].map((entry): [string, () => number] => [
    `import '${entry}'`,
    () => importing(entry),
  ]),
];

const median = (numbers: number[]): number => numbers.sort((a, b) => a - b)[numbers.length >> 1] as number;
const found = new Map<string, number[]>(measures.map(([what]) => [what, []]));
// Round after round, so that a busy minute does not fall on one of them.
for (let run = 0; run < runs; run++) for (const [what, measure] of measures) found.get(what)?.push(measure());
const medians = [...found].map(([what, all]) => ({ what, ms: Math.round(median(all)) }));

if (values.json) console.log(JSON.stringify({ runs, cpuMs: medians }, null, 2));
else for (const { what, ms } of medians) console.log(`${what.padEnd(28)}${String(ms).padStart(6)} ms CPU`);
