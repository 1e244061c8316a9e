/** A model that returns the answers of a script, in order. A request without an answer is an error. */
import { redactor } from '../models/redact.ts';
import type {
  JSONValue,
  LanguageModelV3,
  LanguageModelV3StreamPart,
  LanguageModelV4,
  LanguageModelV4CallOptions,
  LanguageModelV4Content,
  LanguageModelV4FinishReason,
  LanguageModelV4GenerateResult,
  LanguageModelV4StreamPart,
} from '@ai-sdk/provider';
import type { TokenUsage } from '../budget/prices.ts';

/** A test's model was asked for something that it does not have. Never retried, never translated. */
export class ModelMissError extends Error {
  override name = 'ModelMissError';
  readonly isModelMiss = true;
}

/** One answer. A string is an answer of that text. */
export type ScriptedReply =
  | string
  | {
      readonly text?: string | undefined;
      readonly reasoning?: string | undefined;
      /** Said as JSON. */
      readonly object?: JSONValue | undefined;
      readonly toolCalls?:
        readonly { readonly id?: string; readonly name: string; readonly input: JSONValue }[] | undefined;
      readonly finishReason?: LanguageModelV4FinishReason['unified'] | undefined;
      /** Default: a token per four characters, as a stand-in; null is "not reported". */
      readonly usage?: { readonly input: number; readonly output: number } | TokenUsage | null | undefined;
      /** Thrown instead of an answer; in a stream, after `text`. */
      readonly error?: unknown;
      /** Waited for before the answer. */
      readonly until?: Promise<unknown> | undefined;
    };

export type ScriptedCall = LanguageModelV4CallOptions;
type Script = readonly ScriptedReply[] | ((call: ScriptedCall, number: number) => ScriptedReply | undefined);

export interface ScriptedOptions {
  readonly script: Script;
  readonly provider?: string | undefined;
  readonly modelId?: string | undefined;
}

/** What a test may look at, on top of the model itself. */
export interface Scripted {
  /** Every call, as the model got it. */
  readonly calls: readonly ScriptedCall[];
  /** @throws ModelMissError when replies are left over, or a call found none */
  assertDone(): void;
}

/**
 * A scripted model of specification V4; `scriptedModelV3` makes the same of specification V3.
 *
 * @example
 * ```ts
 * const model = scriptedModel({ script: ['first answer', { object: { ok: true } }] });
 * ```
 */
export const scriptedModel = (options: ScriptedOptions): LanguageModelV4 & Scripted =>
  make(options, 'v4') as LanguageModelV4 & Scripted;
/** See {@link scriptedModel}. */
export const scriptedModelV3 = (options: ScriptedOptions): LanguageModelV3 & Scripted =>
  make(options, 'v3') as unknown as LanguageModelV3 & Scripted;

function make(
  { script, provider = 'scripted', modelId = 'scripted' }: ScriptedOptions,
  specificationVersion: 'v3' | 'v4',
) {
  const calls: ScriptedCall[] = [];
  let missed = 0;
  const take = async (call: ScriptedCall): Promise<Exclude<ScriptedReply, string>> => {
    const number = calls.push(call);
    const found = typeof script === 'function' ? script(call, number) : script[number - 1];
    if (found === undefined) {
      missed++;
      const had =
        typeof script === 'function' ? 'the script has no reply' : `the script has ${script.length} replies`;
      throw new ModelMissError(
        `model '${provider}:${modelId}': call ${number}, but ${had}. It was asked: ${redactor()(endOfPrompt(call))}`,
      );
    }
    const reply = typeof found === 'string' ? { text: found } : found;
    await aborted(reply.until, call.abortSignal);
    call.abortSignal?.throwIfAborted();
    return reply;
  };
  return {
    specificationVersion,
    provider,
    modelId,
    supportedUrls: {},
    calls,
    assertDone() {
      if (missed > 0)
        throw new ModelMissError(`model '${provider}:${modelId}': ${missed} calls found no reply.`);
      if (typeof script !== 'function' && calls.length < script.length) {
        throw new ModelMissError(
          `model '${provider}:${modelId}': only ${calls.length} of ${script.length} replies were asked for.`,
        );
      }
    },
    async doGenerate(call: ScriptedCall): Promise<LanguageModelV4GenerateResult> {
      const reply = await take(call);
      if (reply.error !== undefined) throw reply.error;
      return answerOf(reply, call);
    },
    async doStream(call: ScriptedCall) {
      const reply = await take(call);
      if (reply.error !== undefined && reply.text === undefined) throw reply.error;
      return {
        stream: streamOf(answerOf(reply, call), reply.error) as ReadableStream<
          LanguageModelV4StreamPart & LanguageModelV3StreamPart
        >,
      };
    },
  };
}

async function aborted(until: Promise<unknown> | undefined, signal: AbortSignal | undefined): Promise<void> {
  if (until === undefined) return;
  let stop: (() => void) | undefined;
  const abort = new Promise<never>((_resolve, reject) =>
    signal?.addEventListener('abort', (stop = () => reject(signal.reason)), { once: true }),
  );
  await Promise.race([until, abort]).finally(() => stop && signal?.removeEventListener('abort', stop));
}

function answerOf(reply: Exclude<ScriptedReply, string>, call: ScriptedCall): LanguageModelV4GenerateResult {
  const { text, reasoning, object, toolCalls = [], usage } = reply;
  const content: LanguageModelV4Content[] = [];
  if (reasoning !== undefined) content.push({ type: 'reasoning', text: reasoning });
  const said = object === undefined ? text : JSON.stringify(object);
  if (said !== undefined) content.push({ type: 'text', text: said });
  for (const [index, { id = `call-${index + 1}`, name, input }] of toolCalls.entries()) {
    content.push({ type: 'tool-call', toolCallId: id, toolName: name, input: JSON.stringify(input) });
  }
  const unified = reply.finishReason ?? (toolCalls.length > 0 ? 'tool-calls' : 'stop');
  const length = (value: unknown) => Math.ceil(JSON.stringify(value).length / 4);
  return {
    content,
    finishReason: { unified, raw: unified },
    usage: usageOf(usage === undefined ? { input: length(call.prompt), output: length(content) } : usage),
    warnings: [],
  };
}

function usageOf(usage: { readonly input: number; readonly output: number } | TokenUsage | null): TokenUsage {
  if (usage === null)
    return {
      inputTokens: { total: undefined, noCache: undefined, cacheRead: undefined, cacheWrite: undefined },
      outputTokens: { total: undefined, text: undefined, reasoning: undefined },
    };
  if ('inputTokens' in usage) return usage;
  const { input, output } = usage;
  return {
    inputTokens: { total: input, noCache: input, cacheRead: 0, cacheWrite: 0 },
    outputTokens: { total: output, text: output, reasoning: 0 },
  };
}

/** An answer as a stream, text in pieces of four characters. */
export function streamOf(
  { content, finishReason, usage }: LanguageModelV4GenerateResult,
  error?: unknown,
): ReadableStream<LanguageModelV4StreamPart> {
  const parts: LanguageModelV4StreamPart[] = [{ type: 'stream-start', warnings: [] }];
  for (const [index, part] of content.entries()) {
    if (part.type !== 'text' && part.type !== 'reasoning') {
      parts.push(part);
      continue;
    }
    const id = String(index);
    parts.push({ type: `${part.type}-start`, id });
    for (let from = 0; from < part.text.length; from += 4)
      parts.push({ type: `${part.type}-delta`, id, delta: part.text.slice(from, from + 4) });
    if (error === undefined) parts.push({ type: `${part.type}-end`, id });
  }
  parts.push(error === undefined ? { type: 'finish', finishReason, usage } : { type: 'error', error });
  return new ReadableStream({
    pull(controller) {
      const part = parts.shift();
      if (part === undefined) controller.close();
      else controller.enqueue(part);
    },
  });
}

/** The end of what was asked, for an error message. */
export function endOfPrompt(call: ScriptedCall): string {
  const last = call.prompt.at(-1);
  const text = JSON.stringify(last?.content ?? '');
  return text.length > 300 ? `${text.slice(0, 300)}…` : text;
}
