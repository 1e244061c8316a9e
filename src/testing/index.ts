/** Models for tests: `tutti/testing`. */
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
