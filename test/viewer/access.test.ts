/** Claim: the viewer is accessible: with the keyboard alone, with a screen reader, in light and dark, on a
 *  telephone and on a wall. */
import axe from 'axe-core';
import type { Page } from 'playwright-core';
import { expect, test } from 'vitest';
import { VIEWS } from '../../src/viewer/look.ts';
import { openPage } from './page.ts';
import { onStage } from './stage.ts';
import { smallTrace } from './traces.ts';

const trace = { name: 'small.jsonl', text: smallTrace().text };
const stage = onStage();

/** What axe-core holds to be a serious or critical fault, by rule and place. */
async function faults(page: Page): Promise<string[]> {
  const found = (await page.evaluate(
    `${axe.source}; axe.run(document, { resultTypes: ['violations'] })`,
  )) as {
    violations: { id: string; impact: string; nodes: { target: string[] }[] }[];
  };
  return found.violations
    .filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .flatMap(({ id, nodes }) => nodes.map(({ target }) => `${id}: ${target.join(' ')}`));
}
const view = async (page: Page, name: string) => {
  await page.locator(`#tab-${name}`).click();
  await page.locator(`#view.${name}`).waitFor();
};

for (const colorScheme of ['light', 'dark'] as const)
  test(`axe-core finds no serious fault in any view, ${colorScheme}`, async () => {
    const { page, complaints } = await openPage(stage.browser, stage.file.url, trace, {
      colorScheme,
      hash: '#step=review-1/style&at=90',
    });
    for (const name of VIEWS) {
      await view(page, name);
      expect(await faults(page), name).toEqual([]);
    }
    await page.keyboard.press('?');
    await page.getByRole('dialog').waitFor();
    expect(await faults(page), 'help').toEqual([]);
    expect(complaints).toEqual([]);
    await page.close();
  });

test('axe-core would find a control without a name', async () => {
  const { page } = await openPage(stage.browser, stage.file.url, trace);
  await page.getByRole('button', { name: 'Play' }).evaluate((button) => button.removeAttribute('aria-label'));
  await page.locator('.transport .play').evaluate((button) => {
    button.removeAttribute('title');
    button.textContent = '';
  });
  expect(await faults(page)).toEqual([expect.stringMatching(/^button-name/)]);
  await page.close();
});

for (const [width, height] of [
  [360, 640],
  [3_840, 2_160],
] as const)
  test(`no view is wider than a screen of ${width} pixels, and nothing lies over the replay`, async () => {
    const { page } = await openPage(stage.browser, stage.file.url, trace, { width, height });
    for (const name of VIEWS) {
      await view(page, name);
      const wide = await page.evaluate(
        () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
      );
      expect(wide, name).toBeLessThanOrEqual(0);
      const spill = await page
        .locator('#view')
        .evaluate((element) => element.scrollWidth - element.clientWidth);
      expect(spill, `${name}, within`).toBeLessThanOrEqual(0);
      // A click would land on it, and on nothing that lies over it.
      await page.getByRole('button', { name: 'Play' }).click({ trial: true });
    }
    expect(await faults(page)).toEqual([]);
    await page.close();
  });

test('every control is reached with the Tab key, and has a name', async () => {
  const { page } = await openPage(stage.browser, stage.file.url, trace);
  const names: string[] = [];
  await page.locator('h1').click();
  for (let press = 0; press < 60; press++) {
    await page.keyboard.press('Tab');
    const name = await page.evaluate(() => {
      const element = document.activeElement;
      if (element === null || element === document.body) return '';
      const labelled = element instanceof HTMLSelectElement ? element.labels[0]?.textContent : undefined;
      return `${element.tagName} ${element.getAttribute('aria-label') ?? labelled ?? element.textContent}`.trim();
    });
    if (name === '' || names.includes(name)) break;
    names.push(name);
  }
  for (const wanted of [
    'Search',
    'Open',
    'Link',
    'Help',
    'Score',
    'Order',
    'Less of the time',
    'Steps',
    'To the start',
    'Play',
    'To the next fault',
    'Moment',
    'Speed',
  ])
    expect(
      names.some((name) => name.includes(wanted)),
      `${wanted} among ${names.join(', ')}`,
    ).toBe(true);
  await page.close();
});

test('keys play, step, jump to faults, change the view, search and choose', async () => {
  const { page, complaints } = await openPage(stage.browser, stage.file.url, trace);
  const now = () => page.locator('output.now').textContent();
  await page.keyboard.press('Home');
  await expect.poll(now).toContain('0 of');
  await page.keyboard.press('ArrowRight');
  await page.keyboard.press('ArrowRight');
  await expect.poll(now).toContain('2 of');
  await page.keyboard.press('ArrowLeft');
  await expect.poll(now).toContain('1 of');
  await page.keyboard.press('f');
  await page.keyboard.press('2');
  await page.locator('#view.lines').waitFor();
  await page.keyboard.press('5');
  await page.locator('#view.messages').waitFor();
  await expect.poll(() => page.locator('aside').textContent()).toContain('FAILED');
  await page.keyboard.press('/');
  await page.keyboard.type('draft#2');
  await page.keyboard.press('Enter');
  await expect.poll(() => page.locator('aside h2').textContent()).toBe('revise');
  await page.getByRole('listbox', { name: 'Steps' }).focus();
  await page.keyboard.press('ArrowUp');
  await expect.poll(() => page.locator('aside h2').textContent()).toBe('draft');
  await page.keyboard.press('Home');
  await expect.poll(() => page.locator('aside h2').textContent()).toBe('files');
  await page.locator('h1').click();
  await page.keyboard.press('Home');
  await page.keyboard.press(' ');
  await page.getByRole('button', { name: 'Pause' }).waitFor();
  await expect.poll(async () => Number((await now())?.match(/(\d+) of/)?.[1])).toBeGreaterThan(20);
  await page.keyboard.press(' ');
  await page.getByRole('button', { name: 'Play' }).waitFor();
  expect(complaints).toEqual([]);
  await page.close();
});
