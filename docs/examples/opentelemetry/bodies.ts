/** The same with what was read and written, which has to be asked for. */
import { score } from 'tutti';
import { modelAgent } from 'tutti/models';
import { openTelemetry } from 'tutti/otel';
import { scriptedModel } from 'tutti/testing';
import { exporter } from './setup.ts';
import { printTree } from './tree.ts';

const telemetry = openTelemetry({ bodies: true, secrets: ['open sesame'] });
const model = telemetry.model(scriptedModel({ script: ['Say "open sesame".'], modelId: 'small' }));
const guide = modelAgent({ name: 'guide', model, instructions: 'Be brief.', prompt: 'How do I get in?' });
await telemetry.perform(score('cave').step('advice', { agent: guide }), { runId: 'cave-1' }).result;
const call = exporter.getFinishedSpans().filter(({ name }) => name === 'chat small');
printTree(call, call[0]?.parentSpanContext?.spanId);
exporter.reset();
