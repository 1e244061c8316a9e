/**
 * Governors' traces as a picture: tempo, dynamics and cost over time, one column per load.
 *
 * The SVG is written here, because a plotting library needs a document (a simulated browser of some 20 MB) for twelve
 * panels of straight lines; docs/decisions/0025. The file has no script, font or link, and needs no other file.
 */
import { DYNAMICS_LEVELS, dynamicsRank } from '../../machines/hct/dynamics.ts';
import { GOVERNORS, type GovernorName } from '../../machines/governor/governor.ts';
import { TEMPO } from '../../machines/hct/tempo.ts';
import type { GovernorTrace, TraceSample } from './governor-traces.ts';

/** Okabe and Ito's colours, which the colour-blind can tell apart; dashes for print. */
const STYLE: Readonly<Record<GovernorName, readonly [colour: string, dash: string]>> = {
  performance: ['#d55e00', ''],
  powersave: ['#0072b2', ''],
  userspace: ['#666666', '1 3'],
  ondemand: ['#009e73', '6 2'],
  conservative: ['#cc79a7', '4 2 1 2'],
  schedutil: ['#000000', '2 2'],
};
const [PANEL_WIDTH, PANEL_HEIGHT, LEFT, TOP, GAP] = [250, 120, 62, 88, 40];

interface Row {
  readonly title: string;
  readonly value: (sample: TraceSample) => number;
  readonly ticks: (top: number) => readonly (readonly [number, string])[];
  /** The top of the axis; undefined: the greatest value of the column. */
  readonly top: number | undefined;
  readonly steps: boolean;
}

const ROWS: readonly Row[] = [
  {
    title: 'tempo, beats per minute',
    value: ({ point }) => TEMPO[point.tempo].bpm,
    top: 200,
    steps: true,
    ticks: () => [0, 50, 100, 150, 200].map((bpm) => [bpm, String(bpm)]),
  },
  {
    title: 'dynamics',
    value: ({ point }) => dynamicsRank(point.dynamics),
    top: 7,
    steps: true,
    ticks: () => DYNAMICS_LEVELS.map((level, rank) => [rank, level]),
  },
  {
    title: 'cost so far',
    value: ({ cost }) => cost,
    top: undefined,
    steps: false,
    ticks: (top) => [0, top / 2, top].map((cost) => [cost, cost.toFixed(cost < 10 ? 1 : 0)]),
  },
];

const escape = (text: string): string => text.replace(/[&<>"]/g, (found) => `&#${found.charCodeAt(0)};`);
const n = (value: number): string => String(Math.round(value * 10) / 10);
const text = (x: number, y: number, said: string, attributes = ''): string =>
  `<text x="${n(x)}" y="${n(y)}"${attributes}>${escape(said)}</text>`;

/** Draws traces. @param loads by name, each with the traces of some governors over the same demand */
export function drawTraces(loads: Readonly<Record<string, readonly GovernorTrace[]>>): string {
  const columns = Object.entries(loads);
  const width = LEFT + columns.length * (PANEL_WIDTH + GAP);
  const height = TOP + ROWS.length * (PANEL_HEIGHT + GAP) + 22;
  const body: string[] = [
    text(LEFT, 18, 'Governors under load', ' font-size="15" font-weight="bold"'),
    legend(),
  ];
  for (const [column, [name, traces]] of columns.entries()) {
    const x = LEFT + column * (PANEL_WIDTH + GAP);
    const end = traces[0]?.samples.at(-1)?.at ?? 0;
    body.push(text(x, TOP - 22, `${name} load (grey: demand)`, ' font-weight="bold"'));
    for (const [row, what] of ROWS.entries())
      body.push(panel(what, traces, x, TOP + row * (PANEL_HEIGHT + GAP), column === 0, row === 0, end));
    const y = TOP + ROWS.length * (PANEL_HEIGHT + GAP) - GAP + 14;
    body.push(
      text(x, y, '0 s'),
      text(x + PANEL_WIDTH, y, `${Math.round(end / 1_000)} s`, ' text-anchor="end"'),
    );
  }
  const said = columns
    .map(
      ([name, traces]) =>
        `${name}: ${traces.map(({ governor, cost }) => `${governor} costs ${n(cost)}`).join(', ')}`,
    )
    .join('; ');
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" font-family="sans-serif" font-size="11" role="img">`,
    `<title>Tempo, dynamics and cost of governors under load</title><desc>${escape(said)}</desc>`,
    `<rect width="${width}" height="${height}" fill="#ffffff"/>`,
    ...body,
    '</svg>',
    '',
  ].join('\n');
}

function legend(): string {
  return GOVERNORS.map((governor, index) => {
    const x = LEFT + index * 125;
    return `<line x1="${x}" y1="36" x2="${x + 24}" y2="36" ${stroke(governor)}/>${text(x + 30, 40, governor)}`;
  }).join('\n');
}

const stroke = (governor: GovernorName): string => {
  const [colour, dash] = STYLE[governor];
  return `stroke="${colour}" stroke-width="1.6" fill="none"${dash === '' ? '' : ` stroke-dasharray="${dash}"`}`;
};

function panel(
  { title, value, ticks, top, steps }: Row,
  traces: readonly GovernorTrace[],
  x: number,
  y: number,
  labels: boolean,
  demand: boolean,
  end: number,
): string {
  const most = top ?? Math.max(1e-9, ...traces.flatMap(({ samples }) => samples.map(value)));
  const at = (ms: number) => x + (end === 0 ? 0 : (ms / end) * PANEL_WIDTH);
  const up = (height: number) => y + PANEL_HEIGHT - (height / most) * PANEL_HEIGHT;
  const parts = [
    `<rect x="${n(x)}" y="${n(y)}" width="${PANEL_WIDTH}" height="${PANEL_HEIGHT}" fill="none" stroke="#bbbbbb"/>`,
  ];
  if (demand && traces[0] !== undefined) parts.push(demandArea(traces[0].samples, at, y));
  // The cost axis differs from column to column, so it is labelled in each.
  for (const [tick, label] of labels || top === undefined ? ticks(most) : [])
    parts.push(text(x - 4, up(tick) + 4, label, ' text-anchor="end"'));
  const heading = text(x, y - 5, title, ' fill="#555555"');
  for (const { governor, samples } of traces) {
    const path = samples.map((sample, index) => {
      const [px, py] = [n(at(sample.at)), n(up(value(sample)))];
      return index === 0 ? `M${px} ${py}` : steps ? `H${px}V${py}` : `L${px} ${py}`;
    });
    parts.push(`<path d="${path.join('')}" ${stroke(governor)}><title>${governor}</title></path>`);
  }
  parts.push(heading);
  return parts.join('\n');
}

function demandArea(samples: readonly TraceSample[], at: (ms: number) => number, y: number): string {
  const bottom = y + PANEL_HEIGHT;
  const points = samples.map(({ at: ms, demand }) => `${n(at(ms))},${n(bottom - demand * PANEL_HEIGHT)}`);
  return `<polygon points="${n(at(0))},${bottom} ${points.join(' ')} ${n(at(samples.at(-1)?.at ?? 0))},${bottom}" fill="#e8e8e8"/>`;
}
