/** Counter-examples: the shortest way to a violation, message by message, opened as if it were a trace. */
import { isObject, textOf, type Json } from './message.ts';
import { openOf, type Opened } from './opened.ts';
import { fileSource } from './source.ts';

/** A file of counter-examples is read as a whole, and is small. */
const LARGEST = 64 << 20;
/** A transcript has an order and no clock: one step is a second of the replay. */
const STEP_MS = 1_000;

interface Transcript {
  readonly what: string;
  readonly seed: number | undefined;
  readonly messages: readonly Json[];
}
export interface Transcripts {
  /** The names of all that the file holds. */
  readonly parts: readonly string[];
  readonly opened: Opened;
}

/** Opens a transcript of a file, if it holds any. */
export async function traceOfTranscripts(
  name: string,
  file: Blob,
  part: number,
): Promise<Transcripts | undefined> {
  if (file.size > LARGEST) return undefined;
  const [head = ''] = (await file.slice(0, 4_096).text()).split('\n', 1);
  if (head.includes('"@xstate.')) return undefined;
  let found: Transcript[] = [];
  try {
    collect(JSON.parse(await file.text()), found, 0);
  } catch {
    found = [];
  }
  const chosen = found[part] ?? found[0];
  if (chosen === undefined) return undefined;
  return { parts: found.map(({ what }) => what), opened: replay(name, chosen) };
}

/** Finds every object with a transcript, wherever a report may have put it. */
function collect(value: unknown, into: Transcript[], depth: number): void {
  if (depth > 12 || typeof value !== 'object' || value === null) return;
  if (isObject(value) && Array.isArray(value['transcript'])) {
    const messages = value['transcript'].filter(isObject);
    const seed = value['seed'];
    const what = textOf(value['what']) ?? 'a counter-example';
    into.push({ what, seed: typeof seed === 'number' ? seed : undefined, messages });
    return;
  }
  for (const inner of Object.values(value)) collect(inner, into, depth + 1);
}

function replay(name: string, { what, seed, messages }: Transcript): Opened {
  const lines = messages.map((message) => JSON.stringify(message));
  const opened = openOf(fileSource(name, new Blob(lines.map((line) => `${line}\n`))));
  const encoder = new TextEncoder();
  let offset = 0;
  for (const [step, message] of messages.entries()) {
    const from = textOf(message['from']);
    const text = textOf(message['text']) ?? '';
    const length = encoder.encode(lines[step]).length;
    const place = { offset, length, line: step + 1 };
    offset += length + 1;
    if (from === undefined) {
      opened.notes.add(step + 1, 'names nobody who says it; it is left out');
      continue;
    }
    const to = textOf(message['to']);
    const row = opened.trace.length;
    // A plain event of an inspector, so that search, cursor and faults treat it as they treat any other.
    opened.trace.append(
      {
        type: '@xstate.event',
        sessionId: to ?? from,
        ...(to === undefined ? {} : { sourceId: from }),
        createdAt: String(step * STEP_MS),
        event: { type: text },
      },
      place,
    );
    if (to === undefined) opened.bus.add({ row, from, to, text, about: '' });
    if (step === messages.length - 1) opened.trace.fault(row); // the violation itself
  }
  opened.headline = seed === undefined ? what : `${what} (seed ${seed})`;
  return opened;
}
