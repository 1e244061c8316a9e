/** Claim: for any latencies, faults, retries, capacities and windows, a program ends as if it had been run
 *  step by step; no step fires twice, none is left running, and cancelling leaves nothing behind. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { perform, scoreOf, VirtualClock } from 'tutti';
import {
  buildProgram,
  CAPACITIES,
  interpret,
  NAMES,
  nothingObserved,
  type StepShape,
} from '../../src/verify/programs.ts';

const stepShape: fc.Arbitrary<StepShape> = fc.record({
  writes: fc.nat(NAMES.length - 1),
  reads: fc.array(fc.nat(100), { maxLength: 3 }),
  list: fc.boolean(),
  tolerant: fc.boolean(),
  fallback: fc.oneof({ weight: 4, arbitrary: fc.constant(false) }, fc.constant(true)),
  latency: fc.nat(20),
  failures: fc.oneof({ weight: 5, arbitrary: fc.constant(0) }, fc.integer({ min: 1, max: 3 })),
  attempts: fc.integer({ min: 1, max: 3 }),
  agent: fc.nat(CAPACITIES.length - 1),
  downbeat: fc.oneof({ weight: 6, arbitrary: fc.constant(false) }, fc.constant(true)),
  urgency: fc.integer({ min: 1, max: 10 }),
});

const options = fc.record({
  window: fc.oneof(fc.integer({ min: 1, max: 4 }), fc.constant(1_024)),
  maxConcurrency: fc.option(fc.integer({ min: 1, max: 4 }), { nil: undefined }),
  dispatch: fc.constantFrom('reactive', 'reactive', 'batch', 'sequential' as const),
  priority: fc.constantFrom('path', 'fifo' as const),
  patience: fc.constantFrom(1, 3, 1_024),
});
const program = fc.array(stepShape, { minLength: 0, maxLength: 14 });

test('1,500 random programs end as their sequential interpretation', { timeout: 240_000 }, async () => {
  await fc.assert(
    fc.asyncProperty(program, options, async (shapes, given) => {
      const world = nothingObserved();
      const steps = buildProgram(shapes, world);
      const expected = interpret(steps, shapes);
      const clock = new VirtualClock();
      const report = await perform(scoreOf('random', steps), { ...given, clock, input: { x: 7 } }).report;
      expect(report.outputs).toEqual(expected.outputs);
      expect(report.timeline.map(({ status }) => status)).toEqual(expected.statuses);
      expect(Object.fromEntries(world.fired)).toEqual(Object.fromEntries(expected.fired));
      expect(world.running).toBe(0);
      expect(world.exceeded).toBeUndefined();
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
      const steps = buildProgram(shapes, nothingObserved());
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
        const report = await perform(scoreOf('random', buildProgram(free, nothingObserved())), {
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
        const world = nothingObserved();
        const clock = new VirtualClock();
        const run = perform(scoreOf('random', buildProgram(shapes, world)), {
          ...given,
          clock,
          input: { x: 7 },
        });
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
