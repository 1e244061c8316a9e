/** Claim: for any latencies, faults, retries, capacities and windows, a program ends as if it had been run
 *  step by step; no step fires twice, none is left running, and cancelling leaves nothing behind. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { agent, perform, scoreOf, VirtualClock, type AgentContext, type StepPlan } from 'tutti';

interface StepShape {
  writes: number;
  reads: number[];
  list: boolean;
  tolerant: boolean;
  fallback: boolean;
  latency: number;
  /** How often the agent fails before it succeeds. */
  failures: number;
  attempts: number;
  agent: number;
  downbeat: boolean;
  urgency: number;
}

const NAMES = ['a', 'b', 'c', 'd'];
const AGENTS = [undefined, 1, 2] as const;

const stepShape: fc.Arbitrary<StepShape> = fc.record({
  writes: fc.nat(NAMES.length - 1),
  reads: fc.array(fc.nat(100), { maxLength: 3 }),
  list: fc.boolean(),
  tolerant: fc.boolean(),
  fallback: fc.oneof({ weight: 4, arbitrary: fc.constant(false) }, fc.constant(true)),
  latency: fc.nat(20),
  failures: fc.oneof({ weight: 5, arbitrary: fc.constant(0) }, fc.integer({ min: 1, max: 3 })),
  attempts: fc.integer({ min: 1, max: 3 }),
  agent: fc.nat(AGENTS.length - 1),
  downbeat: fc.oneof({ weight: 6, arbitrary: fc.constant(false) }, fc.constant(true)),
  urgency: fc.integer({ min: 1, max: 10 }),
});

interface World {
  running: number;
  most: number;
  fired: Map<string, number>;
  busy: number[];
}

type Cell = { ok: true; value: string } | { ok: false };

const said = (value: unknown): string => {
  if (Array.isArray(value)) return value.map(said).join(',');
  if (typeof value === 'object' && value !== null && 'status' in value) {
    const settled = value as { status: string; value?: unknown };
    return settled.status === 'fulfilled' ? said(settled.value) : 'fault';
  }
  return String(value);
};
const resultOf = (id: string, operands: string): string =>
  `${id}(${operands.length > 40 ? operands.length : operands})`;

function build(shapes: StepShape[], world: World): StepPlan[] {
  const written: string[] = ['input.x'];
  const agents = AGENTS.map((capacity, kind) =>
    agent({
      name: `agent-${kind}`,
      capacity,
      run: async (operands: Record<string, unknown>, context: AgentContext) => {
        const shape = shapes[Number(context.stepId.slice(1))]!;
        world.fired.set(context.stepId, (world.fired.get(context.stepId) ?? 0) + 1);
        world.most = Math.max(world.most, ++world.running);
        world.busy[kind] = (world.busy[kind] ?? 0) + 1;
        if (capacity !== undefined) expect(world.busy[kind]).toBeLessThanOrEqual(capacity);
        try {
          if (shape.latency > 0) await context.sleep(shape.latency);
          if (context.attempt <= shape.failures) throw new Error(`${context.stepId} failed`);
          return resultOf(context.stepId, said(Object.values(operands)));
        } finally {
          world.running--;
          world.busy[kind]!--;
        }
      },
    }),
  );
  return shapes.map((shape, i) => {
    const names = shape.reads.map((pick) => written[pick % written.length]!);
    const reads: Record<string, string | string[]> = shape.list
      ? { all: names }
      : Object.fromEntries(names.map((name, k) => [`r${k}`, name]));
    const name = NAMES[shape.writes]!;
    if (!written.includes(name)) written.push(name);
    return {
      id: `s${i}`,
      agent: agents[shape.agent]!.plan,
      reads,
      writes: name,
      join: shape.tolerant ? 'allSettled' : 'all',
      fallback: shape.fallback ? { value: `default-${i}` } : undefined,
      retry: shape.attempts > 1 ? { attempts: shape.attempts, delayMs: 5 } : undefined,
      downbeat: shape.downbeat,
      urgency: shape.urgency,
    };
  });
}

/** The same program, step by step. */
function interpret(steps: StepPlan[], shapes: StepShape[]) {
  const cells = new Map<string, Cell>([['input.x', { ok: true, value: '7' }]]);
  const statuses: string[] = [];
  const fired = new Map<string, number>();
  steps.forEach((step, i) => {
    const shape = shapes[i]!;
    const names = Object.values(step.reads ?? {}).flat();
    const operands = names.map((name) => cells.get(name as string)!);
    const faulty = operands.some(({ ok }, k) => !ok && names[k] !== 'input.x');
    const blocked = faulty && step.join !== 'allSettled';
    const tries = Math.min(shape.failures + 1, shape.attempts);
    if (!blocked) fired.set(step.id, tries);
    const succeeds = !blocked && shape.failures < shape.attempts;
    const text = (cell: Cell) => (cell.ok ? cell.value : 'fault');
    const value = succeeds
      ? resultOf(step.id, operands.map(text).join(','))
      : step.fallback
        ? (step.fallback.value as string)
        : undefined;
    statuses.push(succeeds ? 'done' : value !== undefined ? 'defaulted' : blocked ? 'skipped' : 'failed');
    cells.set(step.writes!, value === undefined ? { ok: false } : { ok: true, value });
  });
  cells.delete('input.x');
  const outputs = Object.fromEntries(
    [...cells].flatMap(([name, cell]) => (cell.ok ? [[name, cell.value]] : [])),
  );
  return { outputs, statuses, fired };
}

const options = fc.record({
  window: fc.oneof(fc.integer({ min: 1, max: 4 }), fc.constant(1_024)),
  maxConcurrency: fc.option(fc.integer({ min: 1, max: 4 }), { nil: undefined }),
  dispatch: fc.constantFrom('reactive', 'reactive', 'batch', 'sequential' as const),
  priority: fc.constantFrom('path', 'fifo' as const),
  patience: fc.constantFrom(1, 3, 1_024),
});
const program = fc.array(stepShape, { minLength: 0, maxLength: 14 });
const newWorld = (): World => ({ running: 0, most: 0, fired: new Map(), busy: [] });

test('1,500 random programs end as their sequential interpretation', { timeout: 240_000 }, async () => {
  await fc.assert(
    fc.asyncProperty(program, options, async (shapes, given) => {
      const world = newWorld();
      const steps = build(shapes, world);
      const expected = interpret(steps, shapes);
      const clock = new VirtualClock();
      const report = await perform(scoreOf('random', steps), { ...given, clock, input: { x: 7 } }).report;
      expect(report.outputs).toEqual(expected.outputs);
      expect(report.timeline.map(({ status }) => status)).toEqual(expected.statuses);
      expect(Object.fromEntries(world.fired)).toEqual(Object.fromEntries(expected.fired));
      expect(world.running).toBe(0);
      const most = given.dispatch === 'sequential' ? 1 : given.maxConcurrency;
      if (most !== undefined) expect(world.most).toBeLessThanOrEqual(most);
      const start = clock.now();
      await new Promise((resolve) => setImmediate(resolve));
      expect(clock.now(), 'no timer is left').toBe(start);
    }),
    { numRuns: 1_500 },
  );
});

test('a step never starts before what it reads has ended', { timeout: 120_000 }, async () => {
  await fc.assert(
    fc.asyncProperty(program, options, async (shapes, given) => {
      const steps = build(shapes, newWorld());
      const report = await perform(scoreOf('random', steps), {
        ...given,
        clock: new VirtualClock(),
        input: { x: 7 },
      }).report;
      const ends = new Map(report.timeline.map(({ id, end }) => [id, end!]));
      for (const { id, start, waitedFor, status } of report.timeline) {
        if (start === undefined) continue;
        for (const other of waitedFor)
          expect(start, `${id} (${status}) after ${other}`).toBeGreaterThanOrEqual(ends.get(other)!);
      }
    }),
    { numRuns: 300 },
  );
});

test(
  'with nothing limited, a step starts the instant its last operand exists',
  { timeout: 120_000 },
  async () => {
    await fc.assert(
      fc.asyncProperty(program, async (shapes) => {
        const free = shapes.map((shape) => ({
          ...shape,
          agent: 0,
          downbeat: false,
          failures: 0,
          attempts: 1,
        }));
        const report = await perform(scoreOf('random', build(free, newWorld())), {
          clock: new VirtualClock(),
          input: { x: 7 },
        }).report;
        const ends = new Map(report.timeline.map(({ id, end }) => [id, end!]));
        for (const { start, waitedFor } of report.timeline) {
          expect(start).toBe(Math.max(0, ...waitedFor.map((id) => ends.get(id)!)));
        }
        expect(report.makespan).toBe(report.criticalPath.length);
      }),
      { numRuns: 300 },
    );
  },
);

test(
  'cancelled at any time, it settles, every step has a status, and nothing is left running',
  { timeout: 120_000 },
  async () => {
    await fc.assert(
      fc.asyncProperty(program, options, fc.nat(60), async (shapes, given, at) => {
        const world = newWorld();
        const clock = new VirtualClock();
        const run = perform(scoreOf('random', build(shapes, world)), { ...given, clock, input: { x: 7 } });
        clock.setTimeout(() => run.cancel('enough'), at);
        const report = await run.report;
        expect(['completed', 'failed', 'cancelled']).toContain(report.status);
        expect(world.running).toBe(0);
        const fired = [...world.fired.values()].reduce((sum, count) => sum + count, 0);
        expect(report.usage.calls).toBe(fired);
        for (const { status } of report.timeline)
          expect(['waiting', 'running', 'pending']).not.toContain(status);
      }),
      { numRuns: 500 },
    );
  },
);
