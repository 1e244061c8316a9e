/** Shared values are plain JSON: copied and frozen once, or refused with the path of what is not JSON. */
import { ValueError } from './errors.ts';

/** Deeper values are refused: JSON itself, and every recursive reader, fails a few thousand levels down. */
const DEPTH = 500;

/** Objects that {@link sharedCopy} has made: deeply frozen, and plain JSON. */
const shared = new WeakSet<object>();

/** A deeply frozen copy of a value. Parts that are such copies already are taken as they are, so that a new version costs
 *  what changed and not what it contains. Properties that are undefined are left out, as in JSON.
 *  @param copies made before by this call's caller, by their originals.
 *  @throws {ValueError} with the path of the first part that is not JSON. */
export function sharedCopy(key: string, value: unknown, copies = new Map<object, object>()): unknown {
  if (value === undefined) throw new ValueError(key, [], 'is undefined');
  return copyOf(value, { key, path: [], copies, above: new Set() });
}
/** Whether a value is deeply frozen JSON already. */
export const isShared = (value: unknown): boolean =>
  typeof value !== 'object' || value === null || shared.has(value);

interface Walk {
  readonly key: string;
  readonly path: (string | number)[];
  readonly copies: Map<object, object>;
  readonly above: Set<object>;
}

function copyOf(value: unknown, walk: Walk): unknown {
  if (typeof value === 'string' || typeof value === 'boolean' || value === null) return value;
  if (typeof value === 'number') {
    if (!Number.isFinite(value)) refuse(walk, `is ${value}`);
    return value === 0 ? 0 : value; // JSON has no −0
  }
  if (typeof value !== 'object') refuse(walk, value === undefined ? 'is undefined' : `is a ${typeof value}`);
  if (shared.has(value)) return value;
  const known = walk.copies.get(value);
  if (known !== undefined) return known;
  if (walk.above.has(value)) refuse(walk, 'contains itself');
  if (walk.path.length >= DEPTH) refuse(walk, `is nested deeper than ${DEPTH} levels`);
  walk.above.add(value);
  const copy = Object.freeze(Array.isArray(value) ? copyList(value, walk) : copyObject(value, walk));
  walk.above.delete(value);
  walk.copies.set(value, copy);
  shared.add(copy);
  return copy;
}

function copyList(list: readonly unknown[], walk: Walk): unknown[] {
  const copy: unknown[] = new Array<unknown>(list.length);
  for (let i = 0; i < list.length; i++) copy[i] = within(walk, list, i);
  const extra = Object.keys(list).find((name) => !/^\d+$/.test(name));
  if (extra !== undefined) refuse(walk, `is an array with a property '${extra}'`);
  return copy;
}

function copyObject(object: object, walk: Walk): object {
  const prototype: unknown = Object.getPrototypeOf(object);
  if (prototype !== Object.prototype && prototype !== null)
    refuse(
      walk,
      `is a ${(object as { constructor?: { name?: string } }).constructor?.name ?? 'class instance'}`,
    );
  const [symbol] = Object.getOwnPropertySymbols(object);
  if (symbol !== undefined) refuse(walk, `has the property ${String(symbol)}`);
  const copy: Record<string, unknown> = {};
  for (const name of Object.keys(object)) {
    if (name === '__proto__') refuse(walk, "has a property '__proto__'");
    const part = within(walk, object, name, true);
    if (part !== undefined) copy[name] = part;
  }
  return copy;
}

function within(walk: Walk, object: object, name: string | number, optional = false): unknown {
  walk.path.push(name);
  let value: unknown;
  try {
    value = (object as Record<string | number, unknown>)[name];
  } catch (error) {
    refuse(walk, `cannot be read: ${error instanceof Error ? error.message : String(error)}`);
  }
  const copy = optional && value === undefined ? undefined : copyOf(value, walk);
  walk.path.pop();
  return copy;
}

function refuse({ key, path }: Walk, problem: string): never {
  throw new ValueError(key, path, problem);
}

/** Equality of JSON values. */
export function equalJson(a: unknown, b: unknown): boolean {
  if (Object.is(a, b)) return true;
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false;
  if (Array.isArray(a) !== Array.isArray(b)) return false;
  const names = Object.keys(a);
  if (names.length !== Object.keys(b).length) return false;
  return names.every((name) => Object.hasOwn(b, name) && equalJson(a[name as never], b[name as never]));
}

/** The values by key. */
export type Values = Record<string, unknown>;
