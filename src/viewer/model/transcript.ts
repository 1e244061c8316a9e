/** Counter-examples: the shortest way to a violation, message by message, opened as if it were a trace. */
import { isObject, textOf, type ParsedObject } from './message.ts';
import { openOf, type Opened } from './opened.ts';
import { fileSource } from './source.ts';

/** A file of counter-examples is read as a whole, and is small. */
const LARGEST = 64 << 20;
/** A transcript has an order and no clock: one step is a second of the replay. */
const STEP_MS = 1_000;

interface Transcript {
  readonly what: string;
  readonly messages: readonly ParsedObject[];
  /** The claim, and the bound of the check. */
  readonly about: readonly string[];
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
    collect(JSON.parse(await file.text()), found, {}, 0);
  } catch {
    found = [];
  }
  const chosen = found[part] ?? found[0];
  if (chosen === undefined) return undefined;
  return { parts: found.map(({ what }) => what), opened: replay(name, chosen) };
}

/** Finds every object with a transcript, wherever a report may have put it.
 *  @param around the object that holds it: there a report says what was claimed */
function collect(value: unknown, into: Transcript[], around: ParsedObject, depth: number): void {
  if (depth > 12 || typeof value !== 'object' || value === null) return;
  if (isObject(value) && Array.isArray(value['transcript'])) {
    const { seed } = value;
    const what = textOf(value['what']) ?? 'a counter-example';
    into.push({
      what: typeof seed === 'number' ? `${what} (seed ${seed})` : what,
      messages: value['transcript'].filter(isObject),
      about: aboutOf({ ...around, ...value }),
    });
    return;
  }
  for (const inner of Object.values(value)) collect(inner, into, isObject(value) ? value : around, depth + 1);
}

/** As far as the file says so. */
function aboutOf(told: ParsedObject): string[] {
  const claim = isObject(told['claim']) ? told['claim'] : told;
  const [mapping, criterion] = [textOf(claim['mapping']), textOf(claim['criterion'])];
  const lines: readonly (readonly [string, string | undefined])[] = [
    ['Mapping', mapping === undefined || criterion === undefined ? mapping : `${mapping}, ${criterion}`],
    ['Claimed', textOf(claim['property'])],
    ['Source', textOf(claim['source'])],
    ['Looked at', textOf(told['bound'])],
  ];
  return lines.flatMap(([name, text]) => (text === undefined ? [] : [`${name}: ${text}`]));
}

function replay(name: string, { what, messages, about }: Transcript): Opened {
  const lines = messages.map((message) => JSON.stringify(message));
  const source = fileSource(name, new Blob(lines.map((line) => `${line}\n`)));
  const names = messages.flatMap(({ from, to }) => {
    const speaker = textOf(from);
    return speaker === undefined ? [] : [speaker, textOf(to) ?? speaker];
  });
  const opened = openOf(source, { what, participants: [...new Set(names)] });
  opened.about.push(...about);
  const encoder = new TextEncoder();
  let offset = 0;
  for (const [step, message] of messages.entries()) {
    const from = textOf(message['from']);
    const to = textOf(message['to']);
    const text = textOf(message['text']) ?? '';
    const length = encoder.encode(lines[step]).length;
    const place = { offset, length, line: step + 1 };
    offset += length + 1;
    if (from === undefined) {
      opened.notes.add(step + 1, 'has no sender; it is left out');
      continue;
    }
    const row = opened.trace.length;
    // A plain event of an inspector, so that cursor and replay treat it as they treat any other.
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
    opened.bus.add({ row, from, to, text, about: '' });
    if (step === messages.length - 1) opened.trace.fault(row); // the violation itself
  }
  return opened;
}
