/** One model, named where the program is started: `MODEL=ollama:NAME node one.ts`. Where none is named a scripted one
 *  stands in, so that this runs anywhere. */
import { perform, score } from 'tutti';
import { modelAgent, modelFromEnvironment } from 'tutti/models';
import { scriptedModel } from 'tutti/testing';
import { z } from 'zod';

const name = process.env['MODEL'];
const model =
  name === undefined
    ? scriptedModel({ script: ['Caches must agree on every value.'] })
    : await modelFromEnvironment(name, process.env);

const summarise = modelAgent<{ text: string }>({
  name: 'summarise',
  model,
  instructions: 'You write one short sentence.',
  prompt: 'Say what matters in this text: {text}',
  capacity: 4, //               at most four at once
  maxOutputTokens: 200,
  retry: { attempts: 5 }, //    of single calls: a retry never runs a tool again
});
const summary = score('summary')
  .input(z.object({ text: z.string() }))
  .step('summary', { agent: summarise, reads: { text: 'input.text' } });

const { outputs, usage } = await perform(summary, { input: { text: 'MESI keeps caches coherent.' } }).result;
console.log(outputs.summary);
console.log(`${usage.modelCalls} call`);
