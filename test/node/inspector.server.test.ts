/** Claims: the inspector answers on this machine only, only with the token, and never with another file. */
import { connect } from 'node:net';
import { mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { networkInterfaces, tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterEach, expect, test } from 'vitest';
import { startInspector, type Inspector, type InspectorOptions } from '../../src/node/inspector.ts';
import { ask, listenTo } from './inspector.helpers.ts';

const running: Inspector[] = [];
afterEach(async () => {
  for (const inspector of running.splice(0)) await inspector.close();
});
async function start(options: InspectorOptions = {}): Promise<Inspector & { port: number; token: string }> {
  const inspector = await startInspector(options);
  running.push(inspector);
  const { port, pathname } = new URL(inspector.url);
  return { ...inspector, port: Number(port), token: pathname.slice(1, -1) };
}
const folder = mkdtempSync(join(tmpdir(), 'tutti-inspector-'));
const page = join(folder, 'index.html');
writeFileSync(page, '<!doctype html><title>the page</title>');
const file = join(folder, 'run.jsonl');
writeFileSync(file, '0123456789');
writeFileSync(join(folder, 'secret.txt'), 'must not be served');
const withFile = { file, page: pathToFileURL(page) };

test('it listens on 127.0.0.1 and on no other address of this machine', async () => {
  const { port } = await start();
  const others = Object.values(networkInterfaces())
    .flatMap((list) => list ?? [])
    .filter(({ address }) => address !== '127.0.0.1')
    .map(({ address, scopeid }) => (scopeid ? `${address}%${scopeid}` : address));
  const tried = [...others, '127.0.0.2'];
  for (const host of tried) {
    const refused = await new Promise<boolean>((resolve) => {
      const socket = connect({ host, port, timeout: 500 });
      socket.on('connect', () => (socket.destroy(), resolve(false)));
      socket.on('error', () => resolve(true));
      socket.on('timeout', () => (socket.destroy(), resolve(true)));
    });
    expect(refused, host).toBe(true);
  }
});

test('with the token it shows the page, and says what there is to see', async () => {
  const { url } = await start(withFile);
  const answer = await ask(url);
  expect(answer).toMatchObject({ status: 200, body: '<!doctype html><title>the page</title>' });
  expect(answer.headers).toMatchObject({
    'content-security-policy': "frame-ancestors 'none'",
    'cross-origin-resource-policy': 'same-origin',
    'cross-origin-opener-policy': 'same-origin',
    'referrer-policy': 'no-referrer',
    'x-content-type-options': 'nosniff',
    'cache-control': 'no-store',
  });
  expect(answer.headers).not.toHaveProperty('access-control-allow-origin');
  expect(JSON.parse((await ask(`${url}source.json`)).body)).toEqual({
    kind: 'file',
    name: 'run.jsonl',
    size: 10,
  });
  const live = await start({ name: 'review' });
  expect(JSON.parse((await ask(`${live.url}source.json`)).body)).toEqual({ kind: 'live', name: 'review' });
  const none = await start({ empty: true });
  expect(JSON.parse((await ask(`${none.url}source.json`)).body)).toEqual({ kind: 'none' });
});

test('tokens are long, random, and never the same', async () => {
  const tokens = [await start(), await start(), await start()].map(({ token }) => token);
  expect(new Set(tokens).size).toBe(3);
  for (const token of tokens) expect(Buffer.from(token, 'base64url')).toHaveLength(24);
});

test('without the token, or with nearly the token, there is nothing', async () => {
  const { url, token } = await start(withFile);
  const wrong = [
    '',
    'x'.repeat(token.length),
    token.slice(0, -1),
    `${token}x`,
    token.toUpperCase(),
    `x/${token}`,
  ];
  for (const given of wrong)
    for (const path of ['', 'source.json', 'trace.jsonl'])
      expect(await ask(url, { path: `/${given}/${path}` }), `${given} ${path}`).toMatchObject({
        status: 404,
        body: 'not found\n',
      });
  expect((await ask(url, { path: `/?token=${token}` })).status).toBe(404);
  expect((await ask(url, { path: `/${token}` })).status).toBe(404);
});

test('no path leads out of the list of what there is', async () => {
  const { url, token } = await start(withFile);
  const paths = [
    '../secret.txt', '..%2fsecret.txt', '%2e%2e/secret.txt', 'secret.txt', './secret.txt', '//secret.txt', 'trace.jsonl/../secret.txt',
    '../../etc/passwd', 'etc/passwd', '/etc/passwd', '..\\secret.txt', 'trace.jsonl%00.txt', 'index.html', 'constructor', '__proto__', 'stately', 'live',
  ]; // prettier-ignore
  for (const path of paths) {
    const { status, body } = await ask(url, { path: `/${token}/${path}` });
    expect(status, path).toBe(404);
    expect(body).toBe('not found\n');
  }
});

test('another host name, another origin, another site and another method are refused', async () => {
  const { url, port, token } = await start(withFile);
  const good = `/${token}/trace.jsonl`;
  const refused: [string, Record<string, string>, string?][] = [
    ['a name that was made to point here', { host: `evil.example:${port}` }],
    ['no port', { host: '127.0.0.1' }],
    ['another port', { host: `127.0.0.1:${port + 1}` }],
    ['a page of another site', { origin: 'https://evil.example' }],
    ['a page without an origin', { origin: 'null' }],
    ['a page on another port', { origin: `http://127.0.0.1:${port + 1}` }],
    ['a script of another site', { 'sec-fetch-site': 'cross-site' }],
    ['a page on another port, by fetch', { 'sec-fetch-site': 'same-site' }],
  ];
  for (const [what, headers] of refused) {
    const { status, body } = await ask(url, { path: good, headers });
    expect(status, what).toBe(403);
    expect(body).not.toContain('0123456789');
  }
  for (const method of ['PUT', 'DELETE', 'OPTIONS', 'TRACE'])
    expect((await ask(url, { path: good, method })).status, method).toBe(405);
  expect((await ask(url, { path: good, method: 'POST' })).status).toBe(403); // without an origin
  for (const headers of [
    { host: `localhost:${port}` },
    { origin: `http://127.0.0.1:${port}` },
    { 'sec-fetch-site': 'same-origin' },
    { 'sec-fetch-site': 'none' },
  ] as Record<string, string>[])
    expect(await ask(url, { path: good, headers })).toMatchObject({ status: 200, body: '0123456789' });
});

test('sockets are guarded as pages are', async () => {
  const { url, port } = await start();
  const refused = async (path: string, headers: Record<string, string> = {}, base = url) => {
    const { opened } = listenTo(base, path, headers);
    await expect(opened, JSON.stringify([path, headers])).rejects.toThrow(
      /Unexpected server response: (403|404)/,
    );
  };
  await refused('live', { origin: 'https://evil.example' });
  await refused('live', { host: `evil.example:${port}` });
  await refused('live', { 'sec-fetch-site': 'cross-site' });
  await refused('other');
  await refused('live', {}, `http://127.0.0.1:${port}/${'x'.repeat(32)}/`);
  const mine = listenTo(url, 'live', { origin: `http://127.0.0.1:${port}` });
  await mine.opened;
  mine.socket.terminate();
});

test('parts of a file can be had, and it is streamed', async () => {
  const { url } = await start(withFile);
  const part = (range: string) => ask(`${url}trace.jsonl`, { headers: { range } });
  expect(await part('bytes=2-4')).toMatchObject({
    status: 206,
    body: '234',
    headers: { 'content-range': 'bytes 2-4/10' },
  });
  expect(await part('bytes=7-')).toMatchObject({ status: 206, body: '789' });
  expect(await part('bytes=-3')).toMatchObject({ status: 206, body: '789' });
  expect(await part('bytes=5-99')).toMatchObject({ status: 206, body: '56789' });
  expect(await part('bytes=10-')).toMatchObject({ status: 416, headers: { 'content-range': 'bytes */10' } });
  expect(await part('lines=1-2')).toMatchObject({ status: 200, body: '0123456789' });
  expect(await ask(`${url}trace.jsonl`, { method: 'HEAD' })).toMatchObject({
    status: 200,
    body: '',
    headers: { 'content-length': '10' },
  });
  const empty = join(folder, 'empty.jsonl');
  writeFileSync(empty, '');
  expect(await ask(`${(await start({ file: empty })).url}trace.jsonl`)).toMatchObject({
    status: 200,
    body: '',
  });
});

test('a file of 3 GB is served a piece at a time, and a reader that leaves does not end other downloads', async () => {
  const large = join(folder, 'large.jsonl');
  writeFileSync(large, '');
  truncateSync(large, 3 * 2 ** 30); // no disk is used for it
  const { url } = await start({ file: large });
  expect(JSON.parse((await ask(`${url}source.json`)).body)).toMatchObject({ size: 3 * 2 ** 30 });
  const end = await ask(`${url}trace.jsonl`, { headers: { range: 'bytes=-3' } });
  expect(end).toMatchObject({ status: 206, body: '\0\0\0' });
  const before = process.memoryUsage().rss;
  for (let i = 0; i < 3; i++) {
    const response = await fetch(`${url}trace.jsonl`);
    const reader = (response.body as ReadableStream<Uint8Array>).getReader();
    for (let taken = 0; taken < 16 << 20; taken += (await reader.read()).value?.length ?? Infinity);
    await reader.cancel();
  }
  expect(process.memoryUsage().rss - before).toBeLessThan(256 << 20);
  expect((await ask(`${url}source.json`)).status).toBe(200);
  rmSync(large);
});

test('a file that has gone is an error of one request, and a page that was not built says what to do', async () => {
  const { url } = await start({
    file: join(folder, 'gone.jsonl'),
    page: pathToFileURL(join(folder, 'gone.html')),
  });
  expect((await ask(`${url}trace.jsonl`)).status).toBe(500);
  expect((await ask(url)).body).toContain('npm run build');
});

test('after close the server does not answer', async () => {
  const { url, close } = await start(withFile);
  await close();
  await expect(ask(url)).rejects.toThrow('ECONNREFUSED');
});
