/** The judge: the one step function that every contender runs, and the check that it ran it honestly.
 *
 *  A step's result is a hash of its number and of its operands in their order. When every node
 *  has been executed exactly once and every result equals that of a sequential interpretation, then
 *  every operand was there before its reader started, and was the right one. The record is in typed
 *  arrays made beforehand, so that judging costs a few nanoseconds and no garbage. */
import type { WorkNode, Workload } from './workloads.ts';

export interface Job {
  readonly nodes: readonly WorkNode[];
  /** Performs node `id`. Pass the results of `deps`, in the order of `deps`. */
  readonly step: (id: number, operands: readonly number[]) => Promise<number>;
}

export interface JudgedJob extends Job {
  /** Forgets the last run; calls `halfway` when half of the steps of the next one are done. */
  reset(halfway?: () => void): void;
  /** Throws when the run since `reset` left a step out, repeated one, or gave one a wrong operand. */
  verify(): void;
}

/** A positive 31-bit number, which V8 keeps without allocating. */
function digest(id: number, operands: readonly number[]): number {
  let hash = Math.imul(id + 1, 0x9e3779b1);
  for (let i = 0; i < operands.length; i += 1) {
    hash = Math.imul(hash ^ (operands[i] ?? 0), 0x85ebca6b);
    hash ^= hash >>> 13;
  }
  return hash >>> 1;
}

const sleep = (ms: number): Promise<void> => new Promise((wake) => setTimeout(wake, ms));

export function createJob(workload: Workload): JudgedJob {
  const { nodes } = workload;
  const expected = new Int32Array(nodes.length);
  for (const { id, deps } of nodes)
    expected[id] = digest(
      id,
      deps.map((dep) => expected[dep] ?? 0),
    );

  const results = new Int32Array(nodes.length);
  const times = new Uint8Array(nodes.length);
  const latency = Int32Array.from(nodes, (node) => node.ms);
  const half = Math.ceil(nodes.length / 2);
  let done = 0;
  let atHalf: (() => void) | undefined;

  const step = async (id: number, operands: readonly number[]): Promise<number> => {
    const ms = latency[id] ?? 0;
    if (ms > 0) await sleep(ms);
    const result = digest(id, operands);
    results[id] = result;
    times[id] = (times[id] ?? 0) + 1;
    done += 1;
    if (done === half) atHalf?.();
    return result;
  };

  return {
    nodes,
    step,
    reset: (halfway) => {
      results.fill(0);
      times.fill(0);
      done = 0;
      atHalf = halfway;
    },
    verify: () => {
      for (const { id, name } of nodes) {
        if (times[id] !== 1) throw new Error(`${workload.name}: ${name} was executed ${times[id]} times`);
        if (results[id] !== expected[id]) throw new Error(`${workload.name}: ${name} had a wrong operand`);
      }
    },
  };
}
