/** The tunables, the input and the memory of a governor. Sources and deviations are in `governor.ts`. */
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

/** What can be tuned; names and defaults are the kernel's unless stated. */
export interface GovernorTunables {
  /** ondemand, conservative: milliseconds between samples, 1 or more. Default 1,000 (ours). */
  readonly samplingRate: number;
  /** ondemand, conservative: percent, 1 to 100. Default 80. */
  readonly upThreshold: number;
  /** conservative: percent, 0 to 99, below `upThreshold`. Default 20. */
  readonly downThreshold: number;
  /** ondemand: at the top, the sampling interval is this many times longer. conservative: lower only at every n-th
   *  sample. 1 to 100,000. Default 1. */
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

/** The tunables that apply when none are set. */
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

/** One sample of a pool. */
export interface LoadSample {
  /** Milliseconds; does not fall. */
  readonly at: number;
  /** Busy share since the last sample in whole percent, 0 to 100. For ondemand and conservative. */
  readonly load: number;
  /** Utilisation relative to the pool at full speed, a whole number 0 to {@link CAPACITY}. For schedutil. */
  readonly util: number;
  /** How often the pool has become idle since it began; does not fall. For schedutil. */
  readonly idleCalls: number;
  /** Whether work has come back from waiting for something outside the pool. For schedutil. */
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
  /** userspace: the frequency that was set, before the limits apply. */
  readonly setSpeed: number;
}

/** `__cpufreq_driver_target`: clamps to the limits, then takes what the table has. */
export function target(
  memory: GovernorMemory,
  frequencies: readonly number[],
  frequency: number,
  relation?: Relation,
): GovernorMemory {
  const clamped = Math.min(Math.max(frequency, memory.min), memory.max);
  return { ...memory, cur: resolve(frequencies, clamped, relation) };
}
