/**
 * Encoding: one signal to the body that both wires share.
 *
 * Tempo and dynamics are projected to the published five, and `lossy` names the fields that a peer with only the
 * published vocabulary will not receive. The originals are in one extension field, `tutti`, so nothing is lost between
 * two peers that both support it.
 */
import { projectDynamics } from '../dynamics.ts';
import { hctSignalSchema, type HctSignal } from '../hct.ts';
import { explainIssue, place, WireError } from '../refusal.ts';
import { projectTempo } from '../tempo.ts';
import {
  CONDITIONS,
  CONTEXT,
  EXTENSION,
  EXTENSION_KEY,
  IN_PAYLOAD,
  isRecord,
  PERFORMANCE,
  prune,
  type Encoded,
  type EncodeOptions,
  type JsonObject,
  type FieldNames,
  type WireNames,
} from './fields.ts';
import { jsonFault } from './json.ts';

const rename = (fields: JsonObject, names: FieldNames): JsonObject =>
  Object.fromEntries(Object.entries(names).map(([inside, wire]) => [wire, fields[inside]]));

/** `extra` first, the known fields after it; refuses an `extra` that sets a known field. */
function withExtra(part: JsonObject, known: JsonObject, at: string): JsonObject {
  const extra = isRecord(part['extra']) ? part['extra'] : {};
  const clash = Object.keys(extra).find((field) => Object.hasOwn(known, field) && field !== EXTENSION_KEY);
  if (clash !== undefined) {
    throw new WireError({
      path: place(at, 'extra', clash),
      problem: 'an extra field with the name of a published one',
      remedy: 'Set the field itself.',
    });
  }
  return { ...extra, ...prune(known) };
}

/**
 * Encodes one of the seven.
 *
 * @throws WireError when it is not a signal, when it holds something that is not JSON, or when `extra` sets a published
 * field
 */
export function encodeBody(signal: HctSignal, names: WireNames, options: EncodeOptions = {}): Encoded {
  const checked = hctSignalSchema.safeParse(signal);
  if (!checked.success) {
    const issue = checked.error.issues[0]!;
    throw new WireError({ path: place(...issue.path) || 'signal', ...explainIssue(issue) });
  }
  const { type, source, targets, timestamp = iso(options.timestamp), ...rest } = checked.data;
  const parts: JsonObject = rest;
  const unpublished: Unpublished = { lossy: [], extension: {} };
  const performance = rest.performance && projected(rest.performance, unpublished);
  const inPayload = IN_PAYLOAD[type];
  extend(parts, inPayload?.[0], unpublished);
  const { lossy, extension } = unpublished;

  const payload = inPayload ? prune({ ...rest.payload, [inPayload[1]]: parts[inPayload[0]] }) : rest.payload;
  const { conditions, context } = rest;
  const kept = rest.extra?.[EXTENSION_KEY];
  const tutti = { ...(isRecord(kept) ? kept : {}), ...extension };
  const wire = withExtra(
    parts,
    {
      [names.type]: type,
      [names.source]: source,
      targets,
      payload,
      performance,
      conditions: conditions && withExtra(conditions, rename(conditions, CONDITIONS), 'conditions'),
      context: context && withExtra(context, rename(context, CONTEXT), 'context'),
      timestamp,
      [EXTENSION_KEY]: Object.keys(tutti).length > 0 ? tutti : undefined,
    },
    '',
  );
  const fault = jsonFault(wire);
  if (fault !== undefined) throw new WireError(fault);
  return { wire, lossy };
}

/** What no published field can say: where it stands, and its value by the name in the extension. */
interface Unpublished {
  readonly lossy: string[];
  readonly extension: Record<string, unknown>;
}

/** The published tempo and dynamics; originals that they do not say go into the extension. */
function projected(
  performance: NonNullable<HctSignal['performance']>,
  { lossy, extension }: Unpublished,
): JsonObject {
  const tempo = projectTempo(performance.tempo);
  const dynamics = projectDynamics(performance.dynamics);
  if (tempo.lossy) extension['tempo'] = performance.tempo;
  if (dynamics.lossy) extension['dynamics'] = performance.dynamics;
  if (tempo.lossy) lossy.push('performance.tempo');
  if (dynamics.lossy) lossy.push('performance.dynamics');
  const published = { ...performance, tempo: tempo.value, dynamics: dynamics.value };
  return withExtra(published, rename(published, PERFORMANCE), 'performance');
}

/** Adds the fields that only the extension has, but for the one that travels in the payload. */
function extend(parts: JsonObject, inPayload: string | undefined, { lossy, extension }: Unpublished): void {
  for (const [path, wire] of Object.entries(EXTENSION)) {
    const [field, inner] = path.split('.') as [string, string?];
    const value = inner === undefined ? parts[field] : (parts[field] as JsonObject | undefined)?.[inner];
    const usual = path === 'intent' && (value === 'activate' || value === 'hold');
    if (value === undefined || usual || inPayload === path) continue;
    extension[wire] = value;
    lossy.push(path);
  }
}

function iso(timestamp: number | undefined): string | undefined {
  if (timestamp === undefined) return undefined;
  const date = new Date(timestamp);
  if (!Number.isNaN(date.getTime())) return date.toISOString();
  throw new WireError({
    path: 'options.timestamp',
    problem: 'not a moment in time',
    remedy: 'Give milliseconds since the epoch.',
  });
}
