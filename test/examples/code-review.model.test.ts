/** Claims about the reviewer that asks a model: it reviews beside the analysers, its remarks are checked, and without a
 *  key it says so and the review goes on. The model is a server on 127.0.0.1 that speaks the real protocol. */
import { join } from 'node:path';
import { afterEach, expect, test, vi } from 'vitest';
import { loadScore } from '../../src/node/load-score.ts';
import { perform } from '../../src/score/perform.ts';
import type { Checked } from '../../docs/examples/code-review/agents/lib/types.ts';
import { repository } from './code-review.helpers.ts';
import { chatServer } from '../models/helpers.ts';

const SCORE = join(import.meta.dirname, '../../docs/examples/code-review/score.yaml');
afterEach(() => vi.unstubAllEnvs());

const files = {
  'src/sum.ts': 'export const sum = (a: number, b: number): number => a - b;\n',
  '.env': 'API_KEY=never-send-this-anywhere\n',
};
async function reviewed(model: string) {
  const { score } = await loadScore(SCORE);
  const report = await perform(score, { input: { repo: repository(files), model } }).result;
  const { reviewers, findings, dropped } = report.outputs['findings'] as Checked;
  return { report, findings, dropped, row: reviewers.find(({ reviewer }) => reviewer === 'model')! };
}

test('a model’s remarks stand beside the analysers’, and those about nothing are dropped', async () => {
  const remark = { severity: 'error', message: 'sum subtracts.' };
  const remarks = [
    { ...remark, file: 'src/sum.ts', line: 1 },
    { ...remark, file: 'src/sum.ts', line: 99 },
    { ...remark, file: 'src/none.ts', line: 1 },
  ];
  await using server = await chatServer([
    { kind: 'answer', text: JSON.stringify({ findings: remarks }), usage: [500, 60] },
  ]);
  vi.stubEnv('TUTTI_LOCAL_BASE_URL', server.baseURL);
  const { findings, dropped, row, report } = await reviewed('local:reviewer');
  expect(row.status).toBe('reviewed');
  const own = findings.filter(({ rule }) => rule === 'model-remark');
  expect(own).toMatchObject([{ file: 'src/sum.ts', line: 1, severity: 'error', reviewer: 'model' }]);
  expect(dropped.reduce((sum, { count }) => sum + count, 0)).toBe(2);
  expect(report.usage).toMatchObject({ modelCalls: 1, tokens: 560 });
  const asked = JSON.stringify(server.asked[0]!.body);
  expect(asked).toContain('1: export const sum');
  expect(asked).not.toContain('never-send-this-anywhere');
});

test('without a key the model says so in one line, and the review goes on', async () => {
  vi.stubEnv('OPENAI_API_KEY', undefined);
  const { row, report } = await reviewed('openai:anything');
  expect([report.status, row.status]).toEqual(['completed', 'not applicable']);
  expect(row.reason).toMatch(/^model: provider 'openai': no key\. Set OPENAI_API_KEY[^\n]*$/);
});

test('an unknown provider fails that reviewer alone', async () => {
  const { row, report } = await reviewed('unknown:anything');
  expect([report.status, row.status]).toEqual(['completed', 'failed']);
  expect(row.reason).toContain("there is no provider 'unknown'");
});
