/** The style reviewer: what a reader trips over and a formatter would not let through. */
import { lintable, oxlint } from './lib/oxlint.ts';
import { runProgram } from './lib/program.ts';
import { notApplicable, review } from './lib/review.ts';
import type { Context, FileList, Review } from './lib/types.ts';

export default async function style(
  { files: list }: { files: FileList },
  { signal }: Context,
): Promise<Review> {
  const paths = list.files.filter((file) => file.text && !file.generated).map(({ path }) => path);
  return review('style', signal, [
    oxlint('style', list, lintable(list.files), signal),
    paths.length === 0
      ? notApplicable('text checks', 'no text files')
      : runProgram('text', 'text checks', { root: list.root, files: paths, checks: ['style'] }, signal),
  ]);
}
