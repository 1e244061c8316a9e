/** Claims about the live picture of a performance: it fits its terminal, and leaves it as it was. */
import { PassThrough } from 'node:stream';
import { expect, test } from 'vitest';
import { perform, scoreOf } from 'tutti';
import { progressOn } from '../../src/cli/progress.ts';

/** A terminal that remembers what was written to it. */
function terminal(columns: number, rows: number) {
  const stream = new PassThrough();
  let written = '';
  stream.on('data', (chunk: Buffer) => (written += chunk.toString()));
  Object.assign(stream, { isTTY: true, columns, rows });
  return { stream: stream as unknown as NodeJS.WriteStream, written: () => written };
}
const ESCAPES = new RegExp(`${String.fromCharCode(27)}\\[[0-9;?]*[A-Za-z]`, 'g');

async function played(columns: number, rows: number) {
  const { stream, written } = terminal(columns, rows);
  const long = 'a step with a name that is far too long for a narrow terminal, and a bell \u0007 in it';
  const agent = { name: 'quick', run: () => 1 };
  const broken = { name: 'broken', run: () => Promise.reject(new Error(`no ${'x'.repeat(200)}`)) };
  const score = scoreOf('live', [
    { id: long, agent },
    { id: 'second', agent, reads: { x: long } },
    { id: 'broken', agent: broken },
    ...Array.from({ length: 40 }, (_, i) => ({ id: `more-${i}`, agent })),
  ]);
  const progress = progressOn(stream, score.program);
  await perform(score, { onEvent: (event) => progress.tell(event) }).report;
  progress.end();
  const once = written();
  progress.end();
  return { once, again: written().slice(once.length) };
}

test.each([
  [60, 24],
  [20, 5],
  [200, 50],
])('on a terminal of %i × %i no line is wider and no picture taller', async (columns, rows) => {
  const { once } = await played(columns, rows);
  const lines = once.replace(ESCAPES, '').split(/\r?\n/);
  expect(Math.max(...lines.map((line) => [...line].length))).toBeLessThan(columns);
  expect(lines.length).toBeLessThanOrEqual(rows);
  expect(once).toContain('43 of 43 done, 1 f');
  expect(once).not.toContain('\u0007');
});

test('the last picture is drawn once', async () => {
  const { again } = await played(60, 24);
  expect(again).toBe('');
});
