/** A cell as a replica has it: with the lines of the key that live here, and how many of them a snoop would find
 *  listening: a snoop filter. Whoever would do nothing is not looked at, since most of the time of looking is waiting
 *  for memory; for the same reason this is no object beside the cell (docs/decisions/0030). */
import { Cell } from './cell.ts';
import type { Line } from './line.ts';
import type { LineRow, Snoop } from './line-table.ts';

export class Hosted extends Cell {
  /** The first line; each knows its `sibling`. */
  first: Line | undefined = undefined;
  #gets = 0;
  #getm = 0;
  #put = 0;

  /** Appends a line. */
  add(line: Line): void {
    let last = this.first;
    while (last?.sibling !== undefined) last = last.sibling;
    if (last === undefined) this.first = line;
    else last.sibling = line;
    this.moved(undefined, line.row);
  }
  remove(line: Line): void {
    let before: Line | undefined;
    for (let at = this.first; at !== line; at = at.sibling) {
      if (at === undefined) return;
      before = at;
    }
    // The line itself still knows its sibling, for whoever is just looking at it.
    if (before === undefined) this.first = line.sibling;
    else before.sibling = line.sibling;
    this.moved(line.row, undefined);
  }
  of(agent: string): Line | undefined {
    let line = this.first;
    while (line !== undefined && line.agent !== agent) line = line.sibling;
    return line;
  }
  /** A line went from a row to another. */
  moved(from: LineRow | undefined, to: LineRow | undefined): void {
    this.#gets += (to?.listens.SNOOP_GETS ?? 0) - (from?.listens.SNOOP_GETS ?? 0);
    this.#getm += (to?.listens.SNOOP_GETM ?? 0) - (from?.listens.SNOOP_GETM ?? 0);
    this.#put += (to?.listens.SNOOP_PUT ?? 0) - (from?.listens.SNOOP_PUT ?? 0);
  }
  /** How many lines but this one would hear a snoop. */
  listening(own: Line | undefined, event: Snoop): number {
    const all = event === 'SNOOP_GETS' ? this.#gets : event === 'SNOOP_GETM' ? this.#getm : this.#put;
    return all === 0 || own === undefined ? all : all - own.row.listens[event];
  }
}
