/** A picture of a performance: a bar for each step, its waiting before it, the critical path marked.
 *
 *  Written by hand rather than with a plot library, because a server-side plot needs a whole DOM, and this has to
 *  be a few kilobytes of SVG that a report can carry. */
import type { Report } from './perform.ts';
import type { StepReport } from '../../actors/tomasulo/timeline.ts';

/** With more rows the picture is unreadable: the longest steps are drawn, and the rest counted. */
const MOST_ROWS = 120;
const ROW = 20;
const LABEL = 190;
const PLOT = 640;

/** Draws the timeline as one self-contained SVG, readable in light and dark. */
export function timelineSvg({ score, timeline, makespan, criticalPath, status }: Report): string {
  const drawn = pick(timeline);
  const critical = new Set(criticalPath.steps);
  const total = Math.max(makespan, 1e-9);
  const x = (at: number) => (LABEL + (at / total) * PLOT).toFixed(1);
  const width = (from: number, to: number) => Math.max(1, ((to - from) / total) * PLOT).toFixed(1);
  const left = timeline.length - drawn.length;
  const height = (drawn.length + 3) * ROW + (left > 0 ? ROW : 0);
  const rows = drawn.map((step, row) => {
    const y = (row + 1) * ROW;
    const { issued = 0, start, end = makespan } = step;
    const waited = `<rect class="wait" x="${x(issued)}" y="${y + 8}" width="${width(issued, start ?? end)}" height="3"/>`;
    const kind = step.status === 'failed' ? 'failed' : critical.has(step.id) ? 'critical' : 'run';
    const ran =
      start === undefined
        ? ''
        : `<rect class="${kind}" x="${x(start)}" y="${y + 3}" width="${width(start, end)}" height="13" rx="2"/>`;
    const title = `${step.id} (${step.agent}): ${step.status}${start === undefined ? '' : `, ${seconds(end - start)} from ${seconds(start)}`}`;
    return `<g><title>${escape(title)}</title><text x="${LABEL - 8}" y="${y + 14}" text-anchor="end">${escape(clip(step.id, 28))}</text>${waited}${ran}</g>`;
  });
  const ticks = [0, 0.25, 0.5, 0.75, 1].map((part) => {
    const at = part * total;
    const bottom = (drawn.length + 1) * ROW;
    return `<line class="tick" x1="${x(at)}" x2="${x(at)}" y1="${ROW}" y2="${bottom}"/><text x="${x(at)}" y="${bottom + 14}" text-anchor="middle">${seconds(at)}</text>`;
  });
  const note = left > 0 ? `<text x="${LABEL}" y="${height - 8}">and ${left} shorter steps</text>` : '';
  const label = `Timeline of ${score}: ${timeline.length} steps, ${status}, ${seconds(makespan)}; critical path ${seconds(criticalPath.length)}`;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${LABEL + PLOT + 40} ${height}" role="img" aria-label="${escape(label)}" font-family="system-ui, sans-serif" font-size="12">`,
    '<style>text{fill:#222}.tick{stroke:#ccc}.wait{fill:#bbb}.run{fill:#3b76c4}.critical{fill:#b3541e}.failed{fill:#b00020}',
    '@media(prefers-color-scheme:dark){text{fill:#ddd}.tick{stroke:#444}.wait{fill:#555}.run{fill:#7aa9e6}.critical{fill:#e39a66}.failed{fill:#ff6b81}}</style>',
    ...ticks,
    ...rows,
    `<text x="${LABEL}" y="${(drawn.length + 2) * ROW + 10}">grey: waiting; orange: critical path (${seconds(criticalPath.length)} of ${seconds(makespan)})</text>`,
    note,
    '</svg>',
  ].join('\n');
}

/** The timeline as text: a line a step, at most `columns` wide. */
export function timelineText({ timeline, makespan, criticalPath }: Report, columns: number): string {
  const drawn = pick(timeline).slice(0, 60);
  const critical = new Set(criticalPath.steps);
  const longest = Math.max(...drawn.map(({ id }) => widthOf(id)), 4);
  const label = Math.min(24, longest, Math.max(6, Math.floor(columns / 3)));
  const plot = Math.max(3, columns - label - 12);
  const at = (time: number) => Math.min(plot - 1, Math.floor((time / Math.max(makespan, 1e-9)) * plot));
  const lines = drawn.map(({ id, issued = 0, start, end = makespan, status }) => {
    const cells = Array.from({ length: plot }, () => ' ');
    cells.fill('·', at(issued), at(start ?? end));
    if (start !== undefined) cells.fill(critical.has(id) ? '█' : '▒', at(start), at(end) + 1);
    const good = status === 'done' || status === 'defaulted';
    const took = start === undefined || !good ? status : seconds(end - start);
    const name = clip(id, label);
    return `${name}${' '.repeat(label - widthOf(name))} ${cells.join('')} ${took.padStart(9)}`;
  });
  const left = timeline.length - drawn.length;
  return [...lines, ...(left > 0 ? [`and ${left} more steps`] : [])].join('\n');
}

/** The steps to draw: all, or the longest, in program order. */
function pick(timeline: readonly StepReport[]): readonly StepReport[] {
  if (timeline.length <= MOST_ROWS) return timeline;
  const took = ({ start, end }: StepReport) => (start === undefined || end === undefined ? 0 : end - start);
  const longest = new Set([...timeline].sort((a, b) => took(b) - took(a)).slice(0, MOST_ROWS));
  return timeline.filter((step) => longest.has(step));
}

/** Milliseconds for people. */
export const seconds = (ms: number): string => `${(ms / 1_000).toFixed(ms < 10_000 ? 2 : 1)} s`;
/** What takes two columns of a terminal: East Asian wide characters, and emoji. */
const WIDE =
  /[\p{Emoji_Presentation}\u1100-\u115F\u2E80-\uA4CF\uAC00-\uD7A3\uF900-\uFAFF\uFE30-\uFE6F\uFF00-\uFF60\uFFE0-\uFFE6\u{20000}-\u{3FFFD}]/u;
const plainOf = (text: string): string => text.replace(/[\p{Cc}\p{Cf}]/gu, ' ');
/** Columns of a terminal. */
const widthOf = (text: string): number => {
  let columns = 0;
  for (const c of plainOf(text)) columns += /\p{M}/u.test(c) ? 0 : WIDE.test(c) ? 2 : 1;
  return columns;
};
const clip = (text: string, most: number): string => {
  const plain = plainOf(text);
  if (widthOf(plain) <= most) return plain;
  let cut = '';
  for (const c of plain) {
    if (widthOf(cut + c) > most - 1) break;
    cut += c;
  }
  return `${cut}…`;
};
const escape = (text: string): string =>
  text.replace(/[&<>"']/g, (c) => `&#${c.charCodeAt(0)};`).replace(/[\p{Cc}]/gu, ' ');
