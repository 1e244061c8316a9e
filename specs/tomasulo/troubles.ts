/** What goes wrong in a run, and what becomes of each instruction then. The model of failure modes; it computes with
 *  nothing but the program's true dependences.
 *
 *  A failed producer has no result, so its consumers have none, and neither do theirs; all other instructions are as if
 *  nothing had happened. An instruction that waits for a silent class of units, directly or through its operands, waits
 *  indefinitely. */
import { Random } from '../harness/random.ts';
import type { Case, Instruction } from './model.ts';

export interface TroubledInstruction extends Instruction {
  /** How many tries fail before one does not. */
  readonly fails?: number;
  /** They fail by not answering until their time is out. */
  readonly hangs?: boolean;
}
export interface Troubled extends Case {
  readonly program: readonly TroubledInstruction[];
  /** Tries in all. */
  readonly attempts: number;
  /** A class of units that starts nothing. */
  readonly silent?: string;
}

/** What becomes of an instruction: it writes, it has failed (or an operand of it has), or it waits indefinitely. */
export type Fate = 'written' | 'failed' | 'starved';

/** The fate of each instruction. A fault settles each instruction that waits for it, even if that instruction also
 *  waits for other operands. */
export function fates({ program, attempts, silent, hardware }: Troubled): Fate[] {
  const all: Fate[] = [];
  for (const [i, { op, fails = 0 }] of program.entries()) {
    const operands = producersOf(program, i).map((producer) => all[producer]!);
    const waits = operands.includes('starved') || hardware.ops[op]!.class === silent;
    const failed = operands.includes('failed') || (!waits && fails >= attempts);
    all.push(failed ? 'failed' : waits ? 'starved' : 'written');
  }
  return all;
}

/** The instructions whose results an instruction reads: the last earlier writer of each of its names. */
export const producersOf = (program: readonly Instruction[], i: number): number[] =>
  [
    ...new Set(
      program[i]!.reads.map((name) => program.findLastIndex(({ writes }, k) => k < i && writes === name)),
    ),
  ].filter((producer) => producer >= 0);

/** What may go wrong with a program. */
export interface Kinds {
  /** Tries in all; default 1. */
  readonly attempts?: number;
  /** The most tries of an instruction that fail; default none. */
  readonly fails?: number;
  readonly silence?: boolean;
}

/** One instruction in three is in trouble; half of those in trouble hang. */
export function trouble(given: Case, seed: number, { attempts = 1, fails = 0, silence }: Kinds): Troubled {
  const random = new Random(seed ^ 0x5eed);
  const program = given.program.map((line) => {
    const often = random.whole(1, 3) === 1 ? random.whole(Math.min(1, fails), fails) : 0;
    return { ...line, fails: often, hangs: random.whole(0, 1) === 1 };
  });
  const silent = random.pick(Object.keys(given.hardware.classes));
  return { ...given, program, attempts, ...(silence && { silent }) };
}

/** Each case with less trouble. */
export function* lessTrouble(given: Troubled): Generator<Troubled> {
  const { silent, ...loud } = given;
  if (silent !== undefined) yield loud;
  const changed = (i: number, line: Partial<TroubledInstruction>): Troubled => ({
    ...given,
    program: given.program.map((other, k) => (k === i ? { ...other, ...line } : other)),
  });
  for (const [i, { fails = 0, hangs }] of given.program.entries()) {
    if (fails > 0) yield changed(i, { fails: fails - 1 });
    if (hangs) yield changed(i, { hangs: false });
  }
}
