/** Claims: the governor's table is total, compiles to equal snapshots, throttles, boosts, and is monotone. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createActor } from 'xstate';
import { createBus } from '../../actors/bus/in-process-bus.ts';
import { loadOf, UnitGovernor } from '../../actors/governor/governor.ts';
import { VirtualClock } from '../../actors/bus/clock.ts';
import { compile } from '../../machines/table/compile.ts';
import { DYNAMICS_LEVELS } from '../../machines/hct/dynamics.ts';
import { GOVERNORS, type GovernorName } from '../../machines/governor/governor.ts';
import {
  DEFAULT_LADDER,
  ladder,
  LadderError,
  relativeCost,
  type OperatingPoint,
} from '../../machines/governor/operating-point.ts';
import { MODES } from '../../machines/hct/performance.ts';
import { TEMPI } from '../../machines/hct/tempo.ts';
import {
  operatingPointOf,
  tempoGovernor,
  type TempoGovernorEvent,
} from '../../machines/governor/tempo-governor.ts';

const EVENTS = ['LOAD', 'BUDGET', 'DEADLINE', 'BOOST', 'SET'];

const events: fc.Arbitrary<TempoGovernorEvent> = fc.oneof(
  fc.record({
    type: fc.constant('LOAD' as const), at: fc.nat(100_000), load: fc.integer({ min: 0, max: 100 }),
    util: fc.integer({ min: 0, max: 1_024 }), idleCalls: fc.nat(5), ioWait: fc.boolean(),
  }), // prettier-ignore
  fc.record({
    type: fc.constant('BUDGET' as const),
    allowance: fc.option(fc.double({ min: 0, max: 10, noNaN: true })),
  }),
  fc.record({
    type: fc.constant('DEADLINE' as const),
    remainingMs: fc.option(fc.integer({ min: 0, max: 200_000 })),
  }),
  fc.constant({ type: 'BOOST' as const }),
  fc.record({ type: fc.constant('SET' as const), policy: fc.constantFrom(...GOVERNORS) }),
  fc.record({ type: fc.constant('SET' as const), frequency: fc.integer({ min: 1, max: 200_000 }) }),
  fc.record({
    type: fc.constant('SET' as const),
    mode: fc.constantFrom('sprint', 'conservation', 'crisis', null),
  }),
);

describe('the table', () => {
  test.each(GOVERNORS)('%s declares every event', (state) => {
    expect(Object.keys(tempoGovernor.config.states![state]!.on!).sort()).toEqual([...EVENTS].sort());
  });

  test('compiled and interpreted machines have equal snapshots after every event, and announce the same points', () => {
    fc.assert(
      fc.property(fc.array(events, { maxLength: 40 }), (sequence) => {
        const said: [string[], string[]] = [[], []];
        const provided = (log: string[]) =>
          tempoGovernor.provide({ actions: { setOperatingPoint: ({ event }) => void log.push(event.type) } });
        const [a, b] = [
          createActor(provided(said[0]), { input: { unit: 'u' } }).start(),
          createActor(compile(provided(said[1])), { input: { unit: 'u' } }).start(),
        ];
        for (const event of sequence) {
          a.send(event);
          b.send(event);
          expect(b.getSnapshot().value).toBe(a.getSnapshot().value);
          expect(b.getSnapshot().context).toEqual(a.getSnapshot().context);
        }
        expect(said[1]).toEqual(said[0]);
      }),
      { numRuns: 200 },
    );
  });

  test('setOperatingPoint is called exactly when the point changes, and the context is JSON', () => {
    fc.assert(
      fc.property(fc.array(events, { maxLength: 40 }), (sequence) => {
        let said = 0;
        const actor = createActor(
          compile(tempoGovernor.provide({ actions: { setOperatingPoint: () => void said++ } })),
          { input: { unit: 'u' } },
        ).start();
        for (const event of sequence) {
          const before = operatingPointOf(actor.getSnapshot().context);
          said = 0;
          actor.send(event);
          const { context } = actor.getSnapshot();
          expect(actor.getSnapshot().status).toBe('active');
          expect(said).toBe(JSON.stringify(operatingPointOf(context)) === JSON.stringify(before) ? 0 : 1);
          expect(JSON.parse(JSON.stringify(context))).toEqual(context);
        }
      }),
      { numRuns: 300 },
    );
  });
});

describe('thermal throttling', () => {
  test('no point ever costs more than the allowance, except the bottom of the ladder; max wins over min', () => {
    fc.assert(
      fc.property(fc.array(events, { maxLength: 60 }), (sequence) => {
        const actor = createActor(compile(tempoGovernor), { input: { unit: 'u' } }).start();
        for (const event of sequence) {
          actor.send(event);
          const { context } = actor.getSnapshot();
          const point = operatingPointOf(context);
          const bottom =
            point.tempo === DEFAULT_LADDER[0]!.tempo && point.dynamics === DEFAULT_LADDER[0]!.dynamics;
          if (context.allowance !== null && !bottom)
            expect(relativeCost(point)).toBeLessThanOrEqual(context.allowance);
          expect(context.memory.cur).toBeGreaterThanOrEqual(context.memory.min);
          expect(context.memory.cur).toBeLessThanOrEqual(context.memory.max);
        }
      }),
      { numRuns: 500 },
    );
  });

  test('less budget never means a more expensive point, from the same state under every policy', () => {
    const pair = fc.tuple(
      fc.double({ min: 0, max: 10, noNaN: true }),
      fc.double({ min: 0, max: 10, noNaN: true }),
    );
    fc.assert(
      fc.property(fc.array(events, { maxLength: 20 }), pair, (sequence, [a, b]) => {
        const cost = (allowance: number) => {
          const actor = createActor(compile(tempoGovernor), { input: { unit: 'u' } }).start();
          for (const event of sequence) actor.send(event);
          actor.send({ type: 'BUDGET', allowance });
          return relativeCost(operatingPointOf(actor.getSnapshot().context));
        };
        expect(cost(Math.min(a, b))).toBeLessThanOrEqual(cost(Math.max(a, b)));
      }),
      { numRuns: 500 },
    );
  });

  test.each(GOVERNORS)('%s: less budget never means a more expensive point over a whole trace', (policy) => {
    const loads = fc.array(fc.constantFrom(5, 19, 50, 79, 81, 95), { maxLength: 40 });
    const allowance = fc.double({ min: 0, max: 8, noNaN: true });
    fc.assert(
      fc.property(loads, allowance, allowance, fc.constantFrom(5, 10, 20, 40), (trace, a, b, freqStep) => {
        const [less, more] = [Math.min(a, b), Math.max(a, b)].map((limit) =>
          costsOver(policy, limit, trace, freqStep),
        );
        less!.forEach((cost, i) => expect(cost).toBeLessThanOrEqual(more![i]!));
      }),
      { numRuns: 1_000 },
    );
  });

  test('a deadline raises the floor: only points that answer in time remain', () => {
    const governor = new UnitGovernor({ unit: 'u', policy: 'powersave' });
    governor.deadline(4_000);
    expect(governor.point).toEqual({ tempo: 'vivace', dynamics: 'f' });
    governor.budget(0.3); // and the budget wins over it
    expect(governor.point).toEqual({ tempo: 'moderato', dynamics: 'p' });
    governor.budget(null);
    governor.deadline(null);
    expect(governor.point).toEqual(MODES.conservation);
  });
});

function costsOver(
  policy: GovernorName,
  allowance: number,
  trace: readonly number[],
  freqStep = 5,
): number[] {
  const actor = createActor(compile(tempoGovernor), {
    input: { unit: 'u', tunables: { samplingRate: 1, freqStep } },
  }).start();
  actor.send({ type: 'SET', policy });
  actor.send({ type: 'BUDGET', allowance });
  return trace.map((load, i) => {
    actor.send({
      type: 'LOAD',
      at: i * 10,
      load,
      util: Math.round(load * 10.24),
      idleCalls: i,
      ioWait: false,
    });
    return relativeCost(operatingPointOf(actor.getSnapshot().context));
  });
}

describe('the pool', () => {
  test('modes are the ends of the default ladder, and crisis is not on it', () => {
    expect(DEFAULT_LADDER[0]).toMatchObject(MODES.conservation);
    expect(DEFAULT_LADDER.at(-1)).toMatchObject(MODES.sprint);
    const governor = new UnitGovernor({ unit: 'u' });
    for (const mode of ['sprint', 'conservation', 'crisis'] as const) {
      governor.setMode(mode);
      expect(governor.point).toEqual(MODES[mode]);
    }
    expect(governor.policy).toBe('userspace');
    governor.budget(1); // crisis costs 1.5625: the ceiling holds even here
    expect(relativeCost(governor.point)).toBeLessThanOrEqual(1);
  });

  test('queue pressure and rejections each raise the load alone', () => {
    expect(loadOf({ inUse: 0, queued: 0, capacity: 4 })).toBe(0);
    expect(loadOf({ inUse: 4, queued: 9, capacity: 4 })).toBe(1);
    expect(loadOf({ inUse: 0, queued: 0, capacity: 4 }, 0.5)).toBe(0.5);
    fc.assert(
      fc.property(
        fc.nat(20),
        fc.nat(20),
        fc.integer({ min: 1, max: 9 }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        (inUse, queued, capacity, failures) => {
          const load = loadOf({ inUse, queued, capacity }, failures);
          expect(loadOf({ inUse, queued: queued + 1, capacity }, failures)).toBeGreaterThanOrEqual(load);
          expect(load).toBeGreaterThanOrEqual(failures - 1e-12);
          expect(load).toBeLessThanOrEqual(1);
        },
      ),
    );
  });

  test('a rejection boosts one step at once, at most to the ceiling', () => {
    const points: OperatingPoint[] = [];
    const governor = new UnitGovernor({
      unit: 'u',
      policy: 'ondemand',
      onPoint: (point) => points.push(point),
    });
    governor.budget(3.2);
    for (let i = 0; i < 6; i++) governor.verdict(false);
    expect(points.map(({ dynamics }) => dynamics)).toEqual(['p', 'mf', 'f']);
    expect(governor.above(governor.point)).toBeUndefined();
  });

  test('the point travels on the bus as a cue', async () => {
    const clock = new VirtualClock();
    const bus = createBus({ runId: 'r', clock });
    const heard: unknown[] = [];
    bus.on('operating-point/writers').subscribe(({ signal }) => heard.push(signal));
    const governor = new UnitGovernor({ unit: 'writers', policy: 'ondemand', bus, clock });
    governor.observe({ inUse: 4, queued: 9, capacity: 4 });
    expect(heard).toMatchObject([
      {
        type: 'cue',
        intent: 'update',
        targets: ['writers'],
        performance: { tempo: 'presto', dynamics: 'ff' },
      },
    ]);
    await bus.close();
  });

  test('more difficulty never gives a cheaper point, a lower ceiling never a more expensive one', () => {
    const unit = fc.double({ min: 0, max: 1, noNaN: true });
    fc.assert(
      fc.property(
        fc.constantFrom(...GOVERNORS),
        unit,
        unit,
        fc.double({ min: 0, max: 8, noNaN: true }),
        fc.double({ min: 0, max: 8, noNaN: true }),
        (policy, d, e, a, b) => {
          const governor = new UnitGovernor({ unit: 'u', policy });
          const [easy, hard, low, high] = [Math.min(d, e), Math.max(d, e), Math.min(a, b), Math.max(a, b)];
          expect(relativeCost(governor.pointFor(easy))).toBeLessThanOrEqual(
            relativeCost(governor.pointFor(hard)),
          );
          governor.budget(high);
          const unlimited = relativeCost(governor.pointFor(hard));
          governor.budget(low);
          expect(relativeCost(governor.pointFor(hard))).toBeLessThanOrEqual(unlimited);
          expect(relativeCost(governor.pointFor(hard))).toBeLessThanOrEqual(relativeCost(governor.ceiling));
        },
      ),
      { numRuns: 1_000 },
    );
  });
});

describe('the cost law', () => {
  test('is c0 f v², superlinear in dynamics, and 1 at moderato and mf', () => {
    expect(relativeCost({ tempo: 'moderato', dynamics: 'mf' })).toBe(1);
    expect(relativeCost({ tempo: 'presto', dynamics: 'ff' }, 2)).toBeCloseTo(14.4, 12);
    for (const tempo of TEMPI) {
      const costs = DYNAMICS_LEVELS.map((dynamics) => relativeCost({ tempo, dynamics }));
      costs.slice(1).forEach((cost, i) => expect(cost).toBeGreaterThan(costs[i]!));
      expect(relativeCost({ tempo, dynamics: 'ff' })).toBeCloseTo(
        4 * relativeCost({ tempo, dynamics: 'mf' }),
        12,
      );
    }
  });

  test.each([
    [[], /ladder: no points.*give at least one/],
    [
      [
        { tempo: 'presto', dynamics: 'ff' },
        { tempo: 'largo', dynamics: 'pp' },
      ],
      /ladder\[1\] \(largo\/pp\).*order the points/,
    ],
    [
      [
        { tempo: 'largo', dynamics: 'ff' },
        { tempo: 'presto', dynamics: 'pp' },
      ],
      /costs no more.*leave one out/,
    ],
    [[{ tempo: 'schnell', dynamics: 'ff' }], /ladder\[0\].tempo: 'schnell' is no tempo; use grave/],
    [[{ tempo: 'largo', dynamics: 'ff', frequency: 1.5 }], /ladder\[0\].frequency: 1.5/],
  ])('a ladder that makes no sense is refused with a remedy: %j', (points, message) => {
    expect(() => ladder(points as never)).toThrow(message);
    expect(() => ladder(points as never)).toThrow(LadderError);
  });
});
