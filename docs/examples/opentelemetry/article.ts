/** A performance of two steps, one of which calls a model, as spans. */
import { agent, score } from 'tutti';
import { modelAgent } from 'tutti/models';
import { openTelemetry } from 'tutti/otel';
import { scriptedModel } from 'tutti/testing';
import { exporter } from './setup.ts';
import { printTree } from './tree.ts';

const model = scriptedModel({
  script: [{ text: 'MESI keeps caches coherent.', usage: { input: 12, output: 7 } }],
  provider: 'acme.chat',
  modelId: 'small',
});

const telemetry = openTelemetry();
const researcher = agent({
  name: 'researcher',
  run: (_operands: unknown, { attempt }) => {
    if (attempt === 1) throw new Error('the search was refused with key sk-live-0123456789abcdefghij');
    return ['1984', 'Illinois'];
  },
});
const writer = modelAgent({
  name: 'writer',
  model: telemetry.model(model), // any model of the AI SDK
  prompt: 'Say one sentence with {facts}.',
});
const article = score('article')
  .step('facts', { agent: researcher, retry: { attempts: 2, delayMs: 1 } })
  .step('sentence', { agent: writer, reads: { facts: 'facts' } });

const { outputs } = await telemetry.perform(article, { runId: 'article-1' }).result;
console.log(outputs.sentence);
printTree(exporter.getFinishedSpans());
exporter.reset();
