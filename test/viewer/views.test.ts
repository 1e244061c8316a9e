/** Claim: each view shows what the trace says, as of the cursor, and a link brings it back. */
import type { Page } from 'playwright-core';
import { expect, test } from 'vitest';
import { openPage } from './page.ts';
import { onStage } from './stage.ts';
import { smallTrace } from './traces.ts';

const text = smallTrace().text;
const trace = { name: 'small.jsonl', text };
const messages = text
  .split('\n')
  .slice(0, -1)
  .map((line) => JSON.parse(line));
/** The place of the first message that fits, which is where the cursor has to be for it to have happened. */
const rowOf = (fits: (message: any) => boolean): number => {
  const row = messages.findIndex(fits);
  if (row < 0) throw new Error('the trace has no such message');
  return row;
};
const stage = onStage();
const opened: Page[] = [];

/** Opens the trace and then goes where a link leads. */
async function at(hash: string): Promise<{ page: Page; complaints: string[] }> {
  const found = await openPage(stage.browser, stage.file.url, trace);
  await found.page.evaluate((to) => (location.hash = to), hash);
  opened.push(found.page);
  return found;
}

test('the score says of each step where it stands, what it waited for, and whether it is on the critical path', async () => {
  const { page, complaints } = await at('view=score&order=program');
  const steps = page.getByRole('listbox', { name: 'Steps' }).getByRole('option');
  const said = await steps.evaluateAll((rows) => rows.map((row) => row.getAttribute('aria-label')));
  expect(said).toEqual([
    expect.stringMatching(
      /^files, agent lister, done, from 5.0 ms to 100 ms; on the critical path; tag files#1/,
    ),
    expect.stringMatching(/^security, agent reviewer, done.*; waited for files; on the critical path/),
    expect.stringMatching(/^style, agent reviewer, failed.*; waited for files; tag style#1/),
    expect.stringMatching(/^report, agent reporter, skipped.*; waited for style; tag report#1/),
    expect.stringMatching(
      /^draft, agent writer, done.*; waited for security; on the critical path; tag draft#1/,
    ),
    expect.stringMatching(
      /^revise, agent writer, done.*; waited for draft; on the critical path; tag draft#2/,
    ),
  ]);
  await steps.filter({ hasText: 'style' }).click();
  await expect
    .poll(() => page.getByRole('complementary').textContent())
    .toMatch(/failed.*StepError: no style guide/);
  await expect
    .poll(() => page.getByRole('complementary').textContent())
    .toContain('files is files#1, written by files');
  expect(complaints).toEqual([]);
});

test('the score as of a moment knows nothing of what comes later', async () => {
  const row = rowOf(({ sessionId, event }) => sessionId === 'x:s1' && event?.type === 'GRANT_UNIT') + 1;
  const { page } = await at(`at=${row}`);
  const states = page.getByRole('listbox', { name: 'Steps' }).getByRole('option');
  await expect
    .poll(
      async () =>
        await states.evaluateAll((all) => all.map((one) => one.getAttribute('aria-label')?.split(', ')[2])),
    )
    .toEqual(['done', 'executing', 'waiting', 'waiting', 'waiting', 'waiting']);
  await expect.poll(() => page.locator('.bar').first().textContent()).toContain('6 steps, 1 ended');
});

test('by agent, steps stand below their agent', async () => {
  const { page } = await at('order=agent');
  const rows = page.getByRole('listbox', { name: 'Steps' }).getByRole('option');
  await expect.poll(async () => (await rows.allTextContents()).map((row) => row.replace(/^\S(?=\w+$)/u, ''))).toEqual([
    'lister 1 step', 'files', 'reviewer 2 steps', 'security', 'style', 'reporter 1 step', 'report', 'writer 2 steps', 'draft', 'revise',
  ]); // prettier-ignore
});

test('the bars are drawn, the failed one and the critical path in their own colours', async () => {
  const { page } = await at('');
  const colours = await page.locator('canvas.bars').evaluate((canvas) => {
    const element = canvas as HTMLCanvasElement;
    const { data } = (element.getContext('2d') as CanvasRenderingContext2D).getImageData(
      0,
      0,
      element.width,
      element.height,
    );
    const found = new Map<string, number>();
    for (let at = 0; at < data.length; at += 4) {
      const colour = `${data[at]},${data[at + 1]},${data[at + 2]}`;
      found.set(colour, (found.get(colour) ?? 0) + 1);
    }
    return Object.fromEntries(found);
  });
  expect(colours['184,83,26']).toBeGreaterThan(2_000); // --critical
  expect(colours['179,38,30']).toBeGreaterThan(500); // --fault
});

test('the lines are a grid of agents and keys in M E S I, with who owns what', async () => {
  const granted = rowOf(({ event, snapshot }) => event?.type === 'GRANT_M' && snapshot !== undefined);
  const { page, complaints } = await at(`view=lines&key=plan&at=${granted}`);
  const cell = (name: string) => page.getByRole('gridcell', { name });
  await cell('planner, plan: M, modified: owned with a hold').waitFor();
  await cell('writer, plan: I, invalid: no copy').waitFor();
  await expect
    .poll(() => page.getByRole('columnheader', { name: 'plan' }).textContent())
    .toContain('▲ planner');
  await page.evaluate((row) => (location.hash = `view=lines&key=plan&at=${row}`), granted + 12);
  await cell('planner, plan: S, shared: a copy, others may have one').waitFor();
  await cell('writer, plan: S, shared: a copy, others may have one').waitFor();
  await expect
    .poll(() => page.getByRole('columnheader', { name: 'plan' }).textContent())
    .toContain('no owner');
  expect(complaints).toEqual([]);
});

test('the bus about a key is a sequence, each signal before what it did', async () => {
  const { page } = await at('view=lines&key=plan');
  const said = page.getByRole('region', { name: /^The bus about plan/ }).getByRole('button');
  await expect.poll(async () => (await said.locator('.hear').allTextContents()).map((line) => line.replace(/^: /, ''))).toEqual([
    'planner to memory: getm plan: v1, planner', 'memory to planner: GRANT_M: IM → M',
    'planner to memory: put plan: v1, planner', 'memory to planner: ACCEPTED: MP → E',
    'writer to memory: gets plan: v1', 'memory to planner: SNOOP_GETS: E → S', 'memory to writer: GRANT_S: IS → S',
  ]); // prettier-ignore
});

test('the governor shows the operating point and what has been spent, as of the cursor', async () => {
  const first = rowOf(({ event }) => event?.type === 'tutti.usage');
  const { page, complaints } = await at(`view=governor&at=${first}`);
  const figures = page.locator('.figures');
  await expect.poll(() => figures.textContent()).toBe('Calls1Tokens in100Tokens out10Cost$ 0.0010');
  await expect.poll(() => page.locator('article').textContent()).toContain('schedutil: andante, p');
  await page.keyboard.press('End');
  await expect.poll(() => figures.textContent()).toBe('Calls5Tokens in500Tokens out50Cost$ 0.0050');
  await expect.poll(() => page.locator('article').textContent()).toContain('schedutil: presto, f');
  await page
    .getByRole('img', { name: /^Tempo of reviewer: andante from 0 ms, presto from 111 ms/ })
    .waitFor();
  expect(complaints).toEqual([]);
});

test("a user's nested machine is drawn, and what is active in it is lit", async () => {
  const { page, complaints } = await at('view=charts&actor=x:radio');
  await page
    .getByRole('img', { name: /^Statechart of radio, 8 states; active: power.on.quiet · band.fm/ })
    .waitFor();
  const names = await page.locator('.chart .state.active > .name').allTextContents();
  expect(names.sort()).toEqual(['● band', '● fm', '● on', '● power', '● quiet']);
  expect(await page.locator('.chart .edge.lit').count()).toBe(1);
  await page.getByText('All 7 transitions as a table').click();
  await expect
    .poll(() => page.locator('.transitions tbody tr').allTextContents())
    .toContain('power.on.loudTURNpower.off');
  await expect
    .poll(() => page.getByRole('region', { name: 'Context' }).textContent())
    .toContain('"volume": 3');
  await expect.poll(() => page.locator('.events').textContent()).toContain('TOGGLE from tuner');
  expect(complaints).toEqual([]);
});

test('every machine of the trace is drawn from its definition, and each state is in it', async () => {
  const { page } = await at('view=charts');
  for (const [session, states] of [
    ['x:s0', 8],
    ['x:planner/plan', 8],
    ['x:governor', 6],
  ] as const) {
    await page.evaluate((actor) => (location.hash = `view=charts&actor=${actor}`), session);
    await expect.poll(() => page.locator('.chart .state').count(), { message: session }).toBe(states);
    const boxes = await page
      .locator('.chart .state > rect')
      .evaluateAll((all) => all.map((one) => one.getBoundingClientRect().toJSON() as DOMRect));
    const overlap = boxes.some((a, i) =>
      boxes.some(
        (b, j) => i < j && a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom,
      ),
    );
    expect(overlap, session).toBe(false);
  }
});

test('search finds steps, agents, keys, tags and actors, and leads there', async () => {
  const { page } = await at('');
  const box = page.getByRole('combobox', { name: /^Search/ });
  const hits = page.getByRole('listbox', { name: 'Found' }).getByRole('option');
  await box.fill('draft');
  await expect
    .poll(async () => (await hits.allTextContents()).map((hit) => hit.trim()))
    .toEqual(
      expect.arrayContaining([
        'step draft writer',
        'key draft shared state',
        'tag draft#2 written by revise',
      ]),
    );
  await box.fill('radio');
  await hits.first().click();
  await page.getByRole('img', { name: /^Statechart of radio/ }).waitFor();
  await box.fill('no such thing');
  await expect.poll(() => hits.allTextContents()).toEqual(['Nothing of that name']);
});

test('the address keeps the view: a page that is opened with it shows the same', async () => {
  const { page } = await at('view=lines&at=60&key=draft&agent=writer&zoom=4');
  await page.getByRole('gridcell', { name: /^writer, draft/, selected: true }).waitFor();
  await page.keyboard.press('ArrowLeft');
  await page.waitForURL(/at=59/);
  const again = await openPage(stage.browser, stage.file.url, undefined, { hash: new URL(page.url()).hash });
  expect(await again.page.locator('#tab-lines').getAttribute('aria-selected')).toBe('true');
  await again.page.setInputFiles('input[type=file]', {
    name: 'again.jsonl',
    mimeType: '',
    buffer: Buffer.from(text),
  });
  await again.page.getByRole('gridcell', { name: /^writer, draft/, selected: true }).waitFor();
  await expect.poll(() => again.page.locator('output.now').textContent()).toContain('60 of');
  await again.page.close();
});

test('a counter-example opens as a replay that ends with the violation', async () => {
  const claims = [
    { property: 'single writer', finding: { verdict: 'fails', counterexample: {
      what: 'two agents own the key', seed: 7,
      transcript: [{ from: 'a', to: 'bus', text: 'GETM k' }, { from: 'b', to: 'bus', text: 'GETM k' }, { from: 'bus', to: 'a', text: 'GRANT' }, { from: 'bus', to: 'b', text: 'GRANT' }, { from: 'b', text: 'a and b are in M' }],
    } } },
    { property: 'another', finding: { counterexample: { what: 'a stale read', transcript: [{ from: 'c', to: 'memory', text: 'read' }] } } },
  ]; // prettier-ignore
  const { page, complaints } = await openPage(stage.browser, stage.file.url, {
    name: 'claims.json',
    text: JSON.stringify(claims),
  });
  await expect.poll(() => page.locator('.headline').textContent()).toBe('two agents own the key (seed 7)');
  const rows = page.getByRole('region', { name: /^Messages: / }).getByRole('listitem');
  await expect.poll(() => rows.count()).toBe(5);
  expect(await page.locator('.sequence li.fault').textContent()).toContain(
    'b notes: a and b are in M; the violation',
  );
  await page.keyboard.press('Home');
  await page.keyboard.press('ArrowRight');
  await expect.poll(() => rows.count()).toBe(1);
  await page.keyboard.press('f');
  await expect.poll(() => rows.count()).toBe(5);
  await page.getByLabel('Counter-example').selectOption('1');
  await expect.poll(() => page.locator('.headline').textContent()).toBe('a stale read');
  expect(complaints).toEqual([]);
  await page.close();
});

test('the page sends no requests, and its policy would block them', async () => {
  const page = await stage.browser.newPage();
  const asked: string[] = [];
  page.on('request', (request) => asked.push(request.url()));
  await page.goto(stage.file.url.href);
  await page.setInputFiles('input[type=file]', {
    name: 'small.jsonl',
    mimeType: '',
    buffer: Buffer.from(text),
  });
  for (const view of ['lines', 'governor', 'charts', 'messages', 'notes', 'score'])
    await page.locator(`#tab-${view}`).click();
  expect(asked.filter((url) => !/^(blob|data):/.test(url))).toEqual([stage.file.url.href]);
  const refused = await page.evaluate(async () => {
    const violation = new Promise<string>((resolve) =>
      addEventListener('securitypolicyviolation', ({ effectiveDirective }) => resolve(effectiveDirective), {
        once: true,
      }),
    );
    await fetch('http://127.0.0.1:9/').catch(() => {});
    return violation;
  });
  expect(refused).toBe('connect-src');
  await page.close();
});

test('what happened in one instant is replayed from message to message', async () => {
  const instant = text.replaceAll(/"createdAt":"[^"]*"/g, '"createdAt":"5"');
  const { page, complaints } = await openPage(stage.browser, stage.file.url, {
    name: 'instant.jsonl',
    text: instant,
  });
  // The page's own clock, so that a slow machine shows as many moments as a fast one.
  await page.clock.install();
  await page.getByRole('button', { name: 'Play' }).click();
  const seen = new Set<string>();
  for (let passed = 0; passed < 2_000; passed += 100) {
    await page.clock.runFor(100);
    seen.add((await page.locator('output.now').textContent()) ?? '');
  }
  expect(seen.size).toBeGreaterThan(5);
  expect(complaints).toEqual([]);
  await page.close();
});
