import { symlinkSync, unlinkSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type {
  Checked,
  Finding,
  Merged,
  RawFinding,
  Review,
} from '../../docs/examples/code-review/agents/lib/types.ts';
import { call, desk, folder, listFiles, repository, review } from './code-review.helpers.ts';

const finding = (more: Partial<Finding>): Finding => ({
  file: 'a.ts',
  line: 1,
  rule: 'rule',
  severity: 'warning',
  message: 'message',
  reviewer: 'style',
  ...more,
});

async function check(root: string, findings: Finding[]): Promise<Checked> {
  const merged: Merged = { reviewers: [], findings };
  return call<Checked>('check', { files: await listFiles(root), merged });
}

describe('code review: the empirical check', () => {
  it('drops findings whose file or line does not exist, and says how many and why', async () => {
    const root = repository({ 'a.ts': 'one\ntwo\n', 'gone.ts': 'x', 'folder/b.ts': '' });
    const files = await listFiles(root);
    unlinkSync(join(root, 'gone.ts'));
    const outside = folder({ 'secret.ts': 'x' });
    symlinkSync(outside, join(root, 'out'));
    const merged: Merged = {
      reviewers: [],
      findings: [
        finding({ line: 2 }),
        finding({ file: 'folder/b.ts' }),
        finding({ line: 4 }),
        finding({ line: 9999 }),
        finding({ line: 0 }),
        finding({ line: 1.5 }),
        finding({ file: 'gone.ts' }),
        finding({ file: 'folder' }),
        finding({ file: '../secret.ts' }),
        finding({ file: 'out/secret.ts' }),
      ],
    };
    const { findings, examined, dropped } = await call<Checked>('check', { files, merged });
    expect(findings.map(({ file, line }) => `${file}:${line}`)).toEqual(['a.ts:2', 'folder/b.ts:1']);
    expect(examined).toBe(10);
    expect(Object.fromEntries(dropped.map(({ why, count }) => [why, count]))).toEqual({
      'the file has no such line': 2,
      'the line is not a line number': 2,
      'the file does not exist': 1,
      'it is not a file': 1,
      'the file is outside the repository': 2,
    });
    expect(dropped.find(({ why }) => why.includes('such line'))?.examples).toEqual(['a.ts:4', 'a.ts:9999']);
  });

  it('collapses the same rule at the same place and the same words about it, and keeps the worst', async () => {
    const root = repository({ 'a.ts': 'one\ntwo\n' });
    const { findings, duplicates } = await check(root, [
      finding({ reviewer: 'correctness' }),
      finding({ reviewer: 'security', severity: 'error' }),
      finding({ rule: 'another', message: 'message', reviewer: 'style' }),
      finding({ rule: 'another', message: 'other words' }),
      finding({ line: 2 }),
      finding({ column: 5 }),
    ]);
    expect(duplicates).toBe(2);
    expect(findings).toHaveLength(4);
    expect(findings[0]).toMatchObject({
      severity: 'error',
      reviewer: 'security',
      alsoBy: ['style', 'correctness'],
    });
  });
});

describe('code review: triage', () => {
  const raw = (more: Partial<RawFinding>): RawFinding => ({
    file: 'a.ts',
    line: 1,
    rule: 'r',
    severity: 'warn',
    message: 'm',
    ...more,
  });
  const triage = async (findings: RawFinding[], counts: Record<string, number>, reviewer = 'security') => {
    const review: Review = { reviewer, status: 'reviewed', analysers: [], findings, counts };
    const shared = desk();
    await call('triage', { review }, undefined, shared);
    const { findings: kept, reviewers } = await shared.agent('reader').read('report');
    return { findings: kept, cut: reviewers[0]!.cut };
  };

  it('puts severities into one vocabulary, the worst first', async () => {
    const severities = ['low', 'WARN', 'fatal', 'advice', 'strange', 'high'];
    const { findings } = await triage(
      severities.map((severity, line) => raw({ severity, line: line + 1 })),
      { r: 6 },
    );
    expect(findings.map(({ severity, line }) => [severity, line])).toEqual([
      ['error', 3],
      ['error', 6],
      ['warning', 2],
      ['warning', 5],
      ['info', 1],
      ['info', 4],
    ]);
  });

  it('lets no matter of style be an error', async () => {
    const { findings } = await triage([raw({ severity: 'error' })], { r: 1 }, 'style');
    expect(findings[0]?.severity).toBe('info');
  });

  it('shows a bounded number per rule and counts the rest, those never kept included', async () => {
    const many = Array.from({ length: 90 }, (_, line) => raw({ line: line + 1 }));
    const { findings, cut } = await triage([...many, raw({ rule: 'rare' })], { r: 5000, rare: 1 });
    expect(findings.filter(({ rule }) => rule === 'rare')).toHaveLength(1);
    const shown = findings.length - 1;
    expect(shown).toBeLessThan(90);
    expect(cut).toEqual([{ rule: 'r', count: 5000 - shown }]);
  });
});

describe('code review: a reviewer that fails', () => {
  it('is named in the report with its reason, and the others are reported', async () => {
    const root = repository({ 'a.js': 'eval(globalThis.x)\n', 'b.md': '[x](y.md)\n' });
    const { findings, ...reports } = await review(root, ['security']);
    const failed = findings.reviewers.filter(({ status }) => status === 'failed');
    expect(failed.map(({ reviewer, reason }) => [reviewer, reason])).toEqual([
      ['security', 'security was made to fail'],
    ]);
    expect(findings.findings.some(({ rule }) => rule === 'broken-link')).toBe(true);
    for (const report of Object.values(reports)) {
      expect(report).toContain('The review is incomplete: security failed.');
      expect(report).toContain('security was made to fail');
    }
  });
});
