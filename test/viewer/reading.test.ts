/** Claim: from any file, everything that can be shown is shown, and a note says what was left out and at which line. */
import { closeSync, ftruncateSync, mkdtempSync, openSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { expect, test } from 'vitest';
import { openOf } from '../../src/viewer/model/opened.ts';
import { readAll } from '../../src/viewer/model/read.ts';
import { fileSource } from '../../src/viewer/model/source.ts';
import { PAGE_LIMITS } from '../../src/viewer/model/trace.ts';
import { openPage } from './page.ts';
import { onStage } from './stage.ts';
import { smallTrace, TraceText } from './traces.ts';

const whole = smallTrace().text;
const lines = whole.split('\n').slice(0, -1);
const stage = onStage();

/** Opens a text, and goes to the notes. */
async function notesOf(
  text: string,
  name = 'bad.jsonl',
): Promise<{ page: Page; left: string[]; complaints: string[] }> {
  const { page, complaints } = await openPage(stage.browser, stage.file.url, { name, text });
  await page.locator('#tab-notes').click();
  const left = await page.locator('.left-out li').allTextContents();
  return { page, left, complaints };
}
const stepsOf = async (page: Page): Promise<number> => {
  await page.locator('#tab-score').click();
  const steps = page.getByRole('listbox', { name: 'Steps' });
  await steps.waitFor();
  return steps.getByRole('option').count();
};

test('a whole trace leaves nothing out', async () => {
  const { page, left, complaints } = await notesOf(whole);
  expect(left).toEqual([]);
  expect(await page.locator('#view').textContent()).toContain('Nothing: every line was understood');
  expect(complaints).toEqual([]);
  await page.close();
});

test('a trace that was cut off is shown up to there', async () => {
  const { page, left, complaints } = await notesOf(whole.slice(0, whole.indexOf('"tutti.ended"')));
  const last = lines.findIndex((line) => line.includes('tutti.ended')) + 1;
  expect(left).toEqual([`Line ${last} is cut off: the trace ends within a message`]);
  expect(await stepsOf(page)).toBe(6);
  expect(complaints).toEqual([]);
  await page.close();
});

test('a line that is no JSON, or no message, is left out alone', async () => {
  const bad = [...lines];
  bad.splice(
    5,
    0,
    'this is not JSON',
    '[1, 2]',
    '{"type":"@xstate.later","sessionId":"x"}',
    '{"type":"@xstate.event"}',
    '',
  );
  const { page, left, complaints } = await notesOf(`${bad.join('\n')}\n`);
  expect(left).toEqual([
    'Line 6 is not JSON; it is left out',
    'Line 7 is not an object; it is left out',
    'Line 8 is of an unknown type, "@xstate.later"; it is left out',
    'Line 9 names no sessionId; it is left out',
  ]);
  expect(await page.locator('.badge').textContent()).toBe('4');
  expect(await stepsOf(page)).toBe(6);
  expect(complaints).toEqual([]);
  await page.close();
});

test('another version of the format is shown, with a note', async () => {
  const { page, left } = await notesOf(smallTrace(99).text);
  expect(left).toEqual([expect.stringMatching(/^Line 1 is of version 99 of the format/)]);
  expect(await stepsOf(page)).toBe(6);
  await page.close();
});

test('a definition that is not a machine has no chart, and says why; one with faults is drawn without them', async () => {
  const trace = new TraceText();
  const define = (session: string, definition: unknown) =>
    trace.actor(session, session, {
      definition: typeof definition === 'string' ? definition : JSON.stringify(definition),
    });
  define('broken', '{ not json');
  define('promise', { id: 'promise' });
  define('odd', { id: 'odd', initial: 'a', states: { a: { on: { GO: 'nowhere', ON: 'b' } }, b: 7, c: {} } });
  const { page, left, complaints } = await notesOf(trace.text);
  expect(left).toEqual([
    expect.stringMatching(/^Line 2 has a definition that is not a machine/),
    expect.stringMatching(/^Line 4 is the last, and the end of the trace is not told/),
  ]);
  const said = async (actor: string) => {
    await page.evaluate((to) => (location.hash = `view=charts&actor=${to}`), actor);
    await page.getByRole('heading', { level: 2, name: actor }).waitFor();
    return page.locator('.chart-main').textContent();
  };
  expect(await said('broken')).toContain('The definition is not JSON.');
  expect(await said('promise')).toContain('it is not a machine');
  expect(await said('odd')).toContain(
    "Left out of the picture: state 'b' is not an object; 'a' on GO leads to 'nowhere', which is no state of it",
  );
  expect(await page.locator('.chart .state').count()).toBe(2);
  expect(complaints).toEqual([]);
  await page.close();
});

test('a file that is no trace at all says so', async () => {
  const { page } = await openPage(stage.browser, stage.file.url, {
    name: 'picture.png',
    text: '\u0089PNG\r\n\u0000\u0001',
  });
  await page.getByRole('alert').filter({ hasText: "'picture.png' holds no trace" }).waitFor();
  await page.close();
});

test('what a trace holds is text and never markup', async () => {
  const trace = new TraceText();
  trace.actor('x', '<img src=x onerror="document.title=1">', {
    definition: JSON.stringify({ id: '<b>', states: { '<script>': {} } }),
  });
  const { page, complaints } = await openPage(stage.browser, stage.file.url, {
    name: '<i>name',
    text: trace.text,
  });
  await page.locator('#tab-charts').click();
  await page.locator('.chart .name', { hasText: '<script>' }).waitFor();
  expect(await page.title()).toBe('tutti viewer');
  expect(complaints).toEqual([]);
  await page.close();
});

test('a file of 2 GB is read as it streams, and the page stays small', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'tutti-large-'));
  const path = join(folder, 'large.jsonl');
  writeFileSync(path, whole);
  const handle = openSync(path, 'r+');
  ftruncateSync(handle, 2 ** 31 + 1); // a hole: it takes no room on the disk
  closeSync(handle);
  const { page, complaints } = await openPage(stage.browser, stage.file.url);
  try {
    await page.setInputFiles('input[type=file]', path);
    await expect.poll(() => page.locator('.badge').count(), { timeout: 50_000 }).toBe(1);
    await page.locator('#tab-notes').click();
    expect(await page.locator('.left-out li').allTextContents()).toEqual([
      `Line ${lines.length + 1} is longer than 8 MB; it is left out`,
    ]);
    expect(await stepsOf(page)).toBe(6);
    const session = await page.context().newCDPSession(page);
    await session.send('HeapProfiler.collectGarbage');
    const { usedSize } = await session.send('Runtime.getHeapUsage');
    expect(usedSize).toBeLessThan(50 << 20);
    expect(complaints).toEqual([]);
  } finally {
    await page.close();
    rmSync(folder, { recursive: true, force: true });
  }
}, 60_000);

test('more messages than a page holds are left out, and a note says how much', async () => {
  const message = (id: number) =>
    `{"type":"@xstate.event","sessionId":"x","createdAt":"${id}","event":{"type":"E"}}\n`;
  const encoder = new TextEncoder();
  let written = 0;
  const stream = new ReadableStream<Uint8Array>({
    pull(controller) {
      let text = '';
      for (let count = 0; count < 50_000; count++) text += message(written++);
      controller.enqueue(encoder.encode(text));
      if (written > 2 * PAGE_LIMITS.events) throw new Error('it should have stopped reading long ago');
    },
  });
  const opened = openOf(fileSource('endless', new Blob()));
  await readAll(stream, opened, { size: 4 * 2 ** 30 });
  expect(opened.trace.length).toBe(PAGE_LIMITS.events);
  expect(opened.notes.list).toEqual([
    {
      line: PAGE_LIMITS.events,
      what: expect.stringMatching(
        /^is the last that is shown: a page holds 1,000,000 messages, and the 40\d\d\.\d MB after it are left out$/,
      ),
    },
  ]);
});

test('a page that is asked for another file while it reads one shows the other', async () => {
  const { page, complaints } = await openPage(stage.browser, stage.file.url);
  const many = `${lines[0]}\n${'{"type":"@xstate.event","sessionId":"x","event":{"type":"E"}}\n'.repeat(200_000)}`;
  const open = (name: string, text: string) =>
    page.setInputFiles('input[type=file]', { name, mimeType: 'application/json', buffer: Buffer.from(text) });
  await open('first.jsonl', many);
  await open('second.jsonl', whole);
  await page.getByRole('heading', { level: 1, name: 'second.jsonl' }).waitFor();
  await expect
    .poll(() => page.locator('output.now').textContent())
    .toContain(`${lines.length} of ${lines.length}`);
  expect(complaints).toEqual([]);
  await page.close();
});
