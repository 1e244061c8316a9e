/** Tests without a network: recorded once, replayed ever after; and what a miss says. */
import { modelCall } from 'tutti/models';
import { ModelMissError, recordingModel, replayingModel, scriptedModel, type Recording } from 'tutti/testing';

const context = {
  runId: 'test',
  stepId: 'ask',
  attempt: 1,
  effectKey: 'test/ask',
  signal: AbortSignal.timeout(10_000),
  beat: () => {},
  now: () => performance.now(),
  sleep: async () => {},
};
const ask = modelCall<{ place: string }>({ prompt: 'What is the capital of {place}?' });

// Once, with a real model in place of this one; the recording is plain JSON, to be kept beside the test.
const recorder = await recordingModel(scriptedModel({ script: ['Paris'] }));
await ask({ place: 'France' }, context, { model: recorder });
const recording = JSON.parse(JSON.stringify(recorder.recording)) as Recording;

// From then on.
const model = replayingModel(recording);
console.log((await ask({ place: 'France' }, context, { model })).output);
try {
  await ask({ place: 'Spain' }, context, { model });
} catch (error) {
  if (!(error instanceof ModelMissError)) throw error;
  console.log(error.message.includes('The nearest recorded request differs'));
}
