/** Claim: a log of every format that was released is resumed by this version. */
import { copyFileSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { resume } from '../../src/durable/index.ts';
import { sqliteStore } from '../../src/engines/sqlite/index.ts';
import { goldenScore, RUN } from './golden/score.ts';

const golden = fileURLToPath(new URL('./golden/', import.meta.url));
const files = readdirSync(golden).filter((file) => file.endsWith('.db'));

test('there is a log of the current format', () => {
  expect(files).toContain('format-2.db');
});

test.each(files)('%s is resumed, and nothing that it has done is done again', async (file) => {
  const folder = mkdtempSync(join(tmpdir(), 'tutti-golden-'));
  const path = join(folder, 'runs.db');
  copyFileSync(join(golden, file), path);
  using store = sqliteStore(path);
  const before = [...store.read(RUN)];
  expect(new Set(before.map(({ kind }) => kind))).toEqual(
    new Set(['begin', 'score', 'start', 'open', 'pulse', 'fail', 'round', 'hold', 'shared']),
  );
  const done = new Set(before.filter(({ kind }) => kind === 'pulse').map(({ about }) => about));
  expect(done.size).toBeGreaterThanOrEqual(6);
  const called: string[] = [];
  const run = await resume(
    store,
    RUN,
    goldenScore((id) => void called.push(id), false),
  );
  void run.cue('held');
  const report = await run.report;
  expect(report.errors).toEqual([]);
  expect(report.outputs).toEqual({
    end: { number: 2, flaky: 2, vamp: 4, send: 'sent by hand', each: [2, 4, 6], held: 'two went on' },
    fault: { n: 5 },
    sub: 2,
  });
  expect(report.shared).toEqual({ list: ['one', 'two', 'end'] });
  expect(called.filter((id) => done.has(id))).toEqual([]);
  expect(called, 'decided by hand').not.toContain('send');
  expect(called.filter((id) => id === 'vamp')).toHaveLength(2);
  rmSync(folder, { recursive: true, force: true });
});
