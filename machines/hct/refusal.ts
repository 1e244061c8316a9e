/**
 * Refusals: the errors of the vocabulary. Each states what is wrong, where, and what to do; none is a raw schema error.
 */
import type { z } from 'zod';

/** The parts of a refusal. */
export interface RefusalDetails {
  /** Where the fault is, as a dotted path such as `performance.urgency`. */
  readonly path: string;
  /** What is wrong there. */
  readonly problem: string;
  /** What to do about it. */
  readonly remedy: string;
}

/** A signal, an option or a hold that cannot be made, with the place and the remedy. */
export class SignalError extends Error implements RefusalDetails {
  readonly path: string;
  readonly problem: string;
  readonly remedy: string;

  constructor({ path, problem, remedy }: RefusalDetails) {
    super(`${path}: ${problem}. ${remedy}`);
    this.name = 'SignalError';
    this.path = path;
    this.problem = problem;
    this.remedy = remedy;
  }
}

/** A message that cannot be encoded or decoded, with the place in the message and the remedy. */
export class WireError extends SignalError {
  constructor(details: RefusalDetails) {
    super(details);
    this.name = 'WireError';
  }
}

/** Joins path segments, leaving out empty ones. */
export function place(...segments: readonly PropertyKey[]): string {
  return segments
    .map((segment) => shorten(String(segment)))
    .filter((segment) => segment !== '')
    .join('.');
}

/** Shortens foreign text, so that it does not fill the screen. */
function shorten(text: string): string {
  return text.length > 80 ? `${text.slice(0, 77)}...` : text;
}

const list = (values: readonly unknown[]) => values.map(String).join(', ');

/**
 * Describes in words what a schema found, without the place.
 *
 * @param issue - one issue of a zod error
 */
export function explainIssue(issue: z.core.$ZodIssue): Pick<RefusalDetails, 'problem' | 'remedy'> {
  switch (issue.code) {
    case 'unrecognized_keys':
      return {
        problem: `unknown field ${list(issue.keys.map(shorten))}`,
        remedy: 'Remove it or correct its spelling.',
      };
    case 'invalid_value':
      return { problem: 'not one of the values this field has', remedy: `Use ${list(issue.values)}.` };
    case 'invalid_union':
      return {
        problem: 'not one of the values this field has',
        remedy: `Use ${list(('options' in issue && issue.options) || ['another type'])}.`,
      };
    case 'invalid_type':
      return { problem: 'missing or of the wrong type', remedy: `Give a value of type ${issue.expected}.` };
    case 'too_small':
      return { problem: 'too small', remedy: `Give at least ${issue.minimum}.` };
    case 'too_big':
      return { problem: 'too large', remedy: `Give at most ${issue.maximum}.` };
    default:
      return { problem: 'refused', remedy: `Note that ${issue.message}.` };
  }
}

/**
 * Parses or refuses.
 *
 * @param schema - what to accept
 * @param value - anything
 * @param at - the place of `value`, put before the place of the fault
 * @throws SignalError naming the first fault
 */
export function parseOrRefuse<Schema extends z.ZodType>(
  schema: Schema,
  value: unknown,
  at = '',
): z.output<Schema> {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const issue = result.error.issues[0];
  if (issue === undefined) throw result.error;
  throw new SignalError({ path: place(at, ...issue.path) || 'value', ...explainIssue(issue) });
}
