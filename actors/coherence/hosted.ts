/** The lines of one key that live here, and how many of them a snoop would find listening: a snoop filter. Whoever
 *  would do nothing is not looked at, since most of the time of looking is waiting for memory (docs/decisions/0030). */
import type { Line } from './line.ts';
import type { LineRow, Snoop } from './line-table.ts';

export class Hosted {
  readonly lines: Line[] = [];
  /** By place: whose line it is. */
  readonly #agents: string[] = [];
  #gets = 0;
  #getm = 0;
  #put = 0;

  add(line: Line): void {
    this.lines.push(line);
    this.#agents.push(line.agent);
    this.moved(undefined, line.row);
  }
  remove(line: Line): void {
    const place = this.lines.indexOf(line);
    if (place < 0) return;
    this.lines.splice(place, 1);
    this.#agents.splice(place, 1);
    this.moved(line.row, undefined);
  }
  of(agent: string): Line | undefined {
    const agents = this.#agents;
    for (let i = 0; i < agents.length; i++) if (agents[i] === agent) return this.lines[i];
    return undefined;
  }
  /** A line went from a row to another. */
  moved(from: LineRow | undefined, to: LineRow | undefined): void {
    this.#gets += (to?.listens.SNOOP_GETS ?? 0) - (from?.listens.SNOOP_GETS ?? 0);
    this.#getm += (to?.listens.SNOOP_GETM ?? 0) - (from?.listens.SNOOP_GETM ?? 0);
    this.#put += (to?.listens.SNOOP_PUT ?? 0) - (from?.listens.SNOOP_PUT ?? 0);
  }
  /** Whether a line of another agent would hear the snoop of this one. */
  listens(agent: string, event: Snoop): boolean {
    const all = event === 'SNOOP_GETS' ? this.#gets : event === 'SNOOP_GETM' ? this.#getm : this.#put;
    return all > 0 && all > (this.of(agent)?.row.listens[event] ?? 0);
  }
}
