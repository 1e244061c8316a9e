/** The arrows of a chart: their ends and their texts. */
import type { ChartState, ChartTransition } from './definition.ts';
import { few, lineWidth, type Arrow, type Box, type Point } from './picture.ts';
import { clip } from '../parts/words.ts';

const MOST_LABEL = 3;
/** More arrows than these are in the table only: to lay them out would take seconds. */
export const MOST_ARROWS = 300;

/** Arrows by the compound state in which they are laid out. */
export function arrowsOf(root: ChartState): { arrows: Map<ChartState, Arrow[]>; left: number } {
  const byPair = new Map<string, { from: ChartState; to: ChartState; transitions: ChartTransition[] }>();
  const visit = (from: ChartState): void => {
    for (const transition of from.transitions) {
      for (const to of transition.targets) {
        if (to === from || from.parent === undefined) continue; // said in the box, or beside the chart
        const pair = `${from.path}→${to.path}`;
        const known = byPair.get(pair);
        if (known === undefined) byPair.set(pair, { from, to, transitions: [transition] });
        else known.transitions.push(transition);
      }
    }
    from.children.forEach(visit);
  };
  visit(root);
  const result = new Map<ChartState, Arrow[]>();
  for (const { from, to, transitions } of [...byPair.values()].slice(0, MOST_ARROWS)) {
    const label = few(
      labelOf(transitions).map((text) => clip(text, 26)),
      MOST_LABEL,
    );
    const home = common(from, to);
    const labelWidth = Math.max(...label.map(lineWidth)) + 8;
    const arrow = { from, to, transitions, label, points: [], labelAt: { x: 0, y: 0 }, labelWidth };
    result.set(home, [...(result.get(home) ?? []), arrow]);
  }
  return { arrows: result, left: Math.max(0, byPair.size - MOST_ARROWS) };
}
/** One line for each event: with its guard, if it leads there by one only. */
function labelOf(transitions: readonly ChartTransition[]): string[] {
  const byEvent = new Map<string, Set<string>>();
  for (const transition of transitions)
    byEvent.set(transition.event, (byEvent.get(transition.event) ?? new Set()).add(said(transition)));
  return [...byEvent].map(([event, ways]) => (ways.size === 1 ? ([...ways][0] as string) : event));
}
/** An arrow's text: the event, and the guard in brackets. */
export const said = ({ event, guard }: ChartTransition): string =>
  guard === undefined ? event : `${event} [${guard.replace(/\(.*\)$/, '')}]`;

const lineage = (state: ChartState): ChartState[] =>
  state.parent === undefined ? [state] : [...lineage(state.parent), state];

/** The innermost state that holds both; for a state and its own descendant, that state's parent. */
function common(a: ChartState, b: ChartState): ChartState {
  const [up, down] = [lineage(a), lineage(b)];
  let depth = 0;
  while (depth < up.length - 1 && depth < down.length - 1 && up[depth + 1] === down[depth + 1]) depth++;
  return up[depth] as ChartState;
}
/** The child of `home` that is `state` or holds it; none when `state` is `home`. */
export const within = (home: ChartState, state: ChartState): ChartState | undefined => {
  const line = lineage(state);
  return line[line.indexOf(home) + 1];
};

/** Leads an arrow on to the boxes between which it really runs, where it was laid out between their ancestors. */
export function attach(arrow: Arrow, boxes: ReadonlyMap<ChartState, Box>): void {
  const [from, to] = [boxes.get(arrow.from), boxes.get(arrow.to)];
  if (from === undefined || to === undefined) return;
  if (arrow.points.length === 0) {
    // A state and one that it holds: around the border, from the side of the outer to the inner.
    const [a, b] = [border(from, middle(to)), border(to, middle(from))];
    arrow.points = [a, { x: (a.x + b.x) / 2 + 16, y: (a.y + b.y) / 2 }, b];
    arrow.labelAt = arrow.points[1] as Point;
    return;
  }
  const [first, last] = [arrow.points[0] as Point, arrow.points.at(-1) as Point];
  if (!touches(from, first)) arrow.points.unshift(border(from, first));
  if (!touches(to, last)) arrow.points.push(border(to, last));
}
const middle = ({ x, y, width, height }: Box): Point => ({ x: x + width / 2, y: y + height / 2 });
const touches = (box: Box, { x, y }: Point): boolean =>
  x >= box.x - 1 && x <= box.x + box.width + 1 && y >= box.y - 1 && y <= box.y + box.height + 1;
/** Where the line from a box's middle to a point leaves the box. */
function border(box: Box, to: Point): Point {
  const { x, y } = middle(box);
  const [dx, dy] = [to.x - x, to.y - y];
  const part = Math.min(
    dx === 0 ? Infinity : box.width / 2 / Math.abs(dx),
    dy === 0 ? Infinity : box.height / 2 / Math.abs(dy),
    1,
  );
  return { x: x + dx * part, y: y + dy * part };
}
