/** The chosen step: what it read and wrote after renaming, and how long it was in which phase. */
import { resultTag } from '../model/score.ts';
import type { StepRow } from '../model/score.ts';
import { clip, ms } from '../parts/words.ts';
import type { ViewerSession } from '../session.ts';
import { GLYPHS, lookOf } from './score-parts.ts';

export function StepDetail({ session, step }: { session: ViewerSession; step: StepRow | undefined }) {
  const { opened, cursor } = session;
  if (opened === undefined) return null;
  if (step === undefined)
    return (
      <aside class="detail" aria-label="Step">
        <p class="empty">Choose a step to see what it waited for.</p>
      </aside>
    );
  const { score } = opened;
  const status = score.statusAt(step, cursor);
  const critical = score.critical().steps.has(step.index);
  const go = (to: StepRow) => (
    <button type="button" class="link" onClick={() => session.go({ step: lookOf(to) })}>
      {to.id}
    </button>
  );
  return (
    <aside class="detail" aria-label="Step">
      <h2>{step.id}</h2>
      <p>
        <span class={`glyph ${status}`} aria-hidden="true">
          {GLYPHS[status] ?? '·'}
        </span>
        {` ${status}${step.agent === '' ? '' : `, agent ${step.agent}`}${critical ? ', on the critical path' : ''}`}
      </p>
      {step.error === '' || step.endedRow > cursor ? null : <p class="trouble">{clip(step.error, 400)}</p>}
      <h3>Waited for</h3>
      {step.downbeat ? <p>A downbeat: everything above it had to be settled.</p> : null}
      {step.reads.length === 0 && !step.downbeat ? <p>Nothing: it was ready when it was issued.</p> : null}
      <ul>
        {step.reads.map(({ name, step: source }, index) => {
          const writer = score.steps[source];
          return writer === undefined ? null : (
            <li key={index}>
              <code>{name}</code> is <code>{resultTag(writer)}</code>, written by {go(writer)}
            </li>
          );
        })}
      </ul>
      <h3>
        Wrote <code>{resultTag(step)}</code>
      </h3>
      {score.readers(step).length === 0 ? <p>Read by no step.</p> : null}
      <ul>
        {score.readers(step).map((reader) => (
          <li key={reader.index}>read by {go(reader)}</li>
        ))}
      </ul>
      <h3>Phases</h3>
      <table>
        <thead>
          <tr>
            <th scope="col">Phase</th>
            <th scope="col">From</th>
            <th scope="col">For</th>
          </tr>
        </thead>
        <tbody>
          {score.segments(step).map(({ phase, from, to, row }) => (
            <tr key={row} class={row <= cursor ? '' : 'later'}>
              <td>
                <button type="button" class="link" onClick={() => session.seek(row)}>
                  {phase}
                </button>
              </td>
              <td>{ms(from)}</td>
              <td>{ms(to - from)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </aside>
  );
}
