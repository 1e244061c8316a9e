/** A live trace for clients of any speed. The beginning and the latest part are kept, and each client continues from its
 *  own position. A client is dropped when its position is no longer kept, or when it reads nothing for too long. */
import { INSPECT_VERSION, TRACE_SESSION } from '../trace/format.ts';
import type { TraceSink } from '../trace/writer.ts';

/** Characters that are kept: of the beginning, where the program and the definitions are, and of the latest. */
export interface FeedLimits {
  readonly first: number;
  readonly latest: number;
  /** Bytes on their way to one client. */
  readonly inFlight: number;
  /** How long a client may take nothing, in milliseconds. */
  readonly patienceMs: number;
}
const LIMITS: FeedLimits = { first: 8 << 20, latest: 32 << 20, inFlight: 1 << 20, patienceMs: 30_000 };

/** Close codes of RFC 6455. */
const OVER = 1000;
const TOO_SLOW = 1013;

/** The parts of a web socket that are used here, so that users of our types need not install the types of `ws`. */
export interface Socket {
  readonly readyState: number;
  readonly OPEN: number;
  readonly bufferedAmount: number;
  on(event: 'close', listener: () => void): unknown;
  send(text: string, sent?: () => void): void;
  close(code: number, why: string): void;
  terminate(): void;
}

interface Part {
  readonly text: string;
  /** Where it begins, in characters of the whole. */
  readonly at: number;
}
interface Client {
  readonly socket: Socket;
  readonly frames: Frames;
  /** Where it reads on, in characters of the whole. */
  at: number;
  /** When it last took something. */
  moved: number;
}
/** Makes frames of whole lines. */
export type Frames = (text: string) => readonly string[];
const oneFrame: Frames = (text) => [text];

export class Feed implements TraceSink {
  readonly #limits: FeedLimits;
  readonly #first: Part[] = [];
  #latest: Part[] = [];
  #firstLength = 0;
  #latestLength = 0;
  #length = 0;
  #ended = false;
  readonly #clients = new Set<Client>();
  readonly #watch: ReturnType<typeof setInterval>;

  constructor(limits: Partial<FeedLimits> = {}) {
    this.#limits = { ...LIMITS, ...limits };
    this.#watch = setInterval(() => this.#dropStalled(), Math.max(10, this.#limits.patienceMs / 4));
    this.#watch.unref();
  }
  get clients(): number {
    return this.#clients.size;
  }
  get ended(): boolean {
    return this.#ended;
  }

  /** Takes whole lines. Never waits: a client's slowness is the client's. */
  write(text: string): void {
    const part = { text, at: this.#length };
    this.#length += text.length;
    if (this.#firstLength < this.#limits.first) {
      this.#first.push(part);
      this.#firstLength += text.length;
    } else {
      this.#latest.push(part);
      this.#latestLength += text.length;
      this.#forget();
    }
    for (const client of this.#clients) this.#send(client);
  }
  /** The performance is over. A client that has received everything is closed with that reason. */
  close(): void {
    this.#ended = true;
    for (const client of this.#clients) this.#send(client);
  }
  /** Disconnects every client. */
  stop(): void {
    clearInterval(this.#watch);
    for (const { socket } of this.#clients) socket.terminate();
    this.#clients.clear();
  }
  /** Has a client read from the beginning on. */
  add(socket: Socket, frames: Frames = oneFrame): void {
    const client: Client = { socket, frames, at: 0, moved: Date.now() };
    this.#clients.add(client);
    socket.on('close', () => this.#clients.delete(client));
    this.#send(client);
  }

  #forget(): void {
    let gone = 0;
    while (this.#latestLength > this.#limits.latest && gone < this.#latest.length - 1)
      this.#latestLength -= (this.#latest[gone++] as Part).text.length;
    if (gone > 0) this.#latest = this.#latest.slice(gone);
  }
  #send(client: Client): void {
    const { socket, frames } = client;
    while (socket.readyState === socket.OPEN && socket.bufferedAmount < this.#limits.inFlight) {
      if (client.at === this.#length) {
        if (this.#ended) this.#leave(client, OVER, 'the performance is over');
        return;
      }
      const part = this.#partAt(client.at);
      if (part.at > client.at) {
        // What lies between is no longer kept. A new client receives a gap; a client in the middle was too slow.
        if (client.at > this.#firstLength) {
          this.#leave(client, TOO_SLOW, 'too slow: what came next is no longer kept');
          return;
        }
        for (const frame of frames(gap(part.at - client.at))) socket.send(frame);
      }
      client.at = part.at + part.text.length;
      for (const frame of frames(part.text)) socket.send(frame, () => this.#moved(client));
    }
  }
  #moved(client: Client): void {
    client.moved = Date.now();
    if (this.#clients.has(client)) this.#send(client);
  }
  #partAt(at: number): Part {
    return at < this.#firstLength ? find(this.#first, at) : find(this.#latest, at);
  }
  #leave(client: Client, code: number, why: string): void {
    this.#clients.delete(client);
    client.socket.close(code, why);
    // A client that does not answer the close is terminated.
    setTimeout(() => client.socket.terminate(), 2_000).unref();
  }
  #dropStalled(): void {
    const now = Date.now();
    for (const client of this.#clients) {
      const stalls = client.socket.bufferedAmount > 0 && now - client.moved > this.#limits.patienceMs;
      if (!stalls) continue;
      this.#clients.delete(client);
      client.socket.terminate(); // it would not read a reason either
    }
  }
}

/** The part that holds a place, or the first one after it. Parts follow each other without a gap. */
function find(parts: readonly Part[], at: number): Part {
  let low = 0;
  let high = parts.length - 1;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if ((parts[middle] as Part).at <= at) low = middle;
    else high = middle - 1;
  }
  return parts[low] as Part;
}
/** Tells that part of a trace was there, and is not any more. */
function gap(characters: number): string {
  const event = { type: 'tutti.leftOut', why: 'history', characters };
  return `${JSON.stringify({
    type: '@xstate.event',
    sessionId: TRACE_SESSION,
    rootId: TRACE_SESSION,
    event,
    id: '0',
    createdAt: String(Date.now()),
    _version: INSPECT_VERSION,
  })}\n`;
}
