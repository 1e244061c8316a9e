/**
 * Holds: which steps wait because of a fermata, and what ends the wait.
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
import { addresses, EVERYONE } from './targets.ts';

/** The target that decides about a hold, rather than being held. Source: SDK, the fermata factory's default. */
export const GOVERNANCE = 'governance';

/** A hold in force. */
export const holdSchema = z.lazy(() => {
  const names = z.array(z.string().min(1)).readonly();
  return z
    .strictObject({
      /** Names the hold; unique among the holds in force. */
      id: z.union([z.string().min(1), z.number()]),
      holdType: z.enum(HOLD_TYPES),
      /** The sender of the fermata. */
      source: z.string().min(1),
      /** The targets that decide about it, if any. */
      deciders: names,
      /** The targets that are held; `*` holds every listener. */
      held: names,
      /** Names that are exempt: they were released while the hold went on for others. */
      except: names,
      key: z.string().min(1).exactOptional(),
      syncPoint: z.string().exactOptional(),
      /** When it began, in milliseconds of the bus's clock. */
      since: z.number(),
      /** How long it may last, in milliseconds from `since`; absent: until it is released. */
      timeoutMs: durationSchema.exactOptional(),
      onTimeout: z.enum(TIMEOUT_POLICIES),
    })
    .readonly();
});

/** A hold in force. */
export type FermataHold = z.infer<typeof holdSchema>;

/** What a signal did to a hold. */
export type Resolution =
  /** Nothing: the hold is as it was. */
  | { readonly by: 'nothing'; readonly hold: FermataHold }
  /** Released some or all; `hold` is what remains, if anything. A caesura's released discard their work. */
  | {
      readonly by: 'cue' | 'downbeat' | 'caesura';
      readonly released: readonly string[];
      readonly hold?: FermataHold;
    };

/**
 * The hold that a fermata asks for. Its targets are held, except `governance`, which decides. No targets hold every
 * listener. With `governance` alone the source itself is held, as when an agent asks for an approval.
 *
 * @param signal - the fermata
 * @param id - a name unique among the holds in force, such as its sequence number on the bus
 * @param since - now, in milliseconds of the bus's clock
 * @throws SignalError when `since` is not a finite number
 * @example
 * holdOf(fermata({ source: 'reporter' }), 1, 0).held; // ['reporter']
 */
export function holdOf(signal: Fermata, id: string | number, since: number): FermataHold {
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
    held: Object.freeze(heldBy(signal, targets)),
    except: Object.freeze([]),
    ...(signal.key === undefined ? {} : { key: signal.key }),
    ...(signal.syncPoint === undefined ? {} : { syncPoint: signal.syncPoint }),
    since,
    ...(timeoutMs === undefined ? {} : { timeoutMs }),
    onTimeout: signal.conditions.onTimeout ?? 'fail',
  });
}

function heldBy({ source, targets }: Fermata, others: readonly string[]): readonly string[] {
  if (targets.length === 0) return [EVERYONE];
  return others.length > 0 ? others : [source];
}

/**
 * Whether a hold holds a listener.
 *
 * @param names - the names that the listener answers to, such as a step's id and its agent's name
 * @example
 * isHeld(holdOf(fermata({ source: 'a', targets: ['b'] }), 1, 0), 'b'); // true
 */
export function isHeld(hold: FermataHold, ...names: readonly string[]): boolean {
  return addresses(hold.held, ...names) && !names.some((name) => hold.except.includes(name));
}

/**
 * Exempts names from a hold. Pure: the given hold stays as it is.
 *
 * @returns the hold that remains, or undefined when it holds no other name
 * @example
 * exempt(holdOf(fermata({ source: 'a', targets: ['b'] }), 1, 0), ['b']); // undefined
 */
export function exempt(hold: FermataHold, names: readonly string[]): FermataHold | undefined {
  const held = hold.held.filter((name) => !names.includes(name));
  if (held.length === 0) return undefined;
  const except = [...new Set([...hold.except, ...names])];
  return Object.freeze({ ...hold, held: Object.freeze(held), except: Object.freeze(except) });
}

/**
 * How a signal can release a hold: a cue that resumes with the hold's key, a downbeat at its sync point, a caesura.
 *
 * @returns undefined when it cannot
 */
export function releaseOf(hold: FermataHold, signal: Signal): 'cue' | 'downbeat' | 'caesura' | undefined {
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
 * A signal addressed to `*`, to the target that decides, or without targets releases all that are held.
 *
 * @example
 * const hold = holdOf(fermata({ source: 'a', targets: ['b', 'c'] }), 1, 0);
 * resolveHold(hold, cue({ source: 'a', targets: ['b'], intent: 'resume' })); // releases b, c stays held
 */
export function resolveHold(hold: FermataHold, signal: Signal): Resolution {
  const by = releaseOf(hold, signal);
  if (by === undefined || signal.type === 'pulse') return { by: 'nothing', hold };
  const { targets } = signal;
  if (addresses(targets, ...hold.deciders)) return { by, released: hold.held };
  const released = targets.filter((target) => isHeld(hold, target));
  if (released.length === 0) return { by: 'nothing', hold };
  const left = exempt(hold, released);
  return { by, released, ...(left === undefined ? {} : { hold: left }) };
}

/**
 * Whether a signal releases an agent from a hold. The answer of {@link resolveHold}, for one agent.
 *
 * @example
 * const hold = holdOf(fermata({ source: 'a', targets: ['b'], syncPoint: 'x' }), 1, 0);
 * releases(hold, downbeat({ source: 'conductor', syncPoint: 'x' }), 'b'); // true
 */
export function releases(hold: FermataHold, signal: Signal, agent: string): boolean {
  if (!isHeld(hold, agent)) return false;
  const resolution = resolveHold(hold, signal);
  return resolution.by !== 'nothing' && (resolution.hold === undefined || !isHeld(resolution.hold, agent));
}

/**
 * What a hold's timeout policy demands now: nothing before its time, and always nothing when it has no timeout.
 *
 * @param now - milliseconds of the clock that gave `since`
 * @example
 * const hold = holdOf(fermata({ source: 'a', timeoutMs: 100 }), 1, 0);
 * expiry(hold, 100); // 'fail'
 */
export function expiry(hold: FermataHold, now: number): TimeoutPolicy | undefined {
  return hold.timeoutMs !== undefined && now - hold.since >= hold.timeoutMs ? hold.onTimeout : undefined;
}
