/**
 * Signals: everything that a bus may carry, and the envelope it travels in.
 *
 * The seven signals of HCT are in `hct.ts`, their factories in `factories.ts`, the operand broadcast in
 * `pulse.ts`; this file joins them.
 */
import { z } from 'zod';
import { hctSignalSchema, type HctSignal } from './hct.ts';
import { pulseSchema, type Pulse } from './pulse.ts';

export * from './hct.ts';
export * from './factories.ts';
export * from './pulse.ts';

/** What a bus carries: one of the seven, or an operand. */
export type Signal = HctSignal | Pulse;

/** Accepts any signal. */
export const signalSchema = z.discriminatedUnion('type', [...hctSignalSchema.options, pulseSchema]);

/** A signal with its place in the bus's total order. */
export interface Envelope<S extends Signal = Signal> {
  /** The place in the order, a whole number from 0, without gaps. */
  readonly seq: number;
  /** The performance that the signal belongs to. */
  readonly runId: string;
  readonly signal: S;
  /** Milliseconds; since the epoch in real time, since the start in virtual time. */
  readonly timestamp: number;
}

/** Accepts an envelope. For code that reads envelopes back from a log. */
export const envelopeSchema = z.lazy(() =>
  z
    .strictObject({
      seq: z.int().min(0),
      runId: z.string().min(1),
      signal: signalSchema,
      timestamp: z.number(),
    })
    .readonly(),
);
