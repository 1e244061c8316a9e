/** What needs Node.js: score files, programs, trace files and the inspector.
 *  @module tutti/node */
export { loadScore, ScoreFileError, type LoadedScore } from './load-score.ts';
export { programAgent, type ProgramAgentOptions } from './program-agent.ts';
export { ProgramError } from '../score/program-command.ts';
export { limitPrograms } from './program-places.ts';
export { startInspector, type Inspector, type InspectorOptions } from './inspector.ts';
export { traceFile } from './trace-file.ts';
export {
  coherentFiles,
  type CoherentFiles,
  type CoherentFilesOptions,
  type FileAgent,
  type FileCallOptions,
  type FileRecipe,
  type SkippedFile,
} from './coherent-files.ts';
export {
  FileBusyError,
  FileConflictError,
  FileRefusedError,
  type FileConflictReason,
} from './file-errors.ts';
