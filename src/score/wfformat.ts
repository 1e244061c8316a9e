/** Recorded workflows in WfFormat 1.5 (wfcommons.org), as scores for virtual time. */
import { z } from 'zod';
import type { AgentPlan, StepPlan } from '../../actors/tomasulo/program.ts';
import { scoreOf, type Score } from './score.ts';

const id = z.union([z.string().min(1), z.number()]).transform(String);
const specified = z.looseObject({ id, parents: z.array(id).default([]), children: z.array(id).default([]) });
const executed = z.looseObject({ id, runtimeInSeconds: z.number().optional() });
const wfFormat = z.looseObject({
  name: z.string().default('workflow'),
  workflow: z.looseObject({
    specification: z.looseObject({ tasks: z.array(specified) }),
    execution: z.looseObject({ tasks: z.array(executed) }),
  }),
});

/** A file is not a usable WfFormat workflow: where, why, what to do. */
export class WfFormatError extends Error {
  override name = 'WfFormatError';
}

export interface RecordedTask {
  readonly id: string;
  readonly parents: readonly string[];
  /** Seconds. */
  readonly runtime: number;
}
/** A recorded workflow, its tasks so ordered that parents come first. */
export interface Workflow {
  readonly name: string;
  readonly tasks: readonly RecordedTask[];
  readonly edges: number;
}

/** Checks a parsed file.
 *  @throws {WfFormatError} for anything that is not WfFormat 1.5, an unknown parent, a duplicate id, a runtime
 *  that is missing, negative or not a number, or a cycle (which it names). */
export function readWorkflow(value: unknown): Workflow {
  const parsed = wfFormat.safeParse(value);
  if (!parsed.success) {
    const { path, message } = parsed.error.issues[0]!;
    const place = path.length === 0 ? 'the file' : path.map(String).join('.');
    throw new WfFormatError(
      `${place}: ${message}. Expected WfFormat 1.5: workflow.specification.tasks and workflow.execution.tasks.`,
    );
  }
  const { name, workflow } = parsed.data;
  const runtimes = runtimesOf(workflow.execution.tasks);
  const parents = new Map<string, Set<string>>();
  workflow.specification.tasks.forEach((task, index) => {
    if (parents.has(task.id))
      throw new WfFormatError(`workflow.specification.tasks.${index}: the id '${task.id}' is used twice.`);
    parents.set(task.id, new Set(task.parents));
  });
  for (const task of workflow.specification.tasks) {
    for (const child of task.children) known(parents, child, task.id, 'children').add(task.id);
    for (const parent of task.parents) known(parents, parent, task.id, 'parents');
  }
  const ordered = parentsFirst(parents);
  const tasks = ordered.map((taskId) => {
    const runtime = runtimes.get(taskId);
    if (runtime === undefined) {
      const remedy = 'every task needs an entry with runtimeInSeconds in workflow.execution.tasks';
      throw new WfFormatError(`task '${taskId}' has no runtime; ${remedy}.`);
    }
    return { id: taskId, parents: [...parents.get(taskId)!], runtime };
  });
  const edges = tasks.reduce((sum, task) => sum + task.parents.length, 0);
  return { name, tasks, edges };
}

function runtimesOf(tasks: readonly z.infer<typeof executed>[]): Map<string, number> {
  const runtimes = new Map<string, number>();
  tasks.forEach((task, index) => {
    const place = `workflow.execution.tasks.${index} ('${task.id}')`;
    const { runtimeInSeconds } = task;
    if (runtimes.has(task.id))
      throw new WfFormatError(`${place}: this task has been executed already; one entry a task.`);
    if (runtimeInSeconds === undefined) throw new WfFormatError(`${place}: runtimeInSeconds is missing.`);
    if (!Number.isFinite(runtimeInSeconds) || runtimeInSeconds < 0) {
      throw new WfFormatError(
        `${place}: runtimeInSeconds must be a number of at least 0, not ${runtimeInSeconds}.`,
      );
    }
    runtimes.set(task.id, runtimeInSeconds);
  });
  return runtimes;
}

function known(parents: Map<string, Set<string>>, id: string, task: string, field: string): Set<string> {
  const found = parents.get(id);
  if (found === undefined)
    throw new WfFormatError(`task '${task}': ${field} names '${id}', which is not among the tasks.`);
  return found;
}

/** Kahn's order, by place in the file among those that are free. @throws {WfFormatError} naming a cycle. */
function parentsFirst(parents: ReadonlyMap<string, ReadonlySet<string>>): string[] {
  const waits = new Map([...parents].map(([task, above]) => [task, above.size]));
  const children = new Map<string, string[]>();
  for (const [task, above] of parents) {
    for (const parent of above) children.set(parent, [...(children.get(parent) ?? []), task]);
  }
  const order = [...waits].filter(([, count]) => count === 0).map(([task]) => task);
  for (let i = 0; i < order.length; i++) {
    for (const child of children.get(order[i]!) ?? []) {
      const left = waits.get(child)! - 1;
      waits.set(child, left);
      if (left === 0) order.push(child);
    }
  }
  if (order.length < parents.size)
    throw new WfFormatError(`the tasks depend on each other in a circle: ${cycle(parents, waits)}.`);
  return order;
}

function cycle(
  parents: ReadonlyMap<string, ReadonlySet<string>>,
  waits: ReadonlyMap<string, number>,
): string {
  const stuck = (task: string) => waits.get(task)! > 0;
  const path: string[] = [[...waits.keys()].find(stuck)!];
  for (;;) {
    const next = [...parents.get(path.at(-1)!)!].find(stuck)!;
    const seen = path.indexOf(next);
    path.push(next);
    if (seen >= 0) return path.slice(seen).reverse().join(' → ');
  }
}

/** The longest chain of tasks, in seconds, added up from the first task on as the performance adds it up. */
export function criticalPathOf({ tasks }: Workflow): number {
  const reached = new Map<string, number>();
  let longest = 0;
  for (const { id: task, parents, runtime } of tasks) {
    let start = 0;
    for (const parent of parents) start = Math.max(start, reached.get(parent)!);
    reached.set(task, start + runtime);
    longest = Math.max(longest, start + runtime);
  }
  return longest;
}

/** A score in which every task sleeps for its recorded time: perform it on a `VirtualClock`, whose unit is then
 *  the second. */
export function scoreOfWorkflow({ name, tasks }: Workflow): Score<any, any> {
  const runtimes = new Map(tasks.map((task) => [task.id, task.runtime]));
  const agent: AgentPlan = {
    name: 'task',
    run: (_, context) => context.sleep(runtimes.get(context.stepId)!),
  };
  const steps = tasks.map((task): StepPlan => ({
    id: task.id,
    agent,
    after: task.parents,
    cost: task.runtime,
  }));
  return scoreOf(name, steps, { outputs: {} });
}
