/** Looks for a program to which a judge objects, and makes it as small as it can. */
import type { Bounds, Finding, Message, Verdict } from '../harness/claim.ts';
import { turns } from '../harness/turn.ts';
import type { Case } from './model.ts';
import { shrinkCase } from './shrink.ts';

/** What is wrong with a run, in one sentence, and what the run was. */
export interface Objection {
  readonly what: string;
  readonly transcript: readonly Message[];
}
/** Returns what is wrong with a case; the seed is the one that the case was drawn from. */
export type Judge<C extends Case> = (
  given: C,
  seed: number,
) => Objection | undefined | Promise<Objection | undefined>;

export interface CaseSearch<C extends Case> {
  readonly draw: (seed: number) => C;
  readonly judge: Judge<C>;
  /** Drawn from what, in words. */
  readonly bound: string;
  /** The verdict when there is nothing to object to. */
  readonly holds: Verdict;
  /** What else of a case could be smaller; see `shrink`. */
  readonly further?: (given: C) => Iterable<C>;
}

/** Draws `runs` cases, one for each seed from `seed` on, and stops at the first objection. */
export async function searchCases<C extends Case>(
  bounds: Bounds,
  { draw, judge, bound, holds, further }: CaseSearch<C>,
): Promise<Finding> {
  const { found, runs } = await first(bounds, draw, judge);
  if (found === undefined) return { verdict: holds, bound, runs };
  const { given, seed } = found;
  const smallest = await shrinkCase(given, (smaller) => judge(smaller, seed), further);
  const { what, transcript } = (await judge(smallest, seed))!;
  return { verdict: 'fails', bound, runs, counterexample: { what, seed, transcript } };
}

/** The first case that a judge objects to, and how many were drawn. */
export async function first<C extends Case>(
  { runs, seed, signal, progress }: Bounds,
  draw: (seed: number) => C,
  judge: Judge<C>,
): Promise<{ found?: { given: C; seed: number }; runs: number }> {
  const turn = turns(signal);
  for (let i = 0; i < runs; i++) {
    await turn();
    progress?.(i / runs);
    const given = draw(seed + i);
    if (await judge(given, seed + i)) return { found: { given, seed: seed + i }, runs: i + 1 };
  }
  return { runs };
}
