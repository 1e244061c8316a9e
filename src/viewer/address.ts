/** Reads the page's address. A page that `tutti view` or `--inspect` serves has a `source.json` beside it, which names a
 *  file, or a socket on which a live trace arrives. A page that is opened from a disk has none. */
import { isObject, numberOf, textOf } from './model/message.ts';
import { takeLine } from './model/read.ts';
import { rangeSource, WireSource } from './model/source.ts';
import { PAGE_LIMITS } from './model/trace.ts';
import { TraceLines } from '../trace/read.ts';
import type { ViewerSession } from './session.ts';

/** A smaller file is fetched as a whole. */
const SMALL = 64 << 20;
/** The close code of a socket after the whole trace has been sent. */
const OVER = 1000;

export async function startFromAddress(session: ViewerSession): Promise<void> {
  if (!location.protocol.startsWith('http')) return;
  let found: unknown;
  try {
    const response = await fetch('source.json');
    if (!response.ok) return;
    found = await response.json();
  } catch {
    return; // a page that is served alone
  }
  if (!isObject(found)) return;
  const name = textOf(found['name']) ?? 'trace';
  if (found['kind'] === 'live') listen(session, name);
  if (found['kind'] === 'file') await fetchFile(session, name, numberOf(found['size']) ?? 0);
}

async function fetchFile(session: ViewerSession, name: string, size: number): Promise<void> {
  const url = 'trace.jsonl';
  session.reading = 0;
  session.changed();
  try {
    const response = await fetch(url);
    if (!response.ok) throw new Error(`the server says ${response.status}`);
    if (size <= SMALL) await session.open(name, await response.blob(), 'address');
    else await session.stream(rangeSource(name, url), response.body as ReadableStream<Uint8Array>, size);
  } catch (error) {
    session.reading = undefined;
    session.trouble = `'${name}' cannot be fetched: ${error instanceof Error ? error.message : String(error)}. Is tutti view still running?`;
    session.changed();
  }
}

function listen(session: ViewerSession, name: string): void {
  const source = new WireSource(name);
  const opened = session.begin(source);
  const lines = new TraceLines();
  const encoder = new TextEncoder();
  const socket = new WebSocket(new URL('live', location.href.replace(/^http/, 'ws')));
  session.live = 'connecting';
  session.speed = 1;
  socket.addEventListener('open', () => {
    session.live = 'on';
    session.changed();
  });
  socket.addEventListener('message', ({ data }) => {
    if (typeof data !== 'string') return;
    const bytes = encoder.encode(data);
    source.append(bytes);
    for (const line of lines.add(bytes)) takeLine(opened, line);
    if (opened.trace.length >= PAGE_LIMITS.events) {
      opened.notes.add(
        0,
        `What comes after ${PAGE_LIMITS.events.toLocaleString('en')} messages is not shown.`,
      );
      socket.close();
    }
    session.changed();
  });
  socket.addEventListener('close', ({ code, reason }) => {
    for (const line of lines.end()) takeLine(opened, line);
    session.live = 'lost';
    if (code !== OVER)
      opened.notes.add(
        0,
        `The connection has ended${reason === '' ? '' : `: ${reason}`}; what came until then is shown.`,
      );
    session.show(opened);
  });
}
