/** The governors: tempo and dynamics of each pool over time, and what has been spent. */
import { DYNAMICS_AXIS, TEMPO_AXIS, type Governors, type PointRow } from '../model/governors.ts';
import { useCanvas, type Colours } from '../parts/canvas.ts';
import { count, moments, ms } from '../parts/words.ts';
import type { ViewerSession } from '../session.ts';
import { windowOf } from './score-parts.ts';
import { Zoom } from './zoom.tsx';

export function Governor({ session }: { session: ViewerSession }) {
  const { opened, cursor } = session;
  if (opened === undefined) return null;
  const { governors } = opened;
  if (governors.units.length === 0 && governors.payments === 0)
    return <p class="empty">This trace tells of no governor and of no cost.</p>;
  const spent = governors.spentAt(cursor);
  return (
    <section class="governor-main" aria-label="Governor">
      <div class="bar">
        <dl class="figures">
          <Figure name="Calls" value={count(spent.calls)} />
          <Figure name="Tokens in" value={count(spent.inputTokens)} />
          <Figure name="Tokens out" value={count(spent.outputTokens)} />
          <Figure name="Cost" value={spent.cost === 0 ? '–' : money(spent.cost)} />
        </dl>
        <Zoom session={session} />
      </div>
      {governors.payments === 0 ? null : <Cost session={session} governors={governors} />}
      {governors.units.map((unit) => (
        <Unit key={unit} session={session} governors={governors} unit={unit} />
      ))}
    </section>
  );
}
const money = (cost: number): string => `$ ${cost.toFixed(cost < 1 ? 4 : 2)}`;

function Figure({ name, value }: { name: string; value: string }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{value}</dd>
    </div>
  );
}

function Unit({ session, governors, unit }: { session: ViewerSession; governors: Governors; unit: string }) {
  const now = governors.pointAt(unit, session.cursor);
  return (
    <article>
      <h2>{unit}</h2>
      <p>
        {now === undefined
          ? 'not yet governed'
          : `${now.policy === '' ? '' : `${now.policy}: `}${now.tempo}, ${now.dynamics}`}
      </p>
      <Steps
        session={session}
        label={`Tempo of ${unit}`}
        points={governors.points(unit)}
        of="tempo"
        names={TEMPO_AXIS}
      />
      <Steps
        session={session}
        label={`Dynamics of ${unit}`}
        points={governors.points(unit)}
        of="dynamics"
        names={DYNAMICS_AXIS}
      />
    </article>
  );
}

const LEFT = 78;
const frameOf = (session: ViewerSession, width: number) => {
  const { from, to } = windowOf(session);
  return {
    from,
    to,
    x: (at: number) => LEFT + ((at - from) / Math.max(to - from, 1e-9)) * (width - LEFT - 12),
  };
};

function grid(
  context: CanvasRenderingContext2D,
  session: ViewerSession,
  width: number,
  height: number,
  colour: Colours,
): void {
  const { from, to, x } = frameOf(session, width);
  context.font = '11px system-ui, sans-serif';
  context.textBaseline = 'alphabetic';
  for (const { at, text } of moments(from, to, Math.max(2, (width - LEFT) / 110))) {
    context.fillStyle = colour('grid');
    context.fillRect(x(at), 0, 1, height - 16);
    context.fillStyle = colour('quiet');
    if (x(at) < width - 36) context.fillText(text, x(at) + 2, height - 4);
  }
}
function playhead(
  context: CanvasRenderingContext2D,
  session: ViewerSession,
  width: number,
  height: number,
  colour: Colours,
): void {
  const { from, to, x } = frameOf(session, width);
  if (session.time < from || session.time > to) return;
  context.fillStyle = colour('cursor');
  context.fillRect(x(session.time) - 0.75, 0, 1.5, height - 16);
}

interface StepsProps {
  session: ViewerSession;
  label: string;
  points: readonly PointRow[];
  of: 'tempo' | 'dynamics';
  names: readonly string[];
}
/** A line that stands at one marking until it steps to another. Only the markings that occur have a place. */
function Steps({ session, label, points, of, names }: StepsProps) {
  let [low, high] = [names.length - 1, 0];
  for (const point of points) {
    const place = Math.max(0, names.indexOf(point[of]));
    low = Math.min(low, place);
    high = Math.max(high, place);
  }
  const shown = names.slice(low, high + 1);
  const height = 26 + shown.length * 20;
  const { ref } = useCanvas((context, width, tall, colour) => {
    grid(context, session, width, tall, colour);
    const { to, x } = frameOf(session, width);
    const y = (name: string) => 12 + (shown.length - 1 - Math.max(0, shown.indexOf(name))) * 20;
    context.textBaseline = 'middle';
    for (const name of shown) {
      context.fillStyle = colour('quiet');
      context.fillText(name, 4, y(name));
      context.fillStyle = colour('grid');
      context.fillRect(LEFT, y(name), width - LEFT - 12, 1);
    }
    context.save();
    context.beginPath();
    context.rect(LEFT, 0, width - LEFT - 10, tall);
    context.clip();
    points.forEach((point, index) => {
      const after = points[index + 1];
      const end = after?.time ?? Math.max(session.opened?.trace.duration ?? 0, point.time);
      if (x(end) < LEFT || point.time > to) return;
      context.globalAlpha = point.row > session.cursor ? 0.3 : 1;
      context.fillStyle = colour(of === 'tempo' ? 'executing' : 'critical');
      context.fillRect(x(point.time), y(point[of]) - 2, Math.max(1.5, x(end) - x(point.time)), 4);
      if (after !== undefined) {
        const [a, b] = [y(point[of]), y(after[of])];
        context.fillRect(x(end) - 0.75, Math.min(a, b), 1.5, Math.abs(a - b));
      }
    });
    context.globalAlpha = 1;
    context.restore();
    playhead(context, session, width, tall, colour);
  });
  const said = points.slice(-20).map((point) => `${point[of]} from ${ms(point.time)}`);
  return (
    <figure>
      <figcaption>{of === 'tempo' ? 'Tempo' : 'Dynamics'}</figcaption>
      <canvas
        ref={ref}
        class="plot"
        style={{ height: `${height}px` }}
        role="img"
        aria-label={`${label}: ${said.join(', ')}`}
      />
    </figure>
  );
}

/** What had been spent, over time: cost, or tokens where nothing has a price. */
function Cost({ session, governors }: { session: ViewerSession; governors: Governors }) {
  const total = governors.spentAfter(governors.payments - 1);
  const priced = total.cost > 0;
  const valueOf = (payment: number) => {
    const { cost, inputTokens, outputTokens } = governors.spentAfter(payment);
    return priced ? cost : inputTokens + outputTokens;
  };
  const most = Math.max(priced ? total.cost : total.inputTokens + total.outputTokens, 1e-9);
  const words = (value: number) => (priced ? money(value) : count(Math.round(value)));
  const { ref } = useCanvas((context, width, tall, colour) => {
    grid(context, session, width, tall, colour);
    const { x } = frameOf(session, width);
    const y = (value: number) => tall - 20 - (value / most) * (tall - 32);
    context.textBaseline = 'middle';
    context.fillStyle = colour('quiet');
    context.fillText(words(most), 4, y(most) + 4);
    context.fillText(words(0), 4, y(0) - 2);
    context.strokeStyle = colour('executing');
    context.lineWidth = 2;
    context.save();
    context.beginPath();
    context.rect(LEFT, 0, width - LEFT - 10, tall);
    context.clip();
    context.beginPath();
    context.moveTo(x(0), y(0));
    let before = 0;
    const stride = Math.max(1, Math.floor(governors.payments / 2_000));
    for (let payment = 0; payment < governors.payments; payment += stride) {
      const at = x(governors.timeOf(payment));
      context.lineTo(at, y(before));
      before = valueOf(payment);
      context.lineTo(at, y(before));
    }
    context.lineTo(x(session.opened?.trace.duration ?? 0), y(most));
    context.stroke();
    context.restore();
    playhead(context, session, width, tall, colour);
  });
  return (
    <figure>
      <figcaption>{priced ? 'Cost' : 'Tokens'}</figcaption>
      <canvas
        ref={ref}
        class="plot"
        style={{ height: '140px' }}
        role="img"
        aria-label={`${priced ? 'Cost' : 'Tokens'} over time, ${words(most)} in the end`}
      />
    </figure>
  );
}
