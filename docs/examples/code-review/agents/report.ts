/** The report, in Markdown for a comment or a file and in HTML for a person. */
import { reportHtml } from './lib/report-html.ts';
import { reportMarkdown } from './lib/report-markdown.ts';
import { summarise } from './lib/summary.ts';
import type { Checked, Context, FileList } from './lib/types.ts';

export default async function report(
  { files, checked }: { files: FileList; checked: Checked },
  { signal }: Context,
): Promise<{ markdown: string; html: string }> {
  signal.throwIfAborted();
  const summary = summarise(files, checked);
  return { markdown: reportMarkdown(summary), html: reportHtml(summary) };
}
