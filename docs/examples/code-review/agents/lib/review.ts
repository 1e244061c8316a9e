/** What the six reviewers have in common: run analysers at once, and give one account of them.
 *
 *  An analyser that fails is reported and costs only its own findings. Only when nothing at all could be
 *  read does the reviewer itself fail, because an empty list would then look like praise. */
import { Bag } from './bag.ts';
import type { Analyser, Analysis, RawFinding, Review } from './types.ts';

export async function review(
  reviewer: string,
  signal: AbortSignal,
  analyses: readonly Promise<Analysis>[],
): Promise<Review> {
  const settled = await Promise.allSettled(analyses);
  signal.throwIfAborted();
  const analysers: Analyser[] = [];
  const findings: RawFinding[] = [];
  const counts: Record<string, number> = {};
  for (const result of settled) {
    if (result.status === 'rejected') {
      const note = result.reason instanceof Error ? result.reason.message : String(result.reason);
      analysers.push({ name: 'analyser', status: 'failed', files: 0, note });
      continue;
    }
    const { findings: some, counts: more, ...analyser } = result.value;
    analysers.push(analyser);
    findings.push(...some);
    for (const [rule, count] of Object.entries(more)) counts[rule] = (counts[rule] ?? 0) + count;
  }
  const worked = analysers.some(({ status }) => status === 'ran' || status === 'partly');
  const failed = analysers.filter(({ status }) => status === 'failed');
  if (!worked && failed.length > 0) {
    throw new Error(failed.map(({ name, note }) => `${name}: ${note ?? 'failed'}`).join('; '));
  }
  if (!worked) {
    const reason = [
      ...new Set(analysers.map(({ name, note }) => `${name}: ${note ?? 'nothing to read'}`)),
    ].join('; ');
    return { reviewer, status: 'not applicable', reason, analysers, findings: [], counts: {} };
  }
  return { reviewer, status: 'reviewed', analysers, findings, counts };
}

export function notApplicable(name: string, note: string): Promise<Analysis> {
  return Promise.resolve({ name, status: 'not applicable', files: 0, note, findings: [], counts: {} });
}

/** Findings that follow from the list of files alone, without reading any. */
export function fromList(name: string, files: number, findings: readonly RawFinding[]): Promise<Analysis> {
  if (files === 0) return notApplicable(name, 'no files');
  const bag = new Bag();
  for (const finding of findings) bag.add(finding);
  return Promise.resolve({ name, status: 'ran', files, findings: bag.findings, counts: bag.counts });
}
