/** Values as JSON of bounded length: what is too large becomes a digest, what is secret is hidden.
 *
 *  Every walk has a limit, also for cycles, proxies and a million items. */
import type { Redact } from '../models/redact.ts';
import type { Digest, TraceLimits } from './format.ts';
import { HIDDEN, isSecretName } from './secrets.ts';

/** A secret that begins within what is shown is hidden whole, up to this length. */
const LONGEST_SECRET = 4_096;
/** A digest looks at this many characters and places; the size tells what is longer. */
const LOOKS = 16_384;
/** The length of a digest without its head. */
const DIGEST_LENGTH = 72;

type Limits = Pick<TraceLimits, 'string' | 'value' | 'depth'>;

export class Shower {
  readonly #limits: Limits;
  readonly #hide: Redact;
  readonly #path: object[] = [];

  constructor(limits: Limits, hide: Redact) {
    this.#limits = limits;
    this.#hide = hide;
  }

  /** The value as JSON text; `undefined` is null. Never throws: a getter that does is shown as what it threw. */
  json(value: unknown, allowance = this.#limits.value): string {
    const { length } = this.#path;
    try {
      return this.#write(value, allowance) ?? 'null';
    } catch (error) {
      this.#path.length = length;
      return JSON.stringify({ $unreadable: this.#cut(messageOf(error)) });
    }
  }
  /** A text, hidden and cut, as JSON. */
  text(text: string): string {
    return this.#string(text, this.#limits.value);
  }
  /** A text, hidden and cut, as it is. */
  plain(text: string): string {
    return this.#cut(text);
  }

  /** @returns undefined for a value that JSON cannot represent. */
  #write(value: unknown, allowance: number): string | undefined {
    switch (typeof value) {
      case 'string':
        return this.#string(value, allowance);
      case 'number':
        return Number.isFinite(value) ? String(value) : `"${value}"`;
      case 'boolean':
        return value ? 'true' : 'false';
      case 'bigint':
        return `"${value}n"`;
      case 'object':
        return value === null ? 'null' : this.#object(value, allowance);
      case 'function':
        return `"[function${value.name === '' ? '' : ` ${JSON.stringify(this.#cut(value.name)).slice(1, -1)}`}]"`;
      default:
        return undefined;
    }
  }
  #cut(text: string): string {
    const { string } = this.#limits;
    const clean = this.#hide(
      text.length > string + LONGEST_SECRET ? text.slice(0, string + LONGEST_SECRET) : text,
    );
    return clean.length > string ? `${clean.slice(0, string - 1)}…` : clean;
  }
  #string(text: string, allowance: number): string {
    const most = Math.min(this.#limits.string, Math.max(16, allowance - DIGEST_LENGTH));
    if (text.length <= most) return JSON.stringify(this.#hide(text));
    const start = this.#hide(text.slice(0, most + LONGEST_SECRET));
    const digest: Digest = {
      $digest: digestOf(text),
      $type: 'string',
      $size: text.length,
      $head: start.slice(0, Math.min(most, 120)),
    };
    return JSON.stringify(digest);
  }

  #object(value: object, allowance: number): string {
    if (value instanceof Date) return Number.isNaN(value.getTime()) ? 'null' : JSON.stringify(value);
    if (value instanceof Error) return this.#error(value, allowance);
    if (isActor(value)) return JSON.stringify({ $actor: value.sessionId });
    if (this.#path.includes(value)) return '"[circular]"';
    const special = specialOf(value);
    if (special !== undefined) return digestText(value, ...special);
    if (this.#path.length >= this.#limits.depth)
      return emptyOf(value) ?? digestText(value, ...shapeOf(value));
    this.#path.push(value);
    const whole = this.#members(value, allowance);
    this.#path.pop();
    if (whole !== undefined) return whole;
    // It does not fit: how it begins, in a quarter of the room.
    const [type, size] = shapeOf(value);
    this.#path.push(value);
    const head = allowance < 4 * DIGEST_LENGTH ? undefined : this.#members(value, allowance >> 2, true);
    this.#path.pop();
    return digestText(value, type, size, head);
  }
  /** @param partly as much as fits, instead of undefined where not all of it does. */
  #members(value: object, allowance: number, partly = false): string | undefined {
    const array = Array.isArray(value);
    let text = array ? '[' : '{';
    const fits = (more: string): boolean => text.length + more.length < allowance;
    const add = (more: string): boolean => {
      if (!fits(more)) return false;
      text += text.length > 1 ? `,${more}` : more;
      return true;
    };
    if (array) {
      for (let i = 0; i < value.length; i++) {
        if (add(this.#write(value[i], allowance - text.length) ?? 'null')) continue;
        if (!partly) return undefined;
        break;
      }
      return `${text}]`;
    }
    for (const name in value) {
      if (!Object.hasOwn(value, name)) continue;
      const shown = isSecretName(name)
        ? HIDDEN_JSON
        : this.#write((value as Fields)[name], allowance - text.length);
      if (shown === undefined || add(`${JSON.stringify(this.#hide(name))}:${shown}`)) continue;
      if (!partly) return undefined;
      break;
    }
    return `${text}}`;
  }
  #error(error: Error, allowance: number): string {
    const name = this.#string(error.name, allowance);
    return `{"name":${name},"message":${this.#string(error.message, Math.max(0, allowance - name.length - 20))}}`;
  }
}

type Fields = Record<string, unknown>;
const HIDDEN_JSON = JSON.stringify(HIDDEN);

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
const isActor = (value: object): value is { sessionId: string } =>
  'sessionId' in value && typeof value.sessionId === 'string' && 'send' in value;

function specialOf(value: object): [type: Digest['$type'], size: number] | undefined {
  if (ArrayBuffer.isView(value) || value instanceof ArrayBuffer) return ['binary', value.byteLength];
  if (value instanceof Map) return ['map', value.size];
  if (value instanceof Set) return ['set', value.size];
  return undefined;
}
const emptyOf = (value: object): string | undefined =>
  Array.isArray(value) ? (value.length === 0 ? '[]' : undefined) : hasMembers(value) ? undefined : '{}';
function hasMembers(value: object): boolean {
  for (const name in value) if (Object.hasOwn(value, name)) return true;
  return false;
}
const shapeOf = (value: object): [type: Digest['$type'], size: number] =>
  Array.isArray(value) ? ['array', value.length] : ['object', Object.keys(value).length];

function digestText(value: object, type: Digest['$type'], size: number, head?: string): string {
  const start = `{"$digest":"${digestOf(value)}","$type":"${type}","$size":${size}`;
  return head === undefined ? `${start}}` : `${start},"$head":${head}}`;
}

const known = new WeakMap<object, string>();

/** A hash of 53 bits over what a value holds, of its first 16,384 characters and places. */
export function digestOf(value: unknown): string {
  const object = typeof value === 'object' && value !== null ? value : undefined;
  const before = object && known.get(object);
  if (before !== undefined) return before;
  const hash = new Hash();
  hash.value(value);
  const digest = hash.digest();
  if (object !== undefined && Object.isFrozen(object)) known.set(object, digest);
  return digest;
}

/** cyrb53: two multiplicative hashes of 32 bits, mixed. Public domain. It tells values apart and is not secure against
 *  attacks. */
class Hash {
  #a = 0xdeadbeef;
  #b = 0x41c6ce57;
  #left = LOOKS;
  #depth = 0;

  #take(code: number): void {
    this.#a = Math.imul(this.#a ^ code, 2654435761);
    this.#b = Math.imul(this.#b ^ code, 1597334677);
  }
  #text(text: string): void {
    const most = Math.min(text.length, this.#left);
    for (let i = 0; i < most; i++) this.#take(text.charCodeAt(i));
    this.#left -= most;
    this.#take(text.length);
  }
  value(value: unknown): void {
    if (--this.#left <= 0) return;
    if (typeof value !== 'object' || value === null) return this.#text(`${typeof value}${String(value)}`);
    if (this.#depth > 64) return;
    this.#depth++;
    if (value instanceof Map || value instanceof Set) this.#each(value.values(), value.size);
    else if (ArrayBuffer.isView(value))
      this.#bytes(new Uint8Array(value.buffer, value.byteOffset, value.byteLength));
    else if (value instanceof ArrayBuffer) this.#bytes(new Uint8Array(value));
    else if (Array.isArray(value)) this.#each(value, value.length);
    else {
      for (const name in value) {
        if (this.#left <= 0) break;
        this.#text(name);
        this.value((value as Fields)[name]);
      }
    }
    this.#depth--;
  }
  #each(items: Iterable<unknown>, size: number): void {
    this.#take(size);
    for (const item of items) {
      if (this.#left <= 0) break;
      this.value(item);
    }
  }
  #bytes(bytes: Uint8Array): void {
    const most = Math.min(bytes.length, this.#left);
    for (let i = 0; i < most; i++) this.#take(bytes[i] as number);
    this.#left -= most;
    this.#take(bytes.length);
  }
  digest(): string {
    let [a, b] = [this.#a, this.#b];
    a = Math.imul(a ^ (a >>> 16), 2246822507) ^ Math.imul(b ^ (b >>> 13), 3266489909);
    b = Math.imul(b ^ (b >>> 16), 2246822507) ^ Math.imul(a ^ (a >>> 13), 3266489909);
    return (4294967296 * (2097151 & b) + (a >>> 0)).toString(16).padStart(14, '0');
  }
}
