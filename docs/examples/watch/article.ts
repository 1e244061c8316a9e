/** Writing an article together, watched: steps, shared notes, a governor, and a machine of your own.
 *
 *  Run: `node docs/examples/watch/article.ts run.jsonl`, then `tutti view run.jsonl`. Time is virtual, so the trace is
 *  the same each time; with a real clock and real models nothing else changes. */
import { agent, coherence, createBus, perform, score, VirtualClock, type Report } from 'tutti';
import { UnitGovernor } from 'tutti/actors';
import type { Trace } from 'tutti/trace';
import { createActor, setup } from 'xstate';
import { z } from 'zod';

/** Your own machine: nested states are drawn as they are. */
export const desk = setup({
  types: { events: {} as { type: 'OPEN' | 'FINDING' | 'DOUBT' | 'PRINT' } },
  actions: { file: () => {} },
}).createMachine({
  id: 'desk',
  initial: 'closed',
  states: {
    closed: { on: { OPEN: 'open' } },
    open: {
      initial: 'collecting',
      states: {
        collecting: { on: { FINDING: { actions: 'file' }, DOUBT: 'checking' } },
        checking: { on: { FINDING: { target: 'collecting', actions: 'file' } } },
      },
      on: { PRINT: 'printed' },
    },
    printed: { type: 'final' },
  },
});

/** Performs the score and records everything in `trace`. */
export async function article(trace: Trace, clock: VirtualClock): Promise<Report> {
  const bus = createBus({ clock });
  const schema = { plan: z.array(z.string()), sources: z.array(z.string()), draft: z.string() };
  const shared = coherence({
    bus,
    clock,
    schema,
    initial: { plan: [], sources: [], draft: '' },
    session: '00000001',
  });
  trace.watchShared(shared, bus);
  const [editor, scout, writer] = [shared.agent('editor'), shared.agent('scout'), shared.agent('writer')];
  const governor = new UnitGovernor({ unit: 'scouts', policy: 'ondemand', clock, inspect: trace.inspect });
  const mine = createActor(desk, { id: 'desk', inspect: trace.inspect }).start();

  const paid = (stepId: string, inputTokens: number, outputTokens: number) =>
    trace.usage({
      runId: 'article-1',
      stepId,
      model: 'example:small',
      usage: {
        inputTokens: { total: inputTokens, noCache: inputTokens, cacheRead: 0, cacheWrite: 0 },
        outputTokens: { total: outputTokens, text: outputTokens, reasoning: 0 },
      },
      usd: (inputTokens + 4 * outputTokens) / 1_000_000,
      estimated: false,
      failed: false,
    });
  const outline = agent({
    name: 'editor',
    run: async (_: unknown, context) => {
      mine.send({ type: 'OPEN' });
      await context.sleep(120);
      await editor.write('plan', (plan) => void plan.push('what', 'why', 'how'));
      paid(context.stepId, 900, 300);
      return ['what', 'why', 'how'];
    },
  });
  let busy = 0;
  const research = agent({
    name: 'scout',
    capacity: 2,
    run: async (_: unknown, context) => {
      governor.observe({ inUse: ++busy, queued: 3 - busy, capacity: 2 });
      await scout.read('plan');
      await context.sleep(context.stepId === 'how' ? 340 : 180);
      busy--;
      if (context.stepId === 'why' && context.attempt === 1) {
        mine.send({ type: 'DOUBT' });
        throw new Error('the source did not answer');
      }
      await scout.write('sources', (sources) => void sources.push(context.stepId));
      governor.observe({ inUse: busy, queued: 0, capacity: 2 });
      mine.send({ type: 'FINDING' });
      paid(context.stepId, 2_400, 500);
      return `what is known of ${context.stepId}`;
    },
  });
  const write = agent({
    name: 'writer',
    run: async (_: unknown, context) => {
      governor.observe({ inUse: 0, queued: 0, capacity: 2 });
      await writer.read('sources');
      await context.sleep(context.stepId === 'draft' ? 260 : 140);
      await writer.write('draft', () => `the article, ${context.stepId}`);
      await editor.read('draft');
      paid(context.stepId, 3_000, 1_200);
      return `the article, ${context.stepId}`;
    },
  });
  const illustrate = agent({
    name: 'illustrator',
    run: async (_: unknown, context): Promise<string> => {
      await context.sleep(90);
      throw new Error('no picture of it exists');
    },
  });
  const reads = { plan: 'outline' } as const;
  const retry = { attempts: 2, delayMs: 60 };
  const piece = score('article')
    .step('outline', { agent: outline })
    .step('what', { agent: research, reads, retry })
    .step('why', { agent: research, reads, retry })
    .step('how', { agent: research, reads, retry })
    .step('picture', { agent: illustrate, reads, default: 'none' })
    .step('draft', { agent: write, reads: { what: 'what', why: 'why', how: 'how' } })
    .step('revise', { agent: write, reads: { draft: 'draft', picture: 'picture' }, writes: 'draft' });

  const run = perform(piece, { clock, inspect: trace.inspect, runId: 'article-1' });
  trace.watch(run, piece);
  const report = await run.report;
  mine.send({ type: 'PRINT' });
  governor.stop();
  await shared.close();
  await trace.close();
  return report;
}

if (import.meta.main) {
  const { traceTo } = await import('tutti/trace');
  const { traceFile } = await import('tutti/node');
  const clock = new VirtualClock();
  const { status } = await article(traceTo(traceFile(process.argv[2] ?? 'run.jsonl'), { clock }), clock);
  console.log(status);
}
