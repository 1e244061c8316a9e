/**
 * Verifier-gated escalation: run at the governor's point, check, on rejection run again one step up, at most to the
 * ceiling. What it cost is reported together with whether it was accepted, so that neither is bought with the other
 * unseen (the paper's claim of equal quality is unmeasured).
 */
import type { OperatingPoint } from '../../machines/governor/operating-point.ts';
import { knownKeys } from '../score/limits.ts';
import type { Points } from './choose.ts';
import { ModelError } from './errors.ts';
import type { ModelFailure } from '../budget/call-report.ts';

export interface Verification {
  readonly accepted: boolean;
  /** What is wrong, for the next attempt and for people. */
  readonly reason?: string | undefined;
  /** 0 to 1, where the verifier can say. */
  readonly quality?: number | undefined;
  /** US dollars that the check cost. Default 0. */
  readonly usd?: number | undefined;
}

/** Checks a result. Programs run before models: they cost nothing and are not persuaded. */
export interface Verifier<T> {
  readonly name: string;
  readonly kind: 'program' | 'model';
  check(
    value: T,
    attempt: { readonly point: OperatingPoint; readonly number: number },
  ): Verification | boolean | Promise<Verification | boolean>;
}

export interface EscalationAttempt {
  readonly point: OperatingPoint;
  readonly accepted: boolean;
  /** US dollars, checks included. */
  readonly usd: number;
  /** Which verifier rejected, and why. */
  readonly rejectedBy?: string | undefined;
  readonly reason?: string | undefined;
  readonly quality?: number | undefined;
}

export interface Escalated<T> {
  readonly value: T;
  readonly accepted: boolean;
  /** The last verifier's figure, 0 to 1; without one, 1 when accepted and 0 when not. */
  readonly quality: number;
  /** US dollars of all attempts and checks. */
  readonly usd: number;
  readonly attempts: readonly EscalationAttempt[];
}

export interface EscalateOptions<T> {
  /** A governor, or its points within a budget; see `Governed.within`. */
  readonly governor: Points;
  /** 0 to 1; without it the first attempt is at the pool's point. */
  readonly difficulty?: number | undefined;
  /** Runs the task at a point. `rejection` is what was wrong with the attempt before. */
  readonly run: (
    point: OperatingPoint,
    rejection: string | undefined,
  ) => Promise<{ readonly value: T; readonly usd: number }>;
  /** At least one. */
  readonly verify: readonly Verifier<T>[];
  /** Attempts at most, 1 to 64. Default: as many as there are points. */
  readonly maxAttempts?: number | undefined;
  /** Called for each attempt when it has been judged. */
  readonly onAttempt?: ((attempt: EscalationAttempt) => void) | undefined;
  /** What to do with a result that is still rejected at the ceiling. Default fail. */
  readonly onExhausted?: 'fail' | 'accept' | undefined;
}

/** Still rejected at the ceiling. */
export class EscalationError extends Error {
  override name = 'EscalationError';
  readonly attempts: readonly EscalationAttempt[];
  readonly usd: number;
  constructor(attempts: readonly EscalationAttempt[], usd: number) {
    const last = attempts.at(-1)!;
    const path = attempts.map(({ point }) => `${point.tempo}/${point.dynamics}`).join(' → ');
    super(
      `rejected by '${last.rejectedBy}' at ${path}: ${last.reason ?? 'no reason given'}; raise the budget or the ceiling, or say onExhausted: 'accept'.`,
    );
    this.attempts = attempts;
    this.usd = usd;
  }
}

const ESCALATE_KEYS = ['governor', 'difficulty', 'run', 'verify', 'maxAttempts', 'onAttempt', 'onExhausted'];

/** @throws EscalationError when nothing was accepted; also any error of `run` or of a verifier */
export async function escalate<T>(options: EscalateOptions<T>): Promise<Escalated<T>> {
  knownKeys('escalate', options, ESCALATE_KEYS);
  const { governor, run, onExhausted = 'fail', maxAttempts = 64 } = options;
  if (onExhausted !== 'fail' && onExhausted !== 'accept')
    throw new TypeError(`escalate: onExhausted must be 'fail' or 'accept', not '${String(onExhausted)}'.`);
  if (options.verify.length === 0)
    throw new TypeError('escalate: no verifier given; give at least one, or run without escalation.');
  if (!(Number.isInteger(maxAttempts) && maxAttempts >= 1 && maxAttempts <= 64)) {
    throw new RangeError(`escalate: maxAttempts must be a whole number from 1 to 64, not ${maxAttempts}.`);
  }
  const verifiers = [...options.verify].sort(
    (a, b) => Number(a.kind === 'model') - Number(b.kind === 'model'),
  );
  const attempts: EscalationAttempt[] = [];
  let usd = 0;
  let rejection: string | undefined;
  for (let point: OperatingPoint = governor.pointFor(options.difficulty); ;) {
    const ran = await run(point, rejection).catch(unusable);
    const { usd: paid } = ran;
    const checked =
      'error' in ran
        ? { accepted: false, usd: 0, rejectedBy: ran.error.failure, reason: ran.error.problem, quality: 0 }
        : await checkAll(verifiers, ran.value, { point, number: attempts.length + 1 });
    usd += paid + checked.usd;
    attempts.push({ ...checked, point, usd: paid + checked.usd });
    governor.verdict(checked.accepted);
    options.onAttempt?.(attempts.at(-1)!);
    const next = checked.accepted || attempts.length >= maxAttempts ? undefined : governor.above(point);
    if (next === undefined) {
      if (!checked.accepted && (onExhausted === 'fail' || 'error' in ran))
        throw new EscalationError(attempts, usd);
      return {
        value: (ran as { value: T }).value,
        accepted: checked.accepted,
        quality: checked.quality ?? (checked.accepted ? 1 : 0),
        usd,
        attempts,
      };
    }
    point = next;
    rejection = checked.reason;
  }
}

/** A model answered, and what it said cannot be used: the first thing that a verifier would refuse. */
const UNUSABLE: readonly ModelFailure[] = ['output', 'length', 'filtered', 'steps'];

function unusable(error: unknown): { readonly error: ModelError; readonly usd: number } {
  if (error instanceof ModelError && UNUSABLE.includes(error.failure)) return { error, usd: error.usd };
  throw error;
}

async function checkAll<T>(
  verifiers: readonly Verifier<T>[],
  value: T,
  attempt: { point: OperatingPoint; number: number },
): Promise<Omit<EscalationAttempt, 'point'>> {
  let usd = 0;
  let quality: number | undefined;
  for (const verifier of verifiers) {
    const said = await verifier.check(value, attempt);
    const verdict = typeof said === 'boolean' ? { accepted: said } : said;
    usd += verdict.usd ?? 0;
    quality = verdict.quality ?? quality;
    if (!verdict.accepted)
      return { accepted: false, usd, quality, rejectedBy: verifier.name, reason: verdict.reason };
  }
  return { accepted: true, usd, quality };
}
