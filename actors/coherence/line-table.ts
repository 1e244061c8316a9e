/** The cache line's table as a replica uses it: rows that know each other, and cells that know what to do.
 *
 *  Made from the machine by `finite`, once for each policy of readers, and shared by all lines of all replicas. That
 *  nothing is decided here is tested: XState's own actor of every line goes the same way (docs/decisions/0030). */
import { cacheLine, type LineContext, type LineEvent, type ReaderPolicy } from '../../machines/cache-line.ts';
import { finite } from '../../machines/finite.ts';
import { LINE_EVENTS, type Line, type LineState } from './line.ts';

/** What a line says to its replica. */
export interface LineVoice {
  /** An entry about the line's key. */
  request(line: Line, op: 'gets' | 'getm' | 'release' | 'evict'): void;
  /** The entry that writes what is pending. */
  put(line: Line): void;
  /** The machine was told what it calls impossible. */
  protest(line: Line): void;
}

export type Meaning = (line: Line, voice: LineVoice) => void;

export interface LineCell {
  readonly next: LineRow;
  readonly meanings: readonly Meaning[];
  /** Nothing changes, and nothing is said. */
  readonly idle: boolean;
}
export interface LineRow {
  readonly state: LineState;
  readonly context: LineContext;
  /** Whether a read is a hit. */
  readonly readable: boolean;
  readonly cells: Readonly<Record<LineEvent['type'], LineCell>>;
  /** 1 where the cell of a snoop is not idle. */
  readonly listens: Readonly<Record<Snoop, 0 | 1>>;
}
/** What other agents' entries do to a line. */
export type Snoop = 'SNOOP_GETS' | 'SNOOP_GETM' | 'SNOOP_PUT';

/** The machine's words. `hit` and `stall` say what the one who asks can see in the row itself. */
const MEANINGS: Readonly<Record<string, Meaning>> = {
  requestShared: (line, voice) => voice.request(line, 'gets'),
  requestModified: (line, voice) => voice.request(line, 'getm'),
  release: (line, voice) => voice.request(line, 'release'),
  evict: (line, voice) => voice.request(line, 'evict'),
  put: (line, voice) => voice.put(line),
  fill: (line) => line.fill(),
  drop: (line) => line.drop(),
  granted: (line) => line.granted(),
  done: (line) => line.done(),
  lost: (line) => line.lost(),
  impossible: (line, voice) => voice.protest(line),
};
/** What a client is told besides, whatever the row. */
const TOLD: Partial<Record<LineEvent['type'], Meaning>> = {
  RELEASED: (line) => line.released(),
  REFUSED: (line) => line.refused(),
};

const tables = new Map<ReaderPolicy, LineRow>();

/** @returns the row in which every line begins. */
export function lineTable(readers: ReaderPolicy): LineRow {
  const known = tables.get(readers);
  if (known !== undefined) return known;
  const rows = finite(cacheLine, { input: { readers }, events: LINE_EVENTS });
  const made = rows.map(({ value, context, cells }) => ({
    state: value as LineState,
    context,
    readable: cells.LOAD.says.includes('hit'),
    cells: {} as Record<LineEvent['type'], LineCell>,
    listens: { SNOOP_GETS: 0, SNOOP_GETM: 0, SNOOP_PUT: 0 } as Record<Snoop, 0 | 1>,
  }));
  rows.forEach(({ cells }, from) => {
    for (const event of LINE_EVENTS) {
      const { next, says } = cells[event];
      const meanings = [...says.map((word) => MEANINGS[word]), TOLD[event]].filter((m) => m !== undefined);
      const row = made[from]!;
      const idle = next === from && meanings.length === 0;
      row.cells[event] = { next: made[next]!, meanings, idle };
      if (event in row.listens) row.listens[event as Snoop] = idle ? 0 : 1;
    }
  });
  const [first] = made as [LineRow];
  tables.set(readers, first);
  return first;
}
