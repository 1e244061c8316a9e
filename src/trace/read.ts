/** Reads a trace: bytes to messages, one line at a time, for files of any content and size. */
import { TRACE_VERSION, type TraceMessage } from './format.ts';

/** A line beyond this many bytes is left out: no message is that long, and memory is not for it. */
export const LONGEST_LINE = 8 << 20;

/** A line of a trace: a message, or what is wrong with it; a message may bear a note, too. */
export interface TraceLine {
  /** From 1. */
  readonly line: number;
  /** Where it begins, in bytes. */
  readonly offset: number;
  /** In bytes, without the line feed. */
  readonly length: number;
  readonly message?: TraceMessage;
  readonly note?: string;
}

/** Reads a trace as it comes. Nothing is kept.
 *  @param chunks bytes: a file's `stream()`, a response's `body`, a socket's messages
 *  @example
 *  ```ts
 *  for await (const { line, message, note } of readTrace(file.stream())) if (note) console.warn(line, note);
 *  ``` */
export async function* readTrace(
  chunks: AsyncIterable<Uint8Array> | ReadableStream<Uint8Array>,
): AsyncGenerator<TraceLine> {
  const lines = new TraceLines();
  for await (const chunk of chunks as AsyncIterable<Uint8Array>) yield* lines.add(chunk);
  yield* lines.end();
}

const NEWLINE = 10;

/** Cuts bytes that come piece by piece into lines. */
export class TraceLines {
  readonly #decoder = new TextDecoder();
  #kept: Uint8Array[] = [];
  #length = 0;
  #offset = 0;
  #line = 0;

  /** The lines that end in this piece. */
  *add(chunk: Uint8Array): Generator<TraceLine> {
    let from = 0;
    for (let end = chunk.indexOf(NEWLINE); end >= 0; end = chunk.indexOf(NEWLINE, from)) {
      const line = this.#cut(chunk.subarray(from, end), true);
      if (line !== undefined) yield line;
      from = end + 1;
    }
    const rest = chunk.subarray(from);
    if (rest.length === 0) return;
    this.#length += rest.length;
    if (this.#length <= LONGEST_LINE)
      this.#kept.push(rest.slice()); // the giver may use its buffer again
    else this.#kept = [];
  }
  /** What comes after the last line feed. */
  *end(): Generator<TraceLine> {
    const line = this.#length === 0 ? undefined : this.#cut(new Uint8Array(0), false);
    if (line !== undefined) yield line;
  }

  #cut(rest: Uint8Array, ended: boolean): TraceLine | undefined {
    const line = ++this.#line;
    const length = this.#length + rest.length;
    const offset = this.#offset;
    this.#offset += length + (ended ? 1 : 0);
    const parts = this.#kept;
    this.#kept = [];
    this.#length = 0;
    const place = { line, offset, length };
    if (length > LONGEST_LINE)
      return { ...place, note: `is longer than ${LONGEST_LINE >> 20} MB; it is left out` };
    const text = this.#decoder.decode(parts.length === 0 ? rest : joined([...parts, rest], length));
    if (text.trim() === '') return undefined;
    let value: unknown;
    try {
      value = JSON.parse(text);
    } catch {
      const what = ended ? 'is not JSON; it is left out' : 'is cut off: the trace ends within a message';
      return { ...place, note: what };
    }
    return { ...place, ...checkMessage(value) };
  }
}

/** Whether a value is a message. Only what every reader relies on is checked. */
export function checkMessage(value: unknown): { message: TraceMessage; note?: string } | { note: string } {
  if (!isObject(value)) return { note: 'is not an object; it is left out' };
  const { type, sessionId } = value;
  if (type !== '@xstate.actor' && type !== '@xstate.event' && type !== '@xstate.snapshot')
    return { note: `is of an unknown type, ${JSON.stringify(type)?.slice(0, 60) ?? 'none'}; it is left out` };
  if (typeof sessionId !== 'string') return { note: 'names no sessionId; it is left out' };
  const needs = type === '@xstate.event' ? 'event' : 'snapshot';
  if (!isObject(value[needs])) return { note: `has no ${needs}; it is left out` };
  if (needs === 'event' && typeof (value['event'] as Fields)['type'] !== 'string')
    return { note: 'has an event without a type; it is left out' };
  const message = value as unknown as TraceMessage;
  const note = noteOn(value);
  return note === undefined ? { message } : { message, note };
}
/** A remark on a message that is readable but incomplete. */
function noteOn(message: Fields): string | undefined {
  if (message['type'] !== '@xstate.actor') return undefined;
  const { context } = message['snapshot'] as Fields;
  if (isObject(context) && context['format'] === 'tutti.trace' && context['version'] !== TRACE_VERSION)
    return `is of version ${JSON.stringify(context['version'])} of the format; this reader knows version ${TRACE_VERSION}, and some of it may be missing`;
  const { definition } = message;
  if (definition === undefined || definition === null || isMachine(definition)) return undefined;
  return 'has a definition that is not a machine; no chart of it';
}
/** What a machine has, even one without states. */
const PARTS = ['states', 'on', 'invoke', 'always', 'after', 'entry', 'exit', 'context'];
/** Whether it has some of a machine's parts, or only a name, which is Stately's form for an actor that is no machine. */
function isMachine(definition: unknown): boolean {
  if (isObject(definition))
    return Object.keys(definition).every((key) => key === 'id') || PARTS.some((part) => part in definition);
  if (typeof definition !== 'string') return false;
  try {
    const read: unknown = JSON.parse(definition);
    return isObject(read) && isMachine(read);
  } catch {
    return false;
  }
}

type Fields = Record<string, unknown>;
const isObject = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

function joined(parts: readonly Uint8Array[], length: number): Uint8Array {
  const whole = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
