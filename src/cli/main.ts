/** The command line. Exit codes: 0 fine, 1 the performance failed, 2 bad usage or bad input, 130 interrupted. */
import { readFileSync } from 'node:fs';
import { Command, CommanderError } from 'commander';
import { ScoreError } from '../../actors/program.ts';
import { LadderError } from '../../machines/operating-point.ts';
import { MAPPINGS } from '../../specs/claim.ts';
import { LitmusFileError } from '../../specs/mesi/litmus/file.ts';
import { ScoreFileError } from '../node/load-score.ts';
import { UsageError as CoherenceUsageError } from '../coherence/errors.ts';
import { RoutingConfigError, RoutingDataError } from '../routing/index.ts';
import { MissingPackageError, UnknownModelError } from '../models/errors.ts';
import { MissingKeyError } from '../models/provider.ts';
import { SchemaError } from '../schema.ts';
import { WfFormatError } from '../wfformat.ts';
import { benchRoutingCommand, type RoutingFlags } from './bench-routing.ts';
import { benchCoherenceCommand, STRATEGIES, type BenchFlags } from './bench.ts';
import { checkCommand } from './check.ts';
import { performCommand, type PerformFlags } from './perform.ts';
import { simulateCommand, type SimulateFlags } from './simulate.ts';
import { evaluateCommand, trainCommand } from './router.ts';
import { viewCommand, type ViewFlags } from './view.ts';
import { verifyCommand, type VerifyFlags } from './verify.ts';
import { safeDetails, safeMessage } from './secrets.ts';
import { fraction, oneOf, seconds, UsageError, wholeNumber } from './usage.ts';

const { version } = JSON.parse(readFileSync(findPackage(), 'utf8')) as { version: string };
const cli = new Command('tutti');
const gather = (value: string, before: readonly string[]): string[] => [...before, value];
let exitCode = 0;
// Whoever reads us may stop early (`| head`): that is no fault.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(process.exitCode ?? exitCode);
  console.error(`tutti: standard output cannot be written to (${error.message}).`);
  process.exit(1);
});
// Progress that nobody can read is no reason to give up the work.
process.stderr.on('error', () => {});
const then = (code: Promise<number>): Promise<void> => code.then((value) => void (exitCode = value));

cli
  .description('Coordinates many agents the way a processor coordinates its units.')
  .version(version)
  .option('--debug', 'show stack traces')
  .exitOverride()
  .showHelpAfterError('(tutti --help, or tutti COMMAND --help, says more)');

cli
  .command('perform')
  .description('perform a score (YAML or JSON)')
  .argument('<score>', 'the score file')
  .option('--input <key=value>', "a value of the score's input; may be given many times", gather, [])
  .option(
    '--model <provider:name>',
    'short for --input model=provider:name; several, by commas, are asked in order',
    (name: string) => name,
  )
  .option('--input-file <file>', 'the input as JSON or YAML')
  .option(
    '--max-concurrency <n>',
    'how many steps may run at once',
    wholeNumber('--max-concurrency', 1, 1_000_000),
  )
  .option(
    '--programs <n>',
    'how many programs may run at once; default: four per core',
    wholeNumber('--programs', 1, 1_000_000),
  )
  .option('--timeout <seconds>', 'cancel the performance after this long', seconds('--timeout'))
  .option('--out <dir>', 'write every output, and a picture of the timeline, to this folder')
  .option('--json', 'print the report as JSON, and nothing else, on standard output')
  .option('--quiet', 'no progress, only outputs')
  .option('--trace <file>', "write what happens as JSON lines, in Stately's inspection format")
  .option('--inspect', 'show what happens on a page of this machine, while it does')
  .action((file: string, flags: PerformFlags) => then(performCommand(file, flags)));

cli
  .command('simulate')
  .description('perform a recorded workflow (WfFormat 1.5) in virtual time')
  .argument('<file>', 'the workflow')
  .option('--units <n|inf>', 'how many tasks may run at once', (text: string) =>
    text === 'inf' ? undefined : wholeNumber('--units', 1, 1_048_576)(text),
  )
  .option(
    '--dispatch <how>',
    'reactive, batch or sequential',
    oneOf('--dispatch', ['reactive', 'batch', 'sequential']),
    'reactive',
  )
  .option('--priority <what>', 'path or fifo', oneOf('--priority', ['path', 'fifo']), 'path')
  .option('--json', 'print JSON')
  .action((file: string, flags: SimulateFlags) => then(simulateCommand(file, flags)));

cli
  .command('view')
  .description('show a trace in the browser (opens none by itself; prints the address)')
  .argument('[file]', 'a trace, as --trace writes it; without one the page asks for a file')
  .option('--port <n>', 'the port; any that is free unless told', wholeNumber('--port', 1, 65_535))
  .action((file: string | undefined, flags: ViewFlags) => then(viewCommand(file, flags)));

cli
  .command('check')
  .description('validate a score and print its dependences after renaming')
  .argument('<score>', 'the score file')
  .option('--format <format>', 'text or mermaid', oneOf('--format', ['text', 'mermaid']), 'text')
  .action((file: string, flags: { format: 'text' | 'mermaid' }) => then(checkCommand(file, flags)));

cli
  .command('train-router')
  .description('fit the difficulty estimator on outcomes (prompt, weak, strong)')
  .argument('<data>', 'JSON or JSON lines')
  .requiredOption('--out <file>', 'where the router goes')
  .action((data: string, flags: { out: string }) => then(trainCommand(data, flags)));

cli
  .command('evaluate-router')
  .description('how good a router is, beside random, prompt length and the oracle')
  .argument('<data>', 'JSON or JSON lines')
  .option('--router <file>', 'a trained router; without one, cross-validation')
  .option('--json', 'print JSON')
  .action((data: string, flags: { router?: string; json?: boolean }) => then(evaluateCommand(data, flags)));

cli
  .command('verify')
  .description('judge the claims of isomorphism: the seven mappings by the three criteria')
  .option('--only <mapping>', 'one mapping', oneOf('--only', MAPPINGS))
  .option('--agents <n>', 'agents that share a key', wholeNumber('--agents', 2, 5), 3)
  .option('--lines <n>', 'keys that they share', wholeNumber('--lines', 1, 2), 1)
  .option(
    '--runs <n>',
    'random runs of an instrument that draws them',
    wholeNumber('--runs', 1, 1_000_000),
    1_000,
  )
  .option('--seed <n>', 'what random runs are drawn from', wholeNumber('--seed', 0, 2 ** 31), 1)
  .option('--mutants', 'also run every mutant of every machine through the instruments; about a minute')
  .option('--prove', 'also prove what holds for any number of agents; needs the package z3-solver')
  .option('--litmus <file>', 'judge the tests of a litmus file, and nothing else')
  .option('--save <dir>', 'write each counter-example to this folder, for `tutti view`')
  .option('--json', 'print JSON')
  .action((flags: VerifyFlags) => then(verifyCommand(flags)));

const bench = cli.command('bench').description('run the published benchmarks again');
bench
  .command('coherence')
  .description('tokens, hits, stale reads and blind writes on the canonical trace')
  .option('--strategy <name>', 'one of the strategies', oneOf('--strategy', STRATEGIES))
  .option('--delta', 'send differences to readers that hold an older version')
  .option('--write-probability <p>', 'instead of the four scenarios', fraction('--write-probability'))
  .option('--seed <n>', 'the first seed', wholeNumber('--seed', 0, 2 ** 50))
  .option('--runs <n>', 'how many seeds', wholeNumber('--runs', 1, 10_000))
  .option('--sweep', 'write probabilities .05 to 1')
  .option('--json', 'print JSON')
  .action((flags: BenchFlags) => then(benchCoherenceCommand(flags)));

bench
  .command('routing')
  .description("the paper's ten tasks by cost, and the governors under recorded and made-up loads")
  .option('--picture <file>', 'where to write the traces as SVG')
  .option('--json', 'print JSON')
  .action((flags: RoutingFlags) => then(benchRoutingCommand(flags)));

try {
  await cli.parseAsync();
  process.exitCode = exitCode;
} catch (error) {
  process.exitCode = explain(error);
}

function explain(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2; // commander has said it
  if (cli.opts()['debug'] === true) console.error(safeDetails(error));
  else console.error(`tutti: ${safeMessage(error)}`);
  const forPeople = [
    UsageError,
    ScoreFileError,
    ScoreError,
    SchemaError,
    WfFormatError,
    RoutingDataError,
    RoutingConfigError,
    CoherenceUsageError,
    LadderError,
    LitmusFileError,
    UnknownModelError,
    MissingKeyError,
    MissingPackageError,
  ];
  if (forPeople.some((kind) => error instanceof kind)) return 2;
  if (cli.opts()['debug'] !== true)
    console.error('tutti: this was not expected; --debug shows where it happened.');
  return 1;
}

/** Beside the sources, or one folder further up from what is built. */
function findPackage(): URL {
  const built = import.meta.url.includes('/dist/');
  return new URL(built ? '../../../package.json' : '../../package.json', import.meta.url);
}
