/** The chosen actor: its last events, and its context as of the cursor. */
import { countUpTo } from '../model/columns.ts';
import { isObject } from '../model/message.ts';
import { ACTOR, EVENT, type ActorRow } from '../model/trace.ts';
import { Text, useMessage } from '../parts/payload.tsx';
import { clip, count, ms } from '../parts/words.ts';
import type { ViewerSession } from '../session.ts';

const MOST = 30;

export function ActorDetail({ session, actor }: { session: ViewerSession; actor: ActorRow }) {
  const { opened, cursor } = session;
  const row = opened?.trace.stateRow(actor, cursor) ?? -1;
  const message = useMessage(opened, row);
  if (opened === undefined) return null;
  const { trace } = opened;
  const happened = countUpTo(actor.rows.length, (index) => actor.rows[index] as number, cursor);
  const rows = actor.rows.slice(Math.max(0, happened - MOST), happened).toReversed();
  const snapshot = isObject(message) && isObject(message['snapshot']) ? message['snapshot'] : undefined;
  return (
    <aside class="detail" aria-label="Actor">
      <dl class="facts">
        <dt>Session</dt>
        <dd>{actor.session}</dd>
        <dt>Parent</dt>
        <dd>
          {actor.parent === undefined ? (
            'none'
          ) : (
            <button type="button" class="link" onClick={() => session.go({ actor: actor.parent ?? '' })}>
              {clip(trace.find(actor.parent)?.name ?? actor.parent, 40)}
            </button>
          )}
        </dd>
      </dl>
      <h3>Context</h3>
      {row < 0 ? (
        <p>Not there yet.</p>
      ) : (
        <Text value={snapshot?.['context'] ?? snapshot?.['output'] ?? snapshot?.['error']} label="Context" />
      )}
      <h3>{`Last events (${count(happened)} messages so far)`}</h3>
      <ol class="events">
        {rows.map((at) => (
          <li key={at} class={trace.isFault(at) ? 'fault' : ''}>
            <button
              type="button"
              class="link"
              onClick={() => session.seek(at)}
              {...(at === cursor ? { 'aria-current': 'step' } : {})}
            >
              <span class="when">{ms(trace.time(at))}</span>
              {trace.isFault(at) ? '✕ ' : ''}
              {trace.kind(at) === ACTOR
                ? 'is there'
                : trace.kind(at) === EVENT
                  ? clip(trace.type(at), 40)
                  : `→ ${clip(trace.value(at), 40)}`}
              {trace.kind(at) === EVENT && trace.sender(at) !== undefined ? (
                <small>{` from ${clip(trace.sender(at)?.name ?? '', 24)}`}</small>
              ) : null}
            </button>
          </li>
        ))}
      </ol>
    </aside>
  );
}
