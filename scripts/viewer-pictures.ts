/** Has the viewer make the pictures of the guides, from the trace of an example and from a counter-example that a broken
 *  memory produced. `npm run build`, then `node scripts/viewer-pictures.ts`. Time in the example is virtual, so the
 *  pictures change only when the page does. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { VirtualClock } from 'tutti';
import { article } from '../docs/examples/watch/article.ts';
import { saveCounterexamples } from '../src/cli/save.ts';
import { traceTo } from '../src/trace/index.ts';
import { judgedBroken } from '../test/coherence/protocol.broken.ts';
import { launch, openPage, pageFile } from '../test/viewer/page.ts';

const PICTURES = {
  score: '#view=score&step=article-1/draft',
  lines: '#view=lines&key=draft&agent=writer',
  governor: '#view=governor',
  statechart: '#view=charts&actor=DESK',
};

let text = '';
const clock = new VirtualClock();
await article(traceTo({ write: (more) => void (text += more) }, { clock }) as never, clock);
const messages = text
  .split('\n')
  .slice(0, -1)
  .map(
    (line) =>
      JSON.parse(line) as {
        name?: string;
        sessionId: string;
        event?: { type: string };
        snapshot?: { value?: unknown };
      },
  );
const desk = messages.find(({ name }) => name === 'desk')?.sessionId ?? '';
/** In the midst of it: the last finding is filed, the draft is being written, the writer has the key. */
const filed = messages.findLastIndex(({ event }) => event?.type === 'FINDING');
const owned = messages.findLastIndex(({ snapshot }) => snapshot?.value === 'M');

mkdirSync('docs/pictures', { recursive: true });
const folder = mkdtempSync(join(tmpdir(), 'tutti-pictures-'));
const browser = await launch();
const { url, remove } = await pageFile();
try {
  for (const [name, hash] of Object.entries(PICTURES)) {
    const { page, complaints } = await openPage(
      browser,
      url,
      { name: 'article.jsonl', text },
      { width: 1_000, height: 620 },
    );
    await page.evaluate(
      (to) => (location.hash = to),
      `${hash.replace('DESK', encodeURIComponent(desk))}&at=${name === 'lines' ? owned : filed + 14}`,
    );
    await page.locator(`#view.${hash.slice(6).split('&')[0]}`).waitFor();
    await page.waitForTimeout(500); // contexts are read a moment later
    await page.screenshot({ path: `docs/pictures/${name}.png` });
    if (complaints.length > 0) throw new Error(complaints.join('\n'));
    await page.close();
  }
  const [file] = await saveCounterexamples([judgedBroken()], folder);
  const counterexample = {
    name: 'mesi-invariant-guarantees-1.json',
    text: readFileSync(file as string, 'utf8'),
  };
  const { page } = await openPage(browser, url, counterexample, { width: 1_200, height: 600 });
  await page.locator('#view.messages').waitFor();
  await page.waitForTimeout(500);
  await page.screenshot({ path: 'docs/pictures/counterexample.png' });
} finally {
  rmSync(folder, { recursive: true, force: true });
  await browser.close();
  remove();
}
