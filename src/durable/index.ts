/** Performances that survive their process. A store is in `tutti/sqlite`.
 *  @module tutti/durable */
export { resume, runs, type ResumeOptions } from './resume.ts';
export { shrinkRuns } from './retention.ts';
export type { Decision } from './facts.ts';
export { ChangedScoreError, type ScoreChange } from './score-print.ts';
export { memoryStore, type MemoryStore } from '../../actors/bus/memory-store.ts';
export { FencedLogError, LogError, type Log, type LogEntry, type LogRecord } from '../../actors/bus/log.ts';
export {
  RunBusyError,
  RunExistsError,
  UnknownRunError,
  type InboxMessage,
  type RunInfo,
  type RunLog,
  type RunState,
  type RunStore,
} from '../../actors/bus/run-store.ts';
export { HeldError, InterruptedError, NotJsonError } from '../../actors/tomasulo/errors.ts';
