/** What `--json` prints. Times in seconds. */
import type { Report } from '../perform.ts';
import { safeMessage } from './secrets.ts';

export function reportJson(report: Report): Record<string, unknown> {
  const { status, outputs, shared, timeline, makespan, criticalPath, usage, errors } = report;
  return {
    status,
    outputs,
    ...(shared === undefined ? {} : { shared }),
    steps: timeline.map(({ id, agent, status: ended, start, end, waitedFor }) => ({
      id,
      agent,
      status: ended,
      start: inSeconds(start),
      end: inSeconds(end),
      waitedFor,
    })),
    makespan: makespan / 1_000,
    criticalPath: criticalPath.length / 1_000,
    usage,
    ...(errors.length > 0 ? { errors: errors.map(safeMessage) } : {}),
  };
}

const inSeconds = (ms: number | undefined): number | null => (ms === undefined ? null : ms / 1_000);
