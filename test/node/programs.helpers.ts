/** Programs for the tests of program agents: temporary folders, and whether a process is still there. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll } from 'vitest';
import type { AgentContext } from 'tutti';
import type { programAgent } from 'tutti/node';

const folders: string[] = [];
afterAll(() => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

/** A new folder that is removed after the tests of the file. */
export function folder(): string {
  const made = mkdtempSync(join(tmpdir(), 'tutti-programs-'));
  folders.push(made);
  return made;
}

const STEP = { runId: 'run', stepId: 'step', attempt: 1, effectKey: 'run/step' };
/** What a program finds in its environment about its step. */
export const STEP_ENVIRONMENT: Readonly<Record<string, string>> = {
  TUTTI_RUN_ID: STEP.runId,
  TUTTI_ATTEMPT: String(STEP.attempt),
  TUTTI_EFFECT_KEY: STEP.effectKey,
};
/** Runs an agent outside of a performance. */
export const runAgent = async (
  agent: ReturnType<typeof programAgent>,
  operands: Record<string, unknown> = {},
  signal: AbortSignal = new AbortController().signal,
): Promise<unknown> => agent.run(operands, { ...STEP, signal, beat: () => {} } as AgentContext);

/** Whether a process exists and is not a zombie. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
  } catch {
    return false;
  }
  if (process.platform !== 'linux') return true;
  try {
    return !/^\d+ \(.*\) Z/s.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return false;
  }
}

/** Looks again until something is true; the time limit of the test ends the wait. */
export async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 20));
}
