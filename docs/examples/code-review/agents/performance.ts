/** The performance reviewer: code that does the same work slowly, and files that every clone pays for. */
import { lintable, oxlint } from './lib/oxlint.ts';
import { fromList, review } from './lib/review.ts';
import type { Context, FileList, RawFinding, Review, SourceFile } from './lib/types.ts';

const LARGE = 1 << 20;
const HUGE = 10 << 20;

export default async function performance(
  { files: list }: { files: FileList },
  { signal }: Context,
): Promise<Review> {
  // Waiting in a loop is what a test often wants; the tests' speed is not the product's.
  const shipped = lintable(list.files).filter((file) => !file.test);
  return review('performance', signal, [
    oxlint('performance', list, shipped, signal),
    fromList('file sizes', list.files.length, list.files.flatMap(large)),
  ]);
}

function large(file: SourceFile): RawFinding[] {
  if (file.bytes < LARGE) return [];
  const size = `${(file.bytes / 1024 / 1024).toFixed(1)} MiB`;
  const message = `The file has ${size}, which every clone downloads and every change adds again.`;
  const severity = file.bytes >= HUGE ? 'warning' : 'info';
  return [{ file: file.path, line: 1, rule: 'large-file', severity, message }];
}
