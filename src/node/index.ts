/** What needs Node.js: score files, programs, trace files and the inspector. */
export { loadScore, ScoreFileError } from './load-score.ts';
export { programAgent, ProgramError } from './program-agent.ts';
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
