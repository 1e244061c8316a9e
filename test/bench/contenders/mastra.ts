import { type Contender, peer, peerVersion } from '../contender.ts';
import { levels } from '../workloads.ts';

type Step = { readonly step: unique symbol };
type Schema = { readonly schema: unique symbol };

interface Workflow {
  then(step: Step): Workflow;
  parallel(steps: readonly Step[]): Workflow;
  commit(): Workflow;
  createRun(): Promise<{
    start(options: { inputData: object }): Promise<{ status: string; error?: unknown }>;
  }>;
}

interface MastraModule {
  createStep(options: {
    id: string;
    inputSchema: Schema;
    outputSchema: Schema;
    execute: (context: { getStepResult(step: string): { value: number } }) => Promise<{ value: number }>;
  }): Step;
  createWorkflow(options: { id: string; inputSchema: Schema; outputSchema: Schema }): Workflow;
}

interface ZodModule {
  readonly z: { any(): Schema; number(): Schema; object(shape: Record<string, Schema>): Schema };
}

/** `.parallel([…])` for a level of several steps and `.then(…)` for a level of one, as its guide to
 *  control flow shows. A step reads its operands with `getStepResult`, since they need not be in the
 *  level just before. Inputs are `z.any()`: to declare each level's whole shape would cost more. */
export const contender: Contender = {
  name: 'mastra',
  how: '`createWorkflow`, `.parallel([level])` and `.then(step)`, committed once; no storage',
  load: async () => {
    const { createStep, createWorkflow } = await peer<MastraModule>('@mastra/core/workflows');
    const { z } = await peer<ZodModule>('zod');
    const anything = z.any();
    const outputSchema = z.object({ value: z.number() });
    return {
      version: peerVersion('@mastra/core'),
      build: ({ nodes, step }) => {
        const steps = nodes.map(({ id, name, deps }) => {
          const reads = deps.map((dep) => nodes[dep]?.name ?? '');
          return createStep({
            id: name,
            inputSchema: anything,
            outputSchema,
            execute: async ({ getStepResult }) => ({
              value: await step(
                id,
                reads.map((read) => getStepResult(read).value),
              ),
            }),
          });
        });
        let workflow = createWorkflow({ id: 'benchmark', inputSchema: anything, outputSchema: anything });
        for (const level of levels(nodes)) {
          const members = level.map((id) => steps[id] as Step);
          const [only] = members;
          workflow = members.length === 1 && only ? workflow.then(only) : workflow.parallel(members);
        }
        const committed = workflow.commit();
        return {
          run: async () => {
            const run = await committed.createRun();
            const result = await run.start({ inputData: {} });
            if (result.status !== 'success')
              throw new Error(`the workflow ended as ${result.status}`, { cause: result.error });
            return result;
          },
        };
      },
    };
  },
};
