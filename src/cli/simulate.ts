/** `tutti simulate`: a recorded workflow in virtual time. */
import { readFile } from 'node:fs/promises';
import type { Dispatch } from '../../actors/dispatcher.ts';
import { simulate } from '../simulate.ts';
import { readWorkflow, WfFormatError } from '../wfformat.ts';
import { interrupted } from './interrupt.ts';
import { UsageError } from './usage.ts';

export interface SimulateFlags {
  readonly units?: number;
  readonly dispatch: Dispatch;
  readonly priority: 'path' | 'fifo';
  readonly json?: boolean;
}

export async function simulateCommand(file: string, flags: SimulateFlags): Promise<number> {
  const workflow = readWorkflow(await readJson(file));
  const interrupt = interrupted();
  try {
    const found = await simulate(workflow, { ...flags, signal: interrupt.signal });
    if (flags.json) process.stdout.write(`${JSON.stringify(found, null, 2)}\n`);
    else {
      const { makespan, criticalPath, totalWork } = found;
      const ratio = criticalPath === 0 ? '' : ` (${(makespan / criticalPath).toFixed(3)} × critical path)`;
      process.stdout.write(
        `${found.name}: ${found.tasks} tasks, ${found.edges} edges\n` +
          `units ${found.units}, dispatch ${found.dispatch}, priority ${found.priority}\n` +
          `makespan       ${makespan.toFixed(3)} s${ratio}\n` +
          `critical path  ${criticalPath.toFixed(3)} s\ntotal work     ${totalWork.toFixed(3)} s\n`,
      );
    }
    return 0;
  } finally {
    interrupt.forget();
  }
}

async function readJson(file: string): Promise<unknown> {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new UsageError(
      `${file}: ${code === 'ENOENT' ? 'there is no such file' : (error as Error).message}.`,
    );
  }
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new WfFormatError(`not JSON: ${(error as Error).message}`);
  }
}
