/** The inspector: a server on this machine, for one person, that shows a trace as a file or as it happens.
 *
 *  It listens on 127.0.0.1 and nowhere else, and answers only addresses that bear its token. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { WebSocketServer, type WebSocket } from 'ws';
import type { TraceSink } from '../trace/writer.ts';
import { decide, sendHeld, type DecidingRun } from './inspector-decisions.ts';
import { Feed, type FeedLimits } from './inspector-feed.ts';
import { createGuard } from './inspector-guard.ts';
import { answer, say, type Shown } from './inspector-routes.ts';
import { statelyFrames } from './inspector-stately.ts';

export interface InspectorOptions {
  /** A trace in a file. Default: what is written to the inspector's `sink`. */
  readonly file?: string | undefined;
  /** What is shown as the title of a live trace. */
  readonly name?: string | undefined;
  /** Shows nothing yet: the page can open files by itself. */
  readonly empty?: boolean | undefined;
  /** Default: any that is free. */
  readonly port?: number | undefined;
  readonly limits?: Partial<FeedLimits> | undefined;
  /** The viewer's page; for tests. */
  readonly page?: URL | undefined;
}

export interface Inspector {
  /** The viewer, with the token. */
  readonly url: string;
  /** The page that hands a live trace on to the hosted Stately Inspector. */
  readonly statelyUrl: string;
  /** Give this to `traceTo`. */
  readonly sink: TraceSink;
  /** Lets the person at the page decide about the steps that this performance holds. */
  decidesFor(run: DecidingRun): void;
  /** Who is looking at a live trace. */
  readonly clients: number;
  /** Stops. With a grace, first sends every client the rest of a trace that has ended, for at most `graceMs` milliseconds. */
  close(graceMs?: number): Promise<void>;
}

/** How many clients may be connected at once. */
const CLIENTS = 16;
/** How long a connection may be idle. Sockets with a client have a separate limit. */
const IDLE_MS = 120_000;
/** Clients send nothing; one that keeps sending is disconnected. */
const MESSAGES = 32;
/** RFC 6455: a policy was violated. */
const POLICY = 1008;

/** Starts an inspector.
 *  @example
 *  ```ts
 *  const inspector = await startInspector({ name: 'review' });
 *  const trace = traceTo(inspector.sink);
 *  console.log(inspector.url);
 *  ``` */
export async function startInspector(options: InspectorOptions = {}): Promise<Inspector> {
  const { file, name = 'live', empty = false } = options;
  const shown: Shown =
    file !== undefined ? { kind: 'file', path: file } : empty ? { kind: 'none' } : { kind: 'live', name };
  const guard = createGuard();
  const feed = new Feed(options.limits);
  const page = options.page ?? builtPage();
  let port = 0;
  let deciding: DecidingRun | undefined;
  const respond = async (path: string, request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const posts = request.method === 'POST';
    if (path === 'hold' && posts && deciding !== undefined) return decide(deciding, request, response);
    if (posts) return say(response, 404, 'nothing is decided here');
    if (path === 'holds.json') return sendHeld(deciding, response);
    return answer(shown, page, path, request, response);
  };
  const server = createServer({ headersTimeout: 10_000, requestTimeout: 10_000 }, (request, response) => {
    const path = guard.check(request, port);
    if (typeof path !== 'string') return say(response, path.status, path.why);
    respond(path, request, response).catch((error: unknown) => {
      if (response.headersSent) response.destroy();
      else say(response, 500, error instanceof Error ? error.message : String(error));
    });
  });
  server.maxConnections = 4 * CLIENTS;
  server.setTimeout(IDLE_MS); // ends a download that is not read
  const sockets = new WebSocketServer({ noServer: true, maxPayload: 1_024, perMessageDeflate: false });
  server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    socket.on('error', () => socket.destroy());
    const path = guard.check(request, port);
    const live = shown.kind === 'live' && (path === 'live' || path === 'stately');
    if (!live || feed.clients >= CLIENTS) {
      const status = typeof path !== 'string' ? path.status : live ? 503 : 404;
      socket.end(`HTTP/1.1 ${status} Refused\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
      return;
    }
    sockets.handleUpgrade(request, socket, head, (client) => {
      listen(client);
      feed.add(client, path === 'stately' ? statelyFrames() : undefined);
    });
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(options.port ?? 0, '127.0.0.1', resolve);
  });
  ({ port } = server.address() as AddressInfo);
  const url = `http://127.0.0.1:${port}/${guard.token}/`;
  return {
    url,
    statelyUrl: `${url}stately`,
    sink: feed,
    decidesFor: (run) => void (deciding = run),
    get clients() {
      return feed.clients;
    },
    async close(graceMs = 0) {
      server.close();
      const until = Date.now() + graceMs;
      while (feed.ended && sockets.clients.size > 0 && Date.now() < until)
        await new Promise((resolve) => setTimeout(resolve, 20));
      feed.stop();
      for (const client of sockets.clients) client.terminate();
      sockets.close();
      server.closeAllConnections();
    },
  };
}

/** A client is there to listen. */
function listen(client: WebSocket): void {
  let messages = 0;
  client.on('error', () => client.terminate());
  client.on('message', () => {
    if (++messages !== MESSAGES) return;
    client.close(POLICY, 'nothing is expected from you');
    setTimeout(() => client.terminate(), 1_000).unref(); // whether it has understood or not
  });
}

/** Beside what is built, from the sources as from what is built. */
function builtPage(): URL {
  const built = import.meta.url.includes('/dist/');
  return new URL(built ? '../../viewer/index.html' : '../../dist/viewer/index.html', import.meta.url);
}
