/** `tutti verify`: the paper's Table 3, filled in with what instruments found. */
import { createLogUpdate } from 'log-update';
import type { Bounds, Claim, LitmusFile, MappingName } from '../../specs/harness/claim.ts';
import { ALL_CLAIMS } from '../verify/claims.ts';
import { LitmusFileError, parseLitmus } from '../../specs/coherence/litmus/file.ts';
import { judgeMutants, type MutantReport } from '../../specs/mutation.ts';
import { evidenceOf, fellShort, judge, PROOFS, unbuilt, type Judged } from '../../specs/verify.ts';
import { messageOf } from '../../actors/tomasulo/errors.ts';
import { readText } from '../node/text-file.ts';
import { seconds } from '../score/timeline-picture.ts';
import { interrupted } from './interrupt.ts';
import { saveCounterexamples } from './save.ts';
import { columnsOf } from './terminal.ts';
import { CommandLineError } from './usage.ts';
import { verdicts } from './verdicts.ts';

export interface VerifyFlags {
  /** A mapping, or the claims of all mappings that are judged through the public API. */
  readonly only?: MappingName | 'api';
  readonly agents: number;
  readonly lines: number;
  readonly runs: number;
  readonly seed: number;
  readonly mutants?: boolean;
  readonly prove?: boolean;
  readonly litmus?: string;
  readonly save?: string;
  readonly json?: boolean;
}

/** @returns 0, or 1 when a claim fell short of what is expected of it or a mutant survives, or 130 when interrupted. */
export async function verifyCommand(flags: VerifyFlags): Promise<number> {
  const { only, agents, lines, runs, seed } = flags;
  const litmus = flags.litmus === undefined ? undefined : await litmusFile(flags.litmus);
  const claims = claimsFor(flags, litmus);
  if (claims.length === 0 && (only === 'api' || ALL_CLAIMS.some(({ mapping }) => mapping === only)))
    throw new CommandLineError('nothing is left to judge: --litmus is about mesi. Leave --only out.');
  if (flags.prove === true) solverThere();
  const interrupt = interrupted();
  const progress = progressOn(process.stderr, claims);
  const judged: Judged[] = [];
  const mutants: MutantReport[] = [];
  const bounds: Bounds = {
    ...{ agents, lines, runs, seed, signal: interrupt.signal, progress: progress.part },
    ...(litmus === undefined ? {} : { litmus }),
  };
  try {
    for await (const one of judge(bounds, claims.map(unfailing))) {
      judged.push(one);
      progress.judged(one);
    }
    if (flags.mutants) {
      for await (const report of judgeMutants({
        only: only === 'api' ? undefined : only,
        signal: interrupt.signal,
        progress: progress.mutants,
      })) {
        mutants.push(report);
        progress.mutated(report);
      }
    }
  } catch (error) {
    if (!interrupt.signal.aborted) throw error;
    progress.say(`tutti: interrupted after ${judged.length} claims.`);
    return 130;
  } finally {
    progress.end();
    interrupt.forget();
  }
  if (flags.json)
    process.stdout.write(
      `${JSON.stringify(asJson(judged, mutants, litmus === undefined ? notBuilt(only) : []), null, 2)}\n`,
    );
  else process.stdout.write(verdicts(judged, mutants, only, columnsOf(process.stdout)));
  for (const file of flags.save === undefined ? [] : await saveCounterexamples(judged, flags.save))
    process.stderr.write(`counter-example: tutti view ${file}\n`);
  return judged.some(fellShort) || mutants.some(({ survivors }) => survivors.length > 0) ? 1 : 0;
}

/** Proofs need a package and time, so they have to be asked for; a litmus file is judged by the claims that it is about. */
function claimsFor({ only, prove }: VerifyFlags, litmus: LitmusFile | undefined): Claim[] {
  return [...ALL_CLAIMS, ...(prove === true ? PROOFS : [])].filter(
    ({ mapping, instrument }) =>
      (only === undefined || mapping === only || instrument === only) &&
      (litmus === undefined || instrument === 'litmus'),
  );
}

/** @throws {CommandLineError} where the optional package is not installed: before a minute's work, not after it. */
function solverThere(): void {
  try {
    import.meta.resolve('z3-solver');
  } catch {
    throw new CommandLineError(
      "--prove needs the package 'z3-solver', which is not installed. Install it: npm install z3-solver.",
    );
  }
}

/** A check that throws, that leaves a rejection unhandled, or of which nothing is left to wait for, has found something:
 *  the other claims are judged all the same. */
const unfailing = (claim: Claim): Claim => ({
  ...claim,
  check: async (bounds) => {
    const { promise: never, reject } = Promise.withResolvers<never>();
    const idle = () =>
      setImmediate(() => reject(new Error('nothing is left to happen, and it has not ended')));
    never.catch(() => undefined); // the check may have ended before
    process.once('beforeExit', idle);
    process.on('unhandledRejection', reject);
    process.on('uncaughtException', reject);
    try {
      return await Promise.race([claim.check(bounds), never]);
    } catch (error) {
      bounds.signal?.throwIfAborted();
      const what = `The check broke off: ${error instanceof Error ? error.message : String(error)}.`;
      return { verdict: 'fails', bound: 'broken off', counterexample: { what, transcript: [] } };
    } finally {
      process.off('beforeExit', idle);
      process.off('unhandledRejection', reject);
      process.off('uncaughtException', reject);
    }
  },
});

const MAX_LITMUS_BYTES = 2 ** 24;

/** @throws {CommandLineError} when there is no such file, or it is not JSON with a list of tests. */
async function litmusFile(name: string): Promise<LitmusFile> {
  const text = await readText(name, MAX_LITMUS_BYTES, 'a litmus file').catch((error: unknown) => {
    throw new CommandLineError(`--litmus ${messageOf(error)}`);
  });
  try {
    const parsed = JSON.parse(text) as { tests?: unknown[] } | null;
    const file = { name, tests: parsed?.tests as unknown[] };
    parseLitmus(file);
    return file;
  } catch (error) {
    if (error instanceof LitmusFileError) throw new CommandLineError(`--litmus ${error.message}`);
    throw new CommandLineError(`--litmus ${name}: not JSON: ${(error as Error).message}`);
  }
}

/** Fields may be added; those that are not counted are null. */
function asJson(
  judged: readonly Judged[],
  mutants: readonly MutantReport[],
  missing: readonly unknown[],
): unknown {
  return {
    claims: [
      ...judged.map((one) => {
        const { claim, finding, ms } = one;
        const { mapping, criterion, property, expected, instrument } = claim;
        const counts = { states: null, transitions: null, runs: null };
        return {
          mapping,
          criterion,
          property,
          expected,
          instrument,
          ...counts,
          evidence: evidenceOf(one),
          ...finding,
          seconds: ms / 1_000,
        };
      }),
      ...missing,
    ],
    mutants: mutants.map(({ equivalent, ...report }) => ({
      ...report,
      equivalent: equivalent.length,
      equivalents: equivalent,
    })),
  };
}

const notBuilt = (only: VerifyFlags['only']): unknown[] =>
  unbuilt()
    .filter(({ mapping }) => only === undefined || mapping === only)
    .map(({ mapping, criterion }) => ({
      ...{
        mapping,
        criterion,
        property: null,
        expected: 'not built',
        verdict: 'not built',
        instrument: null,
      },
      ...{ bound: null, states: null, transitions: null, runs: null },
    }));

interface Progress {
  /** How far the claim has got that is being judged: 0 … 1. */
  part(part: number): void;
  judged(one: Judged): void;
  mutants(machine: string, part: number): void;
  mutated(report: MutantReport): void;
  say(line: string): void;
  end(): void;
}

/** On a terminal a line that changes; elsewhere a line for each claim. */
function progressOn(stream: NodeJS.WriteStream, claims: readonly Claim[]): Progress {
  const live = stream.isTTY === true ? createLogUpdate(stream) : undefined;
  let done = 0;
  let told = -Infinity;
  const draw = (text: string): void => {
    if (live === undefined || performance.now() - told < 100) return;
    told = performance.now();
    live(text.slice(0, columnsOf(stream) - 1));
  };
  const say = (line: string): void => {
    if (live === undefined) stream.write(`${line}\n`);
    else live.persist(line);
  };
  const percent = (part: number) => `${Math.floor(part * 100)} %`;
  say(`judging ${claims.length} claims`);
  return {
    part(part) {
      const claim = claims[done];
      if (claim !== undefined)
        draw(
          `  claim ${done + 1} of ${claims.length}, ${percent(part)}: ${claim.mapping}, ${claim.property}`,
        );
    },
    judged(one) {
      const { claim, finding, ms } = one;
      done++;
      const mark = fellShort(one) ? '✘' : '✔';
      say(
        `${mark} ${claim.mapping}: ${finding.verdict}, ${evidenceOf(one)} (${seconds(ms)})  ${claim.property}`,
      );
    },
    mutants: (machine, part) => draw(`  mutants of ${machine}: ${percent(part)}`),
    mutated({ machine, total, killed, equivalent }) {
      const same = equivalent.length === 0 ? '' : `, ${equivalent.length} equivalent`;
      say(`· ${machine}: ${killed} of ${total} mutants killed${same}`);
    },
    say,
    end: () => live?.clear(),
  };
}
