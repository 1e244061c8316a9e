/**
 * Thermal throttling: what is left of a budget, and of the time, as limits of a governor.
 *
 * A budget lowers the ceiling and a deadline raises the floor, as thermal pressure and a response time do
 * (docs/decisions/0021). The ceiling steers, so that money lasts to the last step; it is the ledger that stops.
 */
import type { UnitGovernor } from '../../actors/governor/governor.ts';
import {
  relativeCost,
  type LadderPoint,
  type OperatingPoint,
} from '../../machines/governor/operating-point.ts';
import { RoutingConfigError } from '../budget/config-error.ts';
import type { Amount, Ledger } from '../budget/budget.ts';

/** What one call uses; an absent field does not count. */
export type Need = Partial<Pick<Amount, 'tokens' | 'usd'>>;

export interface ThrottleOptions {
  /** Steps that are still to be run from this budget, the one at hand included; 1 or more. */
  readonly stepsLeft: number;
  /** The most that one call at a point can use; see {@link efficientRungs}. */
  readonly need: (point: LadderPoint) => Need;
  /** Milliseconds to the deadline, if there is one. */
  readonly remainingMs?: number | undefined;
}

const KINDS = ['tokens', 'usd'] as const;

/**
 * Lowers or lifts the governor's ceiling: to the highest point at which a call is expected to use at most its step's
 * share of what is unspent, and cannot use more than all of it. Expected is the upper bound times the share of such
 * bounds that calls have used so far. Less budget never gives a higher point, and so never a more expensive one.
 *
 * @throws RoutingConfigError for a number that makes no sense
 */
export function throttle(
  governor: UnitGovernor,
  ledgers: readonly Ledger[],
  { stepsLeft, need, remainingMs }: ThrottleOptions,
): void {
  if (!(stepsLeft >= 1))
    throw new RoutingConfigError(
      'stepsLeft',
      `${stepsLeft} is not at least 1`,
      'Give the steps that are still to be run.',
    );
  if (remainingMs !== undefined && Number.isNaN(remainingMs))
    throw new RoutingConfigError('remainingMs', 'NaN is no time', 'Give milliseconds, or leave it out.');
  const fits = (point: LadderPoint): boolean => {
    const most = need(point);
    return ledgers.every((ledger) =>
      KINDS.every((kind) => {
        const bound = most[kind] ?? 0;
        const unspent = ledger.unspent[kind];
        return bound <= unspent && bound * ledger.usedShare(kind) <= unspent / stepsLeft;
      }),
    );
  };
  const { ladder } = governor;
  const limited = ledgers.some(({ limits }) => KINDS.some((kind) => limits[kind] !== undefined));
  const tooDear = limited ? ladder.findIndex((point) => !fits(point)) : -1;
  governor.budget(tooDear < 0 ? null : relativeCost(ladder[Math.max(0, tooDear - 1)]!), throttle);
  governor.deadline(remainingMs === undefined ? null : Math.max(0, remainingMs), throttle);
}

/**
 * The points that are worth their money: one that costs more than a higher one is of no use. Along the points that are
 * left the cost never falls, for any prices, so more difficulty never means a cheaper model. Linux leaves such operating
 * points out by the same rule (`CPUFREQ_INEFFICIENT_FREQ`).
 *
 * @param usd - what the call at hand costs at a point
 */
export function efficientRungs(
  ladder: readonly LadderPoint[],
  usd: (point: LadderPoint) => number,
): LadderPoint[] {
  let least = Number.POSITIVE_INFINITY;
  const kept: LadderPoint[] = [];
  for (const point of ladder.toReversed()) {
    const cost = usd(point);
    if (cost > least) continue;
    least = cost;
    kept.unshift(point);
  }
  return kept;
}

/** The first of the rungs at or above a point of the ladder; a point that is not on the ladder is its own rung. */
export function lift(
  point: OperatingPoint,
  ladder: readonly LadderPoint[],
  rungs: readonly LadderPoint[],
): OperatingPoint {
  const place = (points: readonly LadderPoint[]) =>
    points.find(({ tempo, dynamics }) => tempo === point.tempo && dynamics === point.dynamics);
  const from = place(ladder);
  if (from === undefined || place(rungs) !== undefined) return point;
  const { tempo, dynamics } = rungs.find(({ frequency }) => frequency > from.frequency) ?? from;
  return { tempo, dynamics };
}
