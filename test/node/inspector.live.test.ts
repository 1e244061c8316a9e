/** Claims: early and late clients receive everything; a client that stalls or floods harms no other client; the hosted
 *  Inspector's own receiver accepts every frame. */
import { createWebSocketReceiver, type StatelyInspectionEvent } from '@statelyai/inspect';
import { afterEach, expect, test } from 'vitest';
import { perform } from 'tutti';
import { startInspector, type Inspector, type InspectorOptions } from '../../src/node/inspector.ts';
import { Feed } from '../../src/node/inspector-feed.ts';
import { traceTo } from '../../src/trace/index.ts';
import { ask, listenTo, until } from './inspector.helpers.ts';
import { lines, review, tracedReview } from '../trace/helpers.ts';
import { VirtualClock } from 'tutti';

const running: Inspector[] = [];
afterEach(async () => {
  for (const inspector of running.splice(0)) await inspector.close();
});
async function start(options: InspectorOptions = {}): Promise<Inspector> {
  const inspector = await startInspector(options);
  running.push(inspector);
  return inspector;
}
async function perform1(inspector: Inspector): Promise<string> {
  const kept = lines();
  const clock = new VirtualClock();
  const trace = traceTo(
    {
      write(text) {
        void kept.write(text);
        void inspector.sink.write(text);
      },
      close: () => inspector.sink.close?.(),
    },
    { clock },
  );
  const run = perform(review, { clock, inspect: trace.inspect, runId: 'review-1' });
  trace.watch(run, review);
  await run.report;
  await trace.close();
  return kept.text;
}

test('a client from the beginning and a late client have both received everything', async () => {
  const inspector = await start();
  const early = listenTo(inspector.url);
  await early.opened;
  const text = await perform1(inspector);
  const late = listenTo(inspector.url);
  expect(await early.closed).toEqual({ code: 1000, reason: 'the performance is over' });
  expect(await late.closed).toEqual({ code: 1000, reason: 'the performance is over' });
  expect(early.frames.join('')).toBe(text);
  expect(late.frames.join('')).toBe(text);
});

test("@statelyai/inspect's own receiver takes every message, each actor with its definition", async () => {
  const inspector = await start();
  const taken: StatelyInspectionEvent[] = [];
  const receiver = createWebSocketReceiver({ server: inspector.statelyUrl.replace('http:', 'ws:') });
  receiver.subscribe((event) => void taken.push(event));
  await until(() => inspector.clients === 1);
  const text = await perform1(inspector);
  const written = text.trim().split('\n').length;
  await until(() => taken.length === written);
  const { messages } = await tracedReview();
  expect(taken.map(({ type, sessionId }) => [type, sessionId.replace(/^x:\d+$/, 'x')])).toEqual(
    messages.map(({ type, sessionId }) => [type, sessionId.replace(/^x:\d+$/, 'x')]),
  );
  const stations = taken.flatMap((event) =>
    event.type === '@xstate.actor' && event.name.startsWith('station:') ? [event] : [],
  );
  expect(stations.length).toBeGreaterThan(3);
  for (const { definition } of stations)
    expect(JSON.parse(definition as string).id).toBe('reservation-station');
});

test('the page for the hosted Inspector loads that and nothing else, and sends to no other host', async () => {
  const inspector = await start();
  const { status, body, headers } = await ask(inspector.statelyUrl);
  expect(status).toBe(200);
  expect(body).toContain('src="https://stately.ai/inspect"');
  expect(body).not.toContain("'*'");
  expect(headers['content-security-policy']).toMatch(
    /^default-src 'none'; frame-src https:\/\/stately\.ai; connect-src 'self';/,
  );
});

test('a client that takes nothing is dropped; the others see everything, and memory stays bounded', async () => {
  const inspector = await start({
    limits: { patienceMs: 200, first: 1 << 16, latest: 1 << 22, inFlight: 1 << 16 },
  });
  const stalled = listenTo(inspector.url);
  const good = listenTo(inspector.url);
  await Promise.all([stalled.opened, good.opened]);
  (stalled.socket as unknown as { _socket: { pause(): void } })._socket.pause();
  const line = `${JSON.stringify({ type: '@xstate.event', sessionId: 'a', event: { type: 'x'.repeat(1_000) } })}\n`;
  const chunk = line.repeat(64);
  let sent = 0;
  const before = process.memoryUsage().arrayBuffers;
  while (inspector.clients === 2) {
    void inspector.sink.write(chunk);
    sent++;
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(64 << 20);
  void inspector.sink.close?.();
  expect((await good.closed).code).toBe(1000);
  expect(good.frames.join('').length).toBe(sent * chunk.length);
  stalled.socket.terminate();
});

test('a client that floods is sent away, and one that says too much at once as well', async () => {
  const inspector = await start();
  const [flood, huge, good] = [listenTo(inspector.url), listenTo(inspector.url), listenTo(inspector.url)];
  await Promise.all([flood.opened, huge.opened, good.opened]);
  for (let i = 0; i < 10_000; i++) flood.socket.send('hello');
  huge.socket.send('x'.repeat(1 << 20));
  expect((await flood.closed).code).toBe(1008);
  expect((await huge.closed).code).toBe(1009);
  await until(() => inspector.clients === 1);
  void inspector.sink.write('{}\n');
  await until(() => good.frames.length === 1);
});

test('when the performance is over, a client that is still reading gets the rest', async () => {
  const inspector = await start({ limits: { inFlight: 64 << 20 } });
  const client = listenTo(inspector.url);
  await client.opened;
  const socket = (client.socket as unknown as { _socket: { pause(): void; resume(): void } })._socket;
  socket.pause();
  setTimeout(() => socket.resume(), 200);
  const text = `${'x'.repeat(9_999)}\n`.repeat(100);
  for (let i = 0; i < 20; i++) void inspector.sink.write(text);
  void inspector.sink.close?.();
  await inspector.close(5_000);
  expect((await client.closed).code).toBe(1000);
  expect(client.frames.join('').length).toBe(20 * text.length);
});

test('no more than sixteen may look', async () => {
  const inspector = await start();
  const clients = Array.from({ length: 16 }, () => listenTo(inspector.url));
  await Promise.all(clients.map(({ opened }) => opened));
  await expect(listenTo(inspector.url).opened).rejects.toThrow('503');
});

/** A socket that takes what it was sent only when the test says so. */
function slowSocket() {
  const waiting: (() => void)[] = [];
  const frames: string[] = [];
  return {
    OPEN: 1,
    readyState: 1,
    bufferedAmount: 0,
    frames,
    closed: undefined as unknown,
    send(frame: string, taken?: () => void) {
      frames.push(frame);
      this.bufferedAmount += frame.length;
      waiting.push(() => {
        this.bufferedAmount -= frame.length;
        taken?.();
      });
    },
    close(code: number, reason: string) {
      this.readyState = 2;
      this.closed = { code, reason };
    },
    terminate() {
      this.closed ??= 'terminated';
    },
    on() {},
    take() {
      for (const one of waiting.splice(0)) one();
    },
  };
}
const row = (i: number) => `${String(i).padStart(9, '0')}\n`;

test('a client that comes after part was dropped is notified of the gap, and gets what is kept', () => {
  const feed = new Feed({ first: 50, latest: 100 });
  for (let i = 0; i < 100; i++) feed.write(row(i));
  const socket = slowSocket();
  feed.add(socket as never);
  expect(socket.frames.slice(0, 5)).toEqual([0, 1, 2, 3, 4].map(row));
  const gap = JSON.parse(socket.frames[5] as string) as { event: { why: string; characters: number } };
  expect(gap.event).toEqual({ type: 'tutti.leftOut', why: 'history', characters: 850 });
  expect(socket.frames.slice(6)).toEqual(Array.from({ length: 10 }, (_, i) => row(90 + i)));
  feed.stop();
});

test('a client that falls behind what is kept is dropped, with the reason', () => {
  const feed = new Feed({ first: 50, latest: 100, inFlight: 10 });
  const socket = slowSocket();
  feed.add(socket as never);
  for (let i = 0; i < 8; i++) {
    feed.write(row(i));
    socket.take();
  }
  expect(socket.frames).toHaveLength(8);
  for (let i = 8; i < 100; i++) feed.write(row(i));
  socket.take();
  expect(socket.closed).toMatchObject({ code: 1013, reason: expect.stringContaining('too slow') });
  expect(feed.clients).toBe(0);
  feed.stop();
});
