/** The input of a performance, from `--input key=value` and `--input-file`. */
import { parseDocument } from 'yaml';
import { messageOf } from '../../actors/tomasulo/errors.ts';
import { readText } from '../node/text-file.ts';
import type { ScoreDocument } from '../score/score-file.ts';
import { nearest } from '../../actors/tomasulo/program.ts';
import { CommandLineError } from './usage.ts';

/** Puts the input together; single values replace those of the file.
 *  @param warn called for a name that the score does not know, where it accepts any name.
 *  @throws {CommandLineError} for a file that is missing or holds no object, and for a pair without `=`. */
export async function readInput(
  pairs: readonly string[],
  file: string | undefined,
  names: InputNames,
  schema: ScoreDocument['input'],
  warn: (text: string) => void,
): Promise<unknown> {
  const input = file === undefined ? {} : await readObject(file);
  for (const key of Object.keys(input)) judgeName(`${key} of --input-file`, key, names, warn);
  for (const pair of pairs) {
    const equals = pair.indexOf('=');
    if (equals < 1) throw new CommandLineError(`--input takes key=value, not '${pair}'.`);
    const key = pair.slice(0, equals);
    judgeName(`--input ${key}`, key, names, warn);
    input[key] = coerce(key, pair.slice(equals + 1), schema);
  }
  return input;
}

/** The largest input file. */
const MAX_BYTES = 2 ** 28;

async function readObject(file: string): Promise<Record<string, unknown>> {
  const text = await readText(file, MAX_BYTES, 'an input').catch((error: unknown) => {
    throw new CommandLineError(`--input-file ${messageOf(error)}`);
  });
  const parsed = parseDocument(text);
  if (parsed.errors.length > 0)
    throw new CommandLineError(`--input-file ${file}: not JSON or YAML: ${parsed.errors[0]!.message}`);
  const value: unknown = parsed.toJS();
  if (typeof value === 'object' && value !== null && !Array.isArray(value))
    return value as Record<string, unknown>;
  throw new CommandLineError(`--input-file ${file}: holds no object; write keys and values.`);
}

/** The inputs that a score knows. */
interface InputNames {
  /** Undefined where any name makes sense. */
  readonly known: readonly string[] | undefined;
  /** No other name is accepted. */
  readonly closed: boolean;
}

/** The names that a score's input may have: those of its schema, otherwise those that its steps and outputs read. */
export function inputNames({ input, steps, outputs }: ScoreDocument): InputNames {
  if (typeof input === 'object') {
    const { properties, additionalProperties: others } = input as Record<string, unknown>;
    if (properties === undefined) return { known: undefined, closed: false };
    return {
      known: typeof others === 'object' ? undefined : Object.keys(properties as object),
      closed: others === false,
    };
  }
  const reads = steps.flatMap((step) => Object.values(step.reads ?? {}).flat());
  const returned = Array.isArray(outputs) ? outputs : Object.values(outputs ?? {});
  const all = [...reads, ...returned].filter((read) => /^input(\.|$)/.test(read));
  if (all.includes('input')) return { known: undefined, closed: false };
  return { known: [...new Set(all.map((read) => read.split('.')[1] as string))], closed: false };
}

/** @throws {CommandLineError} for a name that the score's schema excludes; it has the nearest name. */
function judgeName(
  what: string,
  key: string,
  { known, closed }: InputNames,
  warn: (text: string) => void,
): void {
  if (known === undefined || known.includes(key)) return;
  const near = nearest(key, known);
  const hint = near === undefined ? '' : ` Did you mean '${near}'?`;
  const has = known.length === 0 ? 'it reads no input' : `it has ${known.join(', ')}`;
  if (closed) throw new CommandLineError(`${what}: the score has no such input; ${has}.${hint}`);
  warn(`${what}: nothing in the score reads this; ${has}.${hint}`);
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
    throw new CommandLineError(`--input ${key}: '${text}' is not of type ${String(type)}; give it as JSON.`);
  }
}
