/** JSON that a model wrapped in a Markdown fence or in prose, taken out of it. */
import type { NoObjectGeneratedError } from 'ai';
import type { Schema } from '../score/schema.ts';
import type { Sdk } from './sdk.ts';

/** Repairs an answer that does not fit its schema; called once for each answer, as the AI SDK calls its own
 *  `repairText`. `error` says what is wrong. Return the repaired text, or null where it cannot be repaired. */
export type RepairText = (options: {
  readonly text: string;
  readonly error: Error;
}) => string | null | Promise<string | null>;

/** The AI SDK's structured output, with one repair of an answer that does not fit. Its `generateText` has no hook for
 *  this: `repairText` belongs to `generateObject`, which has no tools. */
export function repairedOutput(sdk: Sdk, schema: Schema<any, any>, repairText: RepairText | undefined) {
  const output = sdk.Output.object({ schema: schema as never });
  type Parse = typeof output.parseCompleteOutput;
  const parseCompleteOutput = async ({ text }: { text: string }, context: Parameters<Parse>[1]) => {
    try {
      return await output.parseCompleteOutput({ text }, context);
    } catch (error) {
      // Only a complete answer can be repaired, not one that was cut or withheld.
      if (!sdk.NoObjectGeneratedError.isInstance(error) || context.finishReason !== 'stop') throw error;
      const parse = (repaired: string) => output.parseCompleteOutput({ text: repaired }, context);
      if (repairText === undefined) return onlyFitting(text, parse, error);
      const cause = error.cause instanceof Error ? error.cause : error;
      const repaired = await repairText({ text, error: cause });
      if (repaired === null) throw error;
      return parse(repaired);
    }
  };
  return { ...output, parseCompleteOutput };
}

/** The one piece of JSON in a text that fits. If several different ones fit, the choice is ambiguous, so the
 *  answer stays refused. */
async function onlyFitting<Result>(
  text: string,
  parse: (json: string) => Promise<Result>,
  error: NoObjectGeneratedError,
): Promise<Result> {
  const fitting: Result[] = [];
  for (const json of new Set(jsonIn(text))) {
    for (const piece of withinArrays(json)) {
      try {
        fitting.push(await parse(piece));
        break;
      } catch {
        // this piece is not the answer
      }
    }
  }
  if (fitting.length !== 1) throw error;
  return fitting[0]!;
}

/** A piece of JSON and, where it is an array of one element, that element: models, and brackets of the prose, put an
 *  answer into an array. */
function withinArrays(json: string): string[] {
  const pieces = [json];
  for (let value: unknown = JSON.parse(json); Array.isArray(value) && value.length === 1;) {
    value = value[0];
    pieces.push(JSON.stringify(value));
  }
  return pieces;
}

/** Beginnings of JSON that are looked at. Each one may be read to the end of the text. */
const MOST_BEGINNINGS = 200;

/** The objects and arrays that stand in a text, outermost only, each as its text. */
export function jsonIn(text: string): string[] {
  const found: string[] = [];
  let beginnings = 0;
  for (let at = text.search(/[{[]/); at >= 0 && beginnings++ < MOST_BEGINNINGS;) {
    const end = endOfJson(text, at);
    const piece = end === undefined ? undefined : text.slice(at, end);
    const isJson = piece !== undefined && canParse(piece);
    if (isJson) found.push(JSON.stringify(JSON.parse(piece)));
    const from = isJson ? end! : at + 1;
    const next = text.slice(from).search(/[{[]/);
    at = next < 0 ? -1 : from + next;
  }
  return found;
}

/** Behind the bracket that closes the one at `start`, brackets in strings left out. */
function endOfJson(text: string, start: number): number | undefined {
  let [depth, inString] = [0, false];
  for (let i = start; i < text.length; i++) {
    const char = text[i]!;
    if (inString) {
      if (char === '\\') i++;
      else if (char === '"') inString = false;
    } else if (char === '"') inString = true;
    else if (char === '{' || char === '[') depth++;
    else if ((char === '}' || char === ']') && --depth === 0) return i + 1;
  }
  return undefined;
}

function canParse(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
