/** The input of a performance, from `--input key=value` and `--input-file`. */
import { parseDocument } from 'yaml';
import { messageOf } from '../../actors/errors.ts';
import { readText } from '../node/text-file.ts';
import type { ScoreDocument } from '../score-file.ts';
import { UsageError } from './usage.ts';

/** Puts the input together; single values go over the file's.
 *  @throws {UsageError} for a file that is missing or holds no object, and for a pair without `=`. */
export async function readInput(
  pairs: readonly string[],
  file: string | undefined,
  schema: ScoreDocument['input'],
): Promise<unknown> {
  const input = file === undefined ? {} : await readObject(file);
  for (const pair of pairs) {
    const equals = pair.indexOf('=');
    if (equals < 1) throw new UsageError(`--input takes key=value, not '${pair}'.`);
    const key = pair.slice(0, equals);
    refuseUnknown(key, schema);
    input[key] = coerce(key, pair.slice(equals + 1), schema);
  }
  return input;
}

/** The largest input file. */
const MAX_BYTES = 2 ** 28;

async function readObject(file: string): Promise<Record<string, unknown>> {
  const text = await readText(file, MAX_BYTES, 'an input').catch((error: unknown) => {
    throw new UsageError(`--input-file ${messageOf(error)}`);
  });
  const parsed = parseDocument(text);
  if (parsed.errors.length > 0)
    throw new UsageError(`--input-file ${file}: not JSON or YAML: ${parsed.errors[0]!.message}`);
  const value: unknown = parsed.toJS();
  if (typeof value === 'object' && value !== null && !Array.isArray(value))
    return value as Record<string, unknown>;
  throw new UsageError(`--input-file ${file}: holds no object; write keys and values.`);
}

/** @throws {UsageError} for a key that the score's schema excludes, naming those that it has. */
function refuseUnknown(key: string, schema: ScoreDocument['input']): void {
  if (typeof schema !== 'object' || schema['additionalProperties'] !== false) return;
  const known = Object.keys((schema['properties'] ?? {}) as object);
  if (!known.includes(key))
    throw new UsageError(
      `--input ${key}: the score has no such input; it has ${known.join(', ') || 'none'}.`,
    );
}

/** A value is text, unless the score's schema says that its key is something else. */
function coerce(key: string, text: string, schema: ScoreDocument['input']): unknown {
  const properties =
    typeof schema === 'object'
      ? (schema['properties'] as Record<string, { type?: unknown }> | undefined)
      : undefined;
  const type = properties?.[key]?.type;
  if (type === undefined || type === 'string') return text;
  try {
    return JSON.parse(text);
  } catch {
    throw new UsageError(`--input ${key}: '${text}' is not a ${String(type)}.`);
  }
}
