/** For tests: models that need no network, and crashes of durable performances.
 *  @module tutti/testing */
export { recordingModel, replayingModel, type RecordedCall, type Recording } from './recording.ts';
export {
  ModelMissError,
  scriptedModel,
  scriptedModelV3,
  type Scripted,
  type ScriptedCall,
  type ScriptedOptions,
  type ScriptedReply,
} from './scripted.ts';
export {
  CRASH_PHASES,
  crashEverywhere,
  crashJob,
  type CrashOptions,
  type CrashPhase,
  type CrashPoint,
  type CrashReport,
} from './crash.ts';
