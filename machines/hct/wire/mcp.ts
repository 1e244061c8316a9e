/**
 * HCT signals on the Model Context Protocol.
 *
 * Published (hct-mcp-signals): the key `hct_signal`, the names and arguments of the helpers, `type` and `source` in
 * snake_case, the capability `hct_signals`. Its `tasks/send` and `tasks/sendSubscribe` are methods of no MCP revision
 * (they are A2A v0.2's), so they are kept as the legacy form, and {@link createMCPToolCall} puts the signal where MCP
 * has room for one: `_meta` of `tools/call`. Differences from the SDK: encoders return what was lost together with the
 * message, and extraction validates.
 */
import type { HctSignal, HctSignalType } from '../hct.ts';
import { WireError } from '../refusal.ts';
import { decodeBody } from './decode.ts';
import { encodeBody } from './encode.ts';
import { isRecord, isSignalType, type Encoded, type EncodeOptions, type JsonObject } from './fields.ts';

/** The field that bears a signal. Source: hct-mcp-signals, mcp.ts. */
export const HCT_SIGNAL_KEY = 'hct_signal';

const names = { type: 'type', source: 'source' } as const;

/**
 * What a server or client that supports HCT declares: the RFC's flag, and the same where MCP's own schema has room for
 * it, under `experimental`.
 */
export const MCP_CAPABILITIES = Object.freeze({
  hct_signals: true,
  experimental: Object.freeze({ hct_signals: Object.freeze({}) }),
});

/** A JSON-RPC request or notification. */
export interface MCPMessage {
  readonly jsonrpc: '2.0';
  readonly id?: string | number;
  readonly method: string;
  readonly params: JsonObject;
}

/**
 * Whether a peer declared that it understands HCT signals, in either place.
 *
 * @example
 * supportsMCPSignals({ hct_signals: true }); // true
 */
export function supportsMCPSignals(capabilities: unknown): boolean {
  if (!isRecord(capabilities)) return false;
  const { hct_signals: flag, experimental } = capabilities;
  return flag === true || (isRecord(experimental) && isRecord(experimental[HCT_SIGNAL_KEY + 's']));
}

/**
 * Adds a signal to parameters (or to a `_meta`).
 *
 * @param params - kept as they are
 * @param signal - one of the seven
 * @returns the new parameters, and what a peer with only the published vocabulary will not receive
 * @throws WireError when the signal cannot travel
 * @example
 * embedSignal({ id: 'task-1' }, cue({ source: 'conductor', targets: ['analyst'] })).wire;
 */
export function embedSignal(params: JsonObject, signal: HctSignal, options: EncodeOptions = {}): Encoded {
  const { wire, lossy } = encodeBody(signal, names, options);
  return { wire: { ...params, [HCT_SIGNAL_KEY]: wire }, lossy };
}

/** Every place where a message may bear a signal. */
function places(message: unknown): { readonly path: string; readonly body: unknown }[] {
  if (!isRecord(message)) return [];
  const at = (value: unknown, path: string) => {
    if (!isRecord(value)) return [];
    const meta = value['_meta'];
    return [
      { holder: value, path: `${path}${HCT_SIGNAL_KEY}` },
      ...(isRecord(meta) ? [{ holder: meta, path: `${path}_meta.${HCT_SIGNAL_KEY}` }] : []),
    ];
  };
  return [...at(message, ''), ...at(message['params'], 'params.'), ...at(message['result'], 'result.')]
    .filter(({ holder }) => Object.hasOwn(holder, HCT_SIGNAL_KEY))
    .map(({ holder, path }) => ({ path, body: holder[HCT_SIGNAL_KEY] }));
}

/**
 * The signal that a message bears, if it bears one: in the message, its `params`, its `result`, or the `_meta` of
 * any of these.
 *
 * @param message - a message, its parameters, or anything else
 * @throws WireError when the signal is malformed, or when there are two, since peers would disagree on which counts
 * @example
 * extractSignal({ params: { hct_signal: { type: 'cue', source: 'conductor' } } })?.type; // 'cue'
 */
export function extractSignal(message: unknown): HctSignal | undefined {
  const [first, second] = places(message);
  if (first === undefined) return undefined;
  if (second !== undefined) {
    throw new WireError({
      path: second.path,
      problem: `a second signal, beside ${first.path}`,
      remedy: 'Send one signal per message.',
    });
  }
  return decodeBody(first.body, names, first.path);
}

/** Whether a message bears a signal, well-formed or not. Never throws. */
export function hasSignal(message: unknown): boolean {
  return places(message).length > 0;
}

/** The type of the signal that a message bears, without looking further. Never throws. */
export function getSignalType(message: unknown): HctSignalType | undefined {
  const body = places(message)[0]?.body;
  const type = isRecord(body) ? body['type'] : undefined;
  return isSignalType(type) ? type : undefined;
}

const legacy =
  (method: string) =>
  (taskId: string, content: string, signal: HctSignal, role = 'user'): Encoded<MCPMessage> => {
    const { wire, lossy } = embedSignal({ id: taskId, message: { role, content } }, signal);
    return { wire: { jsonrpc: '2.0', method, params: wire }, lossy };
  };

/**
 * A `tasks/send` message with a signal. Legacy: no MCP revision has this method; for peers built on the SDK.
 *
 * @param taskId - put into `params.id`
 * @param content - put into `params.message.content`
 * @param signal - one of the seven
 * @param role - put into `params.message.role`; default user
 * @throws WireError when the signal cannot travel
 */
export const createMCPTaskSend = legacy('tasks/send');

/**
 * A `tasks/sendSubscribe` message with a signal, for fermata and vamp. Legacy, as {@link createMCPTaskSend}.
 *
 * @throws WireError when the signal cannot travel
 */
export const createMCPTaskSubscribe = legacy('tasks/sendSubscribe');

/**
 * A `tools/call` request with a signal in `_meta`: HCT on MCP as MCP is.
 *
 * @param id - the JSON-RPC id
 * @param tool - the tool's name
 * @param args - the tool's arguments
 * @param signal - one of the seven
 * @param options - `meta`, what else to put into `_meta`; `timestamp`, milliseconds since the epoch
 * @throws WireError when the signal cannot travel
 * @example
 * createMCPToolCall(1, 'review', { repo: '.' }, cue({ source: 'conductor', targets: ['reviewer'] })).wire.method;
 */
export function createMCPToolCall(
  id: string | number,
  tool: string,
  args: JsonObject,
  signal: HctSignal,
  options: EncodeOptions & { readonly meta?: JsonObject } = {},
): Encoded<MCPMessage> {
  const { wire: meta, lossy } = embedSignal(options.meta ?? {}, signal, options);
  const params = { name: tool, arguments: args, _meta: meta };
  return { wire: { jsonrpc: '2.0', id, method: 'tools/call', params }, lossy };
}
