/** A statechart as a picture: what is active is lit, framed and marked, and the arrow that led there is bold. */
import type { DrawnChart } from './known.ts';
import type { Arrow, Box, Point } from './picture.ts';

export interface ChartProps {
  readonly known: DrawnChart;
  readonly active: ReadonlySet<string>;
  /** The states before the last event, and that event: to find the arrow. */
  readonly before: ReadonlySet<string>;
  readonly event: string;
  readonly scale: number;
  readonly label: string;
}

export function ChartPicture({ known, active, before, event, scale, label }: ChartProps) {
  const { picture } = known;
  const taken = (arrow: Arrow) =>
    event !== '' &&
    active.has(arrow.to.path) &&
    before.has(arrow.from.path) &&
    !active.has(arrow.from.path) &&
    arrow.transitions.some((one) => one.event === event);
  const [width, height] = [picture.width + 8, picture.height + 8];
  return (
    <svg
      class="chart"
      role="img"
      aria-label={label}
      width={width * scale}
      height={height * scale}
      viewBox={`-4 -4 ${width} ${height}`}
    >
      <defs>
        {['tip', 'tip-lit'].map((id) => (
          <marker
            key={id}
            id={id}
            viewBox="0 0 8 8"
            refX="7"
            refY="4"
            markerWidth="8"
            markerHeight="8"
            markerUnits="userSpaceOnUse"
            orient="auto-start-reverse"
          >
            <path d="M0 0.5 L8 4 L0 7.5 z" class={id} />
          </marker>
        ))}
      </defs>
      {picture.boxes.map((box) => (
        <StateBox key={box.state.path} box={box} active={active.has(box.state.path)} />
      ))}
      {picture.starts.map(({ dot, to }, index) => (
        <g key={index} class="start">
          <circle cx={dot.x} cy={dot.y} r={4} />
          <line x1={dot.x} y1={dot.y} x2={to.x} y2={to.y - 1} marker-end="url(#tip)" />
        </g>
      ))}
      {picture.arrows.map((arrow, index) => (
        <path
          key={index}
          class={taken(arrow) ? 'edge lit' : 'edge'}
          d={curve(arrow.points)}
          marker-end={`url(#${taken(arrow) ? 'tip-lit' : 'tip'})`}
        />
      ))}
      {picture.arrows.map((arrow, index) => (
        <g key={index} class={taken(arrow) ? 'edge-label lit' : 'edge-label'}>
          <rect
            x={arrow.labelAt.x - arrow.labelWidth / 2}
            y={arrow.labelAt.y - arrow.label.length * 6.5 - 2}
            width={arrow.labelWidth}
            height={arrow.label.length * 13 + 3}
            rx={3}
          />
          {arrow.label.map((line, at) => (
            <text
              key={at}
              x={arrow.labelAt.x}
              y={arrow.labelAt.y + 9 + (at - arrow.label.length / 2) * 13}
              text-anchor="middle"
            >
              {line}
            </text>
          ))}
        </g>
      ))}
    </svg>
  );
}

function StateBox({ box, active }: { box: Box; active: boolean }) {
  const { state, x, y, width, height, lines, head } = box;
  return (
    <g class={`state ${state.kind} ${active ? 'active' : ''}`}>
      <title>{`${state.path}${state.description === undefined ? '' : `: ${state.description}`}`}</title>
      <rect
        x={x}
        y={y}
        width={width}
        height={height}
        rx={state.kind === 'atomic' || state.kind === 'final' ? 8 : 6}
      />
      {state.kind === 'final' ? (
        <rect x={x + 3} y={y + 3} width={width - 6} height={height - 6} rx={6} class="inner" />
      ) : null}
      <text x={x + 11} y={y + 17} class="name">
        {`${active ? '● ' : ''}${state.kind === 'history' ? 'H ' : ''}${state.key}`}
      </text>
      {lines.map((line, index) => (
        <text key={index} x={x + 11} y={y + 34 + index * 15} class="line">
          {line}
        </text>
      ))}
      {state.children.length > 0 ? (
        <line x1={x} x2={x + width} y1={y + head} y2={y + head} class="rule" />
      ) : null}
    </g>
  );
}

/** A way through points with rounded corners: it stays near the points, where the labels are. */
function curve(points: readonly Point[]): string {
  const [first, ...rest] = points;
  const final = rest.at(-1);
  if (first === undefined || final === undefined) return '';
  let path = `M${first.x} ${first.y}`;
  for (let index = 0; index < rest.length - 1; index++) {
    const [before, at, after] = [points[index] as Point, rest[index] as Point, rest[index + 1] as Point];
    const [from, to] = [towards(at, before), towards(at, after)];
    path += ` L${from.x} ${from.y} Q${at.x} ${at.y} ${to.x} ${to.y}`;
  }
  return `${path} L${final.x} ${final.y}`;
}
/** A point near a corner, on the way to another. */
function towards(corner: Point, other: Point): Point {
  const [dx, dy] = [other.x - corner.x, other.y - corner.y];
  const length = Math.hypot(dx, dy);
  const part = length === 0 ? 0 : Math.min(24 / length, 0.5);
  return { x: corner.x + dx * part, y: corner.y + dy * part };
}
