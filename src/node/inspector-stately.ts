/** What the hosted Stately Inspector needs: one message per frame, each actor with its definition, and a page that
 *  hands them on to it. Source: `@statelyai/inspect` 0.7.2, `createWebSocketReceiver` and `createBrowserReceiver`; what
 *  its own inspector says of an actor is in `convertXStateEvent`.
 *
 *  Opening that page sends the trace to stately.ai; no other page does. */
import { createHash } from 'node:crypto';
import type { Frames } from './inspector-feed.ts';

const ACTOR = '{"type":"@xstate.actor"';

/** Frames for one client. A trace has each definition once per machine, and the Inspector wants one with each actor. An
 *  actor that is no machine has its name as definition, as in Stately's own inspector. */
export function statelyFrames(): Frames {
  const definitions = new Map<number, string>();
  return (text) =>
    text
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => {
        if (!line.startsWith(ACTOR)) return line;
        const message = JSON.parse(line) as { name: string; machine?: number; definition?: string };
        const { name, machine } = message;
        if (machine !== undefined && message.definition !== undefined)
          definitions.set(machine, message.definition);
        const known = machine === undefined ? message.definition : definitions.get(machine);
        return JSON.stringify({ ...message, definition: known ?? JSON.stringify({ id: name }) });
      });
}

const INSPECTOR = 'https://stately.ai';

/** Frames wait in the page until the Inspector reports that it is loaded, up to a limit of memory. */
const SCRIPT = `
const frame = document.querySelector('iframe');
const waiting = [];
let there = false;
addEventListener('message', ({ source, origin, data }) => {
  if (source !== frame.contentWindow || origin !== '${INSPECTOR}' || data?.type !== '@statelyai.connected') return;
  there = true;
  for (const message of waiting.splice(0)) frame.contentWindow.postMessage(message, '${INSPECTOR}');
});
const address = new URL('stately', location.href);
address.protocol = 'ws:';
const say = (message) => {
  if (there) frame.contentWindow.postMessage(message, '${INSPECTOR}');
  else if (waiting.length < 100000) waiting.push(message);
};
const socket = new WebSocket(address);
socket.onmessage = ({ data }) => say(JSON.parse(data));
socket.onclose = () => say({ type: '@statelyai.disconnected' });
`;
const STYLE = 'html,body,iframe{margin:0;width:100%;height:100%;border:0;display:block}';
const hash = (text: string): string => `'sha256-${createHash('sha256').update(text).digest('base64')}'`;

/** The page, and what it may do. */
export const statelyPage = {
  html: `<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Stately Inspector</title><style>${STYLE}</style></head><body><iframe title="Stately Inspector" src="${INSPECTOR}/inspect"></iframe><script>${SCRIPT}</script></body></html>`,
  policy: `default-src 'none'; frame-src ${INSPECTOR}; connect-src 'self'; script-src ${hash(SCRIPT)}; style-src ${hash(STYLE)}; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`,
};
