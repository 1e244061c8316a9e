/** Everything about one open trace: its columns, and what the views derive from them. */
import { MessageTable } from './bus.ts';
import { Governors } from './governors.ts';
import { Shared } from './shared.ts';
import { NoteList } from './notes.ts';
import { ViewedScore } from './score.ts';
import type { Source } from './source.ts';
import { interpreter } from './tutti.ts';
import { LoadedTrace } from './trace.ts';

export interface Opened {
  readonly trace: LoadedTrace;
  readonly score: ViewedScore;
  readonly shared: Shared;
  readonly governors: Governors;
  readonly bus: MessageTable;
  readonly notes: NoteList;
  readonly source: Source;
  /** What the file contains about itself: its limits, and its run. */
  readonly about: string[];
  /** Of a counter-example: what went wrong, and who takes part. It has an order, and no clock. */
  readonly counterexample: CounterexampleSummary | undefined;
}
export interface CounterexampleSummary {
  /** One sentence. */
  readonly what: string;
  /** Every sender and receiver, by first appearance. */
  readonly participants: readonly string[];
}

export function openOf(source: Source, counterexample?: CounterexampleSummary): Opened {
  const parts = {
    score: new ViewedScore(),
    shared: new Shared(),
    governors: new Governors(),
    bus: new MessageTable(),
    notes: new NoteList(),
    about: [],
  };
  const opened: { trace?: LoadedTrace } = {};
  // The messages of a counter-example are plain text here, even if they look like messages of a trace.
  const trace =
    counterexample === undefined
      ? new LoadedTrace([interpreter(parts, () => opened.trace as LoadedTrace)])
      : new LoadedTrace([], { faults: false });
  opened.trace = trace;
  return { trace, ...parts, source, counterexample };
}
