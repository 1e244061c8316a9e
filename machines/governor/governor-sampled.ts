/** The governors that sample a load: ondemand and conservative. Pure; see `governor.ts` for sources and deviations. */
import { target, type GovernorMemory, type GovernorTunables, type LoadSample } from './governor-memory.ts';
import { resolve } from './operating-point.ts';

/** The step, in units of frequency, where a percentage of the maximum would be none. */
const DEFAULT_STEP = 5;

/** `od_dbs_update` with `od_update` and `generic_powersave_bias_target`. */
export function ondemand(
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
export function conservative(
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
