/** The command line. Exit codes: 0 fine, 1 the performance failed, 2 bad usage or bad input, 3 held, 130 interrupted.
 *
 *  Only what describes the commands is imported here; each action imports its command. */
import { readFileSync } from 'node:fs';
import { Command, CommanderError } from 'commander';
import { MAPPINGS } from '../../specs/harness/claim.ts';
import { STRATEGIES } from '../coherence/strategy.ts';
import type { RoutingFlags } from './bench-routing.ts';
import type { BenchFlags } from './bench.ts';
import type { ResumeFlags, StoreFlags } from './durable.ts';
import type { PerformFlags } from './perform.ts';
import type { SimulateFlags } from './simulate.ts';
import type { ViewFlags } from './view.ts';
import type { VerifyFlags } from './verify.ts';
import { number, parseChoice } from './usage.ts';

const { version } = JSON.parse(readFileSync(findPackage(), 'utf8')) as { version: string };
const cli = new Command('tutti');
const gather = (value: string, before: readonly string[]): string[] => [...before, value];
let exitCode = 0;
// A reader of our output may stop early (`| head`). That is not an error.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(process.exitCode ?? exitCode);
  console.error(`tutti: standard output cannot be written to (${error.message}).`);
  process.exit(1);
});
// The work goes on when its progress cannot be written.
process.stderr.on('error', () => {});
const then = async (code: Promise<number>): Promise<void> => {
  exitCode = await code;
};

cli
  .description('Coordinates many agents the way a processor coordinates its units.')
  .version(version)
  .option('--debug', 'show stack traces')
  .configureHelp({ minWidthToWrap: 16 })
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
    number('--max-concurrency', { from: 1, to: 1_000_000 }),
  )
  .option(
    '--timeout <seconds>',
    'cancel the performance after this long',
    number('--timeout', { above: 0, to: 2_000_000, whole: false, unit: 'seconds' }),
  )
  .option(
    '--programs <n>',
    'how many programs may run at once; default: four per core',
    number('--programs', { from: 1, to: 1_000_000 }),
  )
  .option('--out <dir>', 'write every output, and a picture of the timeline, to this folder')
  .option('--json', 'print the report as JSON, and nothing else, on standard output')
  .option('--quiet', 'no progress, only outputs')
  .option('--trace <file>', "write what happens as JSON lines, in Stately's inspection format")
  .option('--cue <step>', 'let this step go on when it is held; may be given many times', gather, [])
  .option('--durable [dir]', 'keep the run, so that it can be resumed after a crash; default: .tutti')
  .option('--run-id <id>', 'the id of the durable run')
  .option('--answer <step=value>', "answer a step's question; may be given many times", gather, [])
  .option(
    '--refuse <step>',
    'refuse a step that is held, or STEP=REASON; may be given many times',
    gather,
    [],
  )
  .option('--inspect', 'serve a page that shows what happens, until Ctrl-C')
  .option('--open', 'open that page in the browser')
  .action(async (file: string, flags: PerformFlags) =>
    then((await import('./perform.ts')).performCommand(file, flags)),
  );

const folder = ['--durable <dir>', 'the folder of the runs; default: .tutti'] as const;
cli
  .command('resume')
  .description('go on with a durable run whose process has ended')
  .argument('<run>', 'its id, as `tutti runs` lists it')
  .option(...folder)
  .option('--did <step=value>', 'the effect of a cut-off step took place, with this result', gather, [])
  .option('--redo <step>', 'the effect of a cut-off step did not take place: do it again', gather, [])
  .option('--fail <step>', 'give a cut-off step up', gather, [])
  .option('--adopt', 'go on with a score that has changed in steps that have not begun')
  .option('--cue <step>', 'let this step go on when it is held; may be given many times', gather, [])
  .option('--answer <step=value>', "answer a step's question; may be given many times", gather, [])
  .option('--refuse <step>', 'refuse a step that is held, or STEP=REASON', gather, [])
  .option('--out <dir>', 'write every output, and a picture of the timeline, to this folder')
  .option('--json', 'print the report as JSON, and nothing else, on standard output')
  .option('--quiet', 'no progress, only outputs')
  .action(async (run: string, flags: ResumeFlags) =>
    then((await import('./durable.ts')).resumeCommand(run, flags)),
  );
const runs = cli
  .command('runs')
  .description('list durable runs')
  .option(...folder)
  .option('--json', 'print JSON')
  .action(async (flags: StoreFlags & { json?: boolean }) => {
    exitCode = (await import('./durable.ts')).runsCommand(flags);
  });
runs
  .command('rm')
  .description('remove runs; their ids are not used again')
  .argument('<run...>', 'their ids')
  .action(async (ids: string[]) => {
    exitCode = (await import('./durable.ts')).removeCommand(ids, runs.opts());
  });
runs
  .command('shrink')
  .description('keep only the beginning, outputs, usage and end of runs that have ended')
  .argument('[run...]', 'their ids; default: all that have ended')
  .option(
    '--days <n>',
    'only those that ended so many days ago',
    number('--days', { from: 0, to: 36_500 }),
    0,
  )
  .action(async (ids: string[], { days }: { days: number }) => {
    exitCode = (await import('./durable.ts')).shrinkCommand(ids, { ...runs.opts(), days });
  });
cli
  .command('cue')
  .description('let a held step of a durable run go on, whether or not a process performs it')
  .argument('<run>', 'the id of the run')
  .argument('<step>', 'the step')
  .argument('[value]', 'an answer, as JSON or text')
  .option(...folder)
  .action(async (run: string, step: string, value: string | undefined, flags: StoreFlags) => {
    exitCode = await (await import('./durable.ts')).cueCommand(run, step, value, flags);
  });
cli
  .command('refuse')
  .description('refuse a held step of a durable run')
  .argument('<run>', 'the id of the run')
  .argument('<step>', 'the step')
  .argument('[reason]', 'why')
  .option(...folder)
  .action(async (run: string, step: string, reason: string | undefined, flags: StoreFlags) => {
    exitCode = await (await import('./durable.ts')).refuseCommand(run, step, reason, flags);
  });

cli
  .command('simulate')
  .description('perform a recorded workflow (WfFormat 1.5) in virtual time')
  .argument('<file>', 'the workflow')
  .option(
    '--units <n|inf>',
    'how many tasks may run at once',
    number('--units', { from: 1, to: 2 ** 20, words: { inf: Infinity } }),
  )
  .option(
    '--dispatch <how>',
    'reactive, batch or sequential',
    parseChoice('--dispatch', ['reactive', 'batch', 'sequential']),
    'reactive',
  )
  .option('--priority <what>', 'path or fifo', parseChoice('--priority', ['path', 'fifo']), 'path')
  .option('--json', 'print JSON')
  .action(async (file: string, flags: SimulateFlags) =>
    then((await import('./simulate.ts')).simulateCommand(file, flags)),
  );

cli
  .command('view')
  .description('show a trace in the browser; prints the address')
  .argument('[file]', 'a trace, as --trace writes it; without one the page asks for a file')
  .option('--port <n>', 'the port (default: any that is free)', number('--port', { from: 1, to: 65_535 }))
  .option('--open', 'open the page in the browser')
  .action(async (file: string | undefined, flags: ViewFlags) =>
    then((await import('./view.ts')).viewCommand(file, flags)),
  );

cli
  .command('check')
  .description('validate a score and print its dependences after renaming')
  .argument('<score>', 'the score file')
  .option('--format <format>', 'text or mermaid', parseChoice('--format', ['text', 'mermaid']), 'text')
  .action(async (file: string, flags: { format: 'text' | 'mermaid' }) =>
    then((await import('./check.ts')).checkCommand(file, flags)),
  );

cli
  .command('train-router')
  .description('fit the difficulty estimator on outcomes (prompt, weak, strong)')
  .argument('<data>', 'JSON or JSON lines')
  .requiredOption('--out <file>', 'where the router goes')
  .action(async (data: string, flags: { out: string }) =>
    then((await import('./router.ts')).trainCommand(data, flags)),
  );

cli
  .command('evaluate-router')
  .description('how good a router is, beside random, prompt length and the oracle')
  .argument('<data>', 'JSON or JSON lines')
  .option('--router <file>', 'a trained router; without one, cross-validation')
  .option('--json', 'print JSON')
  .action(async (data: string, flags: { router?: string; json?: boolean }) =>
    then((await import('./router.ts')).evaluateCommand(data, flags)),
  );

cli
  .command('verify')
  .description('judge the claims of isomorphism: the seven mappings by the three criteria')
  .option(
    '--only <what>',
    "one mapping, or 'api': what is judged through the public API",
    parseChoice('--only', [...MAPPINGS, 'api']),
  )
  .option('--agents <n>', 'agents that share a key', number('--agents', { from: 2, to: 5 }), 3)
  .option('--lines <n>', 'keys that they share', number('--lines', { from: 1, to: 2 }), 1)
  .option(
    '--runs <n>',
    'random runs of an instrument that draws them',
    number('--runs', { from: 1, to: 1_000_000 }),
    1_000,
  )
  .option('--seed <n>', 'what random runs are drawn from', number('--seed', { from: 0, to: 2 ** 31 }), 1)
  .option('--mutants', 'also run every mutant of every machine through the instruments; about a minute')
  .option('--prove', 'also prove what holds for any number of agents; needs the package z3-solver')
  .option('--litmus <file>', 'judge the tests of a litmus file, and nothing else')
  .option('--save <dir>', 'write each counter-example to this folder, for `tutti view`')
  .option('--json', 'print JSON')
  .action(async (flags: VerifyFlags) => then((await import('./verify.ts')).verifyCommand(flags)));

const bench = cli.command('bench').description('run the published benchmarks again');
bench
  .command('coherence')
  .description('tokens, hits, stale reads and blind writes on the canonical trace')
  .option('--strategy <name>', 'one of the strategies', parseChoice('--strategy', STRATEGIES))
  .option('--delta', 'send differences to readers that hold an older version')
  .option(
    '--write-probability <p>',
    'instead of the four scenarios',
    number('--write-probability', { from: 0, to: 1, whole: false }),
  )
  .option('--seed <n>', 'the first seed', number('--seed', { from: 0, to: 2 ** 50 }))
  .option('--runs <n>', 'how many seeds', number('--runs', { from: 1, to: 10_000 }))
  .option('--sweep', 'write probabilities .05 to 1')
  .option('--json', 'print JSON')
  .action(async (flags: BenchFlags) => then((await import('./bench.ts')).benchCoherenceCommand(flags)));

bench
  .command('routing')
  .description("the paper's ten tasks by cost, and the governors under recorded and made-up loads")
  .option('--picture <file>', 'where to write the traces as SVG')
  .option('--json', 'print JSON')
  .action(async (flags: RoutingFlags) =>
    then((await import('./bench-routing.ts')).benchRoutingCommand(flags)),
  );

try {
  await cli.parseAsync();
} catch (error) {
  // commander has printed its own errors
  if (error instanceof CommanderError) exitCode = error.exitCode === 0 ? 0 : 2;
  else exitCode = (await import('./explain.ts')).reportError(error, cli.opts()['debug'] === true);
}
process.exitCode = exitCode;
// An agent may have left a timer or a connection behind. It does not keep the command from ending.
process.stdout.write('', () => process.stderr.write('', () => process.exit()));

/** Beside the sources, or one folder further up from what is built. */
function findPackage(): URL {
  const built = import.meta.url.includes('/dist/');
  return new URL(built ? '../../../package.json' : '../../package.json', import.meta.url);
}
