/** One key over time: a strip for each agent, in the colours and letters of the states. */
import { countUpTo } from '../model/columns.ts';
import { useCanvas, type Colours } from '../parts/canvas.ts';
import { clip, moments, ms } from '../parts/words.ts';
import type { ViewerSession } from '../session.ts';
import { windowOf } from './score-parts.ts';

const STRIP = 22;
/** More agents than this are in the grid and not in the strips. */
const MOST = 24;
const AXIS = 18;

export function Strips({ session, keyName }: { session: ViewerSession; keyName: string }) {
  const { opened, time, look, cursor } = session;
  const all = opened?.shared.linesOf(keyName) ?? [];
  // The chosen agent's is always among them.
  const lines =
    all.length <= MOST
      ? all
      : [
          ...all.filter(({ agent }) => agent === look.agent),
          ...all.filter(({ agent }) => agent !== look.agent),
        ].slice(0, MOST);
  const { from, to } = windowOf(session);
  const { ref } = useCanvas((context, width, _height, colour) => {
    if (opened === undefined) return;
    const { trace } = opened;
    const left = width < 480 ? 80 : 130;
    const x = (at: number) => left + ((at - from) / Math.max(to - from, 1e-9)) * (width - left - 8);
    context.font = '11px system-ui, sans-serif';
    context.textBaseline = 'middle';
    context.fillStyle = colour('quiet');
    for (const { at, text } of moments(from, to, Math.max(2, (width - left) / 110))) {
      if (x(at) < width - 40) context.fillText(text, x(at) + 3, AXIS / 2);
      context.fillRect(x(at), AXIS - 4, 1, 4);
    }
    lines.forEach(({ agent, actor }, index) => {
      const top = AXIS + index * STRIP;
      context.fillStyle = colour('text');
      context.font = '12px system-ui, sans-serif';
      context.fillText(clip(agent, width < 480 ? 11 : 19), 4, top + STRIP / 2);
      const { states } = actor;
      const first = Math.max(0, countUpTo(states.length, (at) => trace.time(states[at] as number), from) - 1);
      let drawnTo = -Infinity;
      for (let at = first; at < states.length; at++) {
        const row = states[at] as number;
        const begin = trace.time(row);
        if (begin > to) break;
        const end =
          at + 1 < states.length ? trace.time(states[at + 1] as number) : Math.max(time, trace.duration);
        const [a, b] = [Math.max(left, x(begin)), Math.min(width - 8, x(end))];
        // What is thinner than a pixel is not seen, and thousands of them cost a frame.
        if (b - drawnTo < 0.5) continue;
        drawnTo = b;
        strip(context, trace.value(row), a, Math.max(1, b - a), top, row > cursor, colour);
      }
    });
    context.fillStyle = colour('cursor');
    if (time >= from && time <= to) context.fillRect(x(time) - 0.75, AXIS - 6, 1.5, lines.length * STRIP + 6);
  });
  const height = AXIS + lines.length * STRIP + 4;
  return (
    <>
      <canvas
        ref={ref}
        class="strips"
        style={{ height: `${height}px` }}
        role="img"
        aria-label={`Which agent had ${keyName} in which state from ${ms(from)} to ${ms(to)}; the grid says it for the moment`}
      />
      {all.length > lines.length ? (
        <p>{`and ${all.length - lines.length} more agents; choose one in the grid to see its strip`}</p>
      ) : null}
    </>
  );
}

function strip(
  context: CanvasRenderingContext2D,
  state: string,
  x: number,
  width: number,
  top: number,
  later: boolean,
  colour: Colours,
): void {
  if (state === '') return;
  context.globalAlpha = later ? 0.3 : 1;
  context.fillStyle = colour(`mesi-${state}`) || colour('band');
  // A state that permits more is drawn taller, so that colour is not the only sign.
  const tall =
    state === 'M' || state === 'MP'
      ? 16
      : state === 'E'
        ? 13
        : state.startsWith('S')
          ? 10
          : state === 'I'
            ? 2
            : 6;
  context.fillRect(x, top + (STRIP - tall) / 2, width, tall);
  if (width > 14 && tall >= 10) {
    context.fillStyle = colour('on-mesi');
    context.font = 'bold 10px system-ui, sans-serif';
    context.fillText(state, x + 4, top + STRIP / 2 + 0.5);
  }
  context.globalAlpha = 1;
}
