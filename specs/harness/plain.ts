/** Plain data as text: two values have the same text exactly when they cannot be distinguished.
 *
 *  `JSON.stringify` does not suffice: it writes NaN as null, a Map as {}, and {a, b} differently from {b, a}. If two
 *  situations had the same text, a fault in the second would not be found. */

/** A machine does something that cannot be explored, and what to do instead. */
export class NotExplorableError extends TypeError {
  override name = 'NotExplorableError';
}

const notPlain = (where: string, what: string): NotExplorableError =>
  new NotExplorableError(
    `${where} is ${what}; an instrument needs plain data there (text, numbers, lists, objects of these). ` +
      'Keep actors, functions, dates and maps out of it.',
  );

/** The text of a value; the order of an object's keys does not matter, and a key that is undefined is not there.
 *  @param where names the value in an error.
 *  @param rename replaces each name (a key, or a text); for symmetry.
 *  @throws {NotExplorableError} for anything that plain data cannot hold.
 *  @example
 *  ```ts
 *  plainText({ b: 1, a: NaN }); // '{"a":NaN,"b":1}'
 *  ``` */
export function plainText(value: unknown, where = 'value', rename?: (name: string) => string): string {
  if (typeof value === 'string') return JSON.stringify(rename === undefined ? value : rename(value));
  if (typeof value === 'number') return String(value); // NaN and Infinity as they are; -0 is 0
  if (value === null || typeof value === 'boolean' || value === undefined) return String(value);
  if (typeof value === 'bigint') return `${value}n`;
  if (typeof value !== 'object') throw notPlain(where, `a ${typeof value}`);
  if (Array.isArray(value))
    return `[${value.map((item, i) => plainText(item, `${where}[${i}]`, rename)).join(',')}]`;
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== null && prototype !== Object.prototype && Object.getPrototypeOf(prototype) !== null)
    throw notPlain(where, `a ${value.constructor?.name ?? 'class instance'}`);
  if ('getSnapshot' in value || 'then' in value) throw notPlain(where, 'an actor or a promise');
  const fields: string[] = [];
  for (const [key, item] of Object.entries(value)) {
    if (item === undefined) continue;
    const name = JSON.stringify(rename === undefined ? key : rename(key));
    fields.push(`${name}:${plainText(item, `${where}.${key}`, rename)}`);
  }
  return `{${fields.sort().join(',')}}`;
}

/** The same value with each name (a key, or a text) replaced. */
export function renamed<T>(value: T, rename: (name: string) => string): T {
  if (typeof value === 'string') return rename(value) as T;
  if (Array.isArray(value)) return value.map((item: unknown) => renamed(item, rename)) as T;
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [rename(key), renamed(item as unknown, rename)]),
  ) as T;
}

/** A whole number within its range.
 *  @throws {RangeError} that says what it is, and what it may be. */
export function whole(name: string, value: number, least: number, most: number): number {
  if (Number.isSafeInteger(value) && value >= least && value <= most) return value;
  const range = `${least.toLocaleString('en')} … ${most.toLocaleString('en')}`;
  throw new RangeError(`${name} is ${value}; it is a whole number of ${range}.`);
}

/** An event as people write it: `PUT chunk=0`. Sentences of the specs name events so. */
export function eventText(event: { readonly type: string }): string {
  const after = /^xstate\.after\.([^.]+)\./.exec(event.type);
  if (after !== null) return /^\d+$/.test(after[1]!) ? `after ${after[1]} ms` : `after ${after[1]}`;
  const ended = /^xstate\.(done|error)\.actor\.(.+)$/.exec(event.type);
  const { type, actorId: _, ...rest } = event as unknown as Record<string, unknown>;
  const name = ended === null ? String(type) : `${ended[2]} ${ended[1] === 'done' ? 'is done' : 'failed'}`;
  const fields = Object.entries(rest)
    .filter(([, value]) => value !== undefined)
    .map(
      ([key, value]) => `${key}=${typeof value === 'string' ? value : plainText(value, `${type}.${key}`)}`,
    );
  return [name, ...fields].join(' ');
}
