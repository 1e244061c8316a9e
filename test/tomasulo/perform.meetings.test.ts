/** Named meetings of features: signals, holds, retries, limits and buses that reach a step at the same moment. The fuzzer
 *  of `fuzz.perform.test.ts` found each of them. */
import { expect, test } from 'vitest';
import {
  createBus,
  DeadlockError,
  perform,
  scoreOf,
  VirtualClock,
  type AgentContext,
  type Report,
  type StepPlan,
} from 'tutti';
import { UnavailableError } from '../../actors/bus/bus.ts';
import { caesura, cue, fermata, tacet, vamp } from '../../machines/hct/factories.ts';

const source = 'caller';
const constant = (name: string, capacity?: number) => ({ name, capacity, run: () => name });
const sleeper = (name: string, ms: number) => ({
  name,
  run: (_: unknown, context: AgentContext) => context.sleep(ms).then(() => name),
});
const play = (steps: StepPlan[], options: Parameters<typeof perform>[1] = {}) =>
  perform(scoreOf('meeting', steps), { clock: new VirtualClock(), stallMs: 100, graceMs: 30, ...options });
const statuses = ({ timeline }: Report) => timeline.map(({ status }) => status);

test('a step that was refused before it was issued never gets a unit, and its station serves the next step', async () => {
  const run = play(
    [
      { id: 'refused', agent: constant('a', 1) },
      { id: 'next', agent: constant('b') },
    ],
    { window: 1 },
  );
  run.signal(caesura({ source, targets: ['refused'] }));
  const report = await run.report;
  expect(statuses(report)).toEqual(['cancelled', 'done']);
  expect(report.errors.map(({ name }) => name)).toEqual(['StepError']);
});

test('a fermata that a score writes on a step does not hold a step whose agent has that name', async () => {
  const run = play([
    { id: 'draft', agent: constant('writer'), fermata: { timeoutMs: 50 } },
    { id: 'other', agent: constant('draft') },
  ]);
  expect(statuses(await run.report)).toEqual(['failed', 'done']);
});

test('a tacet silences the step that it names although an agent has the same name', async () => {
  const run = play([
    { id: 'draft', agent: constant('writer') },
    { id: 'other', agent: constant('draft') },
    { id: 'third', agent: constant('third') },
  ]);
  run.signal(tacet({ source, targets: ['draft'] }));
  const report = await run.report;
  expect(statuses(report)).toEqual(['cancelled', 'cancelled', 'done']);
  expect(report.errors[0]).toBeInstanceOf(DeadlockError);
});

test('an agent is silent until each of its silences is over, and a cue ends all of them', async () => {
  const steps = [{ id: 'one', agent: constant('a') }];
  const silent = play(steps);
  silent.signal(tacet({ source, targets: ['a'] }));
  silent.signal(tacet({ source, targets: ['a'], durationMs: 5 }));
  expect((await silent.report).errors[0]).toBeInstanceOf(DeadlockError);

  const longest = play(steps);
  longest.tacet(['a'], 20);
  longest.tacet(['a'], 5);
  expect((await longest.report).makespan).toBe(20);

  const clock = new VirtualClock();
  const woken = play(steps, { clock });
  woken.tacet(['a'], 20);
  woken.tacet(['a']);
  clock.setTimeout(() => void woken.cue('a'), 7);
  expect((await woken.report).makespan).toBe(7);
});

test('a held step that a signal asked to repeat stalls like any other, and ends as a dead-lock', async () => {
  const run = play([{ id: 'held', agent: constant('a') }]);
  run.fermata('held');
  run.signal(vamp({ source, targets: ['held'], maxIterations: 3 }));
  const report = await run.report;
  expect(report.errors[0]).toBeInstanceOf(DeadlockError);
  expect(report.makespan).toBe(100); // the stall's limit, not that of the vamp
});

test('a batch that waits for a silent agent stalls, and ends as a dead-lock', async () => {
  const run = play(
    [
      { id: 'silent', agent: constant('a') },
      { id: 'slow', agent: sleeper('b', 5) },
      { id: 'after', agent: constant('c'), after: ['slow'] },
    ],
    { dispatch: 'batch' },
  );
  run.tacet(['a']);
  const report = await run.report;
  expect(report.errors[0]).toBeInstanceOf(DeadlockError);
  expect(statuses(report)).toEqual(['cancelled', 'done', 'cancelled']);
});

test('a signal that a listener sends while steps are being granted counts after the round', async () => {
  const run = play(
    [
      { id: 'one', agent: constant('a', 1) },
      { id: 'two', agent: constant('b', 1) },
    ],
    {
      onEvent: ({ type }) => {
        if (type === 'step.ready') run.signal(fermata({ source, targets: ['one', 'two'], timeoutMs: 5 }));
      },
    },
  );
  expect(statuses(await run.report)).toEqual(['done', 'done']); // what has begun is not held
});

test.each(['cue', 'fermata', 'caesura'] as const)(
  'a step that a cue has woken gets one unit although a %s follows at the same instant',
  async (type) => {
    const clock = new VirtualClock();
    const run = play(
      [
        { id: 'one', agent: constant('a', 1) },
        { id: 'two', agent: constant('a', 1) },
      ],
      { clock, maxConcurrency: 1, stallMs: 1_000 },
    );
    run.tacet(['a']);
    clock.setTimeout(() => {
      void run.cue('a');
      if (type === 'cue') run.signal(cue({ source, targets: ['a'], urgency: 9 }));
      else if (type === 'fermata')
        run.signal(fermata({ source, targets: ['one'], timeoutMs: 5, onTimeout: 'resume' }));
      else run.signal(caesura({ source, targets: ['one'] }));
    }, 2);
    const report = await run.report;
    expect(report.errors.map(({ name }) => name)).toEqual(type === 'caesura' ? ['StepError'] : []);
    expect(statuses(report)).toEqual([type === 'caesura' ? 'cancelled' : 'done', 'done']);
    expect(report.usage.calls).toBe(type === 'caesura' ? 1 : 2);
  },
);

test('an agent that answers its abort too late for its grace, but before its answer is read, answers once', async () => {
  const run = play(
    [
      {
        id: 'late',
        agent: {
          name: 'late',
          run: async (_, context) => {
            await context.sleep(1_000).catch(() => {
              const end = performance.now() + 40;
              while (performance.now() < end); // keeps the event loop busy for longer than the grace
            });
            return 'late';
          },
        },
        timeoutMs: 2,
        fallback: { value: 'instead' },
      },
      { id: 'slow', agent: sleeper('slow', 5) },
    ],
    { graceMs: 10 },
  );
  const report = await run.report;
  expect(report.errors).toEqual([]);
  expect(report.outputs).toEqual({ late: 'instead', slow: 'slow' });
});

test('a bus that breaks while a refused step waits to be written ends the performance typed', async () => {
  const clock = new VirtualClock();
  const bus = createBus({ clock });
  const breaks = Object.assign(Object.create(bus) as typeof bus, {
    publish: () => {
      (bus.signals as unknown as { error(reason: unknown): void }).error(new Error('no network'));
      throw new Error('no network');
    },
  });
  const run = play(
    [{ id: 'held', agent: constant('a'), fermata: { timeoutMs: 3 }, fallback: { value: 1 } }],
    {
      clock,
      bus: breaks,
    },
  );
  clock.setTimeout(() => void run.cue('unknown'), 3);
  const report = await run.report;
  expect(report.status).toBe('failed');
  expect(report.errors.map((error) => error instanceof UnavailableError)).toEqual([true]);
});
