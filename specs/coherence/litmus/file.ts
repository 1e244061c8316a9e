/** Litmus tests as a file has them: a few threads of reads and writes, and what they may find.
 *
 *  Nothing in a file is trusted or guessed: an operation that is no plain read or write (a fence, an exchange, an
 *  ordering) would change what the test means, so it is refused by the name of its test and its place. */
import { z } from 'zod';
import type { LitmusFile } from '../../harness/claim.ts';

export type LitmusOp =
  | { readonly op: 'W'; readonly loc: string; readonly val: number }
  | { readonly op: 'R'; readonly loc: string; readonly reg: string };

export interface LitmusTest {
  readonly name: string;
  /** Every location with its initial value. */
  readonly init: Readonly<Record<string, number>>;
  readonly threads: readonly (readonly LitmusOp[])[];
  /** The outcomes that one memory may show according to the file: a claim, to be compared with what is computed. */
  readonly outcomesSC?: readonly string[] | undefined;
  /** An outcome that is of interest, and whether one memory may show it, as the file says. */
  readonly condition?: readonly Term[] | undefined;
  readonly underSC?: 'allowed' | 'forbidden' | undefined;
}
export type Term =
  | { readonly loc: string; readonly val: number }
  | { readonly thread: number; readonly reg: string; readonly val: number };

/** A file that is no collection of litmus tests: which test, which place, what to do. */
export class LitmusFileError extends Error {
  override name = 'LitmusFileError';
  constructor(file: string, what: string) {
    super(`${file}: ${what}`);
  }
}

/** Limits for a file, so that a mistake in it is reported and does not lead to an endless computation. */
const MOST = { tests: 10_000, threads: 16, operations: 64 };

const name = z.string().min(1).regex(/^[^;=[\]\s]+$/, 'takes a name without blanks and without ; = [ ]'); // prettier-ignore
const value = z.int();
const operation = z.discriminatedUnion('op', [
  z.strictObject({ op: z.literal('W'), loc: name, val: value }),
  z.strictObject({ op: z.literal('R'), loc: name, reg: name }),
]);
const test = z.object({
  name: z.string().min(1),
  init: z.record(name, value),
  threads: z.array(z.array(operation).min(1)).min(1).max(MOST.threads),
  outcomesSC: z.array(z.string()).optional(),
  condition: z
    .array(
      z.union([
        z.object({ loc: name, val: value }),
        z.object({ thread: z.int().min(0), reg: name, val: value }),
      ]),
    )
    .optional(),
  underSC: z.enum(['allowed', 'forbidden']).optional(),
});

/** The tests of a file.
 *  @throws {LitmusFileError} naming the test and the place that is wrong. */
export function parseLitmus({ name: file, tests }: LitmusFile): readonly LitmusTest[] {
  if (!Array.isArray(tests)) throw new LitmusFileError(file, "has no list 'tests'.");
  if (tests.length === 0) throw new LitmusFileError(file, "'tests' is empty: there is nothing to judge.");
  if (tests.length > MOST.tests)
    throw new LitmusFileError(file, `has ${tests.length} tests; ${MOST.tests} is the most.`);
  return tests.map((each: unknown, index) => {
    const called = nameOf(each) ?? `test ${index + 1}`;
    const parsed = test.safeParse(each);
    if (!parsed.success) throw new LitmusFileError(file, `${called}: ${told(parsed.error.issues[0]!, each)}`);
    for (const outcome of parsed.data.outcomesSC ?? []) outcomeOf(outcome, `${file}: ${called}`);
    const wrong = unsound(parsed.data);
    if (wrong !== undefined) throw new LitmusFileError(file, `${called}: ${wrong}`);
    return parsed.data;
  });
}

/** Rules that the schema cannot express. */
function unsound({ init, threads }: LitmusTest): string | undefined {
  const count = threads.flat().length;
  if (count > MOST.operations) return `has ${count} operations; ${MOST.operations} is the most.`;
  for (const [thread, ops] of threads.entries()) {
    for (const [at, { loc }] of ops.entries()) {
      if (!Object.hasOwn(init, loc))
        return `threads[${thread}][${at}] uses '${loc}', to which init gives no value.`;
    }
  }
  return undefined;
}

function nameOf(each: unknown): string | undefined {
  const called = (each as { name?: unknown } | null | undefined)?.name;
  return typeof called === 'string' && called !== '' ? called : undefined;
}

/** An issue as a sentence: the place, and for an operation what it is. */
function told(issue: z.core.$ZodIssue, each: unknown): string {
  const place = issue.path.map((part, i) => (typeof part === 'number' ? `[${part}]` : `${i > 0 ? '.' : ''}${String(part)}`)).join(''); // prettier-ignore
  const [field, thread, at] = issue.path;
  if (field === 'threads' && typeof thread === 'number' && typeof at === 'number') {
    const op = (each as { threads: unknown[][] }).threads[thread]?.[at];
    if (issue.path.at(-1) === 'op')
      return `threads[${thread}][${at}] is ${JSON.stringify(op)}; only plain reads (R) and writes (W) are understood.`;
    return `${place} of ${JSON.stringify(op)}: ${issue.message}.`;
  }
  return `${place === '' ? 'the test' : place}: ${issue.message}.`;
}

/** An outcome's parts in order: registers by thread and name, then memory by name.
 *  @throws {LitmusFileError} when a part is none. */
export function outcomeOf(text: string, whose: string): ReadonlyMap<string, number> {
  const parts = text.split(';').map((part) => {
    const match = /^\s*(\d+:[^=]+|\[[^\]]+\])\s*=\s*(-?\d+)\s*$/.exec(part);
    if (match === null)
      throw new LitmusFileError(whose, `outcomesSC has '${text}'; it takes parts such as 0:r0=1 or [x]=1.`);
    return [match[1]!.trim(), Number(match[2])] as const;
  });
  return new Map(parts.toSorted(([a], [b]) => order(a, b)));
}
export const outcomeText = (outcome: Iterable<readonly [string, number]>): string =>
  [...outcome].map(([place, number]) => `${place}=${number}`).join(';');

/** Registers before memory, threads by number. */
export function order(a: string, b: string): number {
  const [first, second] = [Number.parseInt(a, 10), Number.parseInt(b, 10)];
  if (Number.isNaN(first) !== Number.isNaN(second)) return Number.isNaN(first) ? 1 : -1;
  return (Number.isNaN(first) ? 0 : first - second) || (a < b ? -1 : Number(a > b));
}
