import { didYouMean } from '../../actors/tomasulo/program.ts';

/** A routing table, price or budget that cannot be used: where, what is wrong, what to do. */
export class RoutingConfigError extends Error {
  override name = 'RoutingConfigError';
  /** A path such as `table[3].model`. */
  readonly at: string;
  readonly remedy: string;
  constructor(at: string, problem: string, remedy: string) {
    super(`${at}: ${problem}. ${remedy}`);
    this.at = at;
    this.remedy = remedy;
  }
}

/**
 * Refuses keys that an object does not have.
 *
 * @throws RoutingConfigError for anything but an object, and for an unknown key, with the nearest valid name
 */
export function knownFields(at: string, value: unknown, keys: readonly string[], what = 'option'): void {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new RoutingConfigError(at, `${String(value)} is not an object`, `Give ${keys.join(', ')}.`);
  const unknown = Object.keys(value).find((key) => !keys.includes(key));
  if (unknown === undefined) return;
  const hint = didYouMean(unknown, keys);
  throw new RoutingConfigError(
    `${at}.${unknown}`,
    `unknown ${what}`,
    `${hint === '' ? '' : `${hint.trim()} `}Known are ${keys.join(', ')}.`,
  );
}
