/**
 * Targets: which listeners a signal addresses. Every listener on the bus decides by {@link addresses}, so that
 * `targets` means one thing everywhere.
 */

/** The target that addresses every listener. */
export const EVERYONE = '*';

/**
 * Whether a signal addresses a listener.
 *
 * @param targets - the signal's targets; `*` or an empty list addresses every listener
 * @param names - the names of the listener: the performance's run id, a step's id, an agent's name
 * @example
 * addresses(['draft'], 'run-1', 'draft', 'writer'); // true
 */
export function addresses(targets: readonly string[], ...names: readonly string[]): boolean {
  return targets.length === 0 || targets.includes(EVERYONE) || names.some((name) => targets.includes(name));
}
