/** Simulating: a recorded workflow, performed by the same orchestrator in virtual time. */
import { VirtualClock } from '../../actors/bus/clock.ts';
import type { Dispatch } from '../../actors/tomasulo/dispatcher.ts';
import { inRange } from './limits.ts';
import { perform, PerformanceError } from './perform.ts';
import { criticalPathOf, scoreOfWorkflow, type Workflow } from './wfformat.ts';

export interface SimulateOptions {
  /** How many tasks may run at once, 1 … Default: no limit. */
  readonly units?: number | undefined;
  readonly dispatch?: Dispatch | undefined;
  readonly priority?: 'path' | 'fifo' | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** What a simulation found; times in seconds. */
export interface Simulation {
  readonly name: string;
  readonly tasks: number;
  readonly edges: number;
  readonly units: number | 'inf';
  readonly dispatch: Dispatch;
  readonly priority: 'path' | 'fifo';
  readonly makespan: number;
  /** The longest chain of tasks: no schedule is shorter. */
  readonly criticalPath: number;
  readonly totalWork: number;
}

/** Performs a recorded workflow in virtual time.
 *  @throws {ScoreError} when `units` makes no sense; {PerformanceError} when cancelled. */
export async function simulate(workflow: Workflow, options: SimulateOptions = {}): Promise<Simulation> {
  const { units, dispatch = 'reactive', priority = 'path', signal } = options;
  inRange('units', units, 1, 2 ** 20, true);
  const { tasks, edges, name } = workflow;
  const report = await perform(scoreOfWorkflow(workflow), {
    clock: new VirtualClock(),
    maxConcurrency: units,
    window: Math.min(2 ** 20, Math.max(1, tasks.length)), // a recorded workflow has no window
    patience: Number.MAX_SAFE_INTEGER, // nor does a list schedule age
    dispatch,
    priority,
    signal,
  }).report;
  if (report.status !== 'completed') throw new PerformanceError(report);
  return {
    name,
    tasks: tasks.length,
    edges,
    units: units ?? 'inf',
    dispatch,
    priority,
    makespan: report.makespan,
    criticalPath: criticalPathOf(workflow),
    totalWork: tasks.reduce((sum, { runtime }) => sum + runtime, 0),
  };
}
