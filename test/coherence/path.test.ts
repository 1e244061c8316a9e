/** Claim: docs/architecture.md lists the files that a write passes through, and a reader can follow them. */
import { readFileSync } from 'node:fs';
import { Session } from 'node:inspector/promises';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { z } from 'zod';
import { createBus } from '../../actors/bus/in-process-bus.ts';
import { coherence } from '../../src/coherence/index.ts';

const root = join(import.meta.dirname, '../..');
const ROOMS = /^(?:src|actors|machines)\/coherence\//;
const [MOST_FILES, MOST_LINES] = [16, 2_260];

/** The files of which a function runs during some work. */
async function filesOf(work: () => Promise<unknown>): Promise<string[]> {
  const session = new Session();
  session.connect();
  await session.post('Profiler.enable');
  await session.post('Profiler.startPreciseCoverage', { callCount: true, detailed: false });
  await session.post('Profiler.takePreciseCoverage'); // counts begin at 0
  await work();
  const { result } = await session.post('Profiler.takePreciseCoverage');
  session.disconnect();
  return result
    .filter(({ functions }) => functions.some(({ ranges }) => ranges.some(({ count }) => count > 0)))
    .map(({ url }) => relative(root, url.startsWith('file:') ? fileURLToPath(url) : url));
}

/** The story of the page: `a` and `c` have read the key, `b` writes it twice, then `a` does. */
async function story() {
  const bus = createBus();
  const options = { bus, schema: { plan: z.object({ todo: z.array(z.string()) }) } };
  const shared = coherence({ ...options, initial: { plan: { todo: ['passports'] } } });
  const [a, b, c] = ['a', 'b', 'c'].map((name) => shared.agent(name));
  await a!.read('plan');
  await c!.read('plan');
  return {
    write: async () => {
      await b!.write('plan', (plan) => void plan.todo.push('tickets'));
      await b!.write('plan', (plan) => void plan.todo.push('hotel'));
      await a!.write('plan', { todo: [] }, { blind: true });
    },
  };
}

it('a write passes through the files that docs/architecture.md lists: at most 16, and 2,260 lines', async () => {
  const page = readFileSync(join(root, 'docs/architecture.md'), 'utf8');
  const listed = [...page.matchAll(/^\| `([^`]+\.ts)` *\| *\d+ \|/gm)].map(([, file]) => file!);
  const { write } = await story();
  const passed = (await filesOf(write)).filter((file) => ROOMS.test(file)).sort();
  expect(listed.toSorted()).toEqual(passed);
  expect(passed.length).toBeLessThanOrEqual(MOST_FILES);
  const lines = passed.map((file) => readFileSync(join(root, file), 'utf8').split('\n').length - 1);
  expect(lines.reduce((sum, each) => sum + each, 0)).toBeLessThanOrEqual(MOST_LINES);
});
