/** A model that stands in for one that gives no answer. */
import { perform, score } from 'tutti';
import { modelAgent } from 'tutti/models';
import { scriptedModel } from 'tutti/testing';
import { z } from 'zod';

const overloaded = Object.assign(new Error('overloaded'), { statusCode: 503 });
const first = scriptedModel({ provider: 'north', modelId: 'large', script: () => ({ error: overloaded }) });
const second = scriptedModel({ provider: 'south', modelId: 'medium', script: ['42'] });

const ask = modelAgent<{ question: string }>({
  name: 'ask',
  models: [first, second], // asked in this order
  prompt: '{question}',
  retry: { attempts: 2, delayMs: 1 },
});
const quiz = score('quiz')
  .input(z.object({ question: z.string() }))
  .step('ask', { agent: ask, reads: { question: 'input.question' } });

const { outputs, usage } = await perform(quiz, { input: { question: 'How many?' } }).result;
console.log(outputs.ask, usage.modelCalls, usage.fallbacks?.[0]?.answered);
console.log(usage.fallbacks?.[0]?.failed.map(({ model, failure }) => `${model}: ${failure}`).join());
