/**
 * Dynamics: how much may be spent on an answer. The voltage half of an operating point, the quality axis.
 *
 * The paper names eight levels (section 4.5); the published specification names five with a budget multiplier.
 * This is the ordered superset of both.
 *
 * Published (spec.yaml, authoritative over the other tables in circulation): pp, p, mf, f, ff.
 * Ours: the multipliers of ppp (half of pp, as pp is half of p), mp (the mean of p and mf), and fff (one more
 * step of a half after f and ff).
 */
import { z } from 'zod';

/** Every level, softest first. The order is the order of {@link compareDynamics}. */
export const DYNAMICS_LEVELS = ['ppp', 'pp', 'p', 'mp', 'mf', 'f', 'ff', 'fff'] as const;

/** A dynamics level. */
export type Dynamics = (typeof DYNAMICS_LEVELS)[number];

/** The five levels that the published wire formats know, softest first. Source: hct-spec, spec.yaml. */
export const PUBLISHED_DYNAMICS = ['pp', 'p', 'mf', 'f', 'ff'] as const;

/** A dynamics level that may stand on a wire. */
export type PublishedDynamics = (typeof PUBLISHED_DYNAMICS)[number];

/** What a level means in numbers. */
export interface DynamicsMarking {
  /** The level's Italian name. */
  readonly name: string;
  /** Factor on the budget of the same work at mf, 0.125 to 2.5. */
  readonly budget: number;
}

/** The meaning of each level. */
export const DYNAMICS: Readonly<Record<Dynamics, DynamicsMarking>> = Object.freeze({
  ppp: { name: 'pianississimo', budget: 0.125 }, // ours
  pp: { name: 'pianissimo', budget: 0.25 },
  p: { name: 'piano', budget: 0.5 },
  mp: { name: 'mezzo-piano', budget: 0.75 }, //     ours
  mf: { name: 'mezzo-forte', budget: 1 },
  f: { name: 'forte', budget: 1.5 },
  ff: { name: 'fortissimo', budget: 2 },
  fff: { name: 'fortississimo', budget: 2.5 }, //   ours
});

/** The level that applies when none is given. Source: hct-spec, spec.yaml. */
export const DEFAULT_DYNAMICS = 'mf' satisfies Dynamics;

/** Accepts exactly the eight levels. */
export const dynamicsSchema = z.enum(DYNAMICS_LEVELS);

/**
 * The place of a level in the order, 0 (ppp) to 7 (fff).
 *
 * @example
 * dynamicsRank('fff'); // 7
 */
export function dynamicsRank(dynamics: Dynamics): number {
  return DYNAMICS_LEVELS.indexOf(dynamics);
}

/**
 * Orders two levels: negative when `a` is softer than `b`, positive when louder, 0 when equal.
 *
 * @example
 * compareDynamics('pp', 'ff') < 0; // true
 */
export function compareDynamics(a: Dynamics, b: Dynamics): number {
  return dynamicsRank(a) - dynamicsRank(b);
}

const nearest: Readonly<Record<Dynamics, PublishedDynamics>> = Object.freeze({
  ppp: 'pp',
  pp: 'pp',
  p: 'p',
  mp: 'mf',
  mf: 'mf',
  f: 'f',
  ff: 'ff',
  fff: 'ff',
});

/**
 * The published level nearest in budget; a tie goes to the louder, so that no request gets less than it asked for.
 * Keeps the order.
 *
 * @returns `value`, the published level, and `lossy`, whether it differs from what was given.
 * @example
 * projectDynamics('mp'); // { value: 'mf', lossy: true }
 */
export function projectDynamics(dynamics: Dynamics): {
  readonly value: PublishedDynamics;
  readonly lossy: boolean;
} {
  const value = nearest[dynamics];
  return { value, lossy: value !== dynamics };
}
