/** Claims, in a real browser: another origin on the same machine can read nothing, even with the address; and the
 *  page for the hosted Inspector hands on every message, to it alone. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startInspector } from '../src/node/inspector.ts';
import { launch } from './viewer.page.ts';

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

test('the hosted Inspector is handed every message with its definition, once it has said that it is there', async () => {
  const inspector = await startInspector();
  const page = await browser.newPage();
  try {
    const taken: unknown[] = [];
    const problems: string[] = [];
    page.on('console', (message) => void (message.type() === 'error' && problems.push(message.text())));
    await page.exposeFunction('take', (message: unknown) => void taken.push(message));
    // Stands in for the hosted page, which is on the network; it speaks as that one's receiver does.
    const hosted = `<script>
      addEventListener('message', ({ data }) => window.take(data));
      setTimeout(() => parent.postMessage({ type: '@statelyai.connected' }, '*'), 50);
    </script>`;
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
    expect(problems).toEqual([]);
  } finally {
    await page.close();
    await inspector.close();
  }
});
