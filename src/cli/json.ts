/** What `--json` prints, and which outputs it cannot print. Times in seconds. */
import { inspect } from 'node:util';
import { jsonFault } from '../../machines/hct/wire/json.ts';
import type { Report } from '../score/perform.ts';
import { safeMessage } from './secrets.ts';

/** A value as JSON, or the reason why JSON cannot represent it. */
export type JsonText = { readonly text: string } | { readonly why: string };

/** Writes a value as JSON. A value that JSON would change without a word (a BigInt, NaN, a Map, a cycle, a function) is
 *  not written. A Date and any other object with a `toJSON` is written as what that method returns; undefined as null.
 *  @param indent spaces for each level. */
export function jsonText(value: unknown, indent = 0): JsonText {
  try {
    // Resolves every `toJSON`, and leaves the rest as it is.
    const plain = resolved(value ?? null, new Set());
    const fault = jsonFault(plain);
    if (fault === undefined) return { text: JSON.stringify(plain, null, indent) };
    return { why: fault.path === 'value' ? fault.problem : `${fault.path}: ${fault.problem}` };
  } catch (error) {
    return { why: `cannot be read: ${safeMessage(error)}` };
  }
}

function resolved(value: unknown, above: Set<unknown>): unknown {
  if (typeof value !== 'object' || value === null || above.has(value)) return value;
  if ('toJSON' in value && typeof value.toJSON === 'function')
    return resolved((value.toJSON as () => unknown)(), new Set([...above, value]));
  const prototype: unknown = Object.getPrototypeOf(value);
  if (!Array.isArray(value) && prototype !== Object.prototype && prototype !== null) return value;
  const inside = new Set([...above, value]);
  if (Array.isArray(value)) return Array.from(value, (item: unknown) => resolved(item, inside));
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, resolved(item, inside)]));
}

/** A value for a person to read: as JSON where possible. */
export function shownText(value: unknown): string {
  const written = jsonText(value, 2);
  if ('text' in written) return written.text;
  try {
    return inspect(value, { depth: 6 });
  } catch {
    return `(${written.why})`;
  }
}

/** An output that is not written, and why. */
export interface Unwritten {
  readonly output: string;
  readonly why: string;
}

/** The outputs that JSON cannot represent. */
export const unwrittenIn = (outputs: Report['outputs']): Unwritten[] =>
  Object.entries(outputs).flatMap(([output, value]) => {
    const written = jsonText(value);
    return 'why' in written ? [{ output, why: written.why }] : [];
  });

/** The report as JSON. Outputs that JSON cannot represent are left out of `outputs` and listed under `unwritten`. */
export function reportJson(report: Report): Record<string, unknown> {
  const { status, outputs, shared, timeline, makespan, criticalPath, usage, errors } = report;
  const unwritten = unwrittenIn(outputs);
  const left = new Set(unwritten.map(({ output }) => output));
  return {
    status,
    outputs: Object.fromEntries(
      Object.entries(outputs)
        .filter(([name]) => !left.has(name))
        .map(([name, value]) => [name, value ?? null]),
    ),
    ...(unwritten.length > 0 ? { unwritten } : {}),
    ...(shared === undefined ? {} : { shared }),
    steps: timeline.map(({ id, agent, status: ended, start, end, waitedFor, hedges }) => ({
      id,
      agent,
      status: ended,
      start: inSeconds(start),
      end: inSeconds(end),
      waitedFor,
      ...(hedges === undefined ? {} : { hedges }),
    })),
    makespan: makespan / 1_000,
    criticalPath: criticalPath.length / 1_000,
    usage,
    ...(errors.length > 0 ? { errors: errors.map(safeMessage) } : {}),
  };
}

const inSeconds = (ms: number | undefined): number | null => (ms === undefined ? null : ms / 1_000);
