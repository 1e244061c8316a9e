/** Models that record the answers of a real one, and replay them without a network. A miss is an error. */
import type {
  LanguageModelV4,
  LanguageModelV4CallOptions,
  LanguageModelV4GenerateResult,
  LanguageModelV4StreamPart,
} from '@ai-sdk/provider';
import { collect } from '../models/collect.ts';
import { redactJson, redactor, type Redact } from '../models/redact.ts';
import { loadSdk, type SdkModel } from '../models/sdk.ts';
import { endOfPrompt, ModelMissError, streamOf } from './scripted.ts';

/** One call as it is kept: no headers, no secrets. */
export interface RecordedCall {
  /** What was asked, as canonical JSON. */
  readonly request: string;
  readonly answer?: Pick<LanguageModelV4GenerateResult, 'content' | 'finishReason' | 'usage'> | undefined;
  /** What was thrown, in words. */
  readonly error?: { readonly message: string; readonly statusCode?: number | undefined } | undefined;
}
/** A recording: plain JSON, to be kept beside a test. */
export interface Recording {
  readonly version: 1;
  readonly provider: string;
  readonly modelId: string;
  readonly calls: readonly RecordedCall[];
}

/** What makes two requests the same: all that reaches the model, and not how it gets there. */
function requestOf(call: LanguageModelV4CallOptions, redact: Redact): string {
  const {
    abortSignal: _signal,
    headers: _headers,
    includeRawChunks: _raw,
    providerOptions: _provider,
    ...rest
  } = call;
  return canonical(redactJson(JSON.parse(JSON.stringify(rest)), redact));
}

/** JSON with sorted keys. */
function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const entries = Object.entries(value).filter(([, item]) => item !== undefined);
  const sorted = entries.sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${sorted.map(([key, item]) => `${JSON.stringify(key)}:${canonical(item)}`).join(',')}}`;
}

/**
 * Records a model of specification V3 or V4. Secrets are redacted before anything is kept.
 *
 * @param secrets - values that must not be kept, beside what the environment holds
 * @example
 * ```ts
 * const recorder = await recordingModel(model);
 * … // use recorder as the model
 * await writeFile('calls.json', JSON.stringify(recorder.recording));
 * ```
 */
export async function recordingModel(
  model: SdkModel,
  secrets: readonly string[] = [],
): Promise<LanguageModelV4 & { readonly recording: Recording }> {
  const { wrapLanguageModel } = await loadSdk();
  const redact = redactor(secrets);
  const calls: RecordedCall[] = [];
  const keep = async (
    params: LanguageModelV4CallOptions,
    run: () => PromiseLike<LanguageModelV4GenerateResult>,
  ) => {
    const request = requestOf(params, redact);
    try {
      const answer = await run();
      const { content, finishReason, usage } = answer;
      const { raw: _raw, ...tokens } = usage;
      calls.push(redactJson({ request, answer: { content, finishReason, usage: tokens } }, redact));
      return answer;
    } catch (error) {
      const { message, statusCode } = error as { message: string; statusCode?: number };
      calls.push({
        request,
        error: { message: redact(String(message)), ...(statusCode === undefined ? {} : { statusCode }) },
      });
      throw error;
    }
  };
  const wrapped = wrapLanguageModel({
    model,
    middleware: {
      specificationVersion: 'v4',
      wrapGenerate: ({ doGenerate, params }) => keep(params, doGenerate),
      wrapStream: async ({ doStream, params }) => ({
        stream: streamOf(
          await keep(params, async () => collect((await doStream()).stream, params.abortSignal)),
        ),
      }),
    },
  });
  return Object.assign(wrapped, {
    recording: { version: 1, provider: model.provider, modelId: model.modelId, calls } as const,
  });
}

/** A recorded failure, replayed. */
class ReplayedError extends Error {
  override name = 'AI_APICallError';
  readonly statusCode: number | undefined;
  constructor(message: string, statusCode: number | undefined) {
    super(message);
    this.statusCode = statusCode;
  }
}

/**
 * Replays a recording. The same request gets its answers in the order in which they were given, and then the last one
 * again only with `repeat`; anything else is a miss.
 */
export function replayingModel(
  recording: Recording,
  { repeat = false, secrets = [] }: { readonly repeat?: boolean; readonly secrets?: readonly string[] } = {},
): LanguageModelV4 & { assertDone(): void } {
  const { provider, modelId } = recording;
  const redact = redactor(secrets);
  const left = new Map<string, RecordedCall[]>();
  for (const call of recording.calls) left.set(call.request, [...(left.get(call.request) ?? []), call]);
  let missed = 0;
  const take = (params: LanguageModelV4CallOptions): LanguageModelV4GenerateResult => {
    params.abortSignal?.throwIfAborted();
    const request = requestOf(params, redact);
    const calls = left.get(request);
    const call = repeat && calls?.length === 1 ? calls[0] : calls?.shift();
    if (call === undefined) {
      missed++;
      const why =
        calls === undefined
          ? nearest(request, [...left.keys()])
          : 'every answer to this request has been given; record again, or say repeat: true.';
      throw new ModelMissError(
        `model '${provider}:${modelId}': no recorded answer. It was asked: ${redact(endOfPrompt(params))}. ${why}`,
      );
    }
    if (call.error !== undefined) throw new ReplayedError(call.error.message, call.error.statusCode);
    return { ...call.answer!, warnings: [] };
  };
  return {
    specificationVersion: 'v4',
    provider,
    modelId,
    supportedUrls: {},
    doGenerate: async (params) => take(params),
    doStream: async (params): Promise<{ stream: ReadableStream<LanguageModelV4StreamPart> }> => ({
      stream: streamOf(take(params)),
    }),
    assertDone() {
      const unused = repeat ? 0 : [...left.values()].reduce((sum, calls) => sum + calls.length, 0);
      if (missed + unused > 0)
        throw new ModelMissError(
          `model '${provider}:${modelId}': ${missed} calls were not recorded, ${unused} recorded calls were not made.`,
        );
    },
  };
}

/** Where the most similar recorded request differs first. */
function nearest(request: string, recorded: readonly string[]): string {
  const shared = (other: string) => {
    let length = 0;
    while (length < other.length && other[length] === request[length]) length++;
    return length;
  };
  const [best] = recorded.map((other) => ({ other, at: shared(other) })).sort((a, b) => b.at - a.at);
  if (best === undefined) return 'The recording is empty.';
  const around = (text: string) => text.slice(Math.max(0, best.at - 30), best.at + 30);
  return `The nearest recorded request differs at '${around(request)}', where it has '${around(best.other)}'. Record again.`;
}
