/** Claim: the example of the guide, and the code review, can be watched: live, and again from the file. */
import { expect, test } from 'vitest';
import { perform, VirtualClock, type Score } from 'tutti';
import { loadScore, startInspector } from 'tutti/node';
import { article } from '../../docs/examples/watch/article.ts';
import { traceTo } from '../../src/trace/index.ts';
import { VIEWS } from '../../src/viewer/look.ts';
import { repository } from '../examples/code-review.helpers.ts';
import { openPage } from './page.ts';
import { onStage } from './stage.ts';

const stage = onStage();

test('the example of the guide shows its steps, its lines, its governor and its own machine', async () => {
  let text = '';
  const clock = new VirtualClock();
  const report = await article(traceTo({ write: (more) => void (text += more) }, { clock }), clock);
  expect(report.status).toBe('completed');
  const { page, complaints } = await openPage(stage.browser, stage.file.url, { name: 'article.jsonl', text });
  await expect
    .poll(() => page.locator('.bar').first().textContent())
    .toContain('7 steps, 7 ended; critical path 1.04 s, 4 steps');
  await page.locator('#tab-lines').click();
  await page.getByRole('gridcell').first().waitFor();
  expect(await page.locator('#view').textContent()).toContain('3 agents × 3 keys, 6 lines');
  await page.locator('#tab-governor').click();
  expect(await page.locator('.figures').textContent()).toBe(
    'Calls6Tokens in14,100Tokens out4,200Cost$ 0.0309',
  );
  const box = page.getByRole('combobox', { name: /^Search/ });
  await box.fill('desk');
  await box.press('Enter');
  await page.getByRole('img', { name: /^Statechart of desk, 5 states; active: printed/ }).waitFor();
  expect(complaints).toEqual([]);
  await page.close();
});

test('a code review is watched while it happens, and again from what was written', async () => {
  const repo = repository({ 'a.ts': 'export const a = eval("1");\n', 'README.md': '# a\n' });
  const inspector = await startInspector({ name: 'code-review', page: stage.file.url });
  try {
    const { page, complaints } = await openPage(stage.browser, new URL(inspector.url));
    await page.getByRole('status').filter({ hasText: 'live' }).waitFor();
    let text = '';
    const trace = traceTo({
      write(more) {
        text += more;
        return inspector.sink.write(more);
      },
      close: () => inspector.sink.close?.(),
    });
    const { score } = await loadScore('docs/examples/code-review/score.yaml');
    const run = perform(score as Score<any, any>, { input: { repo }, inspect: trace.inspect });
    trace.watch(run, score);
    await page.getByRole('listbox', { name: 'Steps' }).waitFor();
    await run.result;
    await trace.close();
    await page.getByRole('status').filter({ hasText: 'ended' }).waitFor();
    const replay = await openPage(stage.browser, stage.file.url, { name: 'review.jsonl', text });
    for (const shown of [page, replay.page]) {
      await expect.poll(() => shown.locator('.bar').first().textContent()).toContain('18 steps, 18 ended');
      for (const name of VIEWS) {
        await shown.locator(`#tab-${name}`).click();
        await shown.locator(`#view.${name}`).waitFor();
        expect(await shown.getByRole('alert').count(), name).toBe(0);
      }
      await shown.locator('.left-out').waitFor({ state: 'attached' });
      expect(await shown.locator('.left-out li').count()).toBe(0);
    }
    expect([...complaints, ...replay.complaints]).toEqual([]);
    await page.close();
    await replay.page.close();
  } finally {
    await inspector.close();
  }
});

test('a file that is dropped on the page opens', async () => {
  const { page } = await openPage(stage.browser, stage.file.url);
  const data = await page.evaluateHandle(() => {
    const transfer = new DataTransfer();
    const line = '{"type":"@xstate.event","sessionId":"x","event":{"type":"E"}}\n';
    transfer.items.add(new File([line], 'dropped.jsonl'));
    return transfer;
  });
  await page.dispatchEvent('.page', 'drop', { dataTransfer: data });
  await page.getByRole('heading', { level: 1, name: 'dropped.jsonl' }).waitFor();
  await expect.poll(() => page.locator('output.now').textContent()).toContain('1 of 1');
  await page.close();
});
