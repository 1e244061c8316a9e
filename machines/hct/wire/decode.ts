/**
 * Decoding: from the body that both wires share to one signal.
 *
 * Follows what the published SDKs really send: null for an absent field (Python), no source or targets (the RFC's
 * examples), a hold's timeout under `performance` (the schemas) or under `conditions` (the examples). What no published
 * schema names is kept, word for word, in `extra`, but for `__proto__`, which no reader needs. A published tempo or
 * dynamics that was changed on the way beats its original in the extension.
 */
import { dynamicsSchema, projectDynamics, type Dynamics } from '../dynamics.ts';
import { HCT_SIGNAL_TYPES, hctSignalSchema, type HctSignal, type HctSignalType } from '../hct.ts';
import { durationSchema } from '../performance.ts';
import { explainIssue, place, WireError } from '../refusal.ts';
import { projectTempo, tempoSchema, type Tempo } from '../tempo.ts';
import {
  ANONYMOUS,
  CONDITIONS,
  CONTEXT,
  EXTENSION,
  EXTENSION_KEY,
  IN_PAYLOAD,
  isRecord,
  isSignalType,
  PERFORMANCE,
  type JsonObject,
  type FieldNames,
  prune,
  type WireNames,
} from './fields.ts';

const TOP: FieldNames = {
  targets: 'targets',
  payload: 'payload',
  performance: 'performance',
  conditions: 'conditions',
  context: 'context',
  timestamp: 'timestamp',
  tutti: EXTENSION_KEY,
};

/** Splits an object of the wire into what is known, renamed, and what is not. Null counts as absent. */
function split(value: unknown, names: FieldNames, at: string) {
  if (value === undefined || value === null) return undefined;
  if (!isRecord(value)) {
    throw new WireError({ path: at, problem: 'not an object', remedy: 'Give a JSON object.' });
  }
  const wires = new Set(Object.values(names));
  const known: Record<string, unknown> = {};
  for (const [inside, wire] of Object.entries(names)) {
    if (Object.hasOwn(value, wire) && value[wire] !== null) known[inside] = value[wire];
  }
  const unknown = Object.entries(value).filter(([field]) => !wires.has(field) && field !== '__proto__');
  return { known, unknown: Object.fromEntries(unknown) };
}

const bag = (unknown: JsonObject) => (Object.keys(unknown).length > 0 ? { extra: unknown } : {});

/**
 * Decodes one of the seven.
 *
 * @param body - anything, from anywhere
 * @param names - what this wire calls type and source
 * @param at - where in its message the body stands, for the error
 * @throws WireError naming the place in the message and the remedy
 */
export function decodeBody(body: unknown, names: WireNames, at: string): HctSignal {
  const top = split(body ?? [], { ...TOP, ...names }, at)!;
  const { type, source = ANONYMOUS } = top.known;
  if (!isSignalType(type)) {
    throw new WireError({
      path: place(at, names.type),
      problem: type === undefined ? 'missing' : 'not a signal of HCT',
      remedy: `Use ${HCT_SIGNAL_TYPES.join(', ')}.`,
    });
  }
  const performance = split(top.known['performance'], PERFORMANCE, place(at, 'performance'));
  const conditions = split(top.known['conditions'], CONDITIONS, place(at, 'conditions'));
  const context = split(top.known['context'], CONTEXT, place(at, 'context'));
  const extension = split(
    top.known['tutti'],
    { ...EXTENSION, tempo: 'tempo', dynamics: 'dynamics' },
    place(at, EXTENSION_KEY),
  );
  const ours: JsonObject = extension?.known ?? {};

  const inConditions = takeTimeout(type, performance?.known, conditions?.unknown, at);
  const inPayload = IN_PAYLOAD[type];
  const payload = inPayload && isRecord(top.known['payload']) ? { ...top.known['payload'] } : undefined;
  const moved = payload && inPayload ? { [inPayload[0]]: payload[inPayload[1]] ?? undefined } : {};
  if (payload && inPayload) delete payload[inPayload[1]];

  const extra = { ...top.unknown };
  if (extension && Object.keys(extension.unknown).length > 0) extra[EXTENSION_KEY] = extension.unknown;
  const candidate = {
    type,
    source,
    targets: top.known['targets'] ?? unsaidTargets(type, source),
    payload: payload ?? top.known['payload'],
    performance: performanceOf(performance, ours, inConditions),
    conditions: conditionsOf(conditions, ours),
    context: context && { ...context.known, ...bag(context.unknown) },
    timestamp: top.known['timestamp'],
    intent: ours['intent'],
    key: ours['key'],
    syncPoint: ours['syncPoint'],
    ...moved,
    ...bag(extra),
  };
  const result = hctSignalSchema.safeParse(prune(candidate));
  if (result.success) return result.data;
  const issue = result.error.issues[0]!;
  const path = issue.code === 'unrecognized_keys' ? [...issue.path, ...issue.keys.slice(0, 1)] : issue.path;
  throw new WireError({ path: place(at, ...wirePath(path, type, names)), ...explainIssue(issue) });
}

type Split = ReturnType<typeof split>;

function performanceOf(performance: Split, ours: JsonObject, timeoutMs: unknown): JsonObject | undefined {
  if (performance === undefined && timeoutMs === undefined) return undefined;
  return {
    ...restoreOriginals(performance?.known ?? {}, ours),
    ...(timeoutMs === undefined ? {} : { timeoutMs }),
    ...bag(performance?.unknown ?? {}),
  };
}

function conditionsOf(conditions: Split, ours: JsonObject): JsonObject | undefined {
  const { 'conditions.onTimeout': onTimeout, 'conditions.maxIterations': maxIterations } = ours;
  if (conditions === undefined && onTimeout === undefined && maxIterations === undefined) return undefined;
  return prune({ ...conditions?.known, onTimeout, maxIterations, ...bag(conditions?.unknown ?? {}) });
}

/** The targets of a signal that names none, by the SDK's factories. */
function unsaidTargets(type: HctSignalType, source: unknown): readonly unknown[] {
  if (type === 'fermata') return ['governance'];
  if (type === 'caesura' || type === 'downbeat') return ['*'];
  return type === 'vamp' || type === 'tacet' ? [source] : [];
}

/** Takes a timeout out of the conditions, where the published examples put it. */
function takeTimeout(
  type: HctSignalType,
  performance: JsonObject | undefined,
  unknown: JsonObject | undefined,
  at: string,
) {
  if (unknown === undefined || (type !== 'fermata' && type !== 'vamp')) return undefined;
  const value = unknown['timeout_ms'];
  if (value === undefined) return undefined;
  delete (unknown as Record<string, unknown>)['timeout_ms'];
  if (value === null) return undefined;
  const path = place(at, 'conditions', 'timeout_ms');
  const parsed = durationSchema.safeParse(value);
  if (!parsed.success) throw new WireError({ path, ...explainIssue(parsed.error.issues[0]!) });
  const other = performance?.['timeoutMs'];
  if (other === undefined || other === parsed.data) return parsed.data;
  throw new WireError({
    path,
    problem: 'two timeouts that differ, here and under performance',
    remedy: 'Send one, as performance.timeout_ms.',
  });
}

/** Puts an original tempo or dynamics back, as long as it still projects to the published value beside it. */
function restoreOriginals(published: JsonObject, ours: JsonObject): JsonObject {
  const tempo = tempoSchema.safeParse(ours['tempo']);
  const dynamics = dynamicsSchema.safeParse(ours['dynamics']);
  const restored: { tempo?: Tempo; dynamics?: Dynamics } = {};
  if (tempo.success && projectTempo(tempo.data).value === published['tempo']) restored.tempo = tempo.data;
  if (dynamics.success && projectDynamics(dynamics.data).value === published['dynamics']) {
    restored.dynamics = dynamics.data;
  }
  return { ...published, ...restored };
}

/** Where on the wire a field of the signal stands. */
function wirePath(path: readonly PropertyKey[], type: HctSignalType, names: WireNames): PropertyKey[] {
  const inside = path.map(String).join('.');
  const moved = IN_PAYLOAD[type];
  if (moved?.[0] === inside) return ['payload', moved[1]];
  const extension = EXTENSION[inside];
  if (extension !== undefined) return [EXTENSION_KEY, extension];
  const published: FieldNames = { ...PERFORMANCE, ...CONDITIONS };
  if (path.length === 1) return [inside === 'source' ? names.source : inside];
  return path.map((segment, depth) => (depth === 1 ? (published[String(segment)] ?? segment) : segment));
}
