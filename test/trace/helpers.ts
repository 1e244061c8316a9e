/** A performance with everything in it that a trace has to tell, and the lines that were written of it. */
import { createActor, createMachine, type InspectionEvent } from 'xstate';
import { z } from 'zod';
import { agent, coherence, createBus, perform, score, VirtualClock, type Report } from 'tutti';
import { UnitGovernor } from 'tutti/actors';
import { traceTo, type TraceLimits, type TraceMessage } from '../../src/trace/index.ts';
import type { TraceOptions } from '../../src/trace/trace.ts';
import type { TraceSink } from '../../src/trace/writer.ts';

/** A sink that keeps everything. */
export function lines(): TraceSink & { readonly text: string; readonly messages: TraceMessage[] } {
  let text = '';
  return {
    write(more) {
      text += more;
    },
    get text() {
      return text;
    },
    get messages() {
      return text
        .split('\n')
        .filter((line) => line !== '')
        .map((line) => JSON.parse(line) as TraceMessage);
    },
  };
}

export const eventsOf = (messages: readonly TraceMessage[], sessionId: RegExp) =>
  messages.flatMap((message) =>
    message.type === '@xstate.event' && sessionId.test(message.sessionId) ? [message.event] : [],
  );

const answer = (name: string, ms: number, capacity?: number) =>
  agent({
    name,
    ...(capacity === undefined ? {} : { capacity }),
    run: async (_operands: unknown, context) => {
      await context.sleep(ms);
      return `${name} is done`;
    },
  });

/** Reads, a fault with a dependent, a retry, a default, a name written twice, a silent step, a limited agent. */
export const review = score('review')
  .step('files', { agent: answer('files', 20) })
  .step('security', { agent: answer('reviewer', 40, 1), reads: { files: 'files' } })
  .step('style', { agent: answer('reviewer', 60, 1), reads: { files: 'files' } })
  .step('tests', {
    agent: agent({
      name: 'flaky',
      run: (_operands: unknown, { attempt }) => {
        if (attempt === 1) throw new Error('rate limited');
        return 'passed';
      },
    }),
    reads: { files: 'files' },
    retry: { attempts: 3, delayMs: 20 },
  })
  .step('metrics', {
    agent: agent({
      name: 'broken',
      run: () => {
        throw new Error('no such file, and the key is sk-live-0123456789abcdefghij');
      },
    }),
    reads: { files: 'files' },
  })
  .step('chart', { agent: answer('writer', 5), reads: { metrics: 'metrics' } })
  .step('cover', { agent: answer('writer', 5), tacet: true, default: 'none' })
  .step('draft', {
    agent: answer('writer', 30),
    reads: { security: 'security', style: 'style', tests: 'tests' },
  })
  .step('revise', {
    agent: answer('writer', 10),
    reads: { draft: 'draft', cover: 'cover' },
    writes: 'draft',
  });

/** Performs {@link review} in virtual time, and so always the same.
 *  @param beside told what XState tells, too */
export async function tracedReview(
  options: Omit<TraceOptions, 'clock'> & { beside?: (event: InspectionEvent) => void } = {},
): Promise<{ messages: TraceMessage[]; report: Report; text: string }> {
  const { beside, ...rest } = options;
  const sink = lines();
  const clock = new VirtualClock();
  const trace = traceTo(sink, { ...rest, clock });
  const inspect =
    beside === undefined
      ? trace.inspect
      : (event: InspectionEvent) => {
          beside(event);
          trace.inspect(event);
        };
  const run = perform(review, { clock, inspect, runId: 'review-1' });
  trace.watch(run, review);
  const report = await run.report;
  await trace.close();
  return { messages: sink.messages, report, text: sink.text };
}

const lamp = createMachine({
  id: 'lamp',
  initial: 'off',
  context: { flips: 0 },
  states: { off: { on: { FLIP: 'on' } }, on: { on: { FLIP: 'off' } } },
});

/** A shared space, a governor on the same bus, and a user's own machine. */
export async function tracedSpace(limits?: Partial<TraceLimits>) {
  const sink = lines();
  const trace = traceTo(sink, { limits });
  const bus = createBus();
  trace.watchBus(bus); // before the space that is on it
  const shared = coherence({
    bus,
    schema: { plan: z.object({ sections: z.array(z.string()) }), draft: z.string() },
    initial: { plan: { sections: [] }, draft: '' },
    session: 'test',
  });
  trace.watchShared(shared, bus);
  const governor = new UnitGovernor({ unit: 'writers', policy: 'ondemand', inspect: trace.inspect, bus });
  const own = createActor(lamp, { inspect: trace.inspect, id: 'lamp-1' }).start();
  const [planner, writer] = [shared.agent('planner'), shared.agent('writer')];
  await planner.write('plan', (plan) => void plan.sections.push('one'));
  await writer.read('plan');
  await Promise.all([planner.write('draft', 'mine'), writer.write('draft', 'yours').catch(() => {})]);
  own.send({ type: 'FLIP' });
  governor.observe({ inUse: 4, queued: 9, capacity: 4 });
  const { point } = governor;
  const cells = [...shared.replica.memory.cells.values()].map(({ key, version }) => ({ key, version }));
  trace.usage({
    runId: 'r',
    stepId: 'draft',
    model: 'acme:small',
    usage: {
      inputTokens: { total: 1_200, noCache: 1_200, cacheRead: 0, cacheWrite: 0 },
      outputTokens: { total: 340, text: 340, reasoning: 0 },
    },
    usd: 0.004,
    estimated: false,
    failed: false,
  });
  governor.stop();
  own.stop();
  await shared.close();
  await trace.close();
  return { messages: sink.messages, point, cells, tip: bus.tip };
}
