/**
 * Tempo: how soon an answer is wanted. The frequency half of an operating point (dynamics is the voltage half).
 *
 * The paper names seven markings with beats per minute; the published specification names five with a latency
 * and a priority class. This is the ordered superset of both.
 *
 * Published (spec.yaml): latency and priority of largo, andante, moderato, allegro, presto.
 * Published (paper, section 4.5): beats per minute of all but moderato.
 * Ours: moderato's 100 bpm, the mean of andante and allegro; the latency of adagio and vivace, each the mean of
 * its published neighbours; the latency of grave, which continues the doubling moderato 15, andante 30, largo 60;
 * and the priority of these three, which is that of the marking they project to.
 */
import { z } from 'zod';

/** Every tempo marking, slowest first. The order is the order of {@link compareTempo}. */
export const TEMPI = [
  'grave',
  'largo',
  'adagio',
  'andante',
  'moderato',
  'allegro',
  'vivace',
  'presto',
] as const;

/** A tempo marking. */
export type Tempo = (typeof TEMPI)[number];

/** The five markings that the published wire formats know, slowest first. Source: hct-spec, spec.yaml. */
export const PUBLISHED_TEMPI = ['largo', 'andante', 'moderato', 'allegro', 'presto'] as const;

/** A tempo marking that may stand on a wire. */
export type PublishedTempo = (typeof PUBLISHED_TEMPI)[number];

/** The scheduling class of a tempo. Source: hct-spec, spec.yaml. */
export type Priority = 'batch' | 'low' | 'normal' | 'high' | 'realtime';

/** What a tempo marking means in numbers. */
export interface TempoMarking {
  /** Beats per minute, 25 to 180. */
  readonly bpm: number;
  /** Expected response time in milliseconds, 1,000 to 120,000. */
  readonly latencyMs: number;
  /** The class by which a scheduler that knows classes only should order the work. */
  readonly priority: Priority;
}

/** The meaning of each marking. */
export const TEMPO: Readonly<Record<Tempo, TempoMarking>> = Object.freeze({
  grave: { bpm: 25, latencyMs: 120_000, priority: 'batch' }, //    latency and class ours
  largo: { bpm: 40, latencyMs: 60_000, priority: 'batch' },
  adagio: { bpm: 60, latencyMs: 45_000, priority: 'low' }, //      latency and class ours
  andante: { bpm: 80, latencyMs: 30_000, priority: 'low' },
  moderato: { bpm: 100, latencyMs: 15_000, priority: 'normal' }, // bpm ours
  allegro: { bpm: 120, latencyMs: 5_000, priority: 'high' },
  vivace: { bpm: 140, latencyMs: 3_000, priority: 'high' }, //     latency and class ours
  presto: { bpm: 180, latencyMs: 1_000, priority: 'realtime' },
});

/** The tempo that applies when none is given. Source: hct-spec, spec.yaml. */
export const DEFAULT_TEMPO = 'moderato' satisfies Tempo;

/** Accepts exactly the eight markings. */
export const tempoSchema = z.enum(TEMPI);

/**
 * The place of a marking in the order, 0 (grave) to 7 (presto).
 *
 * @example
 * tempoRank('grave'); // 0
 */
export function tempoRank(tempo: Tempo): number {
  return TEMPI.indexOf(tempo);
}

/**
 * Orders two markings: negative when `a` is slower than `b`, positive when faster, 0 when equal.
 *
 * @example
 * (['presto', 'largo'] as Tempo[]).sort(compareTempo); // ['largo', 'presto']
 */
export function compareTempo(a: Tempo, b: Tempo): number {
  return tempoRank(a) - tempoRank(b);
}

const nearest: Readonly<Record<Tempo, PublishedTempo>> = Object.freeze({
  grave: 'largo',
  largo: 'largo',
  adagio: 'andante',
  andante: 'andante',
  moderato: 'moderato',
  allegro: 'allegro',
  vivace: 'allegro',
  presto: 'presto',
});

/**
 * The published marking nearest in beats per minute; a tie goes to the faster, so that no request is served late. Keeps
 * the order and the priority class.
 *
 * @returns `value`, the published marking, and `lossy`, whether it differs from what was given.
 * @example
 * projectTempo('vivace'); // { value: 'allegro', lossy: true }
 */
export function projectTempo(tempo: Tempo): { readonly value: PublishedTempo; readonly lossy: boolean } {
  const value = nearest[tempo];
  return { value, lossy: value !== tempo };
}
