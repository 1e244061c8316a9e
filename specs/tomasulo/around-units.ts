/** The surroundings of units and of the conductor: which events may reach them and when, and what they must answer. */
import { grantable, type UnitContext } from '../../machines/tomasulo/functional-unit.ts';
import type { Reads } from '../harness/with-reads.ts';
import type { Situation, Surroundings } from '../harness/walk.ts';

/** What a unit's surroundings have recorded about it. */
export interface AroundUnit {
  readonly running: number;
  readonly waiting: number;
  readonly silent: boolean;
}

/** How many of those queued are granted now, by what the unit's actor reads of it: see `told`. */
export const unitTells: Reads = { grantQueued: grantable };

const granted = (word: string): number => {
  const [action, count] = word.split(' ');
  return action === 'grant' ? 1 : action === 'grantQueued' ? Number(count ?? 0) : 0;
};

/** A unit whose grants are recorded (see `told`), and its stations, at most `most` of which run or wait. */
export const aroundUnit = (most: number): Surroundings<AroundUnit, UnitContext> => ({
  initial: { running: 0, waiting: 0, silent: false },
  may: ({ surroundings: { running, waiting } }) => {
    const types = ['TACET', 'WAKE'];
    if (running + waiting < most) types.push('ACQUIRE');
    if (waiting > 0) types.push('WITHDRAW');
    if (running > 0) types.push('RELEASE');
    return types.map((type) => ({ type }));
  },
  after: ({ surroundings: { running, waiting, silent } }, { type }, said) => {
    const asks = waiting + (type === 'ACQUIRE' ? 1 : 0) - (type === 'WITHDRAW' ? 1 : 0);
    const runs = running - (type === 'RELEASE' ? 1 : 0);
    const grants = said.reduce((sum, word) => sum + granted(word), 0);
    return {
      running: runs + grants,
      waiting: asks - grants,
      silent: type === 'TACET' || (silent && type !== 'WAKE'),
    };
  },
});

/** The unit counts right, keeps its capacity, and no station waits while there is room. */
export const unitAgrees = ({
  value,
  context,
  surroundings: s,
}: Situation<AroundUnit, UnitContext>): boolean =>
  context.inUse === s.running &&
  context.queued === s.waiting &&
  context.inUse <= context.capacity &&
  (value === 'tacet') === s.silent &&
  (s.silent || (value === 'saturated') === (s.running === context.capacity)) &&
  (s.silent || (value === 'idle') === (s.running === 0)) &&
  (value === 'saturated' || s.silent || s.waiting === 0);

/** What a conductor's surroundings have recorded about it. */
export interface AroundConductor {
  /** The downbeat came before any caesura; and the conductor began. */
  readonly due: boolean;
  readonly begun: boolean;
  readonly stalled: boolean;
  readonly watching: boolean;
  /** The stall's timer has been armed at least once; it may fire too late. */
  readonly armed: boolean;
  /** It is to stop early; and has notified the stations. */
  readonly stopped: boolean;
  readonly squashed: boolean;
  readonly deadlocks: number;
  readonly settled: boolean;
  readonly finished: number;
}

const before: AroundConductor = {
  due: false,
  begun: false,
  stalled: false,
  watching: false,
  armed: false,
  stopped: false,
  squashed: false,
  deadlocks: 0,
  settled: false,
  finished: 0,
};

/** A performance is over when all has settled, after the grace, or by a caesura before it began. */
const settles = (type: string, due: boolean): boolean =>
  type === 'SETTLED' || type === 'GRACE_OVER' || (type === 'CAESURA' && !due);

/** A performance: stations stall, move and settle only after the downbeat; who is stalled moves before it settles. */
export const aroundConductor: Surroundings<AroundConductor> = {
  initial: before,
  may: ({ surroundings: { begun, watching, armed, squashed } }) => {
    const types = ['DOWNBEAT', 'CAESURA', 'PROGRESS'];
    if (begun) types.push('STALL');
    if (begun && !watching) types.push('SETTLED');
    if (armed) types.push('STALL_TIMEOUT');
    if (squashed) types.push('GRACE_OVER');
    return types.map((type) => ({ type }));
  },
  after: ({ surroundings: s }, { type }, said) => {
    const runs = s.due && !s.stopped && !s.settled;
    const stops = (type === 'CAESURA' && !s.settled) || (type === 'STALL_TIMEOUT' && s.stalled);
    // A squashed station no longer waits, so the report of the waiting stations and the end of the watch come before
    // the squash.
    const inTime = said.includes('squash') ? said.slice(0, said.indexOf('squash')) : said;
    const ended = inTime.includes('unwatch') || inTime.includes('deadlock');
    const timedOut = type === 'STALL_TIMEOUT' && s.stalled;
    return {
      due: s.due || (type === 'DOWNBEAT' && !s.stopped),
      begun: s.begun || said.includes('begin'),
      stalled: runs && !stops && (type === 'STALL' || (s.stalled && type !== 'PROGRESS')),
      watching: said.includes('watch') || (s.watching && !ended),
      armed: s.armed || said.includes('watch'),
      stopped: s.stopped || stops,
      squashed: s.squashed || said.includes('squash'),
      deadlocks: s.deadlocks + Number(inTime.includes('deadlock')) - Number(timedOut),
      settled: s.settled || settles(type, s.due),
      finished: s.finished + said.filter((word) => word === 'finish').length,
    };
  },
};

/** The conductor begins and finishes once, watches while stalled, squashes when it stops early, and names dead-locks. */
export const conductorAgrees = ({ value, surroundings: s }: Situation<AroundConductor>): boolean =>
  s.begun === s.due &&
  s.watching === s.stalled &&
  s.squashed === (s.stopped && s.begun) &&
  s.deadlocks === 0 &&
  s.finished === (s.settled ? 1 : 0) &&
  (value === 'silent') === !(s.due || s.stopped) &&
  (value === 'performing') === (s.due && !s.stalled && !s.stopped && !s.settled) &&
  (value === 'stalled') === s.stalled &&
  (value === 'closing') === (s.stopped && !s.settled) &&
  (value === 'completed') === (s.settled && !s.stopped) &&
  (value === 'cancelled') === (s.settled && s.stopped);
