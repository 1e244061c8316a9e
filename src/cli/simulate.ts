/** `tutti simulate`: a recorded workflow in virtual time. */
import type { Dispatch } from '../../actors/tomasulo/dispatcher.ts';
import { readText } from '../node/text-file.ts';
import { simulate } from '../score/simulate.ts';
import { readWorkflow, WfFormatError } from '../score/wfformat.ts';
import { interrupted } from './interrupt.ts';

export interface SimulateFlags {
  /** `Infinity` for no limit. */
  readonly units?: number;
  readonly dispatch: Dispatch;
  readonly priority: 'path' | 'fifo';
  readonly json?: boolean;
}

export async function simulateCommand(file: string, flags: SimulateFlags): Promise<number> {
  const json = await readJson(file);
  const workflow = inFile(file, () => readWorkflow(json));
  const interrupt = interrupted();
  try {
    const found = await simulate(workflow, {
      ...flags,
      units: flags.units === Infinity ? undefined : flags.units,
      signal: interrupt.signal,
    });
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

/** The largest recorded workflow. */
const MAX_BYTES = 2 ** 29;

async function readJson(file: string): Promise<unknown> {
  const text = await readText(file, MAX_BYTES, 'a workflow');
  try {
    return JSON.parse(text);
  } catch {
    throw new WfFormatError(
      `${file}: not JSON. Expected WfFormat 1.5; a score is performed with tutti perform.`,
    );
  }
}

/** Says which file it is that is wrong. */
function inFile<T>(file: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (error instanceof WfFormatError) throw new WfFormatError(`${file}: ${error.message}`);
    throw error;
  }
}
