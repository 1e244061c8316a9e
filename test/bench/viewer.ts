/** How long the viewer takes to open a large trace, how it scrubs, and what it keeps: in the system's own Chromium.
 *
 *  `node test/bench/viewer.ts [actors] [messages]`. The figures to hold are 3 s, 30 frames a second and 500 MB, for
 *  10,000 actors and 200,000 messages. Scrubbing seeks to another moment in every frame and measures how far apart the
 *  frames are that were really drawn; the heap is what is left after a collection. */
import { createWriteStream, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { once } from 'node:events';
import type { Page } from 'playwright-core';
import { launch, pageFile } from '../viewer/page.ts';
import { largeTrace } from '../viewer/traces.ts';

const [actors = 10_000, messages = 200_000] = process.argv.slice(2).map(Number);
const VIEWS = ['score', 'lines', 'governor', 'charts', 'messages'];
const FRAMES = 120;

/** Seeks in every frame. @returns milliseconds between frames, sorted. */
async function scrub(page: Page): Promise<number[]> {
  return page.evaluate(async (frames) => {
    const input = document.querySelector<HTMLInputElement>('input[type=range]');
    if (input === null) throw new Error('the page has no scrubber');
    const took: number[] = [];
    const frame = () => new Promise<number>((resolve) => requestAnimationFrame(resolve));
    const most = Number(input.max);
    let before = await frame();
    for (let at = 0; at < frames; at++) {
      input.value = String(Math.floor((at * 7_919 * most) / frames) % most);
      input.dispatchEvent(new Event('input', { bubbles: true }));
      const now = await frame();
      took.push(now - before);
      before = now;
    }
    return took.sort((a, b) => a - b);
  }, FRAMES);
}

/** The most memory that a process has had at once, in megabytes; known on Linux only. */
function peakOf(process: number): number {
  const found = /VmHWM:\s+(\d+) kB/.exec(readFileSync(`/proc/${process}/status`, 'utf8'));
  return Number(found?.[1] ?? Number.NaN) / 1_024;
}

const folder = mkdtempSync(join(tmpdir(), 'tutti-bench-'));
const file = join(folder, 'large.jsonl');
const browser = await launch();
const { url, remove } = await pageFile();
try {
  const stream = createWriteStream(file);
  for (const text of largeTrace(actors, messages)) if (!stream.write(text)) await once(stream, 'drain');
  stream.end();
  await once(stream, 'finish');
  const page = await browser.newPage({ viewport: { width: 1_280, height: 800 } });
  await page.goto(url.href);
  const start = performance.now();
  await page.setInputFiles('input[type=file]', file);
  await page.getByRole('heading', { level: 1, name: 'large.jsonl' }).waitFor();
  await page.locator('.reading').waitFor({ state: 'detached' });
  await page.getByRole('listbox', { name: 'Steps' }).waitFor();
  const opened = performance.now() - start;
  const shown = await page.locator('.now').textContent();
  console.log(
    `${actors} actors, ${messages} messages, ${(statSync(file).size / 2 ** 20).toFixed(0)} MB: ${shown?.trim()}`,
  );
  console.log(`opened in ${(opened / 1_000).toFixed(2)} s`);
  const session = await page.context().newCDPSession(page);
  for (const view of VIEWS) {
    await page.locator(`#tab-${view}`).click();
    const took = await scrub(page);
    const at = (part: number) => took[Math.min(took.length - 1, Math.floor(part * took.length))] as number;
    const rate = 1_000 / (took.reduce((sum, one) => sum + one, 0) / took.length);
    console.log(
      `${view}: ${rate.toFixed(0)} frames/s, median ${at(0.5).toFixed(1)} ms, 95 % ${at(0.95).toFixed(1)} ms, longest ${at(1).toFixed(1)} ms`,
    );
  }
  const browserSession = await browser.newBrowserCDPSession();
  const { processInfo } = await browserSession.send('SystemInfo.getProcessInfo');
  const peaks = processInfo.filter(({ type }) => type === 'renderer').map(({ id }) => peakOf(id));
  await session.send('HeapProfiler.collectGarbage');
  const { usedSize } = await session.send('Runtime.getHeapUsage');
  console.log(
    `heap ${(usedSize / 2 ** 20).toFixed(0)} MB after a collection; the page's process took ${Math.max(...peaks).toFixed(0)} MB at most`,
  );
} finally {
  await browser.close();
  remove();
  rmSync(folder, { recursive: true, force: true });
}
