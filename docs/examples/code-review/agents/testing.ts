/** The testing reviewer: tests that test nothing or are switched off, and sources that no test mentions. */
import { lintable, oxlint } from './lib/oxlint.ts';
import { review } from './lib/review.ts';
import { counterparts } from './lib/counterparts.ts';
import { readTests } from './lib/read-tests.ts';
import type { Context, FileList, Review } from './lib/types.ts';

export default async function testing(
  { files: list }: { files: FileList },
  { signal }: Context,
): Promise<Review> {
  const tests = await readTests(list, signal);
  const lint = lintable(list.files).filter((file) => file.test);
  const of = (framework: 'vitest' | 'jest') =>
    lint.filter(({ path }) => tests.frameworks.get(path) === framework);
  return review('testing', signal, [
    oxlint('vitest', list, of('vitest'), signal),
    oxlint('jest', list, of('jest'), signal),
    counterparts(list, tests),
  ]);
}
