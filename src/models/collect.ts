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
  const content: Part[] = [];
  const open = new Map<string, Growing>();
  let finish: (LanguageModelV4StreamPart & { type: 'finish' }) | undefined;
  let metadata: object = {};
  let warnings: LanguageModelV4GenerateResult['warnings'] = [];
  const begin = (kind: Growing['type'], id: string, extra: object) => {
    const part: Growing = { type: kind, text: '', ...extra };
    open.set(`${kind} ${id}`, part);
    content.push(part);
  };
  const grow = (kind: Growing['type'], id: string, delta: string) => {
    const part = open.get(`${kind} ${id}`);
    if (part === undefined) throw new CutError(`${kind} '${id}' goes on without a beginning`);
    part.text += delta;
    onDelta(kind, delta);
  };
  const reader = stream.getReader();
  const letGo = () => void reader.cancel(signal?.reason).catch(() => {});
  if (signal?.aborted) letGo();
  signal?.addEventListener('abort', letGo, { once: true });
  try {
    for (let next = await reader.read(); !next.done; next = await reader.read()) {
      const part = next.value;
      switch (part.type) {
        case 'text-start':
        case 'reasoning-start':
          begin(part.type === 'text-start' ? 'text' : 'reasoning', part.id, metadataOf(part));
          break;
        case 'text-delta':
        case 'reasoning-delta':
          grow(part.type === 'text-delta' ? 'text' : 'reasoning', part.id, part.delta);
          break;
        case 'text-end':
        case 'reasoning-end':
          Object.assign(
            open.get(`${part.type === 'text-end' ? 'text' : 'reasoning'} ${part.id}`) ?? {},
            metadataOf(part),
          );
          break;
        case 'tool-call':
        case 'tool-result':
        case 'tool-approval-request':
        case 'file':
        case 'reasoning-file':
        case 'source':
        case 'custom':
          content.push(part);
          break;
        case 'response-metadata': {
          const { type: _type, ...rest } = part;
          metadata = rest;
          break;
        }
        case 'finish':
          finish = part;
          break;
        case 'stream-start':
          warnings = part.warnings;
          break;
        case 'error':
          throw new StreamError(part.error);
        default: // the beginning of a tool call, raw chunks: nothing to keep
      }
    }
  } finally {
    signal?.removeEventListener('abort', letGo);
    // An error stops the reading early; the connection is let go.
    if (finish === undefined) await reader.cancel().catch(() => {});
  }
  if (finish === undefined) throw new CutError('it ended without a finish');
  if (finish.finishReason.unified === 'error') throw new CutError('it finished with an error');
  const { finishReason, usage, providerMetadata } = finish;
  const answer = {
    content: content as LanguageModelV4Content[],
    finishReason,
    usage,
    warnings,
    response: metadata,
  };
  return providerMetadata === undefined ? answer : { ...answer, providerMetadata };
}

const metadataOf = ({ providerMetadata }: { providerMetadata?: unknown }): object =>
  providerMetadata === undefined ? {} : { providerMetadata };
