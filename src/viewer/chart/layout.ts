/** Where each state and each arrow of a chart stands.
 *
 *  Every compound state is laid out by itself, from the innermost outwards, and then stands as one box in its parent:
 *  the layout library cannot lead an arrow to a box that holds others, and ours may. An arrow between states of
 *  different depth is laid out between their ancestors that are siblings, and drawn on to where it really ends. */
import { Graph, layout } from '@dagrejs/dagre';
import { arrowsOf, attach, said, within } from './arrows.ts';
import type { Chart, ChartState } from './definition.ts';
import { few, lineWidth, titleWidth, type Arrow, type Box, type Picture, type Point } from './picture.ts';
import { clip } from '../parts/words.ts';

const LINE = 15;
const TITLE = 26;
const PAD = 14;
const START = 22;
const MOST_LINES = 5;

interface Inner {
  width: number;
  height: number;
  boxes: Map<ChartState, Box>;
  arrows: Arrow[];
  starts: { dot: Point; to: Point }[];
}

/** Lays a chart out. */
export function draw({ root }: Chart): Picture {
  const { arrows, left } = arrowsOf(root);
  const inner = inside(root, arrows);
  const boxes = [...inner.boxes.values()];
  for (const arrow of inner.arrows) attach(arrow, inner.boxes);
  return {
    width: inner.width,
    height: inner.height,
    boxes,
    arrows: inner.arrows,
    starts: inner.starts,
    left,
  };
}

/** What stands in a box beside its name. */
function linesOf(state: ChartState): string[] {
  const stays = state.transitions
    .filter(({ targets, actions }) => (targets.length === 0 || targets[0] === state) && telling(actions))
    .map(
      (transition) =>
        `${said(transition)}${transition.actions.length > 0 ? ` / ${transition.actions.join(', ')}` : ''}`,
    );
  return few(
    [
      ...state.invokes.map((name) => `invokes ${name}`),
      ...(state.entry.length > 0 ? [`entry / ${state.entry.join(', ')}`] : []),
      ...(state.exit.length > 0 ? [`exit / ${state.exit.join(', ')}`] : []),
      ...stays,
    ].map((text) => clip(text, 34)),
    MOST_LINES,
  );
}
/** A cell that does nothing, or that says that it cannot happen, is in the table and not in the picture. */
const telling = (actions: readonly string[]): boolean =>
  actions.length > 0 && !actions.every((action) => action === 'impossible');

/** What is to be placed: the children as boxes, and the arrows between them. */
function graphOf(
  state: ChartState,
  nested: ReadonlyMap<ChartState, Inner | undefined>,
  mine: readonly Arrow[],
): Graph {
  const graph = new Graph({ multigraph: true });
  graph.setGraph({ rankdir: 'TB', nodesep: 34, ranksep: 38, edgesep: 14, marginx: PAD, marginy: PAD });
  for (const [child, inner] of nested) {
    const lines = linesOf(child);
    const head = TITLE + lines.length * LINE + (lines.length > 0 ? 6 : 2);
    const width = Math.max(
      64,
      titleWidth(child.key) + 40,
      ...lines.map((line) => lineWidth(line) + 22),
      inner?.width ?? 0,
    );
    graph.setNode(child.path, { width, height: head + (inner?.height ?? 0), lines, head });
  }
  for (const [index, arrow] of mine.entries()) {
    const [from, to] = [within(state, arrow.from), within(state, arrow.to)];
    if (from === undefined || to === undefined || from === to) continue;
    const size = { width: arrow.labelWidth, height: arrow.label.length * 13 + 4 };
    graph.setEdge(from.path, to.path, { ...size, labelpos: 'c', minlen: 1 }, String(index));
  }
  return graph;
}

function inside(state: ChartState, arrows: Map<ChartState, Arrow[]>): Inner {
  const nested = new Map(
    state.children.map(
      (child) => [child, child.children.length > 0 ? inside(child, arrows) : undefined] as const,
    ),
  );
  const mine = arrows.get(state) ?? [];
  const graph = graphOf(state, nested, mine);
  layout(graph as never);
  const boxes = new Map<ChartState, Box>();
  const all: Arrow[] = [];
  const starts: { dot: Point; to: Point }[] = [];
  for (const [child, inner] of nested) {
    const node = graph.node(child.path) as {
      x: number;
      y: number;
      width: number;
      height: number;
      lines: string[];
      head: number;
    };
    const box = {
      state: child,
      x: node.x - node.width / 2,
      y: node.y - node.height / 2 + START,
      ...size(node),
      lines: node.lines,
      head: node.head,
    };
    boxes.set(child, box);
    if (inner === undefined) continue;
    const by = { x: box.x + (box.width - inner.width) / 2, y: box.y + box.head };
    for (const one of inner.boxes.values())
      boxes.set(one.state, { ...one, x: one.x + by.x, y: one.y + by.y });
    const moved = ({ x, y }: Point): Point => ({ x: x + by.x, y: y + by.y });
    for (const arrow of inner.arrows)
      all.push(Object.assign(arrow, { points: arrow.points.map(moved), labelAt: moved(arrow.labelAt) }));
    for (const { dot, to } of inner.starts) starts.push({ dot: moved(dot), to: moved(to) });
  }
  for (const [index, arrow] of mine.entries()) {
    const [from, to] = [within(state, arrow.from), within(state, arrow.to)];
    const edge =
      from === undefined || to === undefined
        ? undefined
        : (graph.edge(from.path, to.path, String(index)) as Edge | undefined);
    if (edge !== undefined) {
      arrow.points = edge.points.map(({ x, y }) => ({ x, y: y + START }));
      arrow.labelAt = { x: edge.x, y: edge.y + START };
    }
    all.push(arrow);
  }
  const first =
    state.kind === 'parallel' ? undefined : state.children.find(({ key }) => key === state.initial);
  const box = first === undefined ? undefined : boxes.get(first);
  if (box !== undefined) {
    const to = { x: box.x + Math.min(24, box.width / 2), y: box.y };
    starts.push({ dot: { x: to.x, y: to.y - START + 4 }, to });
  }
  const { width = 0, height = 0 } = graph.graph() as { width?: number; height?: number };
  return { width, height: height + START, boxes, arrows: all, starts };
}
interface Edge {
  points: Point[];
  x: number;
  y: number;
}
const size = ({ width, height }: { width: number; height: number }) => ({ width, height });
