/** Charts by definition: each is read and laid out once, when it is first looked at. */
import { readChart, type Chart } from './definition.ts';
import { draw } from './layout.ts';
import type { Picture } from './picture.ts';

export interface DrawnChart {
  readonly chart: Chart;
  readonly picture: Picture;
}
const known = new Map<string, DrawnChart | string>();

/** @returns the chart with its picture, or why there is none. */
export function chartOf(definition: string): DrawnChart | string {
  let found = known.get(definition);
  if (found === undefined) {
    const chart = readChart(definition);
    try {
      found = typeof chart === 'string' ? chart : { chart, picture: draw(chart) };
    } catch (error) {
      found = `The machine cannot be laid out: ${error instanceof Error ? error.message : String(error)}`;
    }
    known.set(definition, found);
  }
  return found;
}

/** The name of a definition: its machine's id. */
export function machineName(definition: string): string {
  const found = names.get(definition);
  if (found !== undefined) return found;
  const chart = readChart(definition);
  const name = typeof chart === 'string' ? 'no machine' : chart.id;
  names.set(definition, name);
  return name;
}
const names = new Map<string, string>();
