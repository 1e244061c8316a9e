/** What was left out, and the trace's description of itself. */
import { many } from '../parts/words.ts';
import type { ViewerSession } from '../session.ts';

export function NotesView({ session }: { session: ViewerSession }) {
  const { opened } = session;
  if (opened === undefined) return null;
  const { notes, about, trace } = opened;
  return (
    <section class="prose">
      <h2>Notes</h2>
      <p>{`${many(trace.length, 'message')} of ${many(trace.actors.length, 'actor')}, ${many(trace.definitions.list.length, 'definition')}, ${many(trace.faults.length, 'fault')}.`}</p>
      {about.length === 0 ? null : (
        <ul>
          {about.map((one) => (
            <li key={one}>{one}</li>
          ))}
        </ul>
      )}
      <h3>Left out</h3>
      {notes.count === 0 ? <p>Nothing: every line was understood.</p> : null}
      <ul class="left-out">
        {notes.list.map(({ line, what }, index) => (
          <li key={index}>
            {line > 0 ? <b>{`Line ${line.toLocaleString('en')} `}</b> : null}
            {what}
          </li>
        ))}
      </ul>
      {notes.unlisted > 0 ? <p>{`and ${many(notes.unlisted, 'more note')}`}</p> : null}
    </section>
  );
}
