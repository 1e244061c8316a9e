/** Traces: writing them, their format, and reading them again. Runs in a browser, too.
 *  @module tutti/trace */
export { traceTo, type Trace, type TraceOptions } from './trace.ts';
export { readTrace, type TraceLine } from './read.ts';
export type { TraceSink } from './writer.ts';
export type {
  ShownSnapshot,
  ShownEvent,
  ActorMessage,
  EventMessage,
  SnapshotMessage,
  TraceMessage,
  TraceLimits,
  TraceHeader,
  LeftOut,
  LeftOutEvent,
  TraceFooter,
  RunMessage,
  ProgramStep,
  ProgramEvent,
  UsageEvent,
  EndedEvent,
  PulseEvent,
  HctEvent,
  CoherenceEntry,
  CellState,
  TracedLine,
  GovernorContext,
} from './format.ts';
