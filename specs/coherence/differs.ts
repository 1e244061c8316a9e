/** Whether a line differs from the protocol's: machine and model side by side, from the beginning, through every event
 *  that either may receive, those from their agents at any time. What is compared is all that can be seen from outside:
 *  the output, in order, and whether the copy may be read and written. States are not compared, so a machine that
 *  differs only in its states, and never in its behaviour, counts as the same. */
import type { AnyStateMachine } from 'xstate';
import { cacheLine } from '../../machines/index.ts';
import type { ReaderPolicy } from '../../machines/coherence/cache-line.ts';
import { PERMISSION } from './mapping.ts';
import { EMPTY, hears, type ModelLine } from './model.ts';
import { LINE_EVENTS, LineTable, type LineEventName, type LineStatus } from './table.ts';

export interface LineDifference {
  readonly what: string;
  /** A shortest way to it. */
  readonly path: readonly LineEventName[];
  readonly readers: ReaderPolicy;
}
export interface SideBySide {
  /** Pairs of a machine's state and a model's. */
  readonly states: number;
  readonly steps: number;
  /** `state EVENT` cells of the machine that were compared. */
  readonly cells: ReadonlySet<string>;
  readonly difference?: LineDifference;
}

/** Breadth first, under both policies, until everything has been compared or they differ. */
export function besideModel(machine: AnyStateMachine): SideBySide {
  const cells = new Set<string>();
  let [states, steps] = [0, 0];
  for (const readers of ['wait', 'committed'] as const) {
    const found = walkPairs(machine, readers, cells);
    states += found.states;
    steps += found.steps;
    if (found.difference !== undefined) return { states, steps, cells, difference: found.difference };
  }
  return { states, steps, cells };
}

interface Pair {
  readonly place: LineStatus;
  readonly line: ModelLine;
  readonly path: readonly LineEventName[];
}

function walkPairs(
  machine: AnyStateMachine,
  readers: ReaderPolicy,
  cells: Set<string>,
): { states: number; steps: number; difference?: LineDifference } {
  const table = new LineTable(machine, readers);
  const name = (place: LineStatus) => table.states[place.state] as keyof typeof PERMISSION;
  const seen = new Set<string>();
  const pairs: Pair[] = [];
  const reach = (place: LineStatus, line: ModelLine, path: readonly LineEventName[]) => {
    const key = `${place.state} ${place.copy} ${line.copy} ${line.owns} ${line.asked}`;
    if (seen.has(key)) return;
    seen.add(key);
    pairs.push({ place, line, path });
  };
  reach(table.start, EMPTY, []);
  let steps = 0;
  for (const { place, line, path } of pairs) {
    const found = (what: string, way: readonly LineEventName[]) => ({
      states: seen.size,
      steps,
      difference: { what, path: way, readers },
    });
    const [reads, writes] = [table.readable(place.state, place.copy), PERMISSION[name(place)] === 'write'];
    if (reads !== line.copy)
      return found(`in ${name(place)} the copy ${reads ? 'may' : 'may not'} be read`, path);
    if (writes !== (line.owns === 'held'))
      return found(`in ${name(place)} the line ${writes ? 'is' : 'is not'} a writer`, path);
    for (const [event, type] of LINE_EVENTS.entries()) {
      const answer = hears(line, type, readers === 'committed');
      if (answer === 'never') continue;
      steps++;
      cells.add(`${name(place)} ${type}`);
      const outcome = table.at(place.state, event, place.copy);
      const [said, due] = [outcome.words.join(' '), answer.says.join(' ')];
      if (said !== due)
        return found(`${type} in ${name(place)}: the line sends '${said}' and should send '${due}'`, [
          ...path,
          type,
        ]);
      reach({ state: outcome.target, copy: outcome.copy }, answer.line, [...path, type]);
    }
  }
  return { states: seen.size, steps };
}

/** Compares a line with the protocol's.
 *  @returns a difference between the two, or `undefined` when no event that they may receive shows one: then the
 *  machine is equivalent, which the walk has proved for all surroundings that keep to the protocol. */
export function lineDiffers(machine: AnyStateMachine): string | undefined {
  const { difference } = besideModel(machine);
  if (difference === undefined) return undefined;
  const { what, path, readers } = difference;
  return `${what} (readers ${readers}: ${path.join(', ')})`;
}

/** Compares the real line with the model: they have to be the same. */
export const realBesideModel = (): SideBySide => besideModel(cacheLine);
