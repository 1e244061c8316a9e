/** Every transition of a machine as a table: the picture in words, with the details that the picture has no room for. */
import { useState } from 'preact/hooks';
import type { Chart } from '../chart/definition.ts';

/** More rows are not shown, because a longer table is not usable. */
const MOST = 2_000;

export function Transitions({ chart, active }: { chart: Chart; active: ReadonlySet<string> }) {
  const [open, setOpen] = useState(false);
  const rows = [...chart.byPath.values()].flatMap((state) =>
    state.transitions.map((transition) => ({ state, transition })),
  );
  return (
    <details class="transitions" onToggle={({ currentTarget }) => setOpen(currentTarget.open)}>
      <summary>{`All ${rows.length} transitions as a table`}</summary>
      <div class="wide" tabIndex={0} role="region" aria-label="Transitions">
        <table>
          <thead>
            <tr>
              <th scope="col">State</th>
              <th scope="col">Event</th>
              <th scope="col">Guard</th>
              <th scope="col">To</th>
              <th scope="col">Actions</th>
            </tr>
          </thead>
          <tbody>
            {(open ? rows.slice(0, MOST) : []).map(({ state, transition }, index) => (
              <tr key={index} class={active.has(state.path) || state.path === '' ? 'now' : ''}>
                <td>{state.path === '' ? chart.id : state.path}</td>
                <td>{transition.event}</td>
                <td>{transition.guard ?? ''}</td>
                <td>{transition.targets.map(({ path }) => path || chart.id).join(', ')}</td>
                <td>{transition.actions.join(', ')}</td>
              </tr>
            ))}
          </tbody>
        </table>
        {rows.length > MOST ? <p>{`and ${rows.length - MOST} more`}</p> : null}
      </div>
    </details>
  );
}
