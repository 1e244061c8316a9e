/**
 * Factories: one function per signal, with the defaults of the published SDK (hct-mcp-signals, factory.ts).
 *
 * Each takes flat options as the SDK's do, refuses an option it does not know, and returns a frozen signal. Only
 * the signal's own structure is frozen: values inside `payload` stay the caller's.
 */
import type { z } from 'zod';
import type { Dynamics } from './dynamics.ts';
import * as hct from './hct.ts';
import { parseOrRefuse, SignalError } from './refusal.ts';
import type { Tempo } from './tempo.ts';

/** Options that every factory takes. */
export interface SignalOptions {
  /** The sender; not empty. */
  readonly source: string;
  /** Data that goes with it: a plain object of JSON values. Default `{}`. */
  readonly payload?: Readonly<Record<string, unknown>>;
  /** 1 to 10. Default 5. */
  readonly urgency?: number;
  /** Default moderato. */
  readonly tempo?: Tempo;
  /** Default mf. */
  readonly dynamics?: Dynamics;
  /** Whole milliseconds, 0 or more. Default 30,000; a fermata has none. */
  readonly timeoutMs?: number;
  /** Where in the score this is, for observers. */
  readonly context?: { readonly movement?: string; readonly objectives?: readonly string[] };
}

/** Options of {@link cue}. */
export interface CueOptions extends SignalOptions {
  readonly targets: readonly string[];
  /** Default activate. */
  readonly intent?: (typeof hct.CUE_INTENTS)[number];
  /** The key of shared state that was updated or is given back. */
  readonly key?: string;
}

/** Options of {@link fermata}. */
export interface FermataOptions extends SignalOptions {
  /** Default `['governance']`. */
  readonly targets?: readonly string[];
  /** Put into the payload, for the one who decides about the hold. */
  readonly reason?: string;
  /** Default human. */
  readonly holdType?: hct.HoldType;
  /** Default hold. */
  readonly intent?: (typeof hct.FERMATA_INTENTS)[number];
  /** The key whose ownership is requested; needed with intent rfo, refused without. */
  readonly key?: string;
  /** The sync point whose downbeat releases the hold. */
  readonly syncPoint?: string;
  /** What happens after `timeoutMs`; if it is not given, the hold fails. */
  readonly onTimeout?: hct.TimeoutPolicy;
}

/** Options of {@link attacca}. */
export interface AttaccaOptions extends SignalOptions {
  readonly targets: readonly string[];
}

/** Options of {@link vamp}. */
export interface VampOptions extends SignalOptions {
  /** Default: the source itself. */
  readonly targets?: readonly string[];
  /** A registered predicate's name, or prose for a judge. */
  readonly repeatUntil?: string;
  /** 0 to 1. Default 0.9. */
  readonly qualityThreshold?: number;
  /** Cap on repetitions, 1 or more. */
  readonly maxIterations?: number;
}

/** Options of {@link caesura}. */
export interface CaesuraOptions extends SignalOptions {
  /** Default: all agents. */
  readonly targets?: readonly string[];
  /** Put into the payload. */
  readonly reason?: string;
}

/** Options of {@link tacet}. */
export interface TacetOptions extends SignalOptions {
  /** Default: the source itself. */
  readonly targets?: readonly string[];
  /** Whole milliseconds, 0 or more; if it is not given, until woken. */
  readonly durationMs?: number;
}

/** Options of {@link downbeat}. */
export interface DownbeatOptions extends SignalOptions {
  /** Default: all agents. */
  readonly targets?: readonly string[];
  readonly syncPoint: string;
}

/** Leaves out what is undefined. */
const said = (fields: Readonly<Record<string, unknown>>) =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));

const COMMON = ['source', 'targets', 'payload', 'urgency', 'tempo', 'dynamics', 'timeoutMs', 'context'];

/** Parts of a signal that are made from options, and where each option of a factory goes. */
function compose<Schema extends z.ZodType>(
  schema: Schema,
  type: hct.HctSignalType,
  options: SignalOptions & { readonly targets?: readonly string[] },
  own: readonly string[],
  defaults: { readonly targets?: readonly string[]; readonly conditions?: Readonly<Record<string, unknown>> },
): z.output<Schema> {
  const known = [...COMMON, ...own];
  if (typeof options !== 'object' || options === null) {
    throw new SignalError({ path: type, problem: 'no options given', remedy: `Give ${known.join(', ')}.` });
  }
  const unknown = Object.keys(options).find((option) => !known.includes(option));
  if (unknown !== undefined) {
    throw new SignalError({
      path: `${type}.${unknown}`,
      problem: 'unknown option',
      remedy: `The options are ${known.join(', ')}.`,
    });
  }
  const given = options as unknown as Readonly<Record<string, unknown>>;
  const { source, payload, urgency, tempo, dynamics, timeoutMs, context } = options;
  const { intent, key, syncPoint, durationMs, reason } = given;
  const fits = typeof payload === 'object' && payload !== null && !Array.isArray(payload);
  const signal = {
    type,
    source,
    targets: options.targets ?? defaults.targets,
    intent,
    key,
    syncPoint,
    durationMs,
    payload: payload === undefined || fits ? { ...payload, ...said({ reason }) } : payload,
    performance: said({ urgency, tempo, dynamics, timeoutMs }),
    conditions: defaults.conditions && said(defaults.conditions),
    context: context && said(context),
  };
  return parseOrRefuse(schema, said(signal), type);
}

/**
 * CUE: activate agents, resume what was held, or note an update of shared state.
 *
 * @throws SignalError naming the option and the remedy
 * @example
 * cue({ source: 'conductor', targets: ['analyst'], tempo: 'allegro' });
 */
export function cue(options: CueOptions): hct.Cue {
  return compose(hct.cueSchema, 'cue', options, ['intent', 'key'], {});
}

/**
 * FERMATA: hold until resolved; or, with intent rfo, request ownership of a key. By default it asks governance for a
 * human's approval, and waits indefinitely unless a timeout is given.
 *
 * @throws SignalError naming the option and the remedy
 * @example
 * fermata({ source: 'reporter', reason: 'publish the report?' }).targets; // ['governance']
 */
export function fermata(options: FermataOptions): hct.Fermata {
  const own = ['reason', 'holdType', 'intent', 'key', 'syncPoint', 'onTimeout'];
  return compose(hct.fermataSchema, 'fermata', options, own, {
    targets: ['governance'],
    conditions: { holdType: options?.holdType, onTimeout: options?.onTimeout },
  });
}

/**
 * ATTACCA: go on at once. Urgency 10 and presto by default.
 *
 * @throws SignalError naming the option and the remedy
 * @example
 * attacca({ source: 'conductor', targets: ['finale'] }).performance?.tempo; // 'presto'
 */
export function attacca(options: AttaccaOptions): hct.Attacca {
  return compose(hct.attaccaSchema, 'attacca', options, [], {});
}

/**
 * VAMP: repeat until a signal ends it or the result is good enough; by default for at most 60,000 ms.
 *
 * @throws SignalError naming the option and the remedy
 * @example
 * vamp({ source: 'writer', repeatUntil: 'approved' }).conditions?.qualityThreshold; // 0.9
 */
export function vamp(options: VampOptions): hct.Vamp {
  const own = ['repeatUntil', 'qualityThreshold', 'maxIterations'];
  const { repeatUntil, qualityThreshold = 0.9, maxIterations } = options ?? {};
  return compose(hct.vampSchema, 'vamp', options, own, {
    targets: [options?.source],
    conditions: { repeatUntil, qualityThreshold, maxIterations },
  });
}

/**
 * CAESURA: stop, and discard what is not committed. By default for all agents, with urgency 10 and presto.
 *
 * @throws SignalError naming the option and the remedy
 * @example
 * caesura({ source: 'conductor', reason: 'budget spent' }).targets; // ['*']
 */
export function caesura(options: CaesuraOptions): hct.Caesura {
  return compose(hct.caesuraSchema, 'caesura', options, ['reason'], { targets: ['*'] });
}

/**
 * TACET: be silent, for a time or until woken.
 *
 * @throws SignalError naming the option and the remedy
 * @example
 * tacet({ source: 'analyst', durationMs: 5_000 });
 */
export function tacet(options: TacetOptions): hct.Tacet {
  return compose(hct.tacetSchema, 'tacet', options, ['durationMs'], { targets: [options?.source] });
}

/**
 * DOWNBEAT: all agents meet at a sync point. Releases the holds that name it.
 *
 * @throws SignalError naming the option and the remedy
 * @example
 * downbeat({ source: 'conductor', syncPoint: 'bar 12' }).targets; // ['*']
 */
export function downbeat(options: DownbeatOptions): hct.Downbeat {
  if (options?.syncPoint === undefined) {
    throw new SignalError({
      path: 'downbeat.syncPoint',
      problem: 'missing',
      remedy: 'Name the point where all meet.',
    });
  }
  return compose(hct.downbeatSchema, 'downbeat', options, ['syncPoint'], { targets: ['*'] });
}
