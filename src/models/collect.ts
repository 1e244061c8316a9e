/** A stream of the AI SDK, gathered into the answer that a call without a stream would have given. */
import type {
  LanguageModelV4Content,
  LanguageModelV4GenerateResult,
  LanguageModelV4StreamPart,
} from '@ai-sdk/provider';
import { CutError, StreamError } from './failure.ts';

type Growing = { type: 'text' | 'reasoning'; text: string };
type Part = LanguageModelV4Content | Growing;

/**
 * Reads a stream to its end.
 *
 * @param signal - when it aborts, the stream is let go, and nothing more is read
 * @param onDelta - called with text as it comes
 * @throws what an error part carries; CutError when the stream ends without a finish
 */
export async function collect(
  stream: ReadableStream<LanguageModelV4StreamPart>,
  signal: AbortSignal | undefined,
  onDelta: (kind: 'text' | 'reasoning', delta: string) => void = () => {},
): Promise<LanguageModelV4GenerateResult> {
  const gathered = new Gathered(onDelta);
  const reader = stream.getReader();
  const letGo = () => void reader.cancel(signal?.reason).catch(() => {});
  if (signal?.aborted) letGo();
  signal?.addEventListener('abort', letGo, { once: true });
  try {
    for (let next = await reader.read(); !next.done; next = await reader.read()) gathered.take(next.value);
  } finally {
    signal?.removeEventListener('abort', letGo);
    // An error stops the reading early; the connection is let go.
    if (!gathered.finished) await reader.cancel().catch(() => {});
  }
  return gathered.answer();
}

/** The parts of a stream so far. */
class Gathered {
  readonly #onDelta: (kind: Growing['type'], delta: string) => void;
  readonly #content: Part[] = [];
  readonly #open = new Map<string, Growing>();
  #finish: (LanguageModelV4StreamPart & { type: 'finish' }) | undefined;
  #metadata: object = {};
  #warnings: LanguageModelV4GenerateResult['warnings'] = [];

  constructor(onDelta: (kind: Growing['type'], delta: string) => void) {
    this.#onDelta = onDelta;
  }
  get finished(): boolean {
    return this.#finish !== undefined;
  }

  take(part: LanguageModelV4StreamPart): void {
    switch (part.type) {
      case 'text-start':
        return this.#begin('text', part.id, metadataOf(part));
      case 'reasoning-start':
        return this.#begin('reasoning', part.id, metadataOf(part));
      case 'text-delta':
        return this.#grow('text', part.id, part.delta);
      case 'reasoning-delta':
        return this.#grow('reasoning', part.id, part.delta);
      case 'text-end':
        return this.#end('text', part.id, metadataOf(part));
      case 'reasoning-end':
        return this.#end('reasoning', part.id, metadataOf(part));
      case 'tool-call':
      case 'tool-result':
      case 'tool-approval-request':
      case 'file':
      case 'reasoning-file':
      case 'source':
      case 'custom':
        this.#content.push(part);
        return;
      case 'response-metadata': {
        const { type: _type, ...rest } = part;
        this.#metadata = rest;
        return;
      }
      case 'finish':
        this.#finish = part;
        return;
      case 'stream-start':
        this.#warnings = part.warnings;
        return;
      case 'error':
        throw new StreamError(part.error);
      default: // the beginning of a tool call, raw chunks: nothing to keep
    }
  }

  /** @throws CutError when the stream ended without a finish */
  answer(): LanguageModelV4GenerateResult {
    if (this.#finish === undefined) throw new CutError('it ended without a finish');
    const { finishReason, usage, providerMetadata } = this.#finish;
    if (finishReason.unified === 'error') throw new CutError('it finished with an error');
    const answer = {
      content: this.#content as LanguageModelV4Content[],
      finishReason,
      usage,
      warnings: this.#warnings,
      response: this.#metadata,
    };
    return providerMetadata === undefined ? answer : { ...answer, providerMetadata };
  }

  #begin(kind: Growing['type'], id: string, extra: object): void {
    const part: Growing = { type: kind, text: '', ...extra };
    this.#open.set(`${kind} ${id}`, part);
    this.#content.push(part);
  }
  #grow(kind: Growing['type'], id: string, delta: string): void {
    const part = this.#open.get(`${kind} ${id}`);
    if (part === undefined) throw new CutError(`${kind} '${id}' goes on without a beginning`);
    part.text += delta;
    this.#onDelta(kind, delta);
  }
  #end(kind: Growing['type'], id: string, extra: object): void {
    Object.assign(this.#open.get(`${kind} ${id}`) ?? {}, extra);
  }
}

const metadataOf = ({ providerMetadata }: { providerMetadata?: unknown }): object =>
  providerMetadata === undefined ? {} : { providerMetadata };
