/** A model whose calls are spans. */
import { context, SpanKind, trace, type Attributes, type Span } from '@opentelemetry/api';
import type {
  LanguageModelV4,
  LanguageModelV4CallOptions,
  LanguageModelV4Content,
  LanguageModelV4FinishReason,
  LanguageModelV4StreamPart,
  LanguageModelV4Usage,
} from '@ai-sdk/provider';
import type { SdkModel } from '../models/sdk.ts';
import { fail } from './fail.ts';
import type { Spans } from './spans.ts';

/** Of specification V3 or V4: what is read here is the same in both. */
export function tracedModel(model: SdkModel, spans: Spans): SdkModel {
  const inner = model as unknown as LanguageModelV4;
  const traced: Partial<LanguageModelV4> = {
    doGenerate: (options) =>
      inSpan(inner, options, spans, async (span) => {
        const answer = await inner.doGenerate(options);
        say(span, answer);
        sayOutput(span, answer.content, answer.finishReason, spans);
        span.end();
        return answer;
      }),
    doStream: (options) =>
      inSpan(inner, options, spans, async (span) => {
        const answer = await inner.doStream(options);
        return { ...answer, stream: watched(answer.stream, span, spans) };
      }),
  };
  const { specificationVersion, provider, modelId } = inner;
  return {
    specificationVersion,
    provider,
    modelId,
    get supportedUrls() {
      return inner.supportedUrls;
    },
    ...traced,
  } as unknown as SdkModel;
}

/** Runs a call within its span. The span is ended by the call itself, or here when it throws. */
async function inSpan<T>(
  model: LanguageModelV4,
  options: LanguageModelV4CallOptions,
  spans: Spans,
  call: (span: Span) => Promise<T>,
): Promise<T> {
  const { provider, modelId } = model;
  const before = context.active();
  const attributes = requestOf(provider, modelId, options, spans);
  const span = spans.tracer.startSpan(`chat ${modelId}`, { kind: SpanKind.CLIENT, attributes }, before);
  try {
    return await context.with(trace.setSpan(before, span), () => call(span));
  } catch (error) {
    fail(span, error);
    span.end();
    throw error;
  }
}

function requestOf(
  provider: string,
  modelId: string,
  options: LanguageModelV4CallOptions,
  spans: Spans,
): Attributes {
  const { prompt, maxOutputTokens, temperature, topP, topK, seed, frequencyPenalty, presencePenalty } =
    options;
  const attributes: Record<string, string | number | string[] | undefined> = {
    'gen_ai.operation.name': 'chat',
    'gen_ai.provider.name': provider.split('.')[0],
    'gen_ai.request.model': modelId,
    'gen_ai.request.max_tokens': maxOutputTokens,
    'gen_ai.request.temperature': temperature,
    'gen_ai.request.top_p': topP,
    'gen_ai.request.top_k': topK,
    'gen_ai.request.seed': seed,
    'gen_ai.request.frequency_penalty': frequencyPenalty,
    'gen_ai.request.presence_penalty': presencePenalty,
    'gen_ai.request.stop_sequences': options.stopSequences,
    'gen_ai.output.type': options.responseFormat?.type,
    'gen_ai.system_instructions': spans.body(
      prompt.filter(({ role }) => role === 'system').map(({ content }) => ({ type: 'text', content })),
    ),
    'gen_ai.input.messages': spans.body(
      prompt
        .filter(({ role }) => role !== 'system')
        .map(({ role, content }) => ({
          role,
          parts: typeof content === 'string' ? [text(content)] : content.map(partOf),
        })),
    ),
  };
  return withoutGaps(attributes);
}

interface Told {
  readonly usage?: LanguageModelV4Usage;
  readonly finishReason?: LanguageModelV4FinishReason;
  readonly response?: { readonly id?: string | undefined; readonly modelId?: string | undefined };
}
function say(span: Span, { usage, finishReason, response }: Told): void {
  span.setAttributes(
    withoutGaps({
      'gen_ai.response.id': response?.id,
      'gen_ai.response.model': response?.modelId,
      'gen_ai.response.finish_reasons': finishReason === undefined ? undefined : [finishReason.unified],
      'gen_ai.usage.input_tokens': usage?.inputTokens.total,
      'gen_ai.usage.output_tokens': usage?.outputTokens.total,
      'gen_ai.usage.cache_read.input_tokens': usage?.inputTokens.cacheRead,
      'gen_ai.usage.cache_creation.input_tokens': usage?.inputTokens.cacheWrite,
    }),
  );
}
function sayOutput(
  span: Span,
  content: readonly LanguageModelV4Content[],
  finish: LanguageModelV4FinishReason | undefined,
  spans: Spans,
): void {
  const message = { role: 'assistant', parts: content.map(partOf), finish_reason: finish?.unified };
  const body = spans.body([message]);
  if (body !== undefined) span.setAttribute('gen_ai.output.messages', body);
}

const text = (content: string) => ({ type: 'text', content });
/** A part of a message in the conventions' words. */
function partOf(part: { readonly type: string }): object {
  const { type } = part;
  const given = part as unknown as Record<string, unknown>;
  if (type === 'text') return text(given['text'] as string);
  if (type === 'reasoning') return { type, content: given['text'] };
  if (type === 'tool-call')
    return { type: 'tool_call', id: given['toolCallId'], name: given['toolName'], arguments: given['input'] };
  if (type === 'tool-result')
    return {
      type: 'tool_call_response',
      id: given['toolCallId'],
      response: given['output'] ?? given['result'],
    };
  return { type };
}

/** The same stream; its span ends when it does, or when its reader has had enough. */
function watched(
  stream: ReadableStream<LanguageModelV4StreamPart>,
  span: Span,
  spans: Spans,
): ReadableStream<LanguageModelV4StreamPart> {
  const reader = stream.getReader();
  let told: Told = {};
  let said = '';
  const end = (error?: unknown): void => {
    say(span, told);
    if (said !== '') sayOutput(span, [{ type: 'text', text: said }], told.finishReason, spans);
    if (error !== undefined) fail(span, error);
    span.end();
  };
  return new ReadableStream({
    async pull(controller) {
      try {
        const { done, value } = await reader.read();
        if (done) {
          end();
          controller.close();
          return;
        }
        if (value.type === 'finish') told = { ...told, usage: value.usage, finishReason: value.finishReason };
        else if (value.type === 'response-metadata') told = { ...told, response: value };
        else if (value.type === 'text-delta') said += value.delta;
        else if (value.type === 'error') fail(span, value.error);
        controller.enqueue(value);
      } catch (error) {
        end(error);
        controller.error(error);
      }
    },
    async cancel(reason) {
      end(new Error('cancelled by its reader'));
      await reader.cancel(reason);
    },
  });
}

const withoutGaps = (attributes: Record<string, string | number | string[] | undefined>): Attributes =>
  Object.fromEntries(Object.entries(attributes).filter(([, value]) => value !== undefined));
