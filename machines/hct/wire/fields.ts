/**
 * The body that both wires share: one signal as JSON, in snake_case, within the published vocabulary. This file has
 * the names; `encode.ts` and `decode.ts` use them.
 *
 * Published: the fields of performance, conditions and context, and a payload's `duration_ms` and `sync_point`
 * (hct-spec schema.json; hct-mcp-signals factory.ts). Ours: the extension field `tutti`.
 */
import { HCT_SIGNAL_TYPES, type HctSignalType } from '../hct.ts';

/** The field that carries what only tutti understands. Ours. */
export const EXTENSION_KEY = 'tutti';

/** The source of a signal that names none, as the RFC's examples do not. Ours. */
export const ANONYMOUS = 'anonymous';

/** What a wire calls the two fields on whose names the published formats differ. */
export interface WireNames {
  readonly type: string;
  readonly source: string;
}

/** A JSON object. */
export type JsonObject = Readonly<Record<string, unknown>>;

/** Something encoded, and what of it a peer with only the published vocabulary will not receive. */
export interface Encoded<Wire = JsonObject> {
  readonly wire: Wire;
  /** Paths inside the signal, such as `performance.tempo`; empty when nothing is lost. */
  readonly lossy: readonly string[];
}

/** Options of every encoder. */
export interface EncodeOptions {
  /** When the signal was sent, in milliseconds since the epoch; written as ISO 8601. */
  readonly timestamp?: number;
}

/** Names on the wire, by name inside. */
export type FieldNames = Readonly<Record<string, string>>;

export const PERFORMANCE: FieldNames = {
  urgency: 'urgency',
  tempo: 'tempo',
  dynamics: 'dynamics',
  timeoutMs: 'timeout_ms',
};

export const CONDITIONS: FieldNames = {
  holdType: 'hold_type',
  repeatUntil: 'repeat_until',
  qualityThreshold: 'quality_threshold',
};

export const CONTEXT: FieldNames = { movement: 'movement', objectives: 'objectives' };

/** What the extension carries, by path inside the signal; also an original tempo and dynamics. */
export const EXTENSION: FieldNames = {
  intent: 'intent',
  key: 'key',
  syncPoint: 'sync_point',
  'conditions.onTimeout': 'on_timeout',
  'conditions.maxIterations': 'max_iterations',
};

/** Fields of a signal that a wire carries inside the payload. */
export const IN_PAYLOAD: Partial<Record<HctSignalType, readonly [field: string, wire: string]>> = {
  tacet: ['durationMs', 'duration_ms'],
  downbeat: ['syncPoint', 'sync_point'],
};

/** Whether a value is an object with fields. */
export const isRecord = (value: unknown): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Whether a word names one of the seven. */
export const isSignalType = (word: unknown): word is HctSignalType =>
  (HCT_SIGNAL_TYPES as readonly unknown[]).includes(word);

/** Leaves out what is undefined. */
export const prune = (fields: JsonObject): JsonObject =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
