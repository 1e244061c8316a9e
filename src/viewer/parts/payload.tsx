/** The text of a message, read from the file again when it is shown. */
import { useEffect, useState } from 'preact/hooks';
import { isObject } from '../model/message.ts';
import type { Opened } from '../model/opened.ts';
import { EVENT } from '../model/trace.ts';
import type { ViewerSession } from '../session.ts';
import { faultOf, momentOf } from './moment.ts';
import { clip, count } from './words.ts';

/** A text longer than this is shown in part. */
const MOST = 20_000;

/** A message of the trace, once it has been read. While one scrubs, only the last one asked for is. */
export function useMessage(opened: Opened | undefined, row: number): unknown {
  const [found, setFound] = useState<{ row: number; message: unknown }>();
  useEffect(() => {
    if (opened === undefined || row < 0) return;
    let wanted = true;
    const timer = setTimeout(() => {
      const { offset, length } = opened.trace.place(row);
      opened.source.text(offset, length).then(
        (text) => wanted && setFound({ row, message: parsed(text) }),
        (error: unknown) => wanted && setFound({ row, message: `cannot be read again: ${String(error)}` }),
      );
    }, 60);
    return () => {
      wanted = false;
      clearTimeout(timer);
    };
  }, [opened, row]);
  return found?.row === row ? found.message : undefined;
}
const parsed = (text: string): unknown => {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
};

export function Payload({ session, row }: { session: ViewerSession; row: number }) {
  const { opened } = session;
  const message = useMessage(opened, row);
  if (opened === undefined || row < 0) return <p class="empty">Before the first message.</p>;
  const { trace } = opened;
  const actor = trace.actor(row);
  const line = count(trace.place(row).line);
  const place =
    opened.counterexample === undefined ? `Line ${line}, at ${momentOf(opened, row)}` : `Step ${line}`;
  const title = trace.kind(row) === EVENT ? trace.type(row) : trace.value(row);
  const body = isObject(message)
    ? (message[trace.kind(row) === EVENT ? 'event' : 'snapshot'] ?? message)
    : message;
  return (
    <>
      <h2>{clip(title || actor.name, 80)}</h2>
      <p>{`${place}, ${actor.name}${trace.isFault(row) ? `: ${faultOf(opened)}` : ''}`}</p>
      <Text value={body} label="The message" />
    </>
  );
}

/** JSON for eyes. */
export function Text({ value, label }: { value: unknown; label: string }) {
  if (value === undefined) return null;
  const text = typeof value === 'string' ? value : (JSON.stringify(value, undefined, 2) ?? '');
  const cut = text.length > MOST;
  return (
    <>
      <pre tabIndex={0} role="region" aria-label={label}>
        {cut ? text.slice(0, MOST) : text}
      </pre>
      {cut ? <p>{`… and ${count(text.length - MOST)} more characters`}</p> : null}
    </>
  );
}
