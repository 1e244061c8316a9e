/**
 * The formulas of the Linux kernel's frequency governors, as pure functions from memory and load to memory.
 *
 * Source: drivers/cpufreq/cpufreq_{governor,ondemand,conservative,userspace,performance,powersave}.c and
 * kernel/sched/cpufreq_schedutil.c. Arithmetic is the kernel's, in whole numbers that round towards zero.
 *
 * Deviations, each for a reason in docs/decisions/0021: time is in milliseconds (the kernel counts µs and ns); the
 * load comes with the event and is not measured here; a pool of units has one load, and one I/O-wait boost, not one
 * per processor; utilisation clamps, deadline tasks and energy-efficient tables have no counterpart.
 */
import {
  target,
  type GovernorMemory,
  type GovernorName,
  type GovernorTunables,
  type LoadSample,
} from './governor-memory.ts';
import { conservative, ondemand } from './governor-sampled.ts';
import { schedutil } from './governor-schedutil.ts';

export * from './governor-memory.ts';

/** What a governor starts from. */
export function startMemory(
  governor: GovernorName,
  frequencies: readonly number[],
  before: Pick<GovernorMemory, 'cur' | 'min' | 'max'>,
  tunables: GovernorTunables,
): GovernorMemory {
  const { cur, min, max } = before;
  const memory: GovernorMemory = {
    cur, min, max,
    lastSample: null, sampleDelay: tunables.samplingRate, rateMult: 1, freqLo: 0, loDelay: 0, subSample: false,
    requested: cur, downSkip: 0,
    nextFreq: 0, cachedRaw: 0, lastUpdate: null, lastLoad: null, limitsChanged: false, needUpdate: true,
    boost: 0, boostPending: false, idleCalls: 0,
    setSpeed: cur,
  }; // prettier-ignore
  if (governor === 'performance') return target(memory, frequencies, max, 'highest-at-or-below');
  if (governor === 'powersave') return target(memory, frequencies, min);
  return memory;
}

/** The governor's `limits` call: new limits, each one of the table; `max` wins where they cross. */
export function setLimits(
  governor: GovernorName,
  memory: GovernorMemory,
  frequencies: readonly number[],
  min: number,
  max: number,
): GovernorMemory {
  const limited = { ...memory, min: Math.min(min, max), max, sampleDelay: 0, limitsChanged: true };
  if (governor === 'performance') return target(limited, frequencies, limited.max, 'highest-at-or-below');
  if (governor === 'powersave') return target(limited, frequencies, limited.min);
  if (governor === 'userspace') {
    return target(
      limited,
      frequencies,
      limited.setSpeed,
      limited.max < limited.setSpeed ? 'highest-at-or-below' : undefined,
    );
  }
  const within =
    limited.cur > limited.max
      ? target(limited, frequencies, limited.max, 'highest-at-or-below')
      : limited.cur < limited.min
        ? target(limited, frequencies, limited.min)
        : limited;
  return { ...within, requested: within.cur }; // `cs_limits`: start again from where it is
}

/** One sample under a policy. The fixed policies ignore it. */
export function sample(
  governor: GovernorName,
  memory: GovernorMemory,
  frequencies: readonly number[],
  tunables: GovernorTunables,
  load: LoadSample,
): GovernorMemory {
  if (governor === 'schedutil') return schedutil(memory, frequencies, tunables, load);
  if (governor !== 'ondemand' && governor !== 'conservative') return memory;
  if (memory.lastSample !== null && load.at - memory.lastSample < memory.sampleDelay) return memory;
  const taken = { ...memory, lastSample: load.at };
  return governor === 'ondemand'
    ? ondemand(taken, frequencies, tunables, load.load)
    : conservative({ ...taken, sampleDelay: tunables.samplingRate }, frequencies, tunables, load);
}
