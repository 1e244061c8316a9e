/** The score as it was played: a row for each step, its waiting and its running in time, and what it waited for. */
import { useMemo, useState } from 'preact/hooks';
import { resultTag } from '../model/score.ts';
import type { ViewedScore, StepRow } from '../model/score.ts';
import { colour, useCanvas } from '../parts/canvas.ts';
import { List } from '../parts/list.tsx';
import { many, ms } from '../parts/words.ts';
import type { ViewerSession } from '../session.ts';
import { axis, drawRows, type VisibleTime } from './score-draw.ts';
import { GLYPHS, itemsOf, labelWidth, lookOf, ROW, windowOf, type Item, type Items } from './score-parts.ts';
import { Zoom } from './zoom.tsx';
import { StepDetail } from './score-step.tsx';

export function ScoreView({ session }: { session: ViewerSession }) {
  const { opened, look, cursor } = session;
  const [sight, setSight] = useState({ first: 0, last: 0, top: 0, height: 0 });
  const score = opened?.score;
  const all = useMemo(
    () =>
      score === undefined ? { items: [], rowOf: new Map<number, number>() } : itemsOf(score, look.order),
    [score, score?.steps.length, score?.declared, look.order],
  );
  if (opened === undefined || score === undefined) return null;
  const { steps, length } = score.critical();
  const { items } = all;
  const step = score.named(look.step);
  const selected = step === undefined ? -1 : (all.rowOf.get(step.index) ?? -1);
  const frame: VisibleTime = { ...windowOf(session), time: session.time, cursor };
  // While time passes, what happens is in sight; at the end of what is over, the beginning is.
  const follows = look.at !== undefined || session.live === 'on';
  const latest = follows ? score.latest(cursor) : undefined;
  const ended = score.endedBy(cursor);
  return (
    <div class="columns">
      <section class="score-main" aria-label="Score">
        <div class="bar">
          <p>{`${many(score.steps.length, 'step')}, ${ended.toLocaleString('en')} ended; critical path ${ms(length)}, ${many(steps.size, 'step')}`}</p>
          <label>
            <span>Order</span>
            <select
              value={look.order}
              onChange={({ currentTarget }) =>
                session.go({ order: currentTarget.value === 'agent' ? 'agent' : 'program' })
              }
            >
              <option value="program">as written</option>
              <option value="agent">by agent</option>
            </select>
          </label>
          <Zoom session={session} />
        </div>
        <Axis session={session} frame={frame} />
        <List
          label="Steps"
          class="steps"
          count={items.length}
          rowHeight={ROW}
          selected={selected}
          follow={latest === undefined ? -1 : (all.rowOf.get(latest.index) ?? -1)}
          empty="This trace tells of no steps. Its actors are under Statecharts, their events under Messages."
          onSelect={(index) => {
            // A heading is passed over in the direction of travel.
            const item = items[index];
            const other = items[index + (index >= selected ? 1 : -1)];
            const to = item !== undefined && 'step' in item ? item : other;
            if (to !== undefined && 'step' in to) session.go({ step: lookOf(to.step) });
          }}
          onSight={(first, last, top, height) => {
            if (sight.first !== first || sight.last !== last || sight.top !== top || sight.height !== height)
              setSight({ first, last, top, height });
          }}
          name={(index) => spoken(items[index], score, cursor, steps)}
          row={(index) => <Label item={items[index]} score={score} cursor={cursor} critical={steps} />}
          behind={<Bars score={score} all={all} frame={frame} sight={sight} chosen={step} />}
        />
        <Legend />
      </section>
      <StepDetail session={session} step={step} />
    </div>
  );
}

function Label({
  item,
  score,
  cursor,
  critical,
}: {
  item: Item | undefined;
  score: ViewedScore;
  cursor: number;
  critical: ReadonlyMap<number, number>;
}) {
  if (item === undefined) return null;
  if ('heading' in item)
    return (
      <span class="heading">
        <b>{item.heading}</b> {many(item.count, 'step')}
      </span>
    );
  const { step } = item;
  const status = score.statusAt(step, cursor);
  return (
    <span class="step-label">
      <span class={`glyph ${status}`} aria-hidden="true">
        {GLYPHS[status] ?? '·'}
      </span>
      <span class={critical.has(step.index) ? 'critical' : ''}>{step.id}</span>
    </span>
  );
}
function spoken(
  item: Item | undefined,
  score: ViewedScore,
  cursor: number,
  critical: ReadonlyMap<number, number>,
): string {
  if (item === undefined) return '';
  if ('heading' in item) return `Agent ${item.heading}, ${many(item.count, 'step')}`;
  const { step } = item;
  const span = score.span(step);
  const when =
    span === undefined
      ? 'never issued'
      : `from ${ms(span.from)} to ${Number.isNaN(span.to) ? 'now' : ms(span.to)}`;
  const waited =
    step.reads.length === 0
      ? ''
      : `; waited for ${step.reads.map(({ step: source }) => score.steps[source]?.id ?? '?').join(', ')}`;
  return `${step.id}, ${step.agent === '' ? '' : `agent ${step.agent}, `}${score.statusAt(step, cursor)}, ${when}${waited}${critical.has(step.index) ? '; on the critical path' : ''}; tag ${resultTag(step)}`;
}

function Bars(props: {
  score: ViewedScore;
  all: Items;
  frame: VisibleTime;
  sight: { first: number; last: number; top: number; height: number };
  chosen: StepRow | undefined;
}) {
  const { ref } = useCanvas((context, width, height) =>
    drawRows(context, { ...props, width, height, rowHeight: ROW, colour }),
  );
  return <canvas ref={ref} class="bars" aria-hidden="true" />;
}

/** The axis, on which one may also scrub. */
function Axis({ session, frame }: { session: ViewerSession; frame: VisibleTime }) {
  const { ref } = useCanvas((context, width, height) => axis(context, width, height, frame, colour));
  const seek = (event: PointerEvent & { currentTarget: HTMLElement }) => {
    if (event.buttons !== 1) return;
    const { left, width } = event.currentTarget.getBoundingClientRect();
    const label = labelWidth(width);
    const part = Math.max(0, Math.min(1, (event.clientX - left - label) / Math.max(1, width - label - 12)));
    session.seekTime(frame.from + part * (frame.to - frame.from));
  };
  return <canvas ref={ref} class="axis" aria-hidden="true" onPointerDown={seek} onPointerMove={seek} />;
}
function Legend() {
  const marks = [
    ['waiting', 'waiting'], ['ready', 'ready'], ['held', 'held'], ['executing', 'executing'],
    ['critical', 'on the critical path'], ['writing', 'writing'], ['failed', 'failed'],
  ]; // prettier-ignore
  return (
    <ul class="legend" aria-label="What the bars mean">
      {marks.map(([mark, word]) => (
        <li key={mark}>
          <span class={`swatch ${mark}`} aria-hidden="true" />
          {word}
        </li>
      ))}
    </ul>
  );
}
