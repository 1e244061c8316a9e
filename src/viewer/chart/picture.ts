/** A drawn chart: boxes and arrows with their places, and how wide words are taken to be. */
import type { ChartState, ChartTransition } from './definition.ts';

export interface Point {
  readonly x: number;
  readonly y: number;
}
export interface Box {
  readonly state: ChartState;
  x: number;
  y: number;
  readonly width: number;
  readonly height: number;
  /** The text inside, under the name. */
  readonly lines: readonly string[];
  /** How much of the height is the name and the lines. */
  readonly head: number;
}
export interface Arrow {
  readonly from: ChartState;
  readonly to: ChartState;
  readonly transitions: readonly ChartTransition[];
  readonly label: readonly string[];
  points: Point[];
  labelAt: Point;
  readonly labelWidth: number;
}
export interface Picture {
  readonly width: number;
  readonly height: number;
  /** Parents before their children. */
  readonly boxes: readonly Box[];
  readonly arrows: readonly Arrow[];
  /** How many arrows are not drawn. */
  readonly left: number;
  /** From the dot to the initial state of each compound. */
  readonly starts: readonly { readonly dot: Point; readonly to: Point }[];
}

/** Estimates, since a layout has to work without a page; a little too wide rather than too narrow. */
export const titleWidth = (text: string): number => text.length * 7.8;
export const lineWidth = (text: string): number => text.length * 6.3;
export const few = (lines: string[], most: number): string[] =>
  lines.length <= most ? lines : [...lines.slice(0, most - 1), `and ${lines.length - most + 1} more`];
