/** Takes a trace in from a file without holding the file: one line at a time, yielding to the page now and then. */
import { TRACE_SESSION, type TraceMessage } from '../../trace/format.ts';
import { TraceLines, type TraceLine } from '../../trace/read.ts';
import type { Opened } from './opened.ts';
import { PAGE_LIMITS } from './trace.ts';

/** How long the page may stand still, in milliseconds. */
const SLICE = 12;

export interface TraceReadOptions {
  /** How long the file is, in bytes. */
  readonly size: number;
  readonly signal?: AbortSignal;
  /** Told now and then how many bytes have been read. */
  readonly progress?: (bytes: number) => void;
}

/** Takes one line in; what is wrong with it is noted. */
export function takeLine({ trace, notes }: Opened, { line, offset, length, message, note }: TraceLine): void {
  if (note !== undefined) notes.add(line, note);
  if (message === undefined) return;
  const wrong = trace.append(message, { offset, length, line });
  if (wrong !== undefined) notes.add(line, `${wrong}; it is left out`);
}

/** Takes every line of a file in, up to what a page holds. */
export async function readAll(
  stream: ReadableStream<Uint8Array>,
  opened: Opened,
  options: TraceReadOptions,
): Promise<void> {
  const { trace, notes } = opened;
  const reader = stream.getReader();
  const lines = new TraceLines();
  let until = performance.now() + SLICE;
  let read = 0;
  let [last, cut, open] = [0, false, false];
  try {
    for (let done = false; !done;) {
      const chunk = await reader.read();
      ({ done } = chunk);
      let count = 0;
      for (const line of chunk.value === undefined ? lines.end() : lines.add(chunk.value)) {
        takeLine(opened, line);
        [last, cut] = [line.line, line.message === undefined];
        if (line.message?.sessionId === TRACE_SESSION) open = isOpen(line.message, open);
        read = line.offset + line.length;
        if (trace.length >= PAGE_LIMITS.events) {
          const rest = (options.size - read) / 2 ** 20;
          if (rest >= 0.01)
            notes.add(
              line.line,
              `is the last that is shown: a page holds ${PAGE_LIMITS.events.toLocaleString('en')} messages, and the ${rest.toFixed(1)} MB after it are left out`,
            );
          return;
        }
        if ((++count & 63) !== 0 || performance.now() < until) continue;
        options.progress?.(read);
        await breath();
        if (options.signal?.aborted === true) return;
        until = performance.now() + SLICE;
      }
    }
  } finally {
    await reader.cancel().catch(() => {});
  }
  if (open && !cut)
    notes.add(
      last,
      'is the last, and the end of the trace is not told: it was cut off, or is still being written',
    );
}

/** Whether a trace of tutti has begun and has no last line yet. */
const isOpen = (message: TraceMessage, before: boolean): boolean =>
  message.type === '@xstate.actor' ||
  (before && !('snapshot' in message && message.snapshot.status === 'done'));

/** Lets the page draw and listen. */
function breath(): Promise<void> {
  return new Promise((resolve) => {
    const { port1, port2 } = new MessageChannel();
    const woken = () => {
      port1.close();
      resolve();
    };
    port1.addEventListener('message', woken, { once: true });
    port1.start();
    port2.postMessage(0);
  });
}
