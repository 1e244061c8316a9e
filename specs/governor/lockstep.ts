/** A tempo governor and the kernel's, side by side: the same loads, limits and speeds, and the same frequency after
 *  each. Traces are drawn from a seed; the shortest prefix that differs is the counter-example. */
import { createActor, type AnyStateMachine } from 'xstate';
import { compile } from '../../machines/compile.ts';
import { DEFAULT_TUNABLES, type GovernorName, type GovernorTunables } from '../../machines/governor.ts';
import { ladder } from '../../machines/operating-point.ts';
import type { TempoGovernorEvent } from '../../machines/tempo-governor.ts';
import type { Counterexample, Message } from '../claim.ts';
import { Random } from '../random.ts';
import { KernelPolicy } from './model.ts';

const GRID = [
  ['grave', 'ppp'], ['largo', 'pp'], ['adagio', 'p'], ['andante', 'mp'], ['moderato', 'mf'], ['allegro', 'f'], ['vivace', 'ff'], ['presto', 'fff'],
] as const; // prettier-ignore
/** What a step at each point of the grid costs, and how long it takes: a budget of it is a ceiling, a deadline a floor. */
const FACTORS = [0.25, 0.4, 0.6, 0.8, 1, 1.2, 1.4, 1.8];
const VOLTAGES = [0.125, 0.25, 0.5, 0.75, 1, 1.5, 2, 2.5];
const LATENCY = [120_000, 60_000, 45_000, 30_000, 15_000, 5_000, 3_000, 1_000];
const costOf = (rung: number) => FACTORS[rung]! * VOLTAGES[rung]! ** 2;

export interface GovernorRun {
  readonly samples: number;
  /** Every frequency that it was at. */
  readonly visited: ReadonlySet<number>;
  readonly counterexample?: Counterexample;
}

/** Draws a ladder, tunables and a trace, and compares after every event.
 *  @param machine the governor, or one with a mistake in its table. */
export function governorRun(machine: AnyStateMachine, policy: GovernorName, seed: number): GovernorRun {
  const random = new Random(seed);
  const table = frequencies(random);
  const tunables = tunablesOf(random);
  const points = table.map((frequency, i) => ({ tempo: GRID[i]![0], dynamics: GRID[i]![1], frequency }));
  const input = { unit: 'u', ladder: ladder(points), tunables };
  const actor = createActor(compile(machine) as never, { input } as never).start();
  const start = random.pick(table);
  const kernel = new KernelPolicy(policy, table, kernelTunables(tunables), start, table[0]!, table.at(-1)!);
  const transcript: Message[] = [];
  const send = (event: TempoGovernorEvent) => {
    transcript.push({ from: 'trace', to: 'governor', text: JSON.stringify(event) });
    actor.send(event as never);
  };
  const memory = () =>
    (actor.getSnapshot() as any).context.memory as { cur: number; min: number; max: number };
  const floorNow = () => {
    const { remainingMs } = (actor.getSnapshot() as any).context as { remainingMs: number | null };
    if (remainingMs === null) return table[0]!; // no deadline was set
    return table[LATENCY.findIndex((ms) => ms <= remainingMs)]!;
  };
  send({ type: 'SET', policy: 'userspace', frequency: start });
  if (policy !== 'userspace') send({ type: 'SET', policy });
  let at = 0;
  let idleCalls = 0;
  let samples = 0;
  const visited = new Set<number>();
  for (const length = random.whole(20, 60); samples < length; samples++) {
    const kind = random.whole(1, 14);
    if (kind === 1) {
      const high = random.whole(0, table.length - 1);
      send({ type: 'BUDGET', allowance: costOf(high) });
      kernel.limits(floorNow(), table[high]!);
      const low = random.whole(0, table.length - 1);
      send({ type: 'DEADLINE', remainingMs: LATENCY[low]! });
      kernel.limits(table[low]!, table[high]!);
    } else if (kind === 2 && policy === 'userspace') {
      const frequency = random.whole(1, 400_000);
      send({ type: 'SET', frequency });
      kernel.set_speed(frequency);
    } else {
      at += random.whole(0, random.pick([300, 2_000]));
      idleCalls += random.pick([0, 0, 1, 3]);
      const load = random.whole(0, 100);
      const util = random.pick([random.whole(0, 1_024), 0, 512, 819, 820, 1_024]);
      const ioWait = random.next() < 0.5;
      const idlePeriods = random.pick([0, 0, 0, 1, 4]);
      send({ type: 'LOAD', at, load, util, idleCalls, ioWait, idlePeriods });
      kernel.update({
        time: at,
        load,
        util,
        idle_calls: idleCalls,
        iowait: ioWait,
        idle_periods: idlePeriods,
      });
    }
    const { cur, min, max } = memory();
    visited.add(cur);
    if (cur === kernel.cur && min === kernel.min && max === kernel.max) continue;
    const say = (c: number, l: number, h: number) => `${c} within ${l} … ${h}`;
    const what = `${policy}: the governor is at ${say(cur, min, max)}, the kernel at ${say(kernel.cur, kernel.min, kernel.max)}.`;
    return { samples, visited, counterexample: { what, seed, transcript } };
  }
  return { samples, visited };
}

function frequencies(random: Random): number[] {
  const found = new Set<number>();
  for (const size = random.whole(1, 8); found.size < size;) found.add(random.whole(1, 400_000));
  return [...found].sort((a, b) => a - b);
}

function tunablesOf(random: Random): GovernorTunables {
  if (random.next() < 0.5) return { ...DEFAULT_TUNABLES, rateLimit: 100, samplingRate: 100, tick: 300 };
  const upThreshold = random.whole(1, 100);
  return {
    samplingRate: random.whole(1, 500),
    upThreshold,
    downThreshold: Math.min(random.whole(0, 99), upThreshold - 1),
    samplingDownFactor: random.whole(1, 6),
    powersaveBias: random.pick([0, random.whole(0, 1_000)]),
    freqStep: random.whole(0, 100),
    rateLimit: random.whole(0, 500),
    tick: random.whole(0, 500),
  };
}

const kernelTunables = (t: GovernorTunables) => ({
  sampling_rate: t.samplingRate, up_threshold: t.upThreshold, down_threshold: t.downThreshold,
  sampling_down_factor: t.samplingDownFactor, powersave_bias: t.powersaveBias, freq_step: t.freqStep,
  freq_update_delay: t.rateLimit, tick: t.tick,
}); // prettier-ignore
