/** The statecharts: every actor, and the chosen one's machine with what is active in it. */
import { useLayoutEffect, useMemo, useRef, useState } from 'preact/hooks';
import { ChartPicture } from '../chart/chart.tsx';
import { chartOf, machineName } from '../chart/known.ts';
import { actorFamily } from '../model/actors.ts';
import { activePaths } from '../model/value.ts';
import type { ActorRow } from '../model/trace.ts';
import { List } from '../parts/list.tsx';
import { clip, count, many } from '../parts/words.ts';
import type { ViewerSession } from '../session.ts';
import { ActorDetail } from './actor.tsx';
import { Transitions } from './transitions.tsx';

export function Charts({ session }: { session: ViewerSession }) {
  const { opened, look, cursor } = session;
  const [machine, setMachine] = useState('');
  const trace = opened?.trace;
  const family = useMemo(
    () => (trace === undefined ? [] : actorFamily(trace)),
    // Between two actors nothing changes; while many come, once in a while will do.
    [
      trace,
      trace === undefined || session.reading === undefined ? trace?.actors.length : trace.actors.length >> 10,
    ],
  );
  const machines = useMemo(
    () => new Map(trace?.definitions.list.map((text, number) => [number, machineName(text)])),
    [trace, trace?.definitions.list.length],
  );
  const nameOf = (actor: ActorRow) => machines.get(actor.machine) ?? '';
  const members = useMemo(
    () => (machine === '' ? family : family.filter(({ actor }) => nameOf(actor) === machine)),
    [family, machine, machines],
  );
  if (opened === undefined || trace === undefined) return null;
  const asked = trace.find(look.actor);
  const actor =
    asked ??
    family.find(({ actor: one }) => nameOf(one) !== '' && nameOf(one) !== 'no machine')?.actor ??
    family[0]?.actor;
  const selected = members.findIndex((member) => member.actor === actor);
  return (
    <div class="columns charts-view">
      <section class="actors" aria-label="Actors">
        <label>
          <span>Machine</span>
          <select value={machine} onChange={({ currentTarget }) => setMachine(currentTarget.value)}>
            <option value="">{`all ${count(family.length)} actors`}</option>
            {[...new Set(machines.values())].map((name) => (
              <option key={name} value={name}>
                {name}
              </option>
            ))}
          </select>
        </label>
        <List
          label="Actors"
          class="actor-list"
          count={members.length}
          rowHeight={26}
          selected={selected}
          empty="No actors."
          onSelect={(index) => session.go({ actor: members[index]?.actor.session ?? '' })}
          row={(index) => {
            const member = members[index];
            if (member === undefined) return null;
            const state = trace.stateAt(member.actor, cursor);
            return (
              <span class="actor-row">
                <span style={{ paddingLeft: `${Math.min(member.depth, 6) * 12}px` }}>
                  {clip(member.actor.name, 40)}
                </span>
                <span class="state-word">{clip(state, 24)}</span>
              </span>
            );
          }}
        />
      </section>
      {actor === undefined ? (
        <p class="empty">{`${many(0, 'actor')} so far.`}</p>
      ) : (
        <Chosen key={actor.index} session={session} actor={actor} />
      )}
    </div>
  );
}

function Chosen({ session, actor }: { session: ViewerSession; actor: ActorRow }) {
  const { opened, cursor } = session;
  const [scale, setScale] = useState<number>();
  const [room, setRoom] = useState(800);
  const box = useRef<HTMLDivElement>(null);
  useLayoutEffect(() => {
    const element = box.current;
    if (element === null) return;
    const watch = new ResizeObserver(() => setRoom(element.clientWidth - 20));
    watch.observe(element);
    return () => watch.disconnect();
  }, []);
  if (opened === undefined) return null;
  const { trace } = opened;
  const row = trace.stateRow(actor, cursor);
  const state = row < 0 ? '' : trace.value(row);
  const previous = row < 0 ? '' : trace.stateAt(actor, row - 1);
  const known =
    actor.machine < 0
      ? 'This actor has no statechart: it is a promise, a callback or an observable.'
      : chartOf(trace.definitions.name(actor.machine));
  const left =
    typeof known === 'string'
      ? []
      : [
          ...known.chart.faults.slice(0, 5),
          ...(known.picture.left > 0 ? [`${many(known.picture.left, 'arrow')} (the table has them)`] : []),
        ];
  // As large as there is room for, and no larger than life.
  const fitting =
    typeof known === 'string' ? 1 : Math.max(0.4, Math.min(1, room / (known.picture.width + 8)));
  const size = scale ?? fitting;
  return (
    <>
      <section class="chart-main" aria-label="Statechart">
        <div class="bar">
          <h2>{clip(actor.name, 60)}</h2>
          <p>
            <b>{state === '' ? 'not there yet' : state}</b>
          </p>
          <div class="buttons" role="group" aria-label="Size of the chart">
            <button type="button" onClick={() => setScale(Math.max(0.25, size / 1.25))} aria-label="Smaller">
              −
            </button>
            <button type="button" onClick={() => setScale(Math.min(4, size * 1.25))} aria-label="Larger">
              +
            </button>
            <button type="button" disabled={scale === undefined} onClick={() => setScale(undefined)}>
              Fit
            </button>
          </div>
        </div>
        {typeof known === 'string' ? (
          <p class="empty">{known}</p>
        ) : (
          <>
            {left.length === 0 ? null : (
              <p class="trouble">{`Left out of the picture: ${left.join('; ')}`}</p>
            )}
            <div
              ref={box}
              class="chart-box"
              tabIndex={0}
              role="region"
              aria-label={`Chart of ${known.chart.id}`}
            >
              <ChartPicture
                known={known}
                active={activePaths(state)}
                before={activePaths(previous)}
                event={row < 0 ? '' : trace.type(row)}
                scale={size}
                label={`Statechart of ${known.chart.id}, ${many(known.chart.byPath.size - 1, 'state')}; active: ${state === '' ? 'none yet' : state}`}
              />
            </div>
            <Transitions chart={known.chart} active={activePaths(state)} />
          </>
        )}
      </section>
      <ActorDetail session={session} actor={actor} />
    </>
  );
}
