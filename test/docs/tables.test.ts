/** Claim: the generated pages are what the machines say now. */
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { pages } from '../../scripts/tables.ts';
import { verificationPage } from '../../scripts/verification.ts';

test('docs/machines is up to date; if not, run `npm run docs:tables`', async () => {
  const generated = await pages();
  expect(generated.size).toBeGreaterThan(3);
  for (const [file, text] of generated)
    expect(readFileSync(`docs/machines/${file}`, 'utf8'), file).toBe(text);
});

test('the page of what is verified says what the claims say now', { timeout: 400_000 }, async () => {
  const page = readFileSync(new URL('../../docs/verification.md', import.meta.url), 'utf8');
  expect(page).toBe(await verificationPage());
});
