/**
 * Pulse: the operand broadcast. One entry of the common data bus: a tag and the result that bears it, or the
 * fault that took its place. Waiting stations capture it by tag.
 *
 * Millions of these travel in process, so a pulse is a plain object, neither parsed nor frozen; the schema is for code
 * that reads pulses back from a log. It is telemetry in the paper (section 4.3) and in no published signal list, so no
 * wire carries it as an HCT signal.
 */
import { z } from 'zod';

/** The name of one result on the bus: what register renaming replaces a name by. */
export type Tag = string | number;

/** A result, by tag. */
export interface PulseValue<Value = unknown> {
  readonly type: 'pulse';
  readonly tag: Tag;
  readonly value: Value;
  readonly fault?: never;
  /** The sender. A performance takes only pulses that name it as results of its steps. */
  readonly source?: string;
}

/** The fault that came instead of a result: a poisoned operand. */
export interface PulseFault {
  readonly type: 'pulse';
  readonly tag: Tag;
  readonly fault: NonNullable<unknown>;
  readonly value?: never;
  readonly source?: string;
}

/** An operand broadcast: either a value or a fault. */
export type Pulse<Value = unknown> = PulseValue<Value> | PulseFault;

/**
 * Accepts a pulse with a `value` (anything) or a `fault` (anything but null), never both. Neither means a value of
 * undefined, which JSON does not keep.
 */
export const pulseSchema = z.lazy(() =>
  z
    .strictObject({
      type: z.literal('pulse'),
      tag: z.union([z.string(), z.number()]),
      value: z.unknown().optional(),
      fault: z.unknown().optional(),
      source: z.string().min(1).exactOptional(),
    })
    .refine(
      (pulse) => !('value' in pulse && 'fault' in pulse),
      'a pulse carries a value or a fault, not both',
    )
    .refine((pulse) => !('fault' in pulse) || (pulse.fault ?? null) !== null, {
      message: 'a fault is neither null nor undefined',
      path: ['fault'],
    }),
);

/**
 * Broadcasts a result.
 *
 * @example
 * pulse('draft#3', 'the text'); // { type: 'pulse', tag: 'draft#3', value: 'the text' }
 */
export function pulse<Value>(tag: Tag, value: Value): PulseValue<Value> {
  return { type: 'pulse', tag, value };
}

/**
 * Broadcasts that no result will come, and why.
 *
 * @example
 * pulseFault('draft#3', new Error('timed out')).tag; // 'draft#3'
 */
export function pulseFault(tag: Tag, fault: NonNullable<unknown>): PulseFault {
  return { type: 'pulse', tag, fault };
}

/** Whether a pulse is a fault. */
export function isPulseFault(pulse: Pulse): pulse is PulseFault {
  return pulse.fault !== undefined;
}
