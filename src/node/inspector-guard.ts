/** Admits requests from this machine that have the token, and none from pages of other sites. */
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage } from 'node:http';

/** A refusal as an HTTP status and a reason. */
export interface Refusal {
  readonly status: number;
  readonly why: string;
}
export interface TokenGuard {
  readonly token: string;
  /** Where in the space of the token a request goes, or why it goes nowhere. */
  check(request: IncomingMessage, port: number): string | Refusal;
}

/** 192 random bits, in the address. */
export function createGuard(token = randomBytes(24).toString('base64url')): TokenGuard {
  const wanted = digest(token);
  return {
    token,
    check({ headers, url = '/', method }, port) {
      // Another name for 127.0.0.1 would let a page of another site pass as ours (DNS rebinding).
      const hosts = [`127.0.0.1:${port}`, `localhost:${port}`];
      if (!hosts.includes(headers.host ?? '')) return { status: 403, why: 'unknown host' };
      if (method !== 'GET' && method !== 'HEAD' && method !== 'POST')
        return { status: 405, why: 'only GET, and POST for a decision' };
      const { origin } = headers;
      // A decision comes from our page alone. Browsers send the origin with every POST, and a form cannot send JSON.
      if (method === 'POST' && (origin === undefined || !isJson(headers['content-type'])))
        return { status: 403, why: 'a decision is JSON, and comes from the page' };
      if (origin !== undefined && !hosts.some((host) => origin === `http://${host}`))
        return { status: 403, why: 'another origin' };
      const site = headers['sec-fetch-site'];
      if (site !== undefined && site !== 'none' && site !== 'same-origin')
        return { status: 403, why: 'another site' };
      const [path = ''] = url.split('?', 1);
      const [, given = '', ...rest] = path.split('/');
      // Digests are of equal length, so that neither length nor prefix shows in the time it takes.
      if (!timingSafeEqual(digest(given), wanted)) return { status: 404, why: 'not found' };
      return rest.length === 0 ? { status: 404, why: 'not found' } : rest.join('/');
    },
  };
}
const isJson = (type: string | undefined): boolean => /^application\/json\s*(;|$)/i.test(type ?? '');
const digest = (text: string): Buffer => createHash('sha256').update(text).digest();
