/** Shared state: the copies and the owner of each key, and the bus messages that led to them. */
import type { Shared } from '../model/shared.ts';
import { LINE_STATES } from '../model/shared.ts';
import type { LoadedTrace } from '../model/trace.ts';
import { Grid, type GridCell } from '../parts/grid.tsx';
import { faultOf, momentOf } from '../parts/moment.ts';
import { Sequence } from '../parts/sequence.tsx';
import { clip, many } from '../parts/words.ts';
import type { ViewerSession } from '../session.ts';
import { Span } from './messages.tsx';
import { Strips } from './strips.tsx';
import { Zoom } from './zoom.tsx';

/** Who owns a key: in E or M, or with a write on its way. */
export function ownerOf(shared: Shared, trace: LoadedTrace, key: string, cursor: number): string | undefined {
  return shared.linesOf(key).find(({ actor }) => /^(E|M|MP)$/.test(trace.stateAt(actor, cursor)))?.agent;
}

export function Lines({ session }: { session: ViewerSession }) {
  const { opened, look, cursor } = session;
  if (opened === undefined) return null;
  const { shared, trace, bus } = opened;
  if (shared.size === 0)
    return (
      <p class="empty">
        This trace tells of no shared state. It has lines when agents share state through `coherence`.
      </p>
    );
  const { agents, keys } = shared;
  const column = Math.max(0, keys.indexOf(look.key));
  const row = Math.max(0, agents.indexOf(look.agent));
  const key = keys[column] as string;
  const owner = ownerOf(shared, trace, key, cursor);
  const cell = (r: number, c: number): GridCell => {
    const [agent, of] = [agents[r] as string, keys[c] as string];
    const actor = shared.line(agent, of);
    const state = actor === undefined ? '' : trace.stateAt(actor, cursor);
    return {
      text: state === '' ? '·' : state,
      class: `mesi-${state}`,
      name: `${agent}, ${of}: ${state === '' ? 'no line yet' : `${state}, ${LINE_STATES[state] ?? ''}`}`,
    };
  };
  return (
    <div class="columns lines-view">
      <section aria-label="Lines">
        <p>{`${many(agents.length, 'agent')} × ${many(keys.length, 'key')}, ${many(shared.size, 'line')}`}</p>
        <Grid
          label="Who has a copy of what"
          rows={agents}
          columns={keys}
          cell={cell}
          note={(c) => {
            const owns = ownerOf(shared, trace, keys[c] as string, cursor);
            return owns === undefined ? 'no owner' : `▲ ${owns}`;
          }}
          row={row}
          column={column}
          onSelect={(r, c) =>
            session.go({ agent: agents[Math.max(0, r)] ?? '', key: keys[Math.max(0, c)] ?? '' })
          }
        />
        <ul class="legend" aria-label="What the letters mean">
          {Object.entries(LINE_STATES).map(([state, words]) => (
            <li key={state}>
              <span class={`swatch-letter mesi-${state}`} aria-hidden="true">
                {state}
              </span>
              <span class="hear">{`${state}: `}</span>
              {words}
            </li>
          ))}
        </ul>
      </section>
      <section aria-label={`The key ${key}`}>
        <div class="bar">
          <h2>{clip(key, 40)}</h2>
          <p>{owner === undefined ? 'no owner' : `owned by ${owner}`}</p>
          <Zoom session={session} />
        </div>
        <Strips session={session} keyName={key} />
        <div class="bar">
          <h3>On the bus</h3>
          <Span session={session} />
        </div>
        <Sequence
          label={`The bus about ${key}`}
          messages={bus.upTo(cursor, look.span, key)}
          cursor={cursor}
          when={(at) => momentOf(opened, at)}
          isFault={(at) => trace.isFault(at)}
          fault={faultOf(opened)}
          onSelect={(at) => session.seek(at)}
          empty="Nothing has been said about this key up to here."
        />
      </section>
    </div>
  );
}
