/** Claim: the reference of score files names every key that they may have. */
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { scoreKeys } from '../../src/score/score-file.ts';

test('every key that a score may have is in the reference', () => {
  const guide = readFileSync('docs/guides/scores.md', 'utf8');
  const keys = scoreKeys();
  expect(keys.length).toBeGreaterThan(30);
  for (const key of keys) expect(guide, key).toContain(`\`${key}\``);
});
