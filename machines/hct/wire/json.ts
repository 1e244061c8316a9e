/** What cannot travel as JSON, and where it stands. */
import type { RefusalDetails } from '../refusal.ts';
import { place } from '../refusal.ts';

/** How deep a message may nest. JSON.stringify itself fails a few thousand levels down. */
const DEPTH = 500;

/**
 * The first part of a value that JSON would change or refuse: undefined inside an array, a function, a symbol, a
 * bigint, a number that is not finite, an object that is not plain, a cycle, or nesting beyond 500 levels.
 *
 * @returns the place, the problem and the remedy, or undefined when there is none
 * @example
 * jsonFault({ payload: { score: NaN } })?.path; // 'payload.score'
 */
export function jsonFault(value: unknown): RefusalDetails | undefined {
  return visit(value, [], new Set());
}

function visit(value: unknown, path: string[], above: Set<unknown>): RefusalDetails | undefined {
  const fault = (problem: string, remedy: string) => ({ path: place(...path) || 'value', problem, remedy });
  if (value === null || typeof value === 'string' || typeof value === 'boolean') return undefined;
  if (typeof value === 'number') {
    return Number.isFinite(value) ? undefined : fault('not a finite number', 'Send a number or null.');
  }
  if (typeof value !== 'object') return fault(`${typeof value} is not JSON`, 'Send a JSON value.');
  if (above.has(value)) return fault('contains itself', 'Send a reference instead.');
  if (path.length >= DEPTH) return fault(`nested deeper than ${DEPTH} levels`, 'Send a reference instead.');
  const prototype: unknown = Object.getPrototypeOf(value);
  if (!Array.isArray(value) && prototype !== Object.prototype && prototype !== null) {
    return fault('an object that is not plain', 'Send its fields as a plain object.');
  }
  above.add(value);
  for (const [key, child] of Object.entries(value)) {
    if (child === undefined && !Array.isArray(value)) continue; // JSON leaves it out, which is what it means
    path.push(key);
    const inside = visit(child, path, above);
    if (inside !== undefined) return inside;
    path.pop();
  }
  above.delete(value);
  return undefined;
}
