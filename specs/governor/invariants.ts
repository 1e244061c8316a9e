/** What holds at every place and after every step of a governor, judged without the model: the kernel promises it too,
 *  so an agreement with a faulty model would be seen here. Each returns what is wrong, or nothing. */
import type { GovernorName } from '../../machines/governor/governor.ts';
import { operatingPointOf, type TempoGovernorEvent } from '../../machines/governor/tempo-governor.ts';
import { pointName } from './compare.ts';
import { DEPARTURES, GOVERNING } from './mapping.ts';
import { answersWithin, price } from './pool/model.ts';
import type { GovernorState, GovernorOutput, GovernorStepper } from './stepper.ts';

/** One step, and the way to take others from the same place. */
export interface GovernorStep {
  readonly before: GovernorState;
  readonly event: TempoGovernorEvent;
  readonly after: GovernorState;
  readonly said: readonly GovernorOutput[];
  readonly stepper: GovernorStepper;
}
/** @returns what is wrong. */
export type Check = (step: GovernorStep) => string | undefined;
/** Checks may remember the steps before: one is made for each trace. */
export type TraceInvariant = () => Check;
type Load = TempoGovernorEvent & { type: 'LOAD' };

const tableOf = ({ context }: GovernorState): number[] => context.ladder.map(({ frequency }) => frequency);
/** What schedutil makes of a demand: a quarter to spare. Nothing is the kernel's word for "not yet asked". */
const demandOf = ({ context }: GovernorState, util: number): number => {
  const top = context.ladder.at(-1)!.frequency;
  return Math.trunc(((top + (top >>> 2)) * util) / 1_024);
};
/** Whether the machine is known to take this demand for one that is served. */
const departs = (place: GovernorState, { util }: Load): boolean =>
  DEPARTURES.idle_is_served && demandOf(place, util) === 0;

/** Every frequency is one of the table; the current one is between floor and ceiling. */
export const bounded: TraceInvariant =
  () =>
  ({ after }) => {
    const { cur, min, max } = after.context.memory;
    const table = tableOf(after);
    if (![cur, min, max].every((frequency) => table.includes(frequency)))
      return `${cur}, ${min} or ${max} is not one of ${table.join(', ')}.`;
    return min <= cur && cur <= max ? undefined : `${cur} is not within ${min} … ${max}.`;
  };

/** The point costs no more than the allowance, unless it is the lowest. */
export const affordable: TraceInvariant =
  () =>
  ({ after }) => {
    const { ladder, allowance } = after.context;
    const point = operatingPointOf(after.context);
    const expensive =
      allowance !== null && price(point) > allowance && pointName(point) !== pointName(ladder[0]!);
    return expensive ? `${pointName(point)} costs ${price(point)}, more than ${allowance}.` : undefined;
  };

/** The point is not later than the deadline, unless every slower or faster point of the ladder that the budget allows
 *  would be, too. A faster one on the ladder may be late: what counts is the first that is not. */
export const timely: TraceInvariant =
  () =>
  ({ after }) => {
    const { ladder, allowance, remainingMs } = after.context;
    const point = operatingPointOf(after.context);
    if (remainingMs === null || answersWithin(point) <= remainingMs) return undefined;
    const place = ladder.findIndex((rung) => pointName(rung) === pointName(point));
    const soon = ladder.findIndex((rung) => answersWithin(rung) <= remainingMs);
    const paid = ladder.findLastIndex((rung) => allowance === null || price(rung) <= allowance);
    if (place >= 0 && (soon < 0 || place >= Math.min(soon, Math.max(paid, 0)))) return undefined;
    return `${pointName(point)} answers later than in ${remainingMs} ms.`;
  };

/** A change of point is announced once, after it is made; and nothing else is announced. */
export const announced: TraceInvariant =
  () =>
  ({ before, after, said }) => {
    const [was, is] = [before, after].map(({ context }) => pointName(operatingPointOf(context)));
    const words = said.map(({ point }) => pointName(point)).join(', ');
    return words === (was === is ? '' : is)
      ? undefined
      : `from ${was} to ${is}, but '${words}' is announced.`;
  };

/** Loads change nothing under the policies that ignore them. */
export const deaf: TraceInvariant =
  () =>
  ({ before, event, after }) => {
    const { follows } = GOVERNING[before.value as GovernorName];
    if (event.type !== 'LOAD' || follows === 'load' || follows === 'utilisation') return undefined;
    return before.context === after.context && before.value === after.value
      ? undefined
      : `a load changes something under ${before.value}.`;
  };

/** Loads move the frequency at most once in so many milliseconds, commands aside. (With a bias, ondemand plays two points
 *  in one period, as the kernel's does.) */
export const unhurried: TraceInvariant = () => {
  let last: number | undefined;
  return ({ before, event, after }) => {
    if (event.type !== 'LOAD') {
      last = undefined;
      return undefined;
    }
    const { rateLimit, samplingRate, powersaveBias } = before.context.tunables;
    if (before.context.memory.subSample) last = undefined; // the bias was there until just now
    if (before.value === 'ondemand' && (powersaveBias > 0 || before.context.memory.subSample))
      return undefined;
    if (before.context.memory.cur === after.context.memory.cur) return undefined;
    const limit = before.value === 'schedutil' ? rateLimit : samplingRate;
    const since = last === undefined ? limit : event.at - last;
    last = event.at;
    return since >= limit ? undefined : `two changes ${since} ms apart; the limit is ${limit} ms.`;
  };
};

/** From the same place more load never gives a lower frequency: for ondemand and schedutil. conservative has no such
 *  promise in the kernel: it asks for a step and rounds down when it rises, up when it falls. */
export const monotone: TraceInvariant =
  () =>
  ({ before, event, after, stepper }) => {
    if (event.type !== 'LOAD' || (before.value !== 'ondemand' && before.value !== 'schedutil'))
      return undefined;
    if (before.value === 'schedutil' && departs(before, event)) return undefined;
    for (const more of [1, 13, 40, 100]) {
      const load = Math.min(event.load + more, 100);
      const util = Math.min(event.util + more * 10, 1_024);
      const [other] = stepper.step(before, { ...event, load, util });
      const [less, greater] = [after.context.memory.cur, other.context.memory.cur];
      if (greater < less)
        return `${event.load} % of load give ${less}, ${load} % only ${greater} (util ${event.util}, ${util}).`;
    }
    return undefined;
  };

/** Work is not kept waiting: at a sample, ondemand above its threshold goes to the ceiling, and schedutil leaves no demand
 *  unserved that the ceiling allows. */
export const conserving: TraceInvariant =
  () =>
  ({ before, event, after }) => {
    if (event.type !== 'LOAD') return undefined;
    const { memory, tunables } = before.context;
    const { cur, max } = after.context.memory;
    if (before.value === 'ondemand') {
      const due = memory.lastSample === null || event.at - memory.lastSample >= memory.sampleDelay;
      if (!due || memory.subSample || tunables.powersaveBias > 0 || event.load <= tunables.upThreshold)
        return undefined;
      return cur === max
        ? undefined
        : `${event.load} % of load are above the threshold; ${cur} is below ${max}.`;
    }
    if (before.value !== 'schedutil') return undefined;
    const since = memory.lastUpdate === null ? Infinity : event.at - memory.lastUpdate;
    if (since < tunables.rateLimit && !memory.limitsChanged) return undefined;
    const wanted = Math.min(demandOf(before, event.util), max);
    return cur >= wanted ? undefined : `a demand of ${wanted} is served at ${cur}.`;
  };

/** schedutil does not slow down a pool that has not been idle since the last sample, limits aside. */
export const patient: TraceInvariant =
  () =>
  ({ before, event, after }) => {
    if (event.type !== 'LOAD' || before.value !== 'schedutil') return undefined;
    const { limitsChanged, needUpdate, lastUpdate, idleCalls, cur } = before.context.memory;
    if (limitsChanged || needUpdate || lastUpdate === null || idleCalls !== event.idleCalls) return undefined;
    return after.context.memory.cur >= cur
      ? undefined
      : `from ${cur} to ${after.context.memory.cur} without having been idle.`;
  };

/** Nothing left to spend: the lowest point, for any load or command, until there is. */
export const exhausted: TraceInvariant =
  () =>
  ({ after, stepper }) => {
    const bottom = pointName(after.context.ladder[0]!);
    const later = laterThan(after);
    const wants: TempoGovernorEvent[] = [
      { type: 'BUDGET', allowance: 0 },
      { type: 'DEADLINE', remainingMs: 0 },
      { type: 'BOOST' },
      { ...IDLE, at: later, load: 100, util: 1_024, ioWait: true },
      { type: 'SET', mode: 'sprint' },
      { type: 'SET', policy: after.value as GovernorName, frequency: 400_000 },
      { type: 'SET', mode: 'crisis' },
    ];
    let place = after;
    for (const want of wants) {
      [place] = stepper.step(place, want);
      const point = pointName(operatingPointOf(place.context));
      if (point !== bottom)
        return `with nothing to spend, ${JSON.stringify(want)} gives ${point}, not ${bottom}.`;
    }
    return undefined;
  };

/** A ceiling that was lowered and lifted again leaves no trace: at the next sample (at once, where load does not count)
 *  the frequency is what it would have been. conservative climbs back by steps, and is judged by {@link climbing}. */
export const recovering: TraceInvariant =
  () =>
  ({ after, stepper }) => {
    if (after.value === 'conservative') return undefined;
    const lift = { type: 'BUDGET', allowance: after.context.allowance } as const;
    const later = laterThan(after);
    const busy: Load = { ...IDLE, at: later, load: 70, util: 600, idleCalls: 1_000_000 };
    const spell = [busy, { ...busy, at: later + 100 }, { ...busy, at: later + 20_000, load: 95, util: 900 }];
    const samples: Load[] = [
      IDLE,
      { ...busy, load: 95, util: 900, idleCalls: 1_000_001 }, // the same as before
      { ...busy, load: 100, util: 1_024 },
    ];
    for (const between of [[], spell]) {
      for (const last of samples) {
        const sample = { ...last, at: later + 1_000_000 };
        const reached = [[], [{ type: 'BUDGET', allowance: 0 } as const]].map((first) =>
          [...first, ...between, lift, sample].reduce((place, one) => stepper.step(place, one)[0], after),
        );
        const [free, throttled] = reached.map(({ context }) => context.memory.cur);
        if (after.value === 'schedutil' && departs(after, sample)) continue;
        if (free !== throttled)
          return `after ${JSON.stringify(sample)}: ${throttled} where it had been throttled, ${free} where not.`;
      }
    }
    return undefined;
  };

/** conservative comes back to the ceiling by steps, in as many samples as it takes. */
export const climbing: TraceInvariant =
  () =>
  ({ after, stepper }) => {
    const { freqStep, samplingRate, upThreshold } = after.context.tunables;
    if (after.value !== 'conservative' || freqStep === 0 || upThreshold === 100) return undefined;
    const from = laterThan(after);
    let [place] = stepper.step(after, { type: 'BUDGET', allowance: 0 });
    // Without a sample while it is throttled, it would not notice.
    if (DEPARTURES.request_outlives_limits)
      [place] = stepper.step(place, { ...IDLE, at: from - samplingRate });
    [place] = stepper.step(place, { type: 'BUDGET', allowance: after.context.allowance });
    const { max } = place.context.memory;
    const step = Math.trunc((freqStep * max) / 100) || 5;
    const samples = Math.ceil(max / step);
    for (let i = 0; i < samples; i++) {
      const busy = { ...IDLE, at: from + i * samplingRate, load: 100, util: 1_024 };
      [place] = stepper.step(place, busy);
    }
    const { cur } = place.context.memory;
    return cur === max ? undefined : `after ${samples} samples of full load at ${cur}, below ${max}.`;
  };

const IDLE: Load = { type: 'LOAD', at: 0, load: 0, util: 1, idleCalls: 1_000_002, ioWait: false };
/** When every delay that runs is over. */
const laterThan = ({ context: { memory } }: GovernorState): number =>
  Math.max(memory.lastSample ?? 0, memory.lastUpdate ?? 0, memory.lastLoad ?? 0) + 1_000_000;
