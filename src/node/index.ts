/** What needs Node.js: score files, programs, trace files and the inspector. */
export { loadScore, ScoreFileError } from './load-score.ts';
export { TextFileError } from './text-file.ts';
export { programAgent, ProgramError } from './program-agent.ts';
export { startInspector, type Inspector, type InspectorOptions } from './inspector.ts';
export { traceFile } from './trace-file.ts';
export {
  coherentFiles,
  FileConflictError,
  FileRefusedError,
  type CoherentFiles,
  type CoherentFilesOptions,
  type FileAgent,
} from './coherent-files.ts';
