/** Before anything is open. */
import type { ViewerSession } from '../session.ts';

export function Welcome({ session, open }: { session: ViewerSession; open: () => void }) {
  if (session.reading !== undefined || session.live === 'connecting') return <p class="empty">Reading…</p>;
  return (
    <section class="welcome">
      <h2>Open a trace</h2>
      <p>
        Drop a <code>.jsonl</code> file on this page, or{' '}
        <button type="button" onClick={open}>
          choose one
        </button>
      </p>
      <p>
        <code>tutti perform score.yaml --trace run.jsonl</code> writes one, and{' '}
        <code>tutti view run.jsonl</code> opens it here. So does every inspector that speaks the Stately
        inspection format, and a counter-example of <code>tutti verify</code>.
      </p>
    </section>
  );
}
