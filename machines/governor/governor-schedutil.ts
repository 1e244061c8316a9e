/** The governor that follows utilisation: schedutil. Pure; see `governor.ts` for sources and deviations. */
import {
  CAPACITY,
  target,
  type GovernorMemory,
  type GovernorTunables,
  type LoadSample,
} from './governor-memory.ts';
import { resolve } from './operating-point.ts';

/** An I/O-wait boost begins with an eighth of the capacity. */
const IO_BOOST_MIN = CAPACITY / 8;

/** `sugov_update_single_freq` with `sugov_iowait_boost`, `sugov_iowait_apply` and `get_next_freq`. */
export function schedutil(
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
