/** Claim: each governor equals the kernel's formula at every sample. Oracle: specs/governor/model.ts. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createActor } from 'xstate';
import { compile } from '../machines/compile.ts';
import {
  DEFAULT_TUNABLES,
  GOVERNORS,
  type GovernorName,
  type GovernorTunables,
} from '../machines/governor.ts';
import { ladder, type Ladder } from '../machines/operating-point.ts';
import { tempoGovernor, type TempoGovernorEvent } from '../machines/tempo-governor.ts';
import { KernelPolicy } from '../specs/governor/model.ts';

const GRID = [
  ['grave', 'ppp'], ['largo', 'pp'], ['adagio', 'p'], ['andante', 'mp'], ['moderato', 'mf'], ['allegro', 'f'], ['vivace', 'ff'], ['presto', 'fff'],
] as const; // prettier-ignore

/** A ladder of 1 to 8 points with any rising frequencies. */
const ladders: fc.Arbitrary<Ladder> = fc
  .uniqueArray(fc.integer({ min: 1, max: 400_000 }), { minLength: 1, maxLength: 8 })
  .map((found) => found.sort((a, b) => a - b))
  .map((sorted) =>
    ladder(sorted.map((frequency, i) => ({ tempo: GRID[i]![0], dynamics: GRID[i]![1], frequency }))),
  );

const tunables: fc.Arbitrary<GovernorTunables> = fc
  .record({
    samplingRate: fc.integer({ min: 1, max: 500 }),
    upThreshold: fc.integer({ min: 1, max: 100 }),
    down: fc.integer({ min: 0, max: 99 }),
    samplingDownFactor: fc.integer({ min: 1, max: 6 }),
    powersaveBias: fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 1_000 })),
    freqStep: fc.integer({ min: 0, max: 100 }),
    rateLimit: fc.integer({ min: 0, max: 500 }),
    tick: fc.integer({ min: 0, max: 500 }),
  })
  .map(({ down, ...rest }) => ({ ...rest, downThreshold: Math.min(down, rest.upThreshold - 1) }))
  .chain((some) =>
    fc.constantFrom(some, { ...DEFAULT_TUNABLES, rateLimit: 100, samplingRate: 100, tick: 300 }),
  );

/** A step of a trace: time passes, and load, limits or a set speed follow. Loads hold for a while, as real ones do. */
const step = fc.oneof(
  {
    weight: 12,
    arbitrary: fc.record({
      kind: fc.constant('load' as const),
      after: fc.oneof(fc.integer({ min: 0, max: 300 }), fc.integer({ min: 0, max: 2_000 })),
      load: fc.integer({ min: 0, max: 100 }),
      util: fc.oneof(fc.integer({ min: 0, max: 1_024 }), fc.constantFrom(0, 512, 819, 820, 1_024)),
      idles: fc.constantFrom(0, 0, 1, 3),
      ioWait: fc.boolean(),
      idlePeriods: fc.constantFrom(0, 0, 0, 1, 4),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant('limits' as const), low: fc.nat(7), high: fc.nat(7) }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('speed' as const),
      frequency: fc.integer({ min: 1, max: 400_000 }),
    }),
  },
);

const kernelTunables = (t: GovernorTunables) => ({
  sampling_rate: t.samplingRate, up_threshold: t.upThreshold, down_threshold: t.downThreshold,
  sampling_down_factor: t.samplingDownFactor, powersave_bias: t.powersaveBias, freq_step: t.freqStep,
  freq_update_delay: t.rateLimit, tick: t.tick,
}); // prettier-ignore

/** Latencies of the grid's tempi, to ask the machine for a floor by a deadline; costs, for a ceiling by a budget. */
const LATENCY = [120_000, 60_000, 45_000, 30_000, 15_000, 5_000, 3_000, 1_000];
const cost = (rung: number) =>
  [0.25, 0.4, 0.6, 0.8, 1, 1.2, 1.4, 1.8][rung]! * [0.125, 0.25, 0.5, 0.75, 1, 1.5, 2, 2.5][rung]! ** 2;

test.each(GOVERNORS)(
  'governor %s equals the kernel at every sample of 1,000 random traces',
  (policy: GovernorName) => {
    let samples = 0;
    const moved = new Set<number>();
    fc.assert(
      fc.property(
        ladders,
        tunables,
        fc.array(step, { minLength: 20, maxLength: 60 }),
        fc.nat(7),
        (points, tuned, trace, start) => {
          const table = points.map(({ frequency }) => frequency);
          const [bottom, top] = [table[0]!, table.at(-1)!];
          const actor = createActor(compile(tempoGovernor), {
            input: { unit: 'u', ladder: points, tunables: tuned },
          }).start();
          const send = (event: TempoGovernorEvent) => actor.send(event);
          send({ type: 'SET', policy: 'userspace', frequency: table[start % table.length]! });
          if (policy !== 'userspace') send({ type: 'SET', policy });
          const kernel = new KernelPolicy(
            policy,
            table,
            kernelTunables(tuned),
            table[start % table.length]!,
            bottom,
            top,
          );
          let at = 0;
          let idleCalls = 0;
          for (const s of trace) {
            if (s.kind === 'load') {
              at += s.after;
              idleCalls += s.idles;
              const { load, util, ioWait, idlePeriods } = s;
              send({ type: 'LOAD', at, load, util, idleCalls, ioWait, idlePeriods });
              kernel.update({
                time: at,
                load,
                util,
                idle_calls: idleCalls,
                iowait: ioWait,
                idle_periods: idlePeriods,
              });
            } else if (s.kind === 'speed') {
              if (policy !== 'userspace') continue;
              send({ type: 'SET', frequency: s.frequency });
              kernel.set_speed(s.frequency);
            } else {
              const [low, high] = [s.low % table.length, s.high % table.length];
              send({ type: 'BUDGET', allowance: cost(high) });
              kernel.limits(floorNow(actor.getSnapshot().context.remainingMs, table), table[high]!);
              send({ type: 'DEADLINE', remainingMs: LATENCY[low]! });
              kernel.limits(table[low]!, table[high]!);
            }
            const { memory } = actor.getSnapshot().context;
            expect([memory.cur, memory.min, memory.max]).toEqual([kernel.cur, kernel.min, kernel.max]);
            moved.add(memory.cur);
            samples++;
          }
        },
      ),
      { numRuns: 1_000, seed: 20_261_121 },
    );
    expect(samples).toBeGreaterThan(20_000);
    expect(moved.size).toBeGreaterThan(100); // the traces do move it
  },
);

/** The floor that the last deadline asked for. */
const floorNow = (remainingMs: number | null, table: readonly number[]) =>
  remainingMs === null ? table[0]! : table[LATENCY.findIndex((latency) => latency <= remainingMs)]!;
