/**
 * Governors under load: what each does sample by sample, and what it costs.
 *
 * The pool is a processor: at a lower point the same work keeps it busy for longer, what it cannot do waits, and it
 * pays by the cost law for the time that it is busy. Time is virtual; a trace has one result.
 */
import { createActor } from 'xstate';
import { compile } from '../../machines/table/compile.ts';
import type { GovernorName, GovernorTunables } from '../../machines/governor/governor.ts';
import {
  DEFAULT_LADDER,
  relativeCost,
  type Ladder,
  type OperatingPoint,
} from '../../machines/governor/operating-point.ts';
import { operatingPointOf, tempoGovernor } from '../../machines/governor/tempo-governor.ts';

/** One sample of a trace. */
export interface TraceSample {
  /** Milliseconds from the start. */
  readonly at: number;
  /** The work that arrived, 0 to 1 of what the pool can do at its top. */
  readonly demand: number;
  readonly point: OperatingPoint;
  /** Busy share of the pool, 0 to 1. */
  readonly busy: number;
  /** Work that waits, in seconds of the pool at its top. */
  readonly backlog: number;
  /** Spent so far; 1 is a second at moderato and mf. */
  readonly cost: number;
}

export interface GovernorTrace {
  readonly governor: GovernorName;
  readonly samples: readonly TraceSample[];
  /** What was spent in all, in seconds at moderato and mf. */
  readonly cost: number;
  /** Mean backlog, in seconds of the pool at its top. */
  readonly meanBacklog: number;
  /** Changes of the operating point. */
  readonly transitions: number;
}

/** Milliseconds between samples: the default sampling rate and rate limit. */
const PERIOD = 1_000;

/**
 * Runs a governor over a load.
 *
 * @param demand - percent of the pool at its top per second, each 0 to 100
 */
export function traceGovernor(
  governor: GovernorName,
  demand: readonly number[],
  {
    ladder = DEFAULT_LADDER,
    tunables = {},
  }: { readonly ladder?: Ladder; readonly tunables?: Partial<GovernorTunables> } = {},
): GovernorTrace {
  const actor = createActor(compile(tempoGovernor), { input: { unit: 'trace', ladder, tunables } }).start();
  const middle = ladder[Math.floor(ladder.length / 2)]!;
  actor.send(
    governor === 'userspace'
      ? { type: 'SET', policy: governor, frequency: middle.frequency }
      : { type: 'SET', policy: governor },
  );
  const top = ladder.at(-1)!.frequency;
  const samples: TraceSample[] = [];
  let [backlog, cost, idleCalls, transitions] = [0, 0, 0, 0];
  let point = operatingPointOf(actor.getSnapshot().context);
  for (const [index, percent] of demand.entries()) {
    const speed = actor.getSnapshot().context.memory.cur / top;
    const work = percent / 100 + backlog;
    const busy = Math.min(1, work / speed);
    backlog = work - busy * speed;
    cost += busy * relativeCost(point) * (PERIOD / 1_000);
    if (busy < 1) idleCalls++;
    samples.push({ at: index * PERIOD, demand: percent / 100, point, busy, backlog, cost });
    // What the kernel sees: the busy share since the last sample, and utilisation as if at full speed.
    const util = Math.round(Math.min(1, work) * 1_024);
    actor.send({
      type: 'LOAD',
      at: (index + 1) * PERIOD,
      load: Math.round(busy * 100),
      util,
      idleCalls,
      ioWait: false,
    });
    const next = operatingPointOf(actor.getSnapshot().context);
    if (next.tempo !== point.tempo || next.dynamics !== point.dynamics) transitions++;
    point = next;
  }
  actor.stop();
  const meanBacklog = samples.reduce((sum, sample) => sum + sample.backlog, 0) / Math.max(1, samples.length);
  return { governor, samples, cost, meanBacklog, transitions };
}
