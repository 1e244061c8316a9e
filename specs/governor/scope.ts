/** Every sequence of a few commands, on a ladder of three points: random traces reach a situation by chance, this
 *  reaches each of them. Commands are chosen so that each does something somewhere: loads that raise, keep and lower
 *  the frequency, a limit for each point of the ladder, each policy and mode, and a mode with a policy that does not
 *  belong to it. */
import type { AnyStateMachine } from 'xstate';
import { DEFAULT_TUNABLES, GOVERNORS, type GovernorName } from '../../machines/governor/governor.ts';
import { ladder } from '../../machines/governor/operating-point.ts';
import type { TempoGovernorEvent } from '../../machines/governor/tempo-governor.ts';
import { modelOf, promise, seenAt, differenceText, type TraceStart } from './compare.ts';
import { DEPARTURES } from './mapping.ts';
import type { Departures } from './model.ts';
import { answersWithin, price, type Cpufreq, type PoolModel } from './pool/model.ts';
import { stepperOf, type GovernorState } from './stepper.ts';
import type { EventTrace } from './traces.ts';

const POINTS = ladder([
  { tempo: 'largo', dynamics: 'pp', frequency: 100 },
  { tempo: 'moderato', dynamics: 'mf', frequency: 200 },
  { tempo: 'allegro', dynamics: 'f', frequency: 300 },
]);
const SMALL: TraceStart = {
  ladder: POINTS,
  tunables: { ...DEFAULT_TUNABLES, samplingRate: 100, samplingDownFactor: 2, freqStep: 34, rateLimit: 150, tick: 150 },
}; // prettier-ignore

/** The commands that may follow these; a sample comes a hundred milliseconds after the command before. */
function commands(before: readonly TempoGovernorEvent[]): TempoGovernorEvent[] {
  const at = 100 * before.length;
  const idleCalls = before.filter((event) => event.type === 'LOAD' && event.load < 100).length;
  const modes = ['sprint', 'conservation', 'crisis', null] as const;
  return [
    { type: 'LOAD', at, load: 100, util: 1_024, idleCalls, ioWait: false },
    { type: 'LOAD', at, load: 50, util: 400, idleCalls: idleCalls + 1, ioWait: true },
    { type: 'LOAD', at, load: 30, util: 200, idleCalls, ioWait: false },
    { type: 'LOAD', at, load: 0, util: 0, idleCalls: idleCalls + 1, ioWait: false, idlePeriods: 1 },
    ...[null, 0, price(POINTS[1]!)].map((allowance) => ({ type: 'BUDGET', allowance }) as const),
    ...[null, 0, answersWithin(POINTS[1]!)].map(
      (remainingMs) => ({ type: 'DEADLINE', remainingMs }) as const,
    ),
    { type: 'BOOST' },
    { type: 'SET', frequency: 150 },
    { type: 'SET', tunables: { rateLimit: 0, samplingRate: 50 } },
    ...modes.map((mode) => ({ type: 'SET', mode }) as const),
    ...GOVERNORS.flatMap(
      (policy) =>
        [
          { type: 'SET', policy },
          { type: 'SET', policy, mode: 'crisis' },
        ] as const,
    ),
  ];
}

/** How many commands a sequence has. */
export const DEPTH = 3;

export interface Visited {
  /** Commands taken so far, each compared. */
  readonly steps: number;
  /** How far it is: 0 … 1. */
  readonly part: number;
  /** The sequence after which the machine is not where it was promised. */
  readonly found?: EventTrace;
}

/** Takes every sequence of `depth` commands after the choice of a policy, and reports its progress from time to time;
 *  at the end it returns what differs, if anything does. */
export function* everySequence(
  machine: AnyStateMachine,
  depth: number,
  departs: Departures = DEPARTURES,
): Generator<Visited> {
  const { begin, step } = stepperOf(machine);
  let steps = 0;
  let found: Visited['found'];
  const events: TempoGovernorEvent[] = [];
  const pools: PoolModel[] = []; // one for each place in the sequence
  const take = (
    from: GovernorState,
    model: PoolModel,
    event: TempoGovernorEvent,
  ): [GovernorState, PoolModel] | undefined => {
    events.push(event);
    steps++;
    const pool = become((pools[events.length] ??= modelOf(SMALL, departs)), model);
    const promised = promise(pool, event);
    try {
      const [place, said] = step(from, event);
      if (differenceText(seenAt(place, said), promised) === undefined) return [place, pool];
    } catch {
      // differs, too: `smallest` shows how
    }
    found = { ...SMALL, events: [...events] };
    return undefined;
  };
  const visit = (place: GovernorState, model: PoolModel, left: number): void => {
    for (const event of left === 0 ? [] : commands(events)) {
      const reached = take(place, model, event);
      if (reached !== undefined) visit(...reached, left - 1);
      if (found !== undefined) return;
      events.pop();
    }
  };
  for (const [i, policy] of GOVERNORS.entries()) {
    if (found !== undefined) break;
    events.length = 0;
    const chosen = take(begin(SMALL), modelOf(SMALL, departs), start(policy));
    const all = commands(events);
    for (const [k, event] of all.entries()) {
      if (chosen === undefined || found !== undefined) break;
      events.length = 1;
      const first = take(...chosen, event);
      if (first !== undefined) visit(...first, depth - 1);
      yield { steps, part: (i + k / all.length) / GOVERNORS.length };
    }
  }
  yield { steps, part: 1, ...(found && { found }) };
}

const start = (policy: GovernorName): TempoGovernorEvent => ({ type: 'SET', policy });

/** Makes one model what another is. A new one for each step would be most of the work. */
function become(one: PoolModel, other: PoolModel): PoolModel {
  const { kernel } = one;
  Object.assign(kernel, other.kernel);
  return Object.assign(one, other, { kernel } satisfies { kernel: Cpufreq });
}
