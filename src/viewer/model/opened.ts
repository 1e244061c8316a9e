/** Everything that is known of one trace: its columns, and what the views make of them. */
import { Bus } from './bus.ts';
import { Governors } from './governors.ts';
import { Shared } from './shared.ts';
import { Notes } from './notes.ts';
import { Score } from './score.ts';
import type { Source } from './source.ts';
import { interpreter } from './tutti.ts';
import { Trace } from './trace.ts';

export interface Opened {
  readonly trace: Trace;
  readonly score: Score;
  readonly shared: Shared;
  readonly governors: Governors;
  readonly bus: Bus;
  readonly notes: Notes;
  readonly source: Source;
  /** What the file says of itself: how it was limited, which run it is of. */
  readonly about: string[];
  /** A sentence above the views: what went wrong in a counter-example. */
  headline: string;
}

export function openOf(source: Source): Opened {
  const parts = {
    score: new Score(),
    shared: new Shared(),
    governors: new Governors(),
    bus: new Bus(),
    notes: new Notes(),
    about: [],
  };
  const opened: { trace?: Trace } = {};
  const trace = new Trace([interpreter(parts, () => opened.trace as Trace)]);
  opened.trace = trace;
  return { trace, ...parts, source, headline: '' };
}
