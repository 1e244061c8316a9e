/** Claim: a process that is killed at any place loses nothing that was committed and repeats nothing that was done. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { CRASH_PHASES, crashEverywhere, type CrashPoint, type CrashReport } from 'tutti/testing';

const DEEP = process.env.TUTTI_DEEP !== undefined;
const child = fileURLToPath(new URL('./crash.child.ts', import.meta.url));

const EXTERNAL = ['send', 'each[0]', 'each[1]', 'each[2]', 'loop#1/tell', 'loop#2/tell'];

async function crash(points: readonly CrashPoint[]): Promise<CrashReport> {
  const folder = mkdtempSync(join(tmpdir(), 'tutti-crash-'));
  try {
    return await crashEverywhere(child, { folder, points, external: EXTERNAL, limitMs: 120_000 });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function judge(report: CrashReport, what: string): void {
  if (report.status === 'unbegun') return;
  const { rerun, doubled, disowned, status, errors, outputs, shared } = report;
  expect({ rerun, doubled, disowned, status, errors }, what).toEqual({
    ...{ rerun: [], doubled: [], disowned: [], status: 'completed', errors: [] },
  });
  expect(outputs, what).toEqual({ n: 34, key: 'crash/keyed' });
  expect((shared as { list: string[] }).list.toSorted(), what).toEqual(['b', 'c', 'd', 'y']);
}

test('crashes at every kind of place, one after the other in one run', { timeout: 600_000 }, async () => {
  const points = CRASH_PHASES.map((phase, i) => ({
    phase,
    at: phase === 'start' || phase === 'end' ? 2 : 4 + 4 * i,
  }));
  const report = await crash(points);
  expect(report.kills).toBe(points.length);
  judge(report, JSON.stringify(points));
});

test(
  `crashes at ${DEEP ? 'every position in every phase, and in the resumed run again' : 'a dozen positions in every phase, one after the other (at each with TUTTI_DEEP=1)'}`,
  { timeout: 7_200_000 },
  async () => {
    const { records, calls } = await crash([]);
    let kills = 0;
    for (const phase of CRASH_PHASES) {
      const isCall = phase === 'start' || phase === 'end';
      // One crash in a run.
      for (let at = 1; at <= (DEEP ? (isCall ? calls / 2 : records) : 0); at++) {
        const report = await crash([{ phase, at }]);
        judge(report, `${phase} ${at}`);
        kills += report.kills;
      }
      // Crashes in turn, in one run: every life but the first resumes, and dies while it does.
      const apart = DEEP ? 1 : Math.floor(records / 12);
      for (let first = 1; first <= (DEEP ? 8 : 1); first++) {
        const points = Array.from({ length: DEEP ? Math.ceil(records * 1.5) : 12 }, (_, i) => ({
          phase,
          at: isCall ? 1 + (i % 2) : first + (DEEP ? 0 : 3) + i * apart,
        }));
        const report = await crash(points);
        judge(report, `every ${phase} from ${first}`);
        kills += report.kills;
      }
    }
    console.log(`${kills} processes were killed`);
    expect(kills).toBeGreaterThanOrEqual(DEEP ? 1_000 : 50);
  },
);
