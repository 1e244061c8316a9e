/** Text as it comes. */
import { perform, score } from 'tutti';
import { modelAgent } from 'tutti/models';
import { scriptedModel } from 'tutti/testing';

const model = scriptedModel({ script: ['All together, in time.'] });
const run = perform(
  score('motto').step('motto', { agent: modelAgent({ name: 'motto', model, prompt: 'Say it.' }) }),
);
let text = '';
for await (const event of run.events) {
  if (event.type === 'step.text') text = event.again ? event.delta : text + event.delta;
}
console.log(text);
