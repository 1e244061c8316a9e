/**
 * Holds: who waits because of a fermata, and what ends the wait.
 *
 * Published: the hold types; the paper resolves a hold by a cue that resumes, the RFC by a downbeat. Both are
 * accepted. Ours: addressing one held agent leaves the others held; a key and a sync point must match; the
 * timeout policy. An approval is a cue that resumes; a refusal is a caesura.
 */
import { z } from 'zod';
import { HOLD_TYPES, TIMEOUT_POLICIES, type Fermata, type TimeoutPolicy } from './hct.ts';
import { durationSchema } from './performance.ts';
import { SignalError } from './refusal.ts';
import type { Signal } from './signal.ts';

/** The target that decides about a hold, rather than being held. Source: SDK, the fermata factory's default. */
export const GOVERNANCE = 'governance';

const everybody = '*';
const names = z.array(z.string().min(1)).readonly();

/** A hold in force. */
export const holdSchema = z
  .strictObject({
    /** Names the hold; unique among the holds in force. */
    id: z.union([z.string().min(1), z.number()]),
    holdType: z.enum(HOLD_TYPES),
    /** Who asked for it. */
    source: z.string().min(1),
    /** Who is asked to decide, if anybody. */
    deciders: names,
    /** Who is held; `*` is everybody. */
    held: names,
    /** Who is not held any more, although everybody was. */
    except: names,
    key: z.string().min(1).exactOptional(),
    syncPoint: z.string().exactOptional(),
    /** When it began, in milliseconds of the bus's clock. */
    since: z.number(),
    /** How long it may last, in milliseconds from `since`; absent, for ever. */
    timeoutMs: durationSchema.exactOptional(),
    onTimeout: z.enum(TIMEOUT_POLICIES),
  })
  .readonly();

/** A hold in force. */
export type Hold = z.infer<typeof holdSchema>;

/** What a signal did to a hold. */
export type Resolution =
  /** Nothing: the hold is as it was. */
  | { readonly by: 'nothing'; readonly hold: Hold }
  /** Released some or all; `hold` is what remains, if anything. A caesura's released discard their work. */
  | {
      readonly by: 'cue' | 'downbeat' | 'caesura';
      readonly released: readonly string[];
      readonly hold?: Hold;
    };

/**
 * The hold that a fermata asks for. Its targets are held, but for `governance`, which decides; when nobody else is
 * named, the source itself is held, as when an agent asks for an approval.
 *
 * @param signal - the fermata
 * @param id - a name unique among the holds in force, such as its sequence number on the bus
 * @param since - now, in milliseconds of the bus's clock
 * @throws SignalError when `since` is not a finite number
 * @example
 * holdOf(fermata({ source: 'reporter' }), 1, 0).held; // ['reporter']
 */
export function holdOf(signal: Fermata, id: string | number, since: number): Hold {
  if (!Number.isFinite(since)) {
    throw new SignalError({ path: 'since', problem: 'not a finite number', remedy: 'Give milliseconds.' });
  }
  const targets = signal.targets.filter((target) => target !== GOVERNANCE);
  const timeoutMs = signal.performance?.timeoutMs;
  return Object.freeze({
    id,
    holdType: signal.conditions.holdType,
    source: signal.source,
    deciders: Object.freeze(signal.targets.filter((target) => target === GOVERNANCE)),
    held: Object.freeze(targets.length > 0 ? targets : [signal.source]),
    except: Object.freeze([]),
    ...(signal.key === undefined ? {} : { key: signal.key }),
    ...(signal.syncPoint === undefined ? {} : { syncPoint: signal.syncPoint }),
    since,
    ...(timeoutMs === undefined ? {} : { timeoutMs }),
    onTimeout: signal.conditions.onTimeout ?? 'fail',
  });
}

/**
 * Whether a hold holds an agent.
 *
 * @example
 * isHeld(holdOf(fermata({ source: 'a', targets: ['b'] }), 1, 0), 'b'); // true
 */
export function isHeld(hold: Hold, agent: string): boolean {
  return (hold.held.includes(agent) || hold.held.includes(everybody)) && !hold.except.includes(agent);
}

/** How a signal speaks to a hold, if at all. */
function speaks(hold: Hold, signal: Signal): 'cue' | 'downbeat' | 'caesura' | undefined {
  if (signal.type === 'cue' && signal.intent === 'resume' && signal.key === hold.key) return 'cue';
  if (signal.type === 'downbeat' && signal.syncPoint === hold.syncPoint) return 'downbeat';
  return signal.type === 'caesura' ? 'caesura' : undefined;
}

/**
 * What a signal does to a hold. Pure: the given hold stays as it is.
 *
 * - `cue` with intent resume releases those of its targets that are held, if it bears the same key or neither
 *   bears one;
 * - `downbeat` with the hold's sync point releases those of its targets that are held;
 * - `caesura` ends the hold for its targets, who discard their work;
 * - nothing else does anything.
 *
 * A signal addressed to `*`, to whoever is asked to decide, or to nobody in particular (no targets) speaks to all
 * that are held.
 *
 * @example
 * const hold = holdOf(fermata({ source: 'a', targets: ['b', 'c'] }), 1, 0);
 * resolveHold(hold, cue({ source: 'a', targets: ['b'], intent: 'resume' })); // releases b, c stays held
 */
export function resolveHold(hold: Hold, signal: Signal): Resolution {
  const by = speaks(hold, signal);
  if (by === undefined || signal.type === 'pulse') return { by: 'nothing', hold };
  const { targets } = signal;
  const all = targets.length === 0 || targets.includes(everybody);
  if (all || targets.some((target) => hold.deciders.includes(target))) return { by, released: hold.held };
  const released = targets.filter((target) => isHeld(hold, target));
  if (released.length === 0) return { by: 'nothing', hold };
  const rest = hold.held.filter((agent) => !released.includes(agent));
  if (rest.length === 0) return { by, released };
  const except = hold.held.includes(everybody) ? [...hold.except, ...released] : hold.except;
  const left = Object.freeze({ ...hold, held: Object.freeze(rest), except: Object.freeze(except) });
  return { by, released, hold: left };
}

/**
 * Whether a signal releases an agent from a hold. The answer of {@link resolveHold}, for one agent.
 *
 * @example
 * const hold = holdOf(fermata({ source: 'a', targets: ['b'], syncPoint: 'x' }), 1, 0);
 * releases(hold, downbeat({ source: 'conductor', syncPoint: 'x' }), 'b'); // true
 */
export function releases(hold: Hold, signal: Signal, agent: string): boolean {
  if (!isHeld(hold, agent)) return false;
  const resolution = resolveHold(hold, signal);
  return resolution.by !== 'nothing' && (resolution.hold === undefined || !isHeld(resolution.hold, agent));
}

/**
 * What a hold's timeout policy says now: nothing before its time, and always nothing when it has no timeout.
 *
 * @param now - milliseconds of the clock that gave `since`
 * @example
 * const hold = holdOf(fermata({ source: 'a', timeoutMs: 100 }), 1, 0);
 * expiry(hold, 100); // 'fail'
 */
export function expiry(hold: Hold, now: number): TimeoutPolicy | undefined {
  return hold.timeoutMs !== undefined && now - hold.since >= hold.timeoutMs ? hold.onTimeout : undefined;
}
