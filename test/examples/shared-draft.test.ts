/** Claims of the example: three agents that read, think and write a whole document lose edits. Through coherent shared
 *  state they lose none, and read fewer tokens for each edit. */
import { expect, test } from 'vitest';
import { coherent, stale } from '../../docs/examples/shared-draft/shared-draft.ts';

test('the stale run loses edits without an error', async () => {
  const { wanted, kept } = await stale();
  expect(wanted).toBe(18);
  expect(kept).toBeLessThan(wanted);
});

test('the coherent run keeps every edit, and reads fewer tokens for each that is kept', async () => {
  const [before, after] = [await stale(), await coherent()];
  expect(after.kept).toBe(after.wanted);
  expect(after.tokens).toBeGreaterThan(0);
  expect(after.tokens / after.kept).toBeLessThan(before.tokens / before.kept);
});
