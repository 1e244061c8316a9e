/** What the server answers with: a fixed list, so that no address leads to any other file. */
import { createReadStream } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { basename } from 'node:path';
import { pipeline } from 'node:stream';
import { statelyPage } from './inspector-stately.ts';

/** What there is to see. */
export type Shown =
  | { readonly kind: 'none' }
  | { readonly kind: 'file'; readonly path: string }
  | { readonly kind: 'live'; readonly name: string };

const HEADERS = {
  'Cache-Control': 'no-store',
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Resource-Policy': 'same-origin',
  'Referrer-Policy': 'no-referrer',
  'X-Content-Type-Options': 'nosniff',
  'X-Frame-Options': 'DENY',
};
/** The page states itself what it may load, but only a header can forbid that it is framed. */
const FRAMES = "frame-ancestors 'none'";

export function say(response: ServerResponse, status: number, text: string): void {
  response.writeHead(status, { ...HEADERS, 'Content-Type': 'text/plain; charset=utf-8' }).end(`${text}\n`);
}
function send(response: ServerResponse, type: string, text: string, policy = FRAMES): void {
  const headers = { ...HEADERS, 'Content-Type': `${type}; charset=utf-8`, 'Content-Security-Policy': policy };
  response.writeHead(200, headers).end(text);
}

export const sendJson = (response: ServerResponse, value: unknown): void =>
  send(response, 'application/json', JSON.stringify(value));

export async function answer(
  shown: Shown,
  page: URL,
  path: string,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  if (path === '') return send(response, 'text/html', await viewerPage(page));
  if (path === 'source.json') return sendJson(response, await sourceOf(shown));
  if (path === 'trace.jsonl' && shown.kind === 'file') return sendFile(shown.path, request, response);
  if (path === 'stately' && shown.kind === 'live')
    return send(response, 'text/html', statelyPage.html, statelyPage.policy);
  say(response, 404, 'not found');
}

async function sourceOf(shown: Shown): Promise<unknown> {
  if (shown.kind !== 'file') return shown;
  const { size } = await stat(shown.path);
  return { kind: 'file', name: basename(shown.path), size };
}

async function viewerPage(page: URL): Promise<string> {
  try {
    return await readFile(page, 'utf8');
  } catch {
    return '<!doctype html><html lang="en"><title>tutti</title><p>The viewer has not been built. Run <code>npm run build</code>, and open this address again.</p></html>';
  }
}

/** Streams a file, or the part of it that is asked for: it may be larger than memory. */
async function sendFile(path: string, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { size } = await stat(path);
  const range = rangeOf(request.headers.range, size);
  const headers = {
    ...HEADERS,
    'Content-Type': 'application/x-ndjson; charset=utf-8',
    'Accept-Ranges': 'bytes',
  };
  if (range === null) {
    response.writeHead(416, { ...headers, 'Content-Range': `bytes */${size}` }).end();
    return;
  }
  const { start, end } = range ?? { start: 0, end: size - 1 };
  response.writeHead(range === undefined ? 200 : 206, {
    ...headers,
    'Content-Length': end - start + 1,
    ...(range === undefined ? {} : { 'Content-Range': `bytes ${start}-${end}/${size}` }),
  });
  if (request.method === 'HEAD' || size === 0) {
    response.end();
    return;
  }
  // A client that disconnects, or a file that disappears, ends this answer and nothing else.
  pipeline(createReadStream(path, { start, end }), response, () => response.destroy());
}
/** One range of bytes; undefined for the whole, null for one that is not there. */
function rangeOf(
  header: string | undefined,
  size: number,
): { start: number; end: number } | undefined | null {
  const found = /^bytes=(\d{0,15})-(\d{0,15})$/.exec(header ?? '');
  if (found === null || (found[1] === '' && found[2] === '')) return undefined;
  const [, from = '', to = ''] = found;
  const start = from === '' ? Math.max(0, size - Number(to)) : Number(from);
  const end = from === '' || to === '' ? size - 1 : Math.min(Number(to), size - 1);
  return start <= end && start < size ? { start, end } : null;
}
