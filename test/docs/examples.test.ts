/** Claim: the examples in the guides run, and say what the guides say that they say. */
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { perform, type Score } from 'tutti';
import { loadScore } from 'tutti/node';

test('a first score, in TypeScript', async () => {
  const { result } = await import('../../docs/examples/first-score/score.ts');
  expect((await result).outputs.draft).toBe('MESI keeps caches coherent.');
});

test('a first score, in YAML', async () => {
  const { score } = await loadScore('docs/examples/first-score/score.yaml');
  const { outputs } = await perform(score as Score<any, any>, { input: {} }).result;
  expect(outputs).toEqual({ 'draft.txt': 'MESI keeps caches coherent.', words: 4 });
});

test('a station in one’s own machine', async () => {
  const { log, value } = await import('../../docs/examples/embed-a-station/station.ts');
  expect(log).toEqual(['waiting for the stove', 'cooking']);
  expect(value).toBe('ready');
});

test('every key that a score may have is in the reference', async () => {
  const { scoreKeys } = await import('../../src/score/score-file.ts');
  const guide = readFileSync('docs/guides/scores.md', 'utf8');
  const keys = scoreKeys();
  expect(keys.length).toBeGreaterThan(30);
  for (const key of keys) expect(guide, key).toContain(`\`${key}\``);
});
