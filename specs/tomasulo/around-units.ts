/** The surroundings of units and of the conductor: which events may reach them and when, and what they must answer. */
import { grantable, type UnitContext } from '../../machines/tomasulo/functional-unit.ts';
import type { Join, JoinContext } from '../../machines/tomasulo/join.ts';
import type { Reads } from '../harness/with-reads.ts';
import type { Situation, Surroundings } from '../harness/walk.ts';

/** What a unit's surroundings have recorded about it. */
export interface AroundUnit {
  readonly running: number;
  readonly waiting: number;
  readonly silent: boolean;
  /** A second attempt has got a place that was not free, or has not got one that was. */
  readonly unfair: boolean;
}

/** How many of those queued are granted now, by what the unit's actor reads of it: see `told`. */
export const unitTells: Reads = { grantQueued: grantable };

const granted = (word: string): number => {
  const [action, count] = word.split(' ');
  return action === 'grant' || action === 'lend' ? 1 : action === 'grantQueued' ? Number(count ?? 0) : 0;
};

/** A unit whose grants are recorded (see `told`), and its stations, at most `most` of which run or wait. */
export const aroundUnit = (most: number): Surroundings<AroundUnit, UnitContext> => ({
  initial: { running: 0, waiting: 0, silent: false, unfair: false },
  may: ({ surroundings: { running, waiting } }) => {
    const types = ['TACET', 'WAKE'];
    if (running + waiting < most) types.push('ACQUIRE', 'TRY');
    if (waiting > 0) types.push('WITHDRAW');
    if (running > 0) types.push('RELEASE');
    return types.map((type) => ({ type }));
  },
  after: ({ context: { capacity }, surroundings: { running, waiting, silent } }, { type }, said) => {
    const asks = waiting + (type === 'ACQUIRE' ? 1 : 0) - (type === 'WITHDRAW' ? 1 : 0);
    const runs = running - (type === 'RELEASE' ? 1 : 0);
    const grants = said.reduce((sum, word) => sum + granted(word), 0);
    const lent = said.includes('lend');
    return {
      running: runs + grants,
      waiting: asks - grants + (lent ? 1 : 0), // who borrows has not waited
      silent: type === 'TACET' || (silent && type !== 'WAKE'),
      unfair: lent !== (type === 'TRY' && !silent && running < capacity),
    };
  },
});

/** The unit counts right, keeps its capacity, and no station waits while there is room. */
export const unitAgrees = ({
  value,
  context,
  surroundings: s,
}: Situation<AroundUnit, UnitContext>): boolean =>
  !s.unfair &&
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

/** What a hedge's surroundings have recorded about it. */
export interface AroundHedge {
  /** Attempts that run, and those of them that have been asked to stop. */
  readonly running: number;
  readonly aborted: number;
  /** Whether the timer is armed, and a second attempt has been started. */
  readonly armed: boolean;
  readonly doubled: boolean;
  readonly stopped: boolean;
  readonly answers: number;
  /** The answer was the first success, or, without a success, the last failure; after a stop, the first that settled. */
  readonly right: boolean;
  /** Attempts that are over, but for the one that gave the answer; and places given back for them. */
  readonly dropped: number;
  readonly givenBack: number;
}

/** An attempt may settle within the call that aborts it: before that the timer is off and the answer is given. */
const inOrder = (said: readonly string[]): boolean =>
  ['disarm', 'answer', 'abortOther', 'abortAll']
    .map((word) => said.indexOf(word))
    .filter((at) => at >= 0)
    .every((at, i, all) => i === 0 || all[i - 1]! < at);

/** A first attempt; a second one once it is lent a place; each settles once. */
export const aroundHedge: Surroundings<AroundHedge> = {
  initial: {
    ...{ running: 1, aborted: 0, armed: true, doubled: false, stopped: false },
    ...{ answers: 0, right: true, dropped: 0, givenBack: 0 },
  },
  may: ({ surroundings: { running, armed } }) => {
    const types = ['STOP'];
    if (armed) types.push('LENT');
    if (running > 0) types.push('SUCCEEDED', 'FAILED');
    return types.map((type) => ({ type }));
  },
  after: ({ surroundings: s }, { type }, said) => {
    const settles = type === 'SUCCEEDED' || type === 'FAILED';
    const starts = said.includes('startSecond');
    const running = s.running + (starts ? 1 : 0) - (settles ? 1 : 0);
    const answers = said.filter((word) => word === 'answer').length;
    const due = settles && s.answers === 0 && (type === 'SUCCEEDED' || s.stopped || s.running === 1);
    const aborted =
      said.includes('abortAll') || said.includes('abortOther') ? running : s.aborted - (settles ? 1 : 0);
    return {
      running,
      aborted: Math.max(0, Math.min(running, aborted)),
      armed: s.armed && !starts && !said.includes('disarm'),
      doubled: s.doubled || starts,
      stopped: s.stopped || (type === 'STOP' && s.answers === 0 && s.running > 0),
      answers: s.answers + answers,
      right: s.right && (answers === 1) === due && starts === (type === 'LENT') && inOrder(said),
      dropped: s.dropped + (settles && answers === 0 ? 1 : 0),
      givenBack: s.givenBack + said.filter((word) => word === 'giveBack').length,
    };
  },
};

/** A hedge answers once, with what counts; asks what need not go on to stop; and gives back every place. */
export const hedgeAgrees = ({ value, surroundings: s }: Situation<AroundHedge>): boolean =>
  s.right &&
  s.answers === (value === 'decided' || value === 'over' ? 1 : 0) &&
  s.dropped === s.givenBack &&
  s.armed === (value === 'early') &&
  (value === 'both' || value === 'stopped') === (s.running === 2) &&
  (value === 'over') === (s.running === 0) &&
  (value === 'stopped' ? s.aborted === 2 : value !== 'decided' || s.aborted === 1) &&
  (!s.stopped || s.aborted === s.running);

/** What a join's surroundings have recorded about it. */
export interface AroundJoin {
  readonly opened: boolean;
  readonly cancelled: boolean;
  readonly succeeded: number;
  readonly failed: number;
  /** What it has decided, and what it had to decide by then. */
  readonly met: number;
  readonly failures: number;
  readonly due: 'open' | 'met' | 'failed';
}

/** What the guide says of each join, from what has ended in which order. */
function dueOf(
  join: Join,
  parts: number,
  eager: boolean,
  s: AroundJoin,
  ok: boolean | undefined,
): AroundJoin['due'] {
  const all = s.succeeded + s.failed === parts;
  if (join === 'allSettled') return all ? 'met' : 'open';
  if (join === 'all') {
    if (s.failed > 0 && (eager || all)) return 'failed';
    return all ? 'met' : 'open';
  }
  if (join === 'first') return ok === undefined ? 'open' : ok ? 'met' : 'failed';
  const needed = join === 'any' ? 1 : join.quorum;
  if (s.succeeded >= needed) return 'met';
  return parts - s.failed < needed ? 'failed' : 'open';
}

/** Parts that end one after the other, in each order. */
export const aroundJoin = (
  join: Join,
  parts: number,
  eager = false,
): Surroundings<AroundJoin, JoinContext> => ({
  initial: { opened: false, cancelled: false, succeeded: 0, failed: 0, met: 0, failures: 0, due: 'open' },
  may: ({ surroundings: s }) => {
    const types = ['CANCEL'];
    if (!s.opened) types.push('OPEN');
    else if (s.succeeded + s.failed < parts) types.push('SUCCEEDED', 'FAILED');
    return types.map((type) => ({ type }));
  },
  after: ({ surroundings: before }, { type }, said) => {
    const s = {
      ...before,
      opened: before.opened || type === 'OPEN',
      succeeded: before.succeeded + (type === 'SUCCEEDED' ? 1 : 0),
      failed: before.failed + (type === 'FAILED' ? 1 : 0),
      met: before.met + said.filter((word) => word === 'meet').length,
      failures: before.failures + said.filter((word) => word === 'fail').length,
      cancelled: before.cancelled || (type === 'CANCEL' && before.due === 'open'),
    };
    const ok = type === 'SUCCEEDED' ? true : type === 'FAILED' ? false : undefined;
    const stays = s.cancelled || before.due !== 'open' || !s.opened;
    return { ...s, due: stays ? before.due : dueOf(join, parts, eager, s, ok) };
  },
});

/** A join decides once, as soon as it has to, and as the guide says. */
export const joinAgrees = ({
  value,
  context,
  surroundings: s,
}: Situation<AroundJoin, JoinContext>): boolean => {
  const state = s.cancelled ? 'cancelled' : s.due !== 'open' ? s.due : s.opened ? 'open' : 'idle';
  return (
    value === state &&
    s.met === (s.due === 'met' ? 1 : 0) &&
    s.failures === (s.due === 'failed' ? 1 : 0) &&
    (value !== 'open' || (context.succeeded === s.succeeded && context.failed === s.failed))
  );
};
