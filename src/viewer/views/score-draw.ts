/** Draws the rows of the score that are in sight. */
import type { ViewedScore, Segment, StepRow } from '../model/score.ts';
import type { Colours } from '../parts/canvas.ts';
import { moments, ticks } from '../parts/words.ts';
import { labelWidth, type Items } from './score-parts.ts';

/** The time in sight, and where the cursor stands in it. */
export interface VisibleTime {
  readonly from: number;
  readonly to: number;
  readonly time: number;
  /** The last row that has happened: at one moment there may be many. */
  readonly cursor: number;
}
export interface Rows {
  readonly score: ViewedScore;
  readonly all: Items;
  readonly frame: VisibleTime;
  readonly sight: { readonly first: number; readonly last: number; readonly top: number };
  readonly chosen: StepRow | undefined;
  readonly width: number;
  readonly height: number;
  readonly rowHeight: number;
  readonly colour: Colours;
}
/** With no more steps than this every dependence is drawn, else those of the chosen step and the critical path. */
const FEW = 40;
const RIGHT = 12;

const scale = ({ from, to }: VisibleTime, width: number) => {
  const left = labelWidth(width);
  const plot = Math.max(1, width - left - RIGHT);
  return (time: number) => left + ((time - from) / Math.max(to - from, 1e-9)) * plot;
};

export function axis(
  context: CanvasRenderingContext2D,
  width: number,
  height: number,
  frame: VisibleTime,
  colour: Colours,
): void {
  const x = scale(frame, width);
  const left = labelWidth(width);
  context.font = '11px system-ui, sans-serif';
  context.fillStyle = colour('quiet');
  context.textBaseline = 'middle';
  for (const { at, text } of moments(frame.from, frame.to, Math.max(2, (width - left) / 110))) {
    if (x(at) > width - 30) continue;
    context.fillText(text, x(at) + 3, height / 2);
    context.fillRect(x(at), height - 5, 1, 5);
  }
  const now = x(frame.time);
  context.fillStyle = colour('cursor');
  context.beginPath();
  context.moveTo(now - 6, height - 9);
  context.lineTo(now + 6, height - 9);
  context.lineTo(now, height);
  context.fill();
}

export function drawRows(context: CanvasRenderingContext2D, drawn: Rows): void {
  const { score, frame, sight, chosen, width, height, rowHeight, colour } = drawn;
  const { items } = drawn.all;
  const stepIn = (row: number): StepRow | undefined => {
    const item = items[row];
    return item !== undefined && 'step' in item ? item.step : undefined;
  };
  const x = scale(frame, width);
  const left = labelWidth(width);
  const y = (row: number) => row * rowHeight - sight.top;
  const { steps: critical } = score.critical();
  context.fillStyle = colour('grid');
  for (const at of ticks(frame.from, frame.to, Math.max(2, (width - left) / 110)))
    context.fillRect(x(at), 0, 1, height);
  for (let row = sight.first; row <= sight.last; row++) {
    const step = stepIn(row);
    if (step === undefined) {
      context.fillStyle = colour('band');
      context.fillRect(0, y(row), width, rowHeight);
    } else if (step === chosen) {
      context.fillStyle = colour('chosen');
      context.fillRect(0, y(row), width, rowHeight);
    }
  }
  context.save();
  context.beginPath();
  context.rect(left, 0, width - left, height);
  context.clip();
  dependences(context, drawn, x, y);
  for (let row = sight.first; row <= sight.last; row++) {
    const step = stepIn(row);
    if (step === undefined) continue;
    for (const segment of score.segments(step))
      bar(context, segment, step, critical.has(step.index), drawn, x, y(row));
    const ended = step.endedRow <= frame.cursor;
    if (ended && (step.ended === 'failed' || step.ended === 'skipped' || step.ended === 'cancelled')) {
      const end = score.span(step)?.to ?? Number.NaN;
      if (!Number.isNaN(end))
        cross(context, x(end), y(row) + rowHeight / 2, colour(step.ended === 'failed' ? 'fault' : 'quiet'));
    }
  }
  const now = x(frame.time);
  context.fillStyle = colour('cursor');
  context.fillRect(Math.round(now) - 0.5, 0, 1.5, height);
  context.restore();
}

/** What is yet to come is pale. */
const LATER = 0.28;

function bar(
  context: CanvasRenderingContext2D,
  { phase, from, to, row }: Segment,
  step: StepRow,
  critical: boolean,
  { frame, rowHeight, colour }: Rows,
  x: (time: number) => number,
  top: number,
): void {
  const later = row > frame.cursor;
  const end = Number.isNaN(to) ? Math.max(frame.time, from) : to;
  if (end < frame.from || from > frame.to) return;
  const [a, b] = [x(from), Math.max(x(end), x(from) + 1.5)];
  const now = later ? a : Math.min(b, Math.max(x(frame.time), a + 1.5));
  const paint = (right: number) =>
    shape(context, phase, step, critical, a, right, top + rowHeight / 2, colour);
  if (later || now < b) {
    context.globalAlpha = LATER;
    paint(b);
    context.globalAlpha = 1;
  }
  if (!later) paint(now);
}

/** Each phase has a distinct shape as well as a colour. */
function shape(
  context: CanvasRenderingContext2D,
  phase: Segment['phase'],
  step: StepRow,
  critical: boolean,
  a: number,
  b: number,
  middle: number,
  colour: Colours,
): void {
  switch (phase) {
    case 'waiting':
      context.fillStyle = colour('waiting');
      context.fillRect(a, middle - 1, b - a, 2);
      break;
    case 'ready':
      context.strokeStyle = colour('ready');
      context.lineWidth = 1.5;
      context.strokeRect(a + 0.75, middle - 4, Math.max(0.5, b - a - 1.5), 8);
      break;
    case 'held':
      context.fillStyle = colour('held');
      for (let stripe = a; stripe < b; stripe += 6)
        context.fillRect(stripe, middle - 5, Math.min(3, b - stripe), 10);
      break;
    case 'executing':
      context.fillStyle = colour(step.ended === 'failed' ? 'fault' : critical ? 'critical' : 'executing');
      context.beginPath();
      context.roundRect(a, middle - 7, b - a, 14, Math.min(3, (b - a) / 2));
      context.fill();
      if (!critical) break;
      // A line beneath: the path is seen without its colour, too.
      context.fillStyle = colour('text');
      context.fillRect(a, middle + 8, b - a, 2);
      break;
    case 'poisoned':
    case 'squashed':
      context.fillStyle = colour('fault');
      context.fillRect(a, middle - 2, b - a, 4);
      break;
    case 'writing':
      context.fillStyle = colour('writing');
      context.fillRect(a, middle - 5, b - a, 10);
      break;
  }
}

function cross(context: CanvasRenderingContext2D, x: number, y: number, stroke: string): void {
  context.strokeStyle = stroke;
  context.lineWidth = 2;
  context.beginPath();
  context.moveTo(x + 3, y - 4);
  context.lineTo(x + 11, y + 4);
  context.moveTo(x + 11, y - 4);
  context.lineTo(x + 3, y + 4);
  context.stroke();
}

/** From the end of what was written to the row of who read it. */
function dependences(
  context: CanvasRenderingContext2D,
  drawn: Rows,
  x: (time: number) => number,
  y: (row: number) => number,
): void {
  const { score, sight, chosen, rowHeight, colour } = drawn;
  const { rowOf } = drawn.all;
  const few = score.steps.length <= FEW;
  const { steps: critical } = score.critical();
  for (const step of stepsToConnect(drawn, critical.keys())) {
    const to = rowOf.get(step.index);
    const start = score.started(step);
    if (to === undefined || start === undefined) continue;
    for (const { step: source } of step.reads) {
      const writer = score.steps[source];
      const from = rowOf.get(source);
      const end = writer === undefined ? undefined : score.span(writer)?.to;
      if (writer === undefined || from === undefined || end === undefined || Number.isNaN(end)) continue;
      if (Math.max(from, to) < sight.first || Math.min(from, to) > sight.last) continue;
      const strong = chosen === step || chosen === writer;
      const main = critical.get(step.index) === source;
      if (!few && !strong && !main) continue;
      context.strokeStyle = colour(strong ? 'cursor' : main ? 'critical' : 'waiting');
      context.lineWidth = strong || main ? 1.75 : 1;
      context.globalAlpha = strong || main ? 1 : 0.7;
      curve(context, x(end), y(from) + rowHeight / 2, x(start), y(to) + rowHeight / 2);
      context.globalAlpha = 1;
    }
  }
}

/** Steps whose reads are drawn: all of a few, else those of the chosen step and of the critical path. */
function stepsToConnect({ score, chosen }: Rows, critical: Iterable<number>): Set<StepRow> {
  const wanted = new Set<StepRow>(score.steps.length <= FEW ? score.steps : []);
  if (chosen !== undefined) [chosen, ...score.readers(chosen)].forEach((step) => wanted.add(step));
  for (const step of critical) wanted.add(score.steps[step] as StepRow);
  return wanted;
}

function curve(context: CanvasRenderingContext2D, x1: number, y1: number, x2: number, y2: number): void {
  const bend = Math.max(6, Math.min(40, Math.abs(x2 - x1) / 2));
  context.beginPath();
  context.moveTo(x1, y1);
  context.bezierCurveTo(x1 + bend, y1, x2 - bend, y2, x2 - 1, y2);
  context.stroke();
}
