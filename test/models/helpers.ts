/** A server on 127.0.0.1 that speaks the chat-completions protocol, faults included; and a context for a step. */
import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createOpenAICompatible } from '@ai-sdk/openai-compatible';
import type { AgentContext } from '../../actors/tomasulo/program.ts';

interface Said {
  readonly text?: string;
  readonly toolCalls?: readonly { readonly id: string; readonly name: string; readonly args: unknown }[];
  /** null: no usage is reported; an object is reported as it is. */
  readonly usage?: readonly [input: number, output: number] | Readonly<Record<string, unknown>> | null;
  readonly finish?: string;
}
export type Behaviour =
  | ({ readonly kind: 'answer' } & Said)
  | {
      readonly kind: 'status';
      readonly status: number;
      readonly headers?: Record<string, string>;
      readonly body?: string;
    }
  | { readonly kind: 'drop' } //                              the connection closes before an answer
  | { readonly kind: 'cut'; readonly text: string } //        it closes in the middle of one
  | { readonly kind: 'unfinished'; readonly text: string } // it ends in order, without a finish
  | { readonly kind: 'garbage' } //                           200, and not the protocol
  | { readonly kind: 'bad-chunk'; readonly text: string } //  an event that is no JSON
  | { readonly kind: 'overloaded' } //                        200, and then an error in the provider's words
  | { readonly kind: 'hang' };

export interface Asked {
  readonly headers: IncomingHttpHeaders;
  readonly body: {
    model: string;
    messages: { role: string; content: unknown }[];
    stream?: boolean;
    max_tokens?: number;
    max_completion_tokens?: number;
    tools?: unknown[];
    response_format?: unknown;
  };
}

const usageOf = (usage: readonly [number, number] | Readonly<Record<string, unknown>>): object => {
  if (!Array.isArray(usage)) return usage;
  const [input, output] = usage as [number, number];
  return { prompt_tokens: input, completion_tokens: output, total_tokens: input + output };
};

/** @param onClose - called when a client closes its connection before the answer has ended */
export async function chatServer(
  script: Behaviour[] | ((asked: Asked, number: number) => Behaviour),
  onClose: () => void = () => {},
) {
  const asked: Asked[] = [];
  const hanging = new Set<ServerResponse>();
  const server = createServer((request, response) => {
    response.on('close', () => response.writableEnded || onClose());
    let text = '';
    request.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
    request.on('end', () => {
      const call: Asked = { headers: request.headers, body: JSON.parse(text) };
      const number = asked.push(call);
      const behaviour = typeof script === 'function' ? script(call, number) : script[number - 1];
      if (behaviour === undefined) {
        response
          .writeHead(400, { 'content-type': 'application/json' })
          .end('{"error":{"message":"the script of the server is over"}}');
      } else behave(behaviour, call, response, hanging);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const baseURL = `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`;
  return {
    asked,
    baseURL,
    model: (apiKey = 'no-secret-at-all', name = 'tiny') =>
      createOpenAICompatible({
        name: 'wire',
        baseURL,
        apiKey,
        includeUsage: true,
        supportsStructuredOutputs: true,
      })(name),
    async [Symbol.asyncDispose]() {
      for (const response of hanging) response.destroy();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function behave(
  behaviour: Behaviour,
  { body }: Asked,
  response: ServerResponse,
  hanging: Set<ServerResponse>,
): void {
  const stream = body.stream === true;
  const begin = () =>
    response.writeHead(200, { 'content-type': stream ? 'text/event-stream' : 'application/json' });
  const event = (choice: object, usage?: object) =>
    response.write(
      `data: ${JSON.stringify({ id: 'c', created: 1, model: 'tiny', choices: [{ index: 0, ...choice }], ...(usage ? { usage } : {}) })}\n\n`,
    );
  const pieces = (text: string) => {
    for (let i = 0; i < text.length; i += 3) event({ delta: { content: text.slice(i, i + 3) } });
  };
  switch (behaviour.kind) {
    case 'answer':
      begin();
      return stream ? streamed(behaviour, response, event, pieces) : whole(behaviour, response);
    case 'status':
      response.writeHead(behaviour.status, { 'content-type': 'application/json', ...behaviour.headers });
      return void response.end(behaviour.body ?? '{"error":{"message":"no"}}');
    case 'drop':
      return void response.socket?.destroy();
    case 'cut':
      begin();
      if (stream) pieces(behaviour.text);
      else response.write(`{"choices":[{"message":{"content":"${behaviour.text}`);
      return void setImmediate(() => response.socket?.destroy());
    case 'unfinished':
      begin();
      pieces(behaviour.text);
      return void response.end();
    case 'garbage':
      begin();
      return void response.end(stream ? 'data: <html>\n\n' : '<html>not a model</html>');
    case 'bad-chunk':
      begin();
      pieces(behaviour.text);
      return void response.end('data: {"choices": [\n\ndata: [DONE]\n\n');
    case 'overloaded':
      begin();
      return void response.end('data: {"error":{"message":"overloaded","code":529}}\n\n');
    case 'hang':
      hanging.add(response);
      begin();
      response.flushHeaders();
  }
}

function streamed(
  said: Said,
  response: ServerResponse,
  event: (choice: object, usage?: object) => void,
  pieces: (text: string) => void,
): void {
  const { text, toolCalls = [], usage = [10, 5], finish } = said;
  if (text !== undefined) pieces(text);
  for (const [index, { id, name, args }] of toolCalls.entries()) {
    const json = JSON.stringify(args);
    event({
      delta: {
        tool_calls: [{ index, id, type: 'function', function: { name, arguments: json.slice(0, 5) } }],
      },
    });
    event({ delta: { tool_calls: [{ index, function: { arguments: json.slice(5) } }] } });
  }
  event(
    { delta: {}, finish_reason: finish ?? (toolCalls.length > 0 ? 'tool_calls' : 'stop') },
    usage === null ? undefined : usageOf(usage),
  );
  response.end('data: [DONE]\n\n');
}

function whole({ text, toolCalls = [], usage = [10, 5], finish }: Said, response: ServerResponse): void {
  const calls = toolCalls.map(({ id, name, args }) => ({
    id,
    type: 'function',
    function: { name, arguments: JSON.stringify(args) },
  }));
  const message = {
    role: 'assistant',
    content: text ?? null,
    ...(calls.length > 0 ? { tool_calls: calls } : {}),
  };
  const finish_reason = finish ?? (calls.length > 0 ? 'tool_calls' : 'stop');
  response.end(
    JSON.stringify({
      id: 'c',
      created: 1,
      model: 'tiny',
      choices: [{ index: 0, message, finish_reason }],
      ...(usage === null ? {} : { usage: usageOf(usage) }),
    }),
  );
}

/** A step's context whose sleeps return at once and are noted. */
export function stepContext(signal: AbortSignal = new AbortController().signal, stepId = 'step') {
  const slept: number[] = [];
  const context: AgentContext = {
    runId: 'run', stepId, attempt: 1, effectKey: `run/${stepId}`, signal, now: () => 0, beat: () => {},
    sleep: async (ms) => {
      signal.throwIfAborted();
      slept.push(ms);
    },
  }; // prettier-ignore
  return { context, slept };
}
