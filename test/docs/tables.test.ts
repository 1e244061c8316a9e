/** Claim: the generated pages are what the machines say now. */
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { pages } from '../../scripts/tables.ts';
import { judgedClaims, verificationPage } from '../../scripts/verification.ts';

test('docs/machines is up to date; if not, run `npm run docs:tables`', async () => {
  const generated = await pages();
  expect(generated.size).toBeGreaterThan(3);
  for (const [file, text] of generated)
    expect(readFileSync(`docs/machines/${file}`, 'utf8'), file).toBe(text);
});

test('every claim is as strong as it says, and so says the page', { timeout: 400_000 }, async () => {
  const judged = await judgedClaims();
  expect(judged.map(({ finding }) => finding.verdict)).toEqual(judged.map(({ claim }) => claim.expected));
  for (const { finding } of judged) expect(finding.bound).not.toBe('');
  const page = readFileSync(new URL('../../docs/verification.md', import.meta.url), 'utf8');
  expect(page).toBe(await verificationPage(judged));
});
