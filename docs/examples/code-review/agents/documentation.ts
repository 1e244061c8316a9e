/** The documentation reviewer: Markdown and its links, doc comments, and notes that were left for later. */
import { basename } from 'node:path/posix';
import { DOCUMENTS } from './lib/classify.ts';
import { lintable, oxlint } from './lib/oxlint.ts';
import { runProgram } from './lib/program.ts';
import { fromList, notApplicable, review } from './lib/review.ts';
import type { Context, FileList, RawFinding, Review } from './lib/types.ts';

export default async function documentation(
  { files: list }: { files: FileList },
  { signal }: Context,
): Promise<Review> {
  const written = list.files.filter((file) => file.text && !file.generated);
  const markdown = written.filter(({ language }) => language === 'Markdown').map(({ path }) => path);
  const code = written.filter(({ language }) => !DOCUMENTS.has(language)).map(({ path }) => path);
  const request = { root: list.root };
  return review('documentation', signal, [
    markdown.length === 0
      ? notApplicable('markdownlint and links', 'no Markdown files')
      : runProgram('markdown', 'markdownlint and links', { ...request, files: markdown }, signal),
    oxlint('jsdoc', list, lintable(list.files), signal),
    code.length === 0
      ? notApplicable('notes for later', 'no source files')
      : runProgram('text', 'notes for later', { ...request, files: code, checks: ['documentation'] }, signal),
    fromList('readme', list.files.length, readme(list)),
  ]);
}

/** A repository without a readme, said once, at a file that a newcomer may open instead. */
function readme(list: FileList): RawFinding[] {
  const top = list.files.filter(({ path }) => !path.includes('/') || path.split('/').length === 2);
  if (top.some(({ path }) => /^readme(\.|$)/i.test(basename(path)))) return [];
  const written = list.files.filter((file) => file.text && !file.generated);
  const first = written.find(({ path }) => !path.includes('/')) ?? written[0] ?? list.files[0];
  if (first === undefined) return [];
  const message = 'There is no README at the top of the repository; a newcomer has nowhere to start.';
  return [{ file: first.path, line: 1, rule: 'missing-readme', severity: 'warning', message }];
}
