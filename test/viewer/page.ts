/** The viewer's page in a real browser, for tests and measurements. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { chromium, type Browser, type Page } from 'playwright-core';
import { chromiumPath, HOW_TO_GET_IT } from '../chromium.ts';
import { viewerPage } from '../../scripts/build-viewer.js';

/** Starts the system's Chromium. Without one the tests fail, and say what to install. */
export function launch(): Promise<Browser> {
  const executablePath = chromiumPath();
  if (executablePath === undefined) throw new Error(`The viewer is tested in a browser: ${HOW_TO_GET_IT}.`);
  const args = [
    '--no-sandbox',
    '--disable-gpu',
    '--disable-background-networking',
    '--enable-precise-memory-info',
  ];
  return chromium.launch({ executablePath, args });
}

/** The page as a file, as a user receives it; `remove` deletes it. */
export async function pageFile(): Promise<{ url: URL; remove: () => void }> {
  const folder = mkdtempSync(join(tmpdir(), 'tutti-viewer-'));
  const file = join(folder, 'index.html');
  writeFileSync(file, await viewerPage());
  return { url: pathToFileURL(file), remove: () => rmSync(folder, { recursive: true, force: true }) };
}

export interface Opened {
  readonly page: Page;
  /** What the browser complained of. */
  readonly complaints: string[];
}
/** Opens the page, and a trace in it. */
export async function openPage(
  browser: Browser,
  url: URL,
  trace?: { name: string; text: string },
  options: { width?: number; height?: number; colorScheme?: 'light' | 'dark'; hash?: string } = {},
): Promise<Opened> {
  const { width = 1_280, height = 800, colorScheme = 'light', hash = '' } = options;
  const page = await browser.newPage({ viewport: { width, height }, colorScheme });
  const complaints: string[] = [];
  page.on('console', (message) => {
    if (message.type() === 'error' || message.type() === 'warning') complaints.push(message.text());
  });
  page.on('pageerror', (error) => complaints.push(String(error)));
  await page.goto(`${url.href}${hash}`);
  if (trace !== undefined) {
    await page.setInputFiles('input[type=file]', {
      name: trace.name,
      mimeType: 'application/x-ndjson',
      buffer: Buffer.from(trace.text),
    });
    await page.getByRole('heading', { level: 1, name: trace.name }).waitFor();
    await page.locator('.reading').waitFor({ state: 'detached' });
  }
  return { page, complaints };
}
