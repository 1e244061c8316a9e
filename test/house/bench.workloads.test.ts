import { describe, expect, it } from 'vitest';
import { createJob } from '../bench/job.ts';
import { barrierPath, criticalPath, levels, workload, workloadNames } from '../bench/workloads.ts';

/** Times are measured by the benchmark and never here: a test must not depend on a machine's mood. */
describe('bench: workloads', () => {
  it.each([
    ['W1', 560, 1.286, 12],
    ['W2', 340, 1.5, 13],
  ] as const)('%s: critical path %d ms, barriers %d times that, %d nodes', (name, path, barriers, size) => {
    const { nodes } = workload(name);
    expect(criticalPath(nodes)).toBe(path);
    expect(barrierPath(nodes) / path).toBeCloseTo(barriers, 3);
    expect(nodes).toHaveLength(size);
  });

  it.each(workloadNames)('%s: is a program, with names and operands that are unique', (name) => {
    const { nodes } = workload(name);
    const misplaced = nodes.filter(
      ({ id, deps }, position) => id !== position || deps.some((dep) => dep >= id || dep < 0),
    );
    expect(misplaced).toEqual([]);
    expect(nodes.filter(({ deps }) => new Set(deps).size !== deps.length)).toEqual([]);
    expect(new Set(nodes.map((node) => node.name)).size).toBe(nodes.length);
  });

  it.each([
    ['layered-1k', 1_000],
    ['layered-10k', 10_000],
    ['layered-100k', 100_000],
  ] as const)('%s: is the same graph each time, with a fan-in of 1 to 3', (name, size) => {
    const { nodes } = workload(name);
    expect(workload(name).nodes).toEqual(nodes);
    expect(nodes).toHaveLength(size);
    const width = levels(nodes)[0]?.length ?? 0;
    expect(nodes.slice(width).every(({ deps }) => deps.length >= 1 && deps.length <= 3)).toBe(true);
  });
});

describe('bench: the judge', () => {
  const inOrder = async (job: ReturnType<typeof createJob>, spoil: (operands: number[]) => number[]) => {
    const results: number[] = [];
    for (const { id, deps } of job.nodes) {
      results.push(await job.step(id, spoil(deps.map((dep) => results[dep] ?? 0))));
    }
  };

  it('accepts a run in program order, and a second one after a reset', async () => {
    const job = createJob(workload('layered-1k'));
    for (let run = 0; run < 2; run += 1) {
      job.reset();
      await inOrder(job, (operands) => operands);
      expect(() => job.verify()).not.toThrow();
    }
  });

  it('refuses a run that leaves a step out, repeats one, or passes a wrong operand', async () => {
    const job = createJob(workload('fan-1k'));
    job.reset();
    expect(() => job.verify()).toThrow('n0 was executed 0 times');
    await inOrder(job, (operands) => operands);
    await job.step(7, []);
    expect(() => job.verify()).toThrow('n7 was executed 2 times');
    job.reset();
    await inOrder(job, (operands) => operands.toReversed());
    expect(() => job.verify()).toThrow('n1001 had a wrong operand');
  });
});
