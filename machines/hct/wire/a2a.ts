/**
 * HCT signals on the Agent2Agent protocol, v1.0, with the methods that the extension was first written for.
 *
 * Published (hct-a2a, spec/v1): the URI, `parts[].metadata.hct` with `signal` and `from`, the legacy methods.
 * Published (A2A v1.0): method names, `capabilities.extensions`, the `A2A-Extensions` header, task states.
 * Ours: which v1.0 method stands for which legacy one; `params.metadata.hct` on a cancellation, which has no
 * parts; downbeat as SendMessage, as v1.0 has no notifications/message; and which hold asks for which task state.
 */
import type { Fermata, HctSignal, HctSignalType } from '../hct.ts';
import { place, WireError } from '../refusal.ts';
import { decodeBody } from './decode.ts';
import { encodeBody } from './encode.ts';
import { isRecord, type Encoded, type EncodeOptions, type JsonObject } from './fields.ts';

/** The extension's URI. Source: hct-a2a, spec.md. */
export const A2A_EXTENSION_URI = 'https://github.com/stefanwiest/hct-a2a';

/** The extension's name in the older declarations. Source: hct-a2a, spec.md. */
export const A2A_EXTENSION_NAME = 'hct-coordination';

/** The key of a signal in a part's metadata. Source: hct-a2a, spec.md. */
export const A2A_METADATA_KEY = 'hct';

/** The header by which a client activates extensions. Source: A2A v1.0. @public */
export const A2A_EXTENSIONS_HEADER = 'A2A-Extensions';

/** The same header's name before v1.0. @public */
export const A2A_LEGACY_EXTENSIONS_HEADER = 'X-A2A-Extensions';

const names = { type: 'signal', source: 'from' } as const;

/** The v1.0 method that carries each signal. Tacet has none: it is added to a message that is sent anyway. */
export const A2A_METHODS: Readonly<Record<HctSignalType, string | undefined>> = Object.freeze({
  cue: 'SendMessage',
  attacca: 'SendMessage',
  fermata: 'SendStreamingMessage',
  vamp: 'SendStreamingMessage',
  caesura: 'CancelTask',
  tacet: undefined,
  downbeat: 'SendMessage',
});

/** The method that carries each signal as first published. Source: hct-a2a, spec.md. */
export const A2A_LEGACY_METHODS: Readonly<Record<HctSignalType, string | undefined>> = Object.freeze({
  cue: 'tasks/send',
  attacca: 'tasks/send',
  fermata: 'tasks/sendSubscribe',
  vamp: 'tasks/sendSubscribe',
  caesura: 'tasks/cancel',
  tacet: undefined,
  downbeat: 'notifications/message',
});

/** The declaration that goes into `capabilities.extensions` of an agent card. */
export const A2A_EXTENSION = Object.freeze({
  uri: A2A_EXTENSION_URI,
  description: 'HCT coordination signals for multi-agent orchestration',
  required: false,
});

/** The headers of a request that uses the extension. */
export const A2A_HEADERS = Object.freeze({ [A2A_EXTENSIONS_HEADER]: A2A_EXTENSION_URI });

/**
 * Whether an agent card declares the extension: as v1.0 has it, or in either of the shapes first published.
 *
 * @example
 * supportsA2ASignals({ capabilities: { extensions: [A2A_EXTENSION] } }); // true
 */
export function supportsA2ASignals(card: unknown): boolean {
  if (!isRecord(card)) return false;
  const declares = (extensions: unknown) =>
    Array.isArray(extensions)
      ? extensions.some(
          (one) => one === A2A_EXTENSION_NAME || (isRecord(one) && one['uri'] === A2A_EXTENSION_URI),
        )
      : isRecord(extensions) && Object.hasOwn(extensions, A2A_EXTENSION_NAME);
  const { capabilities, extensions } = card;
  return declares(extensions) || (isRecord(capabilities) && declares(capabilities['extensions']));
}

/**
 * Whether a value of the A2A-Extensions header activates the extension.
 *
 * @param header - comma-separated URIs; absent is no
 */
export function activatesA2ASignals(header: string | undefined): boolean {
  return (header ?? '').split(',').some((uri) => uri.trim() === A2A_EXTENSION_URI);
}

/**
 * Adds a signal to one part of a message.
 *
 * @param part - kept as it is, with its other metadata
 * @param signal - one of the seven
 * @returns the new part, and what a peer with only the published vocabulary will not receive
 * @throws WireError when the signal cannot travel
 * @example
 * embedInPart({ text: 'Analyse Q4' }, cue({ source: 'conductor', targets: ['analyst'] })).wire;
 */
export function embedInPart(part: JsonObject, signal: HctSignal, options: EncodeOptions = {}): Encoded {
  const { wire, lossy } = encodeBody(signal, names, options);
  const metadata = isRecord(part['metadata']) ? part['metadata'] : {};
  return { wire: { ...part, metadata: { ...metadata, [A2A_METADATA_KEY]: wire } }, lossy };
}

/**
 * The signals that a message bears, in the order of its parts. Looks at a message, at parameters that hold one,
 * and at a whole request; and at the metadata of parameters, where a cancellation carries its signal.
 *
 * @param message - anything
 * @throws WireError when a signal is malformed
 * @example
 * extractA2ASignals({ parts: [{ text: 'go', metadata: { hct: { signal: 'cue', from: 'conductor' } } }] });
 */
export function extractA2ASignals(message: unknown): HctSignal[] {
  return found(message, '').map(({ body, path }) => decodeBody(body, names, path));
}

/** Whether a message bears a signal, well-formed or not. Never throws. */
export function hasA2ASignal(message: unknown): boolean {
  return found(message, '').length > 0;
}

function found(message: unknown, at: string): { readonly path: string; readonly body: unknown }[] {
  if (!isRecord(message)) return [];
  const holders = [{ holder: message, path: at }];
  if (Array.isArray(message['parts'])) {
    holders.push(...message['parts'].map((part, i) => ({ holder: part, path: place(at, 'parts', i) })));
  }
  const here = holders.flatMap(({ holder, path }) => {
    const metadata: unknown = isRecord(holder) ? holder['metadata'] : undefined;
    if (!isRecord(metadata) || !Object.hasOwn(metadata, A2A_METADATA_KEY)) return [];
    return [{ body: metadata[A2A_METADATA_KEY], path: place(path, 'metadata', A2A_METADATA_KEY) }];
  });
  const inner = at === '' ? ['params', 'message'] : at === 'params' ? ['message'] : [];
  return [...here, ...inner.flatMap((field) => found(message[field], place(at, field)))];
}

/** Where a request of {@link createA2ARequest} goes, and in which dialect. */
export interface A2ARequestOptions extends EncodeOptions {
  /** The JSON-RPC id. */
  readonly id: string | number;
  /** The message's own id, which v1.0 wants to be unique; default the JSON-RPC id as a string. */
  readonly messageId?: string;
  /** The task that is meant; a caesura and the legacy dialect need one. */
  readonly taskId?: string;
  readonly contextId?: string;
  /** Default 1.0; legacy is what the extension was first written for. */
  readonly dialect?: '1.0' | 'legacy';
}

/** A JSON-RPC request of A2A. */
export interface A2ARequest {
  readonly jsonrpc: '2.0';
  readonly id: string | number;
  readonly method: string;
  readonly params: JsonObject;
}

/**
 * The request that carries a signal, by the method that stands for it.
 *
 * @param text - the text of the message's only part; a caesura has no message and leaves it out
 * @param signal - one of the seven, but tacet, which has no method
 * @throws WireError when the signal cannot travel, has no method, or lacks its task
 * @example
 * createA2ARequest('Analyse Q4', cue({ source: 'conductor', targets: ['analyst'] }), { id: 1 }).wire.method;
 */
export function createA2ARequest(
  text: string,
  signal: HctSignal,
  options: A2ARequestOptions,
): Encoded<A2ARequest> {
  const { id, messageId = String(id), taskId, contextId, dialect = '1.0' } = options;
  const old = dialect === 'legacy';
  const method = (old ? A2A_LEGACY_METHODS : A2A_METHODS)[signal.type];
  if (method === undefined) {
    throw new WireError({
      path: names.type,
      problem: `no method of A2A carries ${signal.type}`,
      remedy: 'Embed it in a part of a message that is sent anyway.',
    });
  }
  if (taskId === undefined && (old || signal.type === 'caesura')) {
    throw new WireError({
      path: 'options.taskId',
      problem: 'missing',
      remedy: 'Name the task that is meant.',
    });
  }
  const request = (params: JsonObject): A2ARequest => ({ jsonrpc: '2.0', id, method, params });
  if (signal.type === 'caesura') {
    const { wire, lossy } = embedInPart({ id: taskId }, signal, options);
    return { wire: request(wire), lossy };
  }
  const { wire: part, lossy } = embedInPart(old ? { type: 'text', text } : { text }, signal, options);
  if (old) return { wire: request({ id: taskId, message: { role: 'user', parts: [part] } }), lossy };
  const message = {
    messageId,
    role: 'ROLE_USER',
    parts: [part],
    extensions: [A2A_EXTENSION_URI],
    ...(taskId === undefined ? {} : { taskId }),
    ...(contextId === undefined ? {} : { contextId }),
  };
  return { wire: request({ message }), lossy };
}

/** The task state by which an agent reports that it is held. */
export type A2AInterruptedState = 'TASK_STATE_INPUT_REQUIRED' | 'TASK_STATE_AUTH_REQUIRED';

/**
 * The task state that a fermata becomes: governance wants an authorisation, which A2A settles out of band;
 * everything else wants an answer. The state is never itself an authorisation (A2A v1.0, section 7.6).
 */
export function a2aTaskState(signal: Fermata): A2AInterruptedState {
  return signal.conditions.holdType === 'governance'
    ? 'TASK_STATE_AUTH_REQUIRED'
    : 'TASK_STATE_INPUT_REQUIRED';
}

/**
 * The task status that a fermata becomes, with the message that AUTH_REQUIRED must carry and the signal in it.
 *
 * @param messageId - a unique id for the message
 * @throws WireError when the signal cannot travel
 * @example
 * a2aTaskStatus(fermata({ source: 'reporter', reason: 'Publish?' }), 'm-1').wire.state;
 */
export function a2aTaskStatus(
  signal: Fermata,
  messageId: string,
  options: EncodeOptions = {},
): Encoded<{ readonly state: A2AInterruptedState; readonly message: JsonObject }> {
  const reason = signal.payload?.['reason'];
  const text = typeof reason === 'string' ? reason : `Held: ${signal.conditions.holdType}`;
  const { wire: part, lossy } = embedInPart({ text }, signal, options);
  const message = { messageId, role: 'ROLE_AGENT', parts: [part], extensions: [A2A_EXTENSION_URI] };
  return { wire: { state: a2aTaskState(signal), message }, lossy };
}
