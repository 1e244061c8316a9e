/** The correctness reviewer: code that is wrong, or most likely not what was meant. */
import { lintable, oxlint } from './lib/oxlint.ts';
import { runProgram } from './lib/program.ts';
import { notApplicable, review } from './lib/review.ts';
import type { Context, FileList, Review } from './lib/types.ts';

export default async function correctness(
  { files: list }: { files: FileList },
  { signal }: Context,
): Promise<Review> {
  const written = list.files.filter((file) => file.text && !file.generated);
  const paths = written.map(({ path }) => path);
  const typed = written.filter(
    ({ language, path }) => language === 'TypeScript' || path.endsWith('tsconfig.json'),
  );
  const request = { root: list.root };
  return review('correctness', signal, [
    oxlint('correctness', list, lintable(list.files), signal),
    typed.some(({ language }) => language === 'TypeScript')
      ? runProgram(
          'types',
          'TypeScript diagnostics',
          { ...request, files: typed.map(({ path }) => path) },
          signal,
        )
      : notApplicable('TypeScript diagnostics', 'no TypeScript files'),
    paths.length === 0
      ? notApplicable('text checks', 'no text files')
      : runProgram('text', 'text checks', { ...request, files: paths, checks: ['correctness'] }, signal),
  ]);
}
