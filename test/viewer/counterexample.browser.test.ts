/** Claim: a counter-example that a broken machine produced, saved as `tutti verify --save` does, opens with
 *  `tutti view FILE` as an accessible replay. */
import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import axe from 'axe-core';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { viewerPage } from '../../scripts/build-viewer.js';
import { saveCounterexamples } from '../../src/cli/save.ts';
import { VIEWS } from '../../src/viewer/look.ts';
import { judgedBroken } from '../coherence/protocol.broken.ts';
import { launch } from './page.ts';

const folder = mkdtempSync(join(tmpdir(), 'tutti-counterexample-'));
const judged = judgedBroken();
const { what, transcript } = judged.finding.counterexample!;
const n = transcript.length;
/** What a screen reader hears of each step. */
const spoken = transcript.map(
  ({ from, to, text }, index) =>
    `: ${to === undefined ? `${from} notes` : `${from} to ${to}`}: ${text}${index === n - 1 ? '; the violation' : ''}`,
);
/** The bus and memory stand first, then who appears first. */
const names = new Set(transcript.flatMap(({ from, to }) => (to === undefined ? [from] : [from, to])));
const participants = [...new Set([...['bus', 'memory'].filter((name) => names.has(name)), ...names])];
let browser: Browser;
let child: ChildProcess;
let url: string;
let page: Page;
const complaints: string[] = [];

/** The address that `node bin/tutti.js view FILE` prints. */
async function view(file: string): Promise<string> {
  child = spawn(process.execPath, [join(import.meta.dirname, '../../bin/tutti.js'), 'view', file]);
  return new Promise((resolve, reject) => {
    let said = '';
    child.stdout!.on('data', (text: Buffer) => {
      said += String(text);
      if (said.includes('\n')) resolve(said.trim());
    });
    child.stderr!.on('data', (text: Buffer) => (said += String(text)));
    child.on('exit', (code) => reject(new Error(`tutti view has ended with ${code}: ${said}`)));
  });
}
beforeAll(async () => {
  const [file] = await saveCounterexamples([judged], folder);
  url = await view(file!);
  browser = await launch();
  const html = await viewerPage();
  page = await browser.newPage({ viewport: { width: 1_280, height: 800 } });
  page.on('console', (message) => {
    if (message.type() === 'error' || message.type() === 'warning') complaints.push(message.text());
  });
  page.on('pageerror', (error) => complaints.push(String(error)));
  // The command serves what was built; the page under test is that of the sources.
  await page.route(url, (route) => route.fulfill({ contentType: 'text/html', body: html }));
  await page.goto(url);
  await page.getByRole('heading', { level: 1, name: 'mesi-invariant-guarantees-1.json' }).waitFor();
});
afterAll(async () => {
  await browser?.close();
  child?.kill();
  rmSync(folder, { recursive: true, force: true });
});

const rows = () => page.getByRole('region', { name: /^Messages: / }).getByRole('listitem');
const now = () => page.locator('output.now').textContent();
/** A replay takes its time. */
const PATIENT = { timeout: 20_000 };

test('the sentence stands on top, and below it every step between those who take part', async () => {
  await page.locator('#view.messages').waitFor();
  expect(await page.locator('.headline').textContent()).toBe(what);
  expect(n).toBeGreaterThan(4);
  expect(await rows().locator('.hear').allTextContents()).toEqual(spoken);
  expect(await page.locator('.sequence .lanes b').allTextContents()).toEqual(participants);
  expect(await rows().locator('.when').allTextContents()).toEqual(
    transcript.map((_, index) => `step ${index + 1}`),
  );
  expect(await page.locator('.sequence li.fault').count()).toBe(1);
  expect(await page.locator('aside').textContent()).toMatch(new RegExp(`Step ${n}, \\S+: the violation`));
});

test('one goes to the start, steps, jumps to the violation and scrubs; the columns stay where they are', async () => {
  await page.keyboard.press('Home');
  await expect.poll(now).toBe(`start 0 of ${n}`);
  expect(await page.locator('.empty').first().textContent()).toContain('move the cursor on');
  await page.keyboard.press('ArrowRight');
  await expect.poll(now).toBe(`step 1 1 of ${n}`);
  expect(await rows().count()).toBe(1);
  expect(await page.locator('.sequence .lanes b').allTextContents()).toEqual(participants);
  expect(await page.locator('.sequence li.fault').count()).toBe(0);
  await page.getByRole('button', { name: 'One message on' }).click();
  await expect.poll(now).toBe(`step 2 2 of ${n}`);
  await page.keyboard.press('f');
  await expect.poll(now).toBe(`step ${n} ${n} of ${n}`);
  await page.getByRole('button', { name: 'One message back' }).click();
  await expect.poll(now).toBe(`step ${n - 1} ${n - 1} of ${n}`);
  const moment = page.getByRole('slider', { name: 'Moment' });
  await moment.fill('2');
  await expect.poll(now).toBe(`step 3 3 of ${n}`);
  expect(await moment.getAttribute('aria-valuetext')).toBe(`message 3 of ${n}, step 3`);
  await rows().nth(0).getByRole('button').click();
  await expect.poll(now).toBe(`step 1 1 of ${n}`);
});

test('it plays to the violation, and pauses where one says so', async () => {
  await page.getByRole('combobox', { name: 'Speed' }).selectOption('1');
  await page.locator('h1').click(); // keys are the list's while it has the focus
  await page.keyboard.press('Home');
  await expect.poll(now).toBe(`start 0 of ${n}`);
  await page.keyboard.press(' ');
  await page.getByRole('button', { name: 'Pause' }).waitFor();
  await expect.poll(now, PATIENT).toBe(`step 2 2 of ${n}`);
  await page.getByRole('button', { name: 'Pause' }).click();
  const at = await now();
  await page.getByRole('button', { name: 'Play' }).waitFor();
  expect(await now()).toBe(at);
  await page.getByRole('combobox', { name: 'Speed' }).selectOption('10');
  await page.getByRole('button', { name: 'Play' }).click();
  await expect.poll(now, PATIENT).toBe(`step ${n} ${n} of ${n}`);
  await page.getByRole('button', { name: 'Play' }).waitFor();
  expect(await page.locator('.sequence li.fault').count()).toBe(1);
});

test('the notes say what was claimed; a screen reader and axe-core find nothing amiss', async () => {
  await page.locator('#tab-notes').click();
  await page.locator('#view.notes').waitFor();
  expect(await page.locator('#view').textContent()).toContain(`Claimed: ${judged.claim.property}`);
  expect(await page.locator('.headline').textContent()).toBe(what);
  for (const tab of VIEWS) {
    await page.locator(`#tab-${tab}`).click();
    await page.locator(`#view.${tab}`).waitFor();
    const found = (await page.evaluate(
      `${axe.source}; axe.run(document, { resultTypes: ['violations'] })`,
    )) as { violations: { id: string; impact: string }[] };
    const serious = found.violations.filter(({ impact }) => impact === 'serious' || impact === 'critical');
    expect(serious, tab).toEqual([]);
    expect(await page.getByRole('alert').count(), tab).toBe(0);
  }
});

test('a link keeps its step, and its view even where another would be shown at first', async () => {
  const other = await browser.newPage();
  await other.route(`${url}*`, async (route) =>
    new URL(route.request().url()).pathname.endsWith('/')
      ? route.fulfill({ contentType: 'text/html', body: await viewerPage() })
      : route.continue(),
  );
  await other.goto(`${url}#view=notes&at=2`);
  await other.locator('.headline').waitFor();
  await other.locator('#view.notes').waitFor();
  expect(await other.locator('output.now').textContent()).toBe(`step 3 3 of ${n}`);
  await other.close();
  expect(complaints).toEqual([]);
});
