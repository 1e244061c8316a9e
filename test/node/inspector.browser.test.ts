/** Claims, in a real browser: another origin on the same machine can read nothing, even with the address; and the
 *  page for the hosted Inspector hands on every message, to it alone. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Browser } from 'playwright-core';
import { rolldown } from 'rolldown';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startInspector } from '../../src/node/inspector.ts';
import { tracedReview } from '../trace/helpers.ts';
import { launch } from '../viewer/page.ts';

let browser: Browser;
beforeAll(async () => {
  browser = await launch();
});
afterAll(() => browser?.close());

const actor = (id: string, more: object) =>
  `${JSON.stringify({ type: '@xstate.actor', sessionId: id, rootId: 'a', name: id, snapshot: { status: 'active' }, machine: 0, id, createdAt: '1', _version: '0.7.2', ...more })}\n`;

test('a page of another origin reads nothing, however it asks', async () => {
  const inspector = await startInspector({ name: 'secret' });
  void inspector.sink.write(actor('a', { definition: '{}' }));
  const other = createServer((_request, response) => {
    response.setHeader('content-type', 'text/html').end('<title>another</title>');
  });
  await new Promise<void>((resolve) => void other.listen(0, '127.0.0.1', resolve));
  const page = await browser.newPage();
  try {
    await page.goto(`http://127.0.0.1:${(other.address() as AddressInfo).port}/`);
    const found = await page.evaluate(async (url) => {
      const asked = (options: RequestInit) =>
        fetch(`${url}source.json`, options).then(
          async (response) => `read ${response.status} ${await response.text()}`,
          () => 'nothing',
        );
      const socket = new Promise<string>((resolve) => {
        const live = new WebSocket(`${url.replace('http', 'ws')}live`);
        live.addEventListener('message', ({ data }) => resolve(`read ${data}`));
        live.addEventListener('close', () => resolve('nothing'));
      });
      const script = new Promise<string>((resolve) => {
        const element = document.createElement('script');
        element.src = `${url}source.json`;
        element.addEventListener('load', () => resolve('loaded'));
        element.addEventListener('error', () => resolve('nothing'));
        document.head.append(element);
      });
      return [await asked({}), await asked({ mode: 'no-cors' }), await socket, await script];
    }, inspector.url);
    expect(found).toEqual(['nothing', 'nothing', 'nothing', 'nothing']);
    // The same page, opened by the person whom the address was given to, does read.
    await page.goto(`${inspector.url}source.json`);
    expect(await page.innerText('body')).toContain('secret');
  } finally {
    await page.close();
    await inspector.close();
    other.close();
  }
});

/** What the hosted page is built on: the package's own receiver, which hands on what it takes for a message. */
async function hostedPage(): Promise<string> {
  const bundle = await rolldown({
    input: 'hosted',
    platform: 'browser',
    plugins: [
      {
        name: 'hosted',
        resolveId: (id) => (id === 'hosted' ? id : undefined),
        load: (id) => (id === 'hosted' ? HOSTED : undefined),
      },
    ],
    onLog: () => {},
  });
  const { output } = await bundle.generate({ format: 'iife', comments: false });
  await bundle.close();
  return `<!doctype html><title>hosted</title><script>${output[0].code.replaceAll('</script', '<\\/script')}</script>`;
}
const HOSTED = `
  import { createBrowserReceiver } from '@statelyai/inspect';
  addEventListener('message', ({ data }) => data.type === '@statelyai.disconnected' && window.take(data));
  // A page takes its time before it says that it is there.
  setTimeout(() => createBrowserReceiver().subscribe((event) => window.take(event)), 50);
`;

test('the hosted Inspector’s own receiver takes every message with its definition, and receives the end', async () => {
  const inspector = await startInspector();
  const page = await browser.newPage();
  try {
    const taken: unknown[] = [];
    const problems: string[] = [];
    page.on('console', (message) => void (message.type() === 'error' && problems.push(message.text())));
    page.on('pageerror', (error) => void problems.push(String(error)));
    await page.exposeFunction('take', (message: unknown) => void taken.push(message));
    const hosted = await hostedPage();
    // The page itself is on the network.
    await page.route('https://stately.ai/inspect', (route) =>
      route.fulfill({ contentType: 'text/html', body: hosted }),
    );
    void inspector.sink.write(actor('a', { definition: '{"id":"m"}' }) + actor('b', {}));
    await page.goto(inspector.statelyUrl);
    await expect.poll(() => taken.length).toBe(2);
    void inspector.sink.write(actor('c', {}));
    await expect.poll(() => taken.length).toBe(3);
    expect(taken).toMatchObject(
      ['a', 'b', 'c'].map((sessionId) => ({ sessionId, definition: '{"id":"m"}' })),
    );
    void inspector.sink.close?.();
    await expect.poll(() => taken.at(3)).toEqual({ type: '@statelyai.disconnected' });
    expect(problems).toEqual([]);
  } finally {
    await page.close();
    await inspector.close();
  }
});

test('the hosted Inspector takes a whole performance, and loses nothing of it', async () => {
  const inspector = await startInspector();
  const page = await browser.newPage();
  try {
    const taken: { id: string }[] = [];
    await page.exposeFunction('take', (message: { id: string }) => void taken.push(message));
    const hosted = await hostedPage();
    await page.route('https://stately.ai/inspect', (route) =>
      route.fulfill({ contentType: 'text/html', body: hosted }),
    );
    const { text, messages } = await tracedReview();
    void inspector.sink.write(text);
    await page.goto(inspector.statelyUrl);
    await expect.poll(() => taken.length, { timeout: 20_000 }).toBe(messages.length);
    expect(taken.map(({ id }) => id)).toEqual(messages.map(({ id }) => id));
  } finally {
    await page.close();
    await inspector.close();
  }
});
