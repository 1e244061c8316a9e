/** Claims: performances, steps and model calls are spans in OpenTelemetry's words; bodies only when asked for. */
import { AsyncLocalStorage } from 'node:async_hooks';
import {
  context,
  ROOT_CONTEXT,
  SpanKind,
  SpanStatusCode,
  type Context,
  type ContextManager,
} from '@opentelemetry/api';
import {
  BasicTracerProvider,
  InMemorySpanExporter,
  SimpleSpanProcessor,
  type ReadableSpan,
} from '@opentelemetry/sdk-trace-base';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { agent, perform, score } from 'tutti';
import { modelAgent } from 'tutti/models';
import { scriptedModel } from 'tutti/testing';
import { openTelemetry } from '../../src/otel/index.ts';

/** What `NodeTracerProvider.register()` would set up. */
class Contexts implements ContextManager {
  readonly #storage = new AsyncLocalStorage<Context>();
  active = () => this.#storage.getStore() ?? ROOT_CONTEXT;
  with<A extends unknown[], F extends (...args: A) => ReturnType<F>>(
    given: Context,
    call: F,
    self?: ThisParameterType<F>,
    ...args: A
  ): ReturnType<F> {
    return this.#storage.run(given, () => call.apply(self, args));
  }
  bind = <T>(_given: Context, target: T): T => target;
  enable = () => this;
  disable = () => this;
}
beforeAll(() => void context.setGlobalContextManager(new Contexts()));
afterAll(() => context.disable());

function recorder() {
  const exporter = new InMemorySpanExporter();
  const provider = new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] });
  return { tracer: provider.getTracer('test'), spans: () => exporter.getFinishedSpans() };
}
const named = (spans: readonly ReadableSpan[], name: string): ReadableSpan => {
  const found = spans.filter((span) => span.name === name);
  expect(found.map((span) => span.name)).toEqual([name]);
  return found[0] as ReadableSpan;
};
const parent = (span: ReadableSpan) => span.parentSpanContext?.spanId;

const reply = { text: 'forty-two', usage: { input: 12, output: 3 } };

test('a performance, its steps and its model calls are spans within each other', async () => {
  for (const stream of [true, false]) {
    const { tracer, spans } = recorder();
    const telemetry = openTelemetry({ tracer });
    const model = telemetry.model(
      scriptedModel({ script: [reply], provider: 'acme.chat', modelId: 'small' }),
    );
    const writer = modelAgent({
      name: 'writer',
      model,
      prompt: 'Say {number}.',
      stream,
      maxOutputTokens: 100,
    });
    const piece = score('piece')
      .step('number', { agent: agent({ name: 'counter', run: () => 42 }) })
      .step('text', { agent: writer, reads: { number: 'number' } });
    const { outputs } = await telemetry.perform(piece, { runId: 'run-7' }).result;
    expect(outputs).toEqual({ number: 42, text: 'forty-two' });

    const all = spans();
    expect(all).toHaveLength(4);
    const run = named(all, 'invoke_workflow piece');
    const step = named(all, 'invoke_agent writer');
    const call = named(all, 'chat small');
    expect(parent(run)).toBeUndefined();
    expect(parent(named(all, 'invoke_agent counter'))).toBe(run.spanContext().spanId);
    expect(parent(step)).toBe(run.spanContext().spanId);
    expect(parent(call)).toBe(step.spanContext().spanId);
    expect(run.attributes).toMatchObject({
      'gen_ai.operation.name': 'invoke_workflow',
      'gen_ai.workflow.name': 'piece',
      'tutti.run.id': 'run-7',
      'tutti.run.status': 'completed',
      'tutti.run.steps': 2,
    });
    expect(step.attributes).toEqual({
      'gen_ai.operation.name': 'invoke_agent',
      'gen_ai.agent.name': 'writer',
      'tutti.run.id': 'run-7',
      'tutti.step.id': 'text',
      'tutti.step.attempt': 1,
    });
    expect(call.kind).toBe(SpanKind.CLIENT);
    expect(call.attributes).toMatchObject({
      'gen_ai.operation.name': 'chat',
      'gen_ai.provider.name': 'acme',
      'gen_ai.request.model': 'small',
      'gen_ai.request.max_tokens': 100,
      'gen_ai.response.finish_reasons': ['stop'],
      'gen_ai.usage.input_tokens': 12,
      'gen_ai.usage.output_tokens': 3,
    });
    expect(JSON.stringify(all.map(({ attributes }) => attributes))).not.toContain('forty-two');
    expect(all.every(({ status }) => status.code === SpanStatusCode.UNSET)).toBe(true);
  }
});

test('bodies are exported when they are asked for, without secrets', async () => {
  for (const stream of [true, false]) {
    const { tracer, spans } = recorder();
    const telemetry = openTelemetry({ tracer, bodies: true, secrets: ['open sesame'] });
    const model = telemetry.model(scriptedModel({ script: [reply], modelId: 'small' }));
    const writer = modelAgent<{ word: string }>({
      name: 'writer',
      model,
      stream,
      instructions: 'Be brief.',
      prompt: 'The word is {word}.',
    });
    const piece = score('piece').step('text', { agent: writer, reads: {} as never });
    await telemetry.perform(piece).result;
    const spoken = score('spoken').step('word', {
      agent: agent({ name: 'teller', run: () => ({ password: 'abc', said: 'open sesame' }) }),
    });
    await telemetry.perform(spoken).result;
    const call = named(spans(), 'chat small').attributes;
    expect(JSON.parse(call['gen_ai.system_instructions'] as string)).toEqual([
      { type: 'text', content: 'Be brief.' },
    ]);
    expect(JSON.parse(call['gen_ai.input.messages'] as string)).toEqual([
      { role: 'user', parts: [{ type: 'text', content: 'The word is {word}.' }] },
    ]);
    expect(JSON.parse(call['gen_ai.output.messages'] as string)).toEqual([
      { role: 'assistant', parts: [{ type: 'text', content: 'forty-two' }], finish_reason: 'stop' },
    ]);
    const step = named(spans(), 'invoke_agent teller').attributes;
    expect(JSON.parse(step['tutti.step.result'] as string)).toEqual({
      password: '[redacted]',
      said: '[redacted]',
    });
  }
});

test('each try of a step is a span; what failed says why, and the performance with it', async () => {
  const { tracer, spans } = recorder();
  const telemetry = openTelemetry({ tracer });
  const flaky = agent({
    name: 'flaky',
    run: async () => {
      await Promise.resolve();
      throw new RangeError('refused with sk-live-0123456789abcdefghij');
    },
  });
  const piece = score('piece').step('a', { agent: flaky, retry: { attempts: 2, delayMs: 1 } });
  const report = await telemetry.perform(piece).report;
  expect(report.status).toBe('failed');
  const all = spans();
  const tries = all.filter(({ name }) => name === 'invoke_agent flaky');
  expect(tries.map(({ attributes }) => attributes['tutti.step.attempt'])).toEqual([1, 2]);
  for (const one of tries) {
    expect(one.attributes['error.type']).toBe('RangeError');
    expect(one.status).toEqual({ code: SpanStatusCode.ERROR, message: 'refused with [redacted]' });
  }
  const run = named(all, 'invoke_workflow piece');
  expect(run.status.code).toBe(SpanStatusCode.ERROR);
  expect(run.attributes).toMatchObject({
    'error.type': 'StepError',
    'tutti.run.status': 'failed',
    'tutti.run.retries': 1,
  });
});

test('a call that fails is a span that failed; one whose reader had enough is ended', async () => {
  const { tracer, spans } = recorder();
  const { model: traced } = openTelemetry({ tracer });
  const prompt = [{ role: 'user' as const, content: [{ type: 'text' as const, text: 'hi' }] }];
  const failing = traced(
    scriptedModel({
      script: [{ error: Object.assign(new Error('overloaded'), { statusCode: 529 }) }],
      modelId: 'a',
    }),
  );
  await expect(failing.doGenerate({ prompt })).rejects.toThrow('overloaded');
  expect(named(spans(), 'chat a')).toMatchObject({
    status: { code: SpanStatusCode.ERROR },
    attributes: { 'error.type': '529' },
  });
  const { stream } = await traced(scriptedModel({ script: [reply], modelId: 'b' })).doStream({ prompt });
  const reader = stream.getReader();
  await reader.read();
  await reader.cancel();
  expect(named(spans(), 'chat b').status.message).toBe('cancelled by its reader');
});

test('an agent that is left behind leaves no span open', async () => {
  const { tracer, spans } = recorder();
  const telemetry = openTelemetry({ tracer });
  const deaf = agent({ name: 'deaf', run: () => new Promise(() => {}) });
  const piece = score('piece').step('a', { agent: deaf });
  const run = telemetry.perform(piece, { graceMs: 1, timeout: { stepMs: 5 } });
  await run.report;
  await Promise.resolve();
  expect(named(spans(), 'invoke_agent deaf').status).toMatchObject({ code: SpanStatusCode.ERROR });
  expect(named(spans(), 'invoke_workflow piece').ended).toBe(true);
});

test('a score that cannot be performed is a span that failed, and the same error', () => {
  const { tracer, spans } = recorder();
  const piece = score('piece').step('a', { agent: () => 1 });
  expect(() => openTelemetry({ tracer }).perform(piece, { window: 0 })).toThrow('window');
  expect(named(spans(), 'invoke_workflow piece').status.code).toBe(SpanStatusCode.ERROR);
});

test('without a provider everything works and nothing is exported', async () => {
  const telemetry = openTelemetry();
  const limited = agent({ name: 'one', capacity: 1, run: () => 1 });
  const piece = score('piece').step('a', { agent: limited }).step('b', { agent: limited });
  const { outputs } = await telemetry.perform(piece).result;
  expect(outputs).toEqual((await perform(piece).result).outputs);
});

test('without a context manager every span is exported, and a model’s call is a root span', async () => {
  context.disable();
  try {
    const { tracer, spans } = recorder();
    const telemetry = openTelemetry({ tracer });
    const model = telemetry.model(scriptedModel({ script: [reply], modelId: 'small' }));
    const piece = score('piece').step('text', {
      agent: modelAgent({ name: 'writer', model, prompt: 'Say it.' }),
    });
    await telemetry.perform(piece).result;
    const run = named(spans(), 'invoke_workflow piece');
    expect(parent(named(spans(), 'invoke_agent writer'))).toBe(run.spanContext().spanId);
    expect(parent(named(spans(), 'chat small'))).toBeUndefined();
  } finally {
    context.setGlobalContextManager(new Contexts());
  }
});

test('a performance that was cancelled is a span that failed, and a step that never ran has none', async () => {
  const { tracer, spans } = recorder();
  const stop = new AbortController();
  const first = agent({ name: 'first', run: () => stop.abort(new Error('enough')) });
  const piece = score('piece')
    .step('a', { agent: first })
    .step('b', { agent: agent({ name: 'second', run: () => 1 }), reads: { a: 'a' } });
  const report = await openTelemetry({ tracer }).perform(piece, { signal: stop.signal }).report;
  expect(report.status).toBe('cancelled');
  const run = named(spans(), 'invoke_workflow piece');
  expect(run.status.code).toBe(SpanStatusCode.ERROR);
  expect(run.attributes['tutti.run.status']).toBe('cancelled');
  expect(spans().map(({ name }) => name)).not.toContain('invoke_agent second');
});
