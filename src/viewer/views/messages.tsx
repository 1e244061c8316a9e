/** The messages up to the cursor: signals of the bus, events between actors, a counter-example's steps. */
import { faultOf, momentOf } from '../parts/moment.ts';
import { Sequence } from '../parts/sequence.tsx';
import type { ViewerSession } from '../session.ts';
import { Payload } from '../parts/payload.tsx';

export const SPANS = [10, 20, 40, 80, 200];

export function Messages({ session }: { session: ViewerSession }) {
  const { opened, look, cursor } = session;
  if (opened === undefined) return null;
  const { bus, trace, counterexample } = opened;
  const about = bus.subjects.includes(look.key) ? look.key : '';
  return (
    <div class="columns">
      <section aria-label="Messages">
        <div class="bar">
          <Subject session={session} about={about} />
          <Span session={session} />
        </div>
        <Sequence
          label={about === '' ? 'Messages' : `Messages about ${about}`}
          messages={bus.upTo(cursor, look.span, about)}
          cursor={cursor}
          {...(counterexample === undefined ? {} : { participants: counterexample.participants })}
          when={(row) => momentOf(opened, row)}
          isFault={(row) => trace.isFault(row)}
          fault={faultOf(opened)}
          onSelect={(row) => session.seek(row)}
          empty={
            bus.length > 0
              ? 'There are no messages yet: move the cursor on.'
              : counterexample === undefined
                ? 'No message in this trace names its sender.'
                : 'No step leads there: the sentence above is all that was found.'
          }
        />
      </section>
      <aside class="detail" aria-label="Message">
        <Payload session={session} row={cursor} />
      </aside>
    </div>
  );
}

function Subject({ session, about }: { session: ViewerSession; about: string }) {
  const subjects = session.opened?.bus.subjects ?? [];
  if (subjects.length === 0) return null;
  // A list of thousands is not usable: the search finds the others.
  const shown = subjects.slice(0, 300);
  if (about !== '' && !shown.includes(about)) shown.unshift(about);
  return (
    <label>
      <span>About</span>
      <select value={about} onChange={({ currentTarget }) => session.go({ key: currentTarget.value })}>
        <option value="">everything</option>
        {shown.map((subject) => (
          <option key={subject} value={subject}>
            {subject}
          </option>
        ))}
      </select>
    </label>
  );
}
export function Span({ session }: { session: ViewerSession }) {
  return (
    <label>
      <span>Last</span>
      <select
        value={String(session.look.span)}
        onChange={({ currentTarget }) => session.go({ span: Number(currentTarget.value) })}
      >
        {[...new Set([...SPANS, session.look.span])]
          .sort((a, b) => a - b)
          .map((span) => (
            <option key={span} value={String(span)}>{`${span} messages`}</option>
          ))}
      </select>
    </label>
  );
}
