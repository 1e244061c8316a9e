/** Traces: writing them, their format, and reading them again. Runs in a browser, too. */
export { traceTo, Trace, type TraceOptions } from './trace.ts';
export type { TraceSink } from './writer.ts';
export type { TracedRun, TracedScore } from './runs.ts';
export * from './format.ts';
export { checkMessage, LONGEST_LINE, readTrace, TraceLines, type TraceLine } from './read.ts';
