/** Claim: a trace is shown while it happens, and one may look back meanwhile; a served file opens by itself. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { perform, score } from 'tutti';
import { traceTo } from 'tutti/trace';
import { startInspector } from '../../src/node/inspector.ts';
import { openPage } from './page.ts';
import { onStage } from './stage.ts';
import { smallTrace } from './traces.ts';

const lines = smallTrace().lines;
const stage = onStage();

test('a live trace is followed, left to look back, and followed again; the page reports its end', async () => {
  const inspector = await startInspector({ name: 'review', page: stage.file.url });
  try {
    const write = (from: number, to: number) => inspector.sink.write(`${lines.slice(from, to).join('\n')}\n`);
    const { page, complaints } = await openPage(stage.browser, new URL(inspector.url));
    await page.getByRole('heading', { level: 1, name: 'review' }).waitFor();
    await page.getByRole('status').filter({ hasText: 'live' }).waitFor();
    const now = () => page.locator('output.now').textContent();
    write(0, 40);
    await expect.poll(now).toContain('40 of 40');
    write(40, 80);
    await expect.poll(now).toContain('80 of 80');
    await page.keyboard.press('ArrowLeft');
    await expect.poll(now).toContain('79 of 80');
    write(80, 100);
    await expect.poll(now).toContain('79 of 100');
    await page.getByRole('button', { name: 'Follow' }).click();
    await expect.poll(now).toContain('100 of 100');
    write(100, lines.length);
    await expect.poll(now).toContain(`${lines.length} of ${lines.length}`);
    await page.locator('#tab-messages').click();
    await expect
      .poll(() => page.getByRole('region', { name: 'The message' }).textContent())
      .toContain('messages');
    await inspector.sink.close?.();
    await page.getByRole('status').filter({ hasText: 'ended' }).waitFor();
    await page.locator('#tab-notes').click();
    expect(await page.locator('.left-out li').count()).toBe(0);
    expect(complaints).toEqual([]);
    await page.close();
  } finally {
    await inspector.close();
  }
});

test.each(['no-preference', 'reduce'] as const)(
  'with %s, time passes on the page while a step runs, without a message, and stands still when nothing does',
  async (reducedMotion) => {
    const inspector = await startInspector({ name: 'long', page: stage.file.url });
    const trace = traceTo(inspector.sink);
    const { promise, resolve } = Promise.withResolvers<number>();
    const long = score('long').step('a', { agent: () => promise });
    const run = perform(long, { inspect: trace.inspect });
    trace.watch(run, long);
    try {
      const { page, complaints } = await openPage(stage.browser, new URL(inspector.url));
      await page.emulateMedia({ reducedMotion });
      const now = async () => (await page.locator('output.now').textContent()) ?? '';
      const [moment, row] = [
        async () => (await now()).split(' ')[0],
        async () => / of (\d+)/.exec(await now())?.[1],
      ];
      const bars = () => page.locator('canvas.bars').screenshot();
      await page.getByText('▶').first().waitFor();
      const countTwice = async () => [await row(), (await page.waitForTimeout(500), await row())];
      await expect.poll(async () => new Set(['0', ...(await countTwice())]).size).toBe(2); // all has arrived
      const [before, rows, drawn] = [await moment(), await row(), await bars()];
      await expect.poll(moment, { timeout: 20_000 }).not.toBe(before);
      await expect.poll(async () => (await bars()).equals(drawn), { timeout: 20_000 }).toBe(false);
      expect(await row()).toBe(rows);
      resolve(1);
      await run.report;
      await expect.poll(row).not.toBe(rows);
      await page.getByText('✓').first().waitFor();
      // The inspector is still live; nothing is drawn any more.
      await page.evaluate(() => {
        const real = requestAnimationFrame;
        Object.assign(window, { drawnFrames: 0 });
        window.requestAnimationFrame = (callback) => {
          (window as unknown as { drawnFrames: number }).drawnFrames++;
          return real(callback);
        };
      });
      const framesSince = () =>
        page.evaluate(async () => {
          const counted = window as unknown as { drawnFrames: number };
          const before = counted.drawnFrames;
          await new Promise((wait) => setTimeout(wait, 1_500));
          return counted.drawnFrames - before;
        });
      await expect.poll(framesSince, { timeout: 20_000 }).toBe(0);
      expect(complaints).toEqual([]);
      await page.close();
    } finally {
      await inspector.close();
    }
  },
);

test('a connection that breaks leaves what has come, and says so', async () => {
  const inspector = await startInspector({ name: 'review', page: stage.file.url });
  const { page } = await openPage(stage.browser, new URL(inspector.url));
  await page.getByRole('status').filter({ hasText: 'live' }).waitFor();
  await inspector.sink.write(`${lines.join('\n')}\n`);
  await expect
    .poll(() => page.locator('output.now').textContent())
    .toContain(`${lines.length} of ${lines.length}`);
  await inspector.close();
  await page.getByRole('status').filter({ hasText: 'ended' }).waitFor();
  await page.locator('#tab-notes').click();
  expect(await page.locator('.left-out li').allTextContents()).toEqual([
    expect.stringContaining('what came until then is shown'),
  ]);
  await page.close();
});

test('a file that is served opens by itself, at the place that the link names', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'tutti-served-'));
  const path = join(folder, 'run.jsonl');
  writeFileSync(path, `${lines.join('\n')}\n`);
  const inspector = await startInspector({ file: path, page: stage.file.url });
  try {
    const { page, complaints } = await openPage(stage.browser, new URL(inspector.url), undefined, {
      hash: '#view=charts&actor=x%3Aradio&at=50',
    });
    await page.getByRole('heading', { level: 1, name: 'run.jsonl' }).waitFor();
    await page.getByRole('img', { name: /^Statechart of radio, 8 states; active: power.off/ }).waitFor();
    await expect.poll(() => page.locator('output.now').textContent()).toContain(`51 of ${lines.length}`);
    expect(complaints).toEqual([]);
    await page.close();
  } finally {
    await inspector.close();
    rmSync(folder, { recursive: true, force: true });
  }
});
