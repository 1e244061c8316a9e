/** Everything about one open trace: its columns, and what the views derive from them. */
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
  /** What the file contains about itself: its limits, and its run. */
  readonly about: string[];
  /** Of a counter-example: what went wrong, and who takes part. It has an order, and no clock. */
  readonly counterexample: Counterexample | undefined;
}
export interface Counterexample {
  /** One sentence. */
  readonly what: string;
  /** Every sender and receiver, by first appearance. */
  readonly participants: readonly string[];
}

export function openOf(source: Source, counterexample?: Counterexample): Opened {
  const parts = {
    score: new Score(),
    shared: new Shared(),
    governors: new Governors(),
    bus: new Bus(),
    notes: new Notes(),
    about: [],
  };
  const opened: { trace?: Trace } = {};
  // The messages of a counter-example are plain text here, even if they look like messages of a trace.
  const trace =
    counterexample === undefined
      ? new Trace([interpreter(parts, () => opened.trace as Trace)])
      : new Trace([], { faults: false });
  opened.trace = trace;
  return { trace, ...parts, source, counterexample };
}
