/** Named situations of a performance, in virtual time. */
import { expect, test } from 'vitest';
import {
  BudgetError,
  DeadlockError,
  perform,
  PerformanceError,
  scoreOf,
  StepError,
  TimeoutError,
  VirtualClock,
  type AgentContext,
  type RunEvent,
  type StepPlan,
} from 'tutti';
import { HoldError, VampError } from '../../actors/tomasulo/errors.ts';
import { attacca, cue, fermata, tacet, vamp } from '../../machines/hct/signal.ts';

const sleeper = (name: string, ms: number, capacity?: number) => ({
  name,
  capacity,
  run: async (_: unknown, context: AgentContext) => {
    await context.sleep(ms);
    return name;
  },
});
const constant = (value: unknown) => ({ name: `constant-${String(value)}`, run: () => value });
const failing = (message = 'broken') => ({
  name: 'failing',
  run: () => {
    throw new Error(message);
  },
});
const play = (steps: StepPlan[], options: Parameters<typeof perform>[1] = {}) => {
  const clock = new VirtualClock();
  const events: RunEvent[] = [];
  const run = perform(scoreOf('situation', steps), {
    clock,
    onEvent: (event) => events.push(event),
    ...options,
  });
  return { run, clock, events };
};
const step = (events: RunEvent[], type: RunEvent['type'], id: string) =>
  events.find((event) => event.type === type && 'stepId' in event && event.stepId === id);

test('a name written three times: each reader gets the latest earlier write', async () => {
  const { run } = play([
    { id: 'one', agent: sleeper('slow', 30), writes: 'x' },
    { id: 'r1', agent: { name: 'r', run: ({ x }) => x }, reads: { x: 'x' } },
    { id: 'two', agent: constant(2), writes: 'x' },
    { id: 'r2', agent: { name: 'r', run: ({ x }) => x }, reads: { x: 'x' } },
    {
      id: 'three',
      agent: { name: 'inc', run: ({ x }) => (x as number) + 1 },
      reads: { x: 'x' },
      writes: 'x',
    },
  ]);
  expect((await run.result).outputs).toEqual({ x: 3, r1: 'slow', r2: 2 });
});

test('a fault names its root cause and its path, every dependent settles, the rest completes', async () => {
  const { run, events } = play([
    { id: 'bad', agent: failing() },
    { id: 'mid', agent: constant(1), reads: { x: 'bad' } },
    { id: 'end', agent: constant(1), reads: { x: 'mid' } },
    { id: 'other', agent: constant('fine') },
  ]);
  await expect(run.result).rejects.toBeInstanceOf(PerformanceError);
  const report = await run.report;
  expect(report.status).toBe('failed');
  expect(report.outputs).toEqual({ other: 'fine' });
  expect(report.timeline.map(({ status }) => status)).toEqual(['failed', 'skipped', 'skipped', 'done']);
  expect(report.errors).toHaveLength(1);
  expect(report.errors[0]!.message).toContain("step 'bad' failed: broken");
  const ended = step(events, 'step.ended', 'end') as { error?: StepError };
  expect(ended.error!.path).toEqual(['bad', 'mid', 'end']);
});

test('a fault that all readers tolerate does not fail the performance', async () => {
  const { run } = play([
    { id: 'bad', agent: failing() },
    {
      id: 'merge',
      agent: { name: 'm', run: ({ all }) => (all as { status: string }[]).map((one) => one.status) },
      reads: { all: ['bad'] },
      join: 'allSettled',
    },
  ]);
  await expect(
    (async () => (await perform(scoreOf('s', []), {}).result).outputs)(),
    'a score without steps completes',
  ).resolves.toEqual({});
  const report = await run.report;
  expect(report.outputs['merge']).toEqual(['rejected']);
  expect(report.status, "'bad' is an output by default").toBe('failed');
});

test('retries back off, and an external effect is never repeated', async () => {
  let tries = 0;
  const flaky = { name: 'flaky', run: () => (++tries < 3 ? Promise.reject(new Error('again')) : 'ok') };
  const { run, clock } = play([{ id: 'a', agent: flaky, retry: { attempts: 3, delayMs: 100, factor: 3 } }]);
  expect((await run.result).outputs).toEqual({ a: 'ok' });
  expect(clock.now()).toBe(400);
  tries = 0;
  const external = perform(scoreOf('s', [{ id: 'a', agent: flaky, effects: 'external' }]), {
    retry: { attempts: 5 },
  });
  expect((await external.report).status).toBe('failed');
  expect(tries).toBe(1);
});

test('a step that hangs is aborted at its time-out; one that ignores the abort is left behind after its grace', async () => {
  const { run, clock } = play([
    { id: 'sleeps', agent: sleeper('s', 10_000), timeoutMs: 50 },
    { id: 'reads', agent: constant(1), reads: { x: 'sleeps' } },
  ]);
  const report = await run.report;
  expect(report.errors[0]).toBeInstanceOf(StepError);
  expect(report.errors[0]!.cause).toBeInstanceOf(TimeoutError);
  expect(clock.now()).toBe(50);
  let late: (value: string) => void = () => {};
  const deaf = { name: 'deaf', run: () => new Promise<string>((resolve) => (late = resolve)) };
  const left = perform(scoreOf('s', [{ id: 'deaf', agent: deaf, timeoutMs: 5 }]), { graceMs: 5 });
  const ended = await left.report;
  late('too late');
  expect(ended.status).toBe('failed');
  expect(ended.outputs).toEqual({});
});

test('a total time-out fails the performance and cancels what is left', async () => {
  const { run, clock } = play(
    [
      { id: 'a', agent: sleeper('a', 500) },
      { id: 'b', agent: constant(1), after: ['a'] },
    ],
    {
      timeout: { totalMs: 100 },
    },
  );
  const report = await run.report;
  expect(report.status).toBe('failed');
  expect(report.errors[0]).toBeInstanceOf(TimeoutError);
  expect(report.timeline.map(({ status }) => status)).toEqual(['cancelled', 'cancelled']);
  expect(clock.now()).toBe(100);
});

test('an AbortSignal, also one that is aborted already, cancels', async () => {
  for (const signal of [AbortSignal.abort('before'), AbortSignal.timeout(1)]) {
    const agent = { name: 'waits', run: (_: unknown, context: AgentContext) => context.sleep(60_000) };
    const run = perform(scoreOf('s', [{ id: 'a', agent }]), { signal });
    const report = await run.report;
    expect(report.status).toBe('cancelled');
  }
});

test('the budget of calls is never overrun', async () => {
  let calls = 0;
  const agent = { name: 'a', run: () => ++calls };
  const steps = Array.from({ length: 9 }, (_, i): StepPlan => ({
    id: `s${i}`,
    agent,
    retry: { attempts: 3, delayMs: 1 },
  }));
  const report = await play(steps, { budget: { calls: 4 } }).run.report;
  expect(calls).toBe(4);
  expect(report.usage.calls).toBe(4);
  expect(report.errors[0]!.cause).toBeInstanceOf(BudgetError);
});

test('a fermata on a step holds it until a cue; the rest goes on', async () => {
  const { run, clock, events } = play([
    { id: 'draft', agent: sleeper('draft', 10) },
    { id: 'publish', agent: constant('out'), reads: { x: 'draft' }, fermata: { timeoutMs: 1_000 } },
    { id: 'other', agent: sleeper('other', 20) },
  ]);
  clock.setTimeout(() => void run.cue('publish'), 500);
  expect((await run.result).outputs['publish']).toBe('out');
  expect(clock.now()).toBe(500);
  expect(step(events, 'step.held', 'publish')).toBeDefined();
});

test('a hold that runs out fails the step, or resumes it, as it says', async () => {
  const held = (onTimeout: 'fail' | 'resume') =>
    play([{ id: 'a', agent: constant(1), fermata: { timeoutMs: 70, onTimeout } }]).run.report;
  expect((await held('resume')).status).toBe('completed');
  const failed = await held('fail');
  expect(failed.status).toBe('failed');
  expect(failed.errors[0]!.cause).toBeInstanceOf(HoldError);
});

test('a fermata on the bus holds all steps that have not begun, and a cue to one releases one', async () => {
  const { run, clock } = play([
    { id: 'a', agent: sleeper('a', 10) },
    { id: 'b', agent: sleeper('b', 10), reads: { x: 'a' } },
    { id: 'c', agent: sleeper('c', 10), reads: { x: 'a' } },
  ]);
  clock.setTimeout(() => run.signal(fermata({ source: 'me', targets: ['*'] })), 5);
  clock.setTimeout(() => run.signal(cue({ source: 'me', targets: ['b'], intent: 'resume' })), 100);
  clock.setTimeout(() => run.signal(cue({ source: 'me', targets: ['*'], intent: 'resume' })), 200);
  const report = await run.result;
  expect(report.timeline.map(({ start }) => start)).toEqual([0, 100, 200]);
});

test('a silent unit without an end is a dead-lock: reported at once, ended after stallMs, naming who waits', async () => {
  const { run, clock, events } = play(
    [
      { id: 'a', agent: sleeper('a', 10) },
      { id: 'b', agent: sleeper('mute', 10), reads: { x: 'a' } },
      { id: 'c', agent: constant(1), reads: { x: 'b' } },
    ],
    { stallMs: 1_000 },
  );
  clock.setTimeout(() => run.signal(tacet({ source: 'me', targets: ['mute'] })), 5);
  const report = await run.report;
  expect(report.status).toBe('failed');
  expect(report.errors[0]).toBeInstanceOf(DeadlockError);
  expect(report.errors[0]!.message).toContain("'b' waits for a unit of 'mute'");
  expect(events.find(({ type }) => type === 'run.stalled')!.timestamp).toBe(10);
  expect(clock.now()).toBe(1_010);
});

test('a silent unit wakes by itself after its duration, or at a cue', async () => {
  const steps: StepPlan[] = [
    { id: 'a', agent: sleeper('a', 10) },
    { id: 'b', agent: sleeper('mute', 10), reads: { x: 'a' } },
  ];
  const timed = play(steps);
  timed.clock.setTimeout(() => timed.run.tacet(['mute'], 300), 5);
  expect((await timed.run.result).timeline[1]!.start).toBe(305);
  const cued = play(steps);
  cued.clock.setTimeout(() => cued.run.tacet(['mute']), 5);
  cued.clock.setTimeout(() => void cued.run.cue('mute'), 99);
  expect((await cued.run.result).timeline[1]!.start).toBe(99);
});

test('a vamp repeats until it is satisfied, at most as often as its cap, or until a cue', async () => {
  const count = {
    name: 'count',
    run: ({ previous }: Record<string, unknown>) => ((previous as number | undefined) ?? 0) + 1,
  };
  const rounds = (max: number, onCap?: 'fail' | 'accept') =>
    play([{ id: 'v', agent: count, vamp: { max, until: (n) => (n as number) >= 3, onCap } }]).run.report;
  expect((await rounds(5)).outputs).toEqual({ v: 3 });
  expect((await rounds(2, 'accept')).outputs).toEqual({ v: 2 });
  expect((await rounds(2)).errors[0]!.cause).toBeInstanceOf(VampError);
  const endless = play([{ id: 'v', agent: sleeper('s', 10), vamp: { max: 1_000, until: () => false } }]);
  endless.clock.setTimeout(() => void endless.run.cue('v'), 35);
  expect((await endless.run.result).makespan).toBe(40);
});

test('a tacet step does not run: its default stands in', async () => {
  const { run } = play([
    { id: 'a', agent: failing(), tacet: true, fallback: { value: 'silence' } },
    { id: 'b', agent: { name: 'b', run: ({ x }) => x }, reads: { x: 'a' } },
  ]);
  const report = await run.result;
  expect(report.outputs).toEqual({ a: 'silence', b: 'silence' });
  expect(report.timeline[0]!.status).toBe('tacet');
});

test('the longest remaining path goes first, then urgency; attacca goes before all', async () => {
  const one = (id: string, more: Partial<StepPlan> = {}): StepPlan => ({
    id,
    agent: sleeper('unit', 10, 1),
    ...more,
  });
  const { run } = play([
    one('short'),
    one('urgent', { urgency: 9 }),
    one('long', { cost: 5 }),
    one('now', { attacca: true }),
  ]);
  const order = [...(await run.result).timeline].sort((a, b) => a.start! - b.start!).map(({ id }) => id);
  expect(order).toEqual(['now', 'long', 'urgent', 'short']);
});

test('an attacca signal moves a waiting step to the front', async () => {
  const steps = ['a', 'b', 'c', 'd'].map((id): StepPlan => ({ id, agent: sleeper('unit', 10, 1) }));
  const { run, clock } = play(steps);
  clock.setTimeout(() => run.signal(attacca({ source: 'me', targets: ['d'] })), 5);
  expect((await run.result).timeline.map(({ start }) => start)).toEqual([0, 20, 30, 10]);
});

test('no step is passed over more often than patience allows', async () => {
  const steps: StepPlan[] = [{ id: 'old', agent: sleeper('unit', 10, 1), urgency: 1 }];
  for (let i = 0; i < 20; i++) steps.push({ id: `s${i}`, agent: sleeper('unit', 10, 1), urgency: 10 });
  const { run } = play(steps, { patience: 3 });
  expect((await run.result).timeline[0]!.start).toBe(30);
});

test('a downbeat lets nothing below start before everything above has settled', async () => {
  const { run } = play([
    { id: 'a', agent: sleeper('a', 50) },
    { id: 'b', agent: sleeper('b', 10), downbeat: true },
    { id: 'c', agent: sleeper('c', 10) },
  ]);
  expect((await run.result).timeline.map(({ start }) => start)).toEqual([0, 50, 50]);
});

test('results are frozen: one reader cannot change what another reads', async () => {
  const { run } = play([
    { id: 'a', agent: { name: 'a', run: () => ({ list: [1] }) } },
    {
      id: 'b',
      agent: { name: 'b', run: ({ x }) => (x as { list: number[] }).list.push(2) },
      reads: { x: 'a' },
    },
  ]);
  expect((await run.report).errors[0]!.message).toContain('not extensible');
});

test('a window of one issues one step at a time and counts the stalls', async () => {
  const steps = ['a', 'b', 'c'].map((id): StepPlan => ({ id, agent: sleeper(id, 10) }));
  const report = await play(steps, { window: 1 }).run.result;
  expect(report.makespan).toBe(30);
  expect(report.usage.stalls).toBeGreaterThan(0);
});

test.each<[string, () => boolean | Promise<boolean>]>([
  ['throws', () => { throw new RangeError('no scale'); }], // prettier-ignore
  ['rejects', () => Promise.reject(new RangeError('no scale'))],
])('a vamp whose `until` %s fails with that error, and is not tried again', async (_, until) => {
  let calls = 0;
  const { run } = play([{ id: 'v', agent: { name: 'count', run: () => ++calls }, retry: { attempts: 5 }, vamp: { max: 9, until } }]); // prettier-ignore
  const { errors } = await run.report;
  expect([calls, errors[0]!.message]).toEqual([1, "step 'v' failed: no scale"]);
  expect(errors[0]!.cause).toBeInstanceOf(RangeError);
});

test.each(['its own', 'of a signal'])(
  'between two rounds of a vamp, %s, a step waits: it may be refused then',
  async (whose) => {
    const { run, clock } = play([
      {
        id: 'v',
        agent: sleeper('slow', 10),
        ...(whose === 'its own' ? { vamp: { max: 9, until: () => false } } : {}),
      },
    ]);
    if (whose !== 'its own') run.signal(vamp({ source: 'person', targets: ['v'] }));
    clock.setTimeout(() => run.tacet(['slow']), 5);
    clock.setTimeout(() => run.refuse('v', 'enough'), 15);
    const { errors, timeline } = await run.report;
    expect(errors[0]!.message).toBe("step 'v' failed: step 'v' was refused: enough");
    expect(timeline[0]).toMatchObject({ attempts: 1, status: 'failed' });
  },
);

test('a step that has its unit and is refused before it starts never runs, and its unit is free again', async () => {
  // In virtual time rounds pause after 4,096 starts: the last steps have their units, and have not started.
  const ran: string[] = [];
  const note = {
    name: 'note',
    run: (_: unknown, { stepId }: AgentContext) => {
      if (stepId === 's0') for (const id of ['last', 'skipped']) run.refuse(id, 'enough');
      ran.push(stepId);
    },
  };
  const limited = { ...note, name: 'limited', capacity: 1 };
  const many = Array.from({ length: 4_200 }, (_, i): StepPlan => ({ id: `s${i}`, agent: note }));
  const { run } = play(
    [
      ...many,
      { id: 'skipped', agent: limited, when: { test: () => false } },
      { id: 'last', agent: limited, retry: { attempts: 3 } },
      { id: 'next', agent: limited },
    ],
    { window: 8_192 },
  );
  const { timeline, errors, usage } = await run.report;
  const statusOf = (id: string) => timeline.find((one) => one.id === id)!.status;
  expect([statusOf('last'), statusOf('next'), statusOf('s4199')]).toEqual(['failed', 'done', 'done']);
  expect(errors.map(({ message }) => message)).toContain(
    "step 'last' failed: step 'last' was refused: enough",
  );
  expect(ran).toHaveLength(4_201);
  expect(usage.calls).toBe(4_201);
});

test('two performances on one bus do not disturb each other', async () => {
  const { createBus } = await import('tutti');
  const bus = createBus();
  const steps = ['a', 'b'].map((id): StepPlan => ({
    id,
    agent: sleeper(id, 1),
    ...(id === 'b' ? { reads: { x: 'a' } } : {}),
  }));
  const runs = [1, 2].map(() => perform(scoreOf('shared', steps), { bus }));
  for (const { outputs } of await Promise.all(runs.map(({ result }) => result)))
    expect(outputs).toEqual({ a: 'a', b: 'b' });
});

test('events come in order, to several readers, and a reader that stops early harms nothing', async () => {
  const run = perform(scoreOf('events', [{ id: 'a', agent: constant(1) }]));
  const read = async (most: number) => {
    const seen: string[] = [];
    for await (const { type } of run.events) if (seen.push(type) >= most) break;
    return seen;
  };
  const [all, two] = await Promise.all([read(99), read(2)]);
  expect(all).toEqual([
    'run.started',
    'step.issued',
    'step.ready',
    'step.started',
    'step.ended',
    'run.ended',
  ]);
  expect(two).toEqual(all.slice(0, 2));
});

test('a batch, and a choice of the longest path, see the whole window and not only its beginning', async () => {
  const lengths = Array.from({ length: 300 }, (_, i) => 1 + ((i * 37) % 101));
  const steps = lengths.map((ms, i): StepPlan => ({ id: `s${i}`, agent: sleeper(`a${i}`, ms), cost: ms }));
  expect((await play(steps, { dispatch: 'batch' }).run.result).makespan).toBe(Math.max(...lengths));
  // Eight units, the longest first: each next one to the unit that is free first.
  const units = Array.from({ length: 8 }, () => 0);
  for (const ms of [...lengths].sort((a, b) => b - a)) {
    units.sort((a, b) => a - b);
    units[0]! += ms;
  }
  expect((await play(steps, { maxConcurrency: 8 }).run.result).makespan).toBe(Math.max(...units));
});

test('an agent may take what it needs out of its context', async () => {
  const run = async (_: unknown, { sleep, now, signal, stepId }: AgentContext) => {
    const before = now();
    await sleep(25);
    return [stepId, now() - before, signal.aborted];
  };
  const { outputs } = await play([{ id: 'destructured', agent: { name: 'd', run } }]).run.result;
  expect(outputs['destructured']).toEqual(['destructured', 25, false]);
});
