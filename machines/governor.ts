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
import { resolve, type Relation } from './operating-point.ts';

/** The six policies, by their kernel names. */
export const GOVERNORS = [
  'performance',
  'powersave',
  'userspace',
  'ondemand',
  'conservative',
  'schedutil',
] as const;

/** The name of a policy. */
export type GovernorName = (typeof GOVERNORS)[number];

/** What can be tuned; names and defaults are the kernel's unless told. */
export interface GovernorTunables {
  /** ondemand, conservative: milliseconds between samples, 1 or more. Default 1,000 (ours). */
  readonly samplingRate: number;
  /** ondemand, conservative: percent, 1 to 100. Default 80. */
  readonly upThreshold: number;
  /** conservative: percent, 0 to 99, below `upThreshold`. Default 20. */
  readonly downThreshold: number;
  /** ondemand: at the top, sample this many times more seldom. conservative: lower only at every so manieth sample.
   *  1 to 100,000. Default 1. */
  readonly samplingDownFactor: number;
  /** ondemand: thousandths by which to stay below the target, 0 to 1,000. Default 0. */
  readonly powersaveBias: number;
  /** conservative: step in percent of the maximum, 0 to 100. Default 5; 0 freezes the frequency. */
  readonly freqStep: number;
  /** schedutil: milliseconds between changes, 0 or more. Default 1,000 (ours). */
  readonly rateLimit: number;
  /** schedutil: milliseconds after which an I/O-wait boost is forgotten, 0 or more. Default 4,000 (ours). */
  readonly tick: number;
}

/** The tunables of whoever sets none. */
export const DEFAULT_TUNABLES: GovernorTunables = Object.freeze({
  samplingRate: 1_000,
  upThreshold: 80,
  downThreshold: 20,
  samplingDownFactor: 1,
  powersaveBias: 0,
  freqStep: 5,
  rateLimit: 1_000,
  tick: 4_000,
});

/** The full capacity of a pool on the scale of `util`. The kernel's SCHED_CAPACITY_SCALE. */
export const CAPACITY = 1_024;
const IO_BOOST_MIN = CAPACITY / 8;
const DEFAULT_STEP = 5;

/** One look at a pool. */
export interface LoadSample {
  /** Milliseconds; does not fall. */
  readonly at: number;
  /** Busy share since the last sample in whole percent, 0 to 100. For ondemand and conservative. */
  readonly load: number;
  /** Utilisation relative to the pool at full speed, a whole number 0 to {@link CAPACITY}. For schedutil. */
  readonly util: number;
  /** How often the pool has become idle since it began; does not fall. For schedutil. */
  readonly idleCalls: number;
  /** Whether work has come back from waiting for somebody else. For schedutil. */
  readonly ioWait: boolean;
  /** Whole sampling periods that passed idle and unsampled. For conservative. Default none. */
  readonly idlePeriods?: number | undefined;
}

/** What a governor remembers between samples. JSON. `null` is "never". */
export interface GovernorMemory {
  /** The current frequency and the limits: one of the table each, min ≤ max. */
  readonly cur: number;
  readonly min: number;
  readonly max: number;
  // ondemand and conservative
  readonly lastSample: number | null;
  readonly sampleDelay: number;
  readonly rateMult: number;
  readonly freqLo: number;
  readonly loDelay: number;
  readonly subSample: boolean;
  readonly requested: number;
  readonly downSkip: number;
  // schedutil
  readonly nextFreq: number;
  readonly cachedRaw: number;
  readonly lastUpdate: number | null;
  readonly lastLoad: number | null;
  readonly limitsChanged: boolean;
  readonly needUpdate: boolean;
  readonly boost: number;
  readonly boostPending: boolean;
  readonly idleCalls: number;
  /** userspace: what was set, whatever the limits make of it. */
  readonly setSpeed: number;
}

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
    nextFreq: 0, cachedRaw: 0, lastUpdate: null, lastLoad: null, limitsChanged: false, needUpdate: false,
    boost: 0, boostPending: false, idleCalls: 0,
    setSpeed: cur,
  }; // prettier-ignore
  if (governor === 'performance') return target(memory, frequencies, max, 'highest-at-or-below');
  if (governor === 'powersave') return target(memory, frequencies, min);
  return memory;
}

/** `__cpufreq_driver_target`: clamps to the limits, then takes what the table has. */
function target(
  memory: GovernorMemory,
  frequencies: readonly number[],
  frequency: number,
  relation?: Relation,
): GovernorMemory {
  const clamped = Math.min(Math.max(frequency, memory.min), memory.max);
  return { ...memory, cur: resolve(frequencies, clamped, relation) };
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
  if (limited.cur > limited.max) return target(limited, frequencies, limited.max, 'highest-at-or-below');
  return limited.cur < limited.min ? target(limited, frequencies, limited.min) : limited;
}

/** One sample under a policy. The fixed policies do not listen. */
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

/** `od_dbs_update` with `od_update` and `generic_powersave_bias_target`. */
function ondemand(
  memory: GovernorMemory,
  frequencies: readonly number[],
  tunables: GovernorTunables,
  load: number,
): GovernorMemory {
  const { samplingRate, powersaveBias } = tunables;
  if (memory.subSample && memory.sampleDelay > 0) {
    return {
      ...target(memory, frequencies, memory.freqLo, 'highest-at-or-below'),
      subSample: false,
      sampleDelay: memory.loDelay,
    };
  }
  const high = load > tunables.upThreshold;
  const rateMult = !high ? 1 : memory.cur < memory.max ? tunables.samplingDownFactor : memory.rateMult;
  const from = { ...memory, subSample: false, freqLo: 0, rateMult, sampleDelay: samplingRate * rateMult };
  const [bottom, top] = [frequencies[0]!, frequencies.at(-1)!];
  const wanted = high ? memory.max : bottom + Math.trunc((load * (top - bottom)) / 100);
  if (powersaveBias === 0) {
    if (high && memory.cur === memory.max) return from;
    return target(from, frequencies, wanted, high ? 'highest-at-or-below' : 'closest');
  }
  const inLimits = Math.min(Math.max(wanted, memory.min), memory.max);
  const required = resolve(frequencies, inLimits, high ? 'highest-at-or-below' : 'lowest-at-or-above');
  const average = required - Math.trunc((required * powersaveBias) / 1_000);
  const averageInLimits = Math.min(Math.max(average, memory.min), memory.max);
  const lo = resolve(frequencies, averageInLimits, 'highest-at-or-below');
  const hi = resolve(frequencies, averageInLimits);
  const relation = high ? undefined : 'closest';
  if (lo === hi) return target(from, frequencies, lo, relation);
  // The average lies between two points: play the upper for a part of the period, then the lower.
  const hiDelay = Math.trunc(((average - lo) * samplingRate + Math.trunc((hi - lo) / 2)) / (hi - lo));
  return {
    ...target(from, frequencies, hi, relation),
    freqLo: lo,
    subSample: true,
    sampleDelay: hiDelay,
    loDelay: samplingRate - hiDelay,
  };
}

/** `cs_dbs_update`. */
function conservative(
  memory: GovernorMemory,
  frequencies: readonly number[],
  tunables: GovernorTunables,
  { load, idlePeriods = 0 }: LoadSample,
): GovernorMemory {
  if (tunables.freqStep === 0) return memory;
  const { min, max } = memory;
  const stale = memory.requested > max || memory.requested < min; // the limits changed in the meantime
  const from = stale ? { ...memory, requested: memory.cur } : memory;
  const step = Math.trunc((tunables.freqStep * max) / 100) || DEFAULT_STEP;
  const asked = Math.max(from.requested - idlePeriods * step, min);
  if (load > tunables.upThreshold) {
    if (asked === max) return { ...from, downSkip: 0 };
    const requested = Math.min(asked + step, max);
    return { ...target(from, frequencies, requested, 'highest-at-or-below'), requested, downSkip: 0 };
  }
  if (from.downSkip + 1 < tunables.samplingDownFactor) return { ...from, downSkip: from.downSkip + 1 };
  if (load >= tunables.downThreshold || asked === min) return { ...from, downSkip: 0 };
  const requested = asked > step ? asked - step : min;
  return { ...target(from, frequencies, requested), requested, downSkip: 0 };
}

/** `sugov_update_single_freq` with `sugov_iowait_boost`, `sugov_iowait_apply` and `get_next_freq`. */
function schedutil(
  before: GovernorMemory,
  frequencies: readonly number[],
  tunables: GovernorTunables,
  load: LoadSample,
): GovernorMemory {
  let memory: GovernorMemory = { ...requestBoost(before, tunables, load), lastLoad: load.at };
  if (memory.limitsChanged) memory = { ...memory, limitsChanged: false, needUpdate: true };
  else if (memory.lastUpdate !== null && load.at - memory.lastUpdate < tunables.rateLimit) return memory;
  const [applied, util] = applyBoost(memory, load.util);
  const top = frequencies.at(-1)!;
  const raw = Math.trunc(((top + (top >>> 2)) * util) / CAPACITY);
  let next = memory.nextFreq;
  memory = applied;
  if (raw !== memory.cachedRaw || memory.needUpdate) {
    memory = { ...memory, cachedRaw: raw };
    next = resolve(frequencies, Math.min(Math.max(raw, memory.min), memory.max));
  }
  const busy = load.idleCalls === memory.idleCalls;
  memory = { ...memory, idleCalls: load.idleCalls };
  if (busy && next < memory.nextFreq && !memory.needUpdate) {
    next = memory.nextFreq; // a fall now would be premature: the pool has not been idle
    memory = { ...memory, cachedRaw: before.cachedRaw };
  }
  if (!memory.needUpdate && next === memory.nextFreq) return memory;
  return target({ ...memory, needUpdate: false, nextFreq: next, lastUpdate: load.at }, frequencies, next);
}

function requestBoost(
  memory: GovernorMemory,
  { tick }: GovernorTunables,
  { at, ioWait }: LoadSample,
): GovernorMemory {
  const forgotten = memory.boost > 0 && (memory.lastLoad === null || at - memory.lastLoad > tick);
  if (forgotten) return { ...memory, boost: ioWait ? IO_BOOST_MIN : 0, boostPending: ioWait };
  if (!ioWait || memory.boostPending) return memory;
  const boost = memory.boost > 0 ? Math.min(memory.boost * 2, CAPACITY) : IO_BOOST_MIN;
  return { ...memory, boost, boostPending: true };
}

/** Halves a boost that was not asked for again. @returns the memory and the utilisation to serve. */
function applyBoost(memory: GovernorMemory, util: number): [GovernorMemory, number] {
  if (memory.boost === 0) return [memory, util];
  const halved = memory.boostPending ? memory.boost : memory.boost >>> 1;
  if (halved < IO_BOOST_MIN) return [{ ...memory, boost: 0 }, util];
  return [{ ...memory, boost: halved, boostPending: false }, Math.max(halved, util)];
}
