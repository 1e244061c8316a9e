/** Thermal throttling: what is left of a budget, and of the time, as limits of a governor. */
import type { UnitGovernor } from '../../actors/governor.ts';
import { RoutingConfigError } from './config-error.ts';
import type { Ledger } from './ledger.ts';

export interface ThrottleOptions {
  /** Steps that are still to be run from this budget, 1 or more. */
  readonly stepsLeft: number;
  /** US dollars that one step costs at moderato and mf, above 0. */
  readonly c0: number;
  /** Milliseconds to the deadline, if there is one. */
  readonly remainingMs?: number | undefined;
}

/**
 * Lowers or lifts the governor's ceiling, so that the next step costs at most its share of what is left. Less budget
 * never gives a dearer point. The ceiling steers; it is the ledger that stops.
 *
 * @throws RoutingConfigError for a number that makes no sense
 */
export function throttle(
  governor: UnitGovernor,
  ledger: Ledger,
  { stepsLeft, c0, remainingMs }: ThrottleOptions,
): void {
  if (!(stepsLeft >= 1))
    throw new RoutingConfigError(
      'stepsLeft',
      `${stepsLeft} is not at least 1`,
      'Give the steps that are still to be run.',
    );
  if (!(c0 > 0 && Number.isFinite(c0)))
    throw new RoutingConfigError('c0', `${c0} is not above 0`, 'Give the cost of a step at moderato and mf.');
  const { usd } = ledger.left;
  governor.budget(Number.isFinite(usd) ? Math.max(0, usd) / stepsLeft / c0 : null);
  governor.deadline(remainingMs === undefined ? null : Math.max(0, remainingMs));
}
