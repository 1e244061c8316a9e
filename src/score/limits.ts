/** Options that a score or its caller may set. An unknown or impossible option is refused with its place and a remedy, in
 *  JavaScript too. */
import {
  didYouMean,
  joinsSome,
  readsOf,
  ScoreError,
  type RetryPolicy,
  type ScopePlan,
  type StepPlan,
} from '../../actors/tomasulo/program.ts';
import type { Join } from '../../machines/tomasulo/join.ts';
import type { Schema } from './schema.ts';
import { HOLD_TYPES, TIMEOUT_POLICIES } from '../../machines/hct/signal.ts';

/** A hundred years: a longer time is a mistake. */
export const LONGEST_MS = 100 * 365.25 * 24 * 60 * 60 * 1_000;

/** @throws {ScoreError} naming the field, the range and what was found. */
export function inRange(
  at: string,
  value: number | undefined,
  least: number,
  most: number,
  whole: boolean,
  stepId?: string,
): void {
  if (value === undefined) return;
  if (typeof value === 'number' && value >= least && value <= most && (!whole || Number.isInteger(value)))
    return;
  throw new ScoreError(
    at,
    `must be ${whole ? 'a whole number' : 'a number'} from ${least} to ${most}, not ${shown(value)}.`,
    stepId,
  );
}

/**
 * Refuses keys that an object of options does not have, and values of another type.
 *
 * @param types - by key, the types that `typeof` names, joined by ` or `; `array` means an array, `any` any value
 * @throws {ScoreError} naming the option, the types that it takes and what was found.
 */
export function checkTypes(where: string, value: object, types: Readonly<Record<string, string>>): void {
  knownKeys(where, value, Object.keys(types));
  for (const [key, given] of Object.entries(value)) {
    const allowed = types[key]!.split(' or ');
    if (given === undefined || allowed.includes('any') || allowed.includes(kindOf(given))) continue;
    throw new ScoreError(`${where}: ${key}`, `must be ${types[key]}, not ${kindOf(given)}.`);
  }
}
const kindOf = (value: unknown): string =>
  value === null ? 'null' : Array.isArray(value) ? 'array' : typeof value;

export function milliseconds(at: string, value: number | undefined, stepId?: string): void {
  inRange(at, value, 0, LONGEST_MS, false, stepId);
}

/** Refuses options that are not known, with the nearest one that is.
 *  @param at where the options are, such as `step 'draft'`
 *  @throws {ScoreError} */
export function knownKeys(at: string, given: object, known: readonly string[], stepId?: string): void {
  if (typeof given !== 'object' || given === null || Array.isArray(given))
    throw new ScoreError(at, `must be an object with ${known.join(', ')}; not ${shown(given)}.`, stepId);
  for (const key of Object.keys(given)) {
    if (known.includes(key)) continue;
    const hint = didYouMean(key, known);
    throw new ScoreError(at, `unknown option '${key}'.${hint} Known are ${known.join(', ')}.`, stepId);
  }
}

/** @throws {ScoreError} when an option that takes one of a few words has another value. */
export function oneOf(at: string, value: unknown, words: readonly string[], stepId?: string): void {
  if (value === undefined || words.includes(value as string)) return;
  const hint = typeof value === 'string' ? didYouMean(value, words) : '';
  throw new ScoreError(at, `must be one of ${words.join(', ')}; not ${shown(value)}.${hint}`, stepId);
}

/** @throws {ScoreError} when a value is not of the type that its description says. */
function isA(at: string, value: unknown, fits: boolean, what: string, stepId?: string): void {
  if (value !== undefined && !fits) throw new ScoreError(at, `must be ${what}, not ${shown(value)}.`, stepId);
}

const RETRY = ['attempts', 'delayMs', 'factor', 'maxDelayMs', 'jitter', 'on', 'repeatsEffect'];
const VAMP = ['max', 'until', 'onCap'];
const FERMATA = ['holdType', 'timeoutMs', 'onTimeout', 'question', 'answer', 'remindMs', 'escalate'];
const JOINS = ['all', 'allSettled', 'any', 'first'];
export const EFFECTS = ['none', 'idempotent', 'external'];
const PLAN = [
  ...['id', 'agent', 'reads', 'after', 'writes', 'join', 'retry', 'timeoutMs', 'urgency', 'cost', 'effects'],
  ...['idleMs', 'hedge', 'fermata', 'vamp', 'tacet', 'attacca', 'when', 'otherwise'],
];
/** The options of `score.step`. */
export const STEP_OPTIONS = [...PLAN.slice(1), 'default'];
/** The options that maps, sub-scores and loops have in common. */
const SCOPE_OPTIONS = [
  ...[
    'reads',
    'after',
    'writes',
    'default',
    'urgency',
    'cost',
    'fermata',
    'tacet',
    'attacca',
    'when',
    'otherwise',
  ],
];
export const SUB_SCORE_OPTIONS = [...SCOPE_OPTIONS, 'score', 'timeoutMs'];
export const MAP_OPTIONS = [...SCOPE_OPTIONS, 'over', 'as', 'index', 'concurrency', 'join'];
/** Of a map whose elements are steps of an agent. */
export const ELEMENT_OPTIONS = ['agent', 'retry', 'timeoutMs', 'idleMs', 'effects', 'hedge'];
const STEP_PLAN = [...PLAN, 'fallback', 'downbeat', 'scope', 'spread'];

/** Checks a retry policy. @throws {ScoreError} */
export function checkRetry(at: string, retry: RetryPolicy | undefined, stepId?: string): void {
  if (retry === undefined) return;
  knownKeys(at, retry, RETRY, stepId);
  if (retry.attempts === undefined)
    throw new ScoreError(`${at}.attempts`, 'is missing; say how many tries there are in all.', stepId);
  inRange(`${at}.attempts`, retry.attempts, 1, 100, true, stepId);
  milliseconds(`${at}.delayMs`, retry.delayMs, stepId);
  milliseconds(`${at}.maxDelayMs`, retry.maxDelayMs, stepId);
  inRange(`${at}.factor`, retry.factor, 1, 10, false, stepId);
  inRange(`${at}.jitter`, retry.jitter, 0, 1, false, stepId);
  const { on, repeatsEffect } = retry;
  const fits = typeof on === 'function' || (Array.isArray(on) && on.every(isName));
  isA(`${at}.on`, on, fits, 'a function of the error, or a list of names of errors', stepId);
  isA(`${at}.repeatsEffect`, repeatsEffect, typeof repeatsEffect === 'boolean', 'true or false', stepId);
}

/** Checks every option of a step, and what excludes what. @throws {ScoreError} */
export function checkStep(step: StepPlan, at: string): void {
  const { id, agent, reads, after, writes, retry, vamp, fermata } = step;
  if (typeof id !== 'string' || id === '') throw new ScoreError(`${at}.id`, 'a step needs an id.');
  knownKeys(at, step, STEP_PLAN, id);
  if (typeof agent?.run !== 'function' || typeof agent.name !== 'string' || agent.name === '')
    throw new ScoreError(`${at}.agent`, notAnAgent(agent), id);
  checkReads(reads, `${at}.reads`, id);
  isA(`${at}.after`, after, Array.isArray(after) && after.every(isName), 'a list of names', id);
  isA(`${at}.writes`, writes, isName(writes), 'a name', id);
  checkJoin(`${at}.join`, step.join, id);
  if (joinsSome(step)) checkJoinedReads(step, at);
  oneOf(`${at}.effects`, step.effects, EFFECTS, id);
  for (const flag of ['tacet', 'attacca', 'downbeat'] as const)
    isA(`${at}.${flag}`, step[flag], typeof step[flag] === 'boolean', 'true or false', id);
  milliseconds(`${at}.timeoutMs`, step.timeoutMs, id);
  milliseconds(`${at}.idleMs`, step.idleMs, id);
  inRange(`${at}.urgency`, step.urgency, 1, 10, false, id);
  inRange(`${at}.cost`, step.cost, 0, Number.MAX_VALUE, false, id);
  isA(`${at}.otherwise`, step.otherwise, typeof step.otherwise === 'boolean', 'true or false', id);
  const { when, scope } = step;
  isA(`${at}.when`, when, typeof when?.test === 'function', 'a function of the operands', id);
  if (scope !== undefined) checkScope(scope, at, id);
  checkRetry(`${at}.retry`, retry, id);
  if (retry !== undefined && step.effects === 'external' && retry.attempts > 1 && !retry.repeatsEffect) {
    const remedy = 'drop the retry, or say retry.repeatsEffect: true when the agent makes repeats harmless';
    throw new ScoreError(`${at}.retry`, `an external effect is not repeated by a retry; ${remedy}.`, id);
  }
  checkHedge(step, `${at}.hedge`);
  if (vamp !== undefined) {
    knownKeys(`${at}.vamp`, vamp, VAMP, id);
    if (vamp.max === undefined) throw new ScoreError(`${at}.vamp.max`, 'a vamp needs a cap.', id);
    inRange(`${at}.vamp.max`, vamp.max, 1, 1_000, true, id);
    if (typeof vamp.until !== 'function')
      throw new ScoreError(
        `${at}.vamp.until`,
        `must be a function of the result, not ${shown(vamp.until)}.`,
        id,
      );
    oneOf(`${at}.vamp.onCap`, vamp.onCap, ['fail', 'accept'], id);
  }
  if (fermata === undefined) return;
  knownKeys(`${at}.fermata`, fermata, FERMATA, id);
  oneOf(`${at}.fermata.holdType`, fermata.holdType, HOLD_TYPES, id);
  oneOf(`${at}.fermata.onTimeout`, fermata.onTimeout, TIMEOUT_POLICIES, id);
  milliseconds(`${at}.fermata.timeoutMs`, fermata.timeoutMs, id);
  milliseconds(`${at}.fermata.remindMs`, fermata.remindMs, id);
  const { question, answer, escalate } = fermata;
  isA(`${at}.fermata.question`, question, isName(question), 'a text', id);
  isA(
    `${at}.fermata.answer`,
    answer,
    isSchema(answer),
    'a schema of Standard Schema, such as z.boolean()',
    id,
  );
  if (escalate === undefined) return;
  knownKeys(`${at}.fermata.escalate`, escalate, ['to', 'timeoutMs'], id);
  if (!isName(escalate.to))
    throw new ScoreError(`${at}.fermata.escalate.to`, 'must say who decides then.', id);
  milliseconds(`${at}.fermata.escalate.timeoutMs`, escalate.timeoutMs, id);
}

/** A second attempt may do again what the first has done. */
function checkHedge({ id, hedge, effects }: StepPlan, at: string): void {
  if (hedge === undefined) return;
  knownKeys(at, hedge, ['afterMs'], id);
  if (hedge.afterMs === undefined)
    throw new ScoreError(
      `${at}.afterMs`,
      'is missing; say after which time a second attempt is started.',
      id,
    );
  milliseconds(`${at}.afterMs`, hedge.afterMs, id);
  if (effects === 'none' || effects === 'idempotent') return;
  const remedy = "say effects: 'none' or 'idempotent' if the agent may run twice at once, or drop the hedge";
  const problem =
    effects === undefined ? 'the step does not say what its effects are' : "its effects are 'external'";
  throw new ScoreError(at, `${problem}, so a second attempt might do something twice; ${remedy}.`, id);
}

function checkJoin(at: string, join: Join | undefined, id: string): void {
  if (typeof join !== 'object' || join === null) return oneOf(at, join, JOINS, id);
  knownKeys(at, join, ['quorum'], id);
  if (join.quorum === undefined) throw new ScoreError(`${at}.quorum`, 'is missing.', id);
  inRange(`${at}.quorum`, join.quorum, 1, Number.MAX_SAFE_INTEGER, true, id);
}
/** A step that waits for some of its reads needs as many. */
function checkJoinedReads(step: StepPlan, at: string): void {
  const { id, join } = step;
  const reads = readsOf(step);
  if (reads === 0)
    throw new ScoreError(
      `${at}.join`,
      'has no reads to wait for; name some in `reads`, or drop the join.',
      id,
    );
  if (typeof join === 'object' && join.quorum > reads)
    throw new ScoreError(
      `${at}.join.quorum`,
      `is ${join.quorum}, and the step reads ${reads}; lower it, or read more names.`,
      id,
    );
}

/** Checks what a map or a loop needs. */
function checkScope(scope: ScopePlan, at: string, id: string): void {
  if (scope.kind === 'map') {
    const { as, index, concurrency, join } = scope;
    isA(`${at}.as`, as, isName(as), 'a name', id);
    isA(
      `${at}.index`,
      index,
      isName(index) && index !== as,
      'a name, and another one than that of the element',
      id,
    );
    inRange(`${at}.concurrency`, concurrency, 1, Number.MAX_SAFE_INTEGER, true, id);
    checkJoin(`${at}.join`, join, id);
  } else if (scope.kind === 'repeat') {
    const { max, until, onCap } = scope;
    if (max === undefined)
      throw new ScoreError(
        `${at}.max`,
        'a loop needs a cap; say how many rounds there may be, 1 to 1000.',
        id,
      );
    inRange(`${at}.max`, max, 1, 1_000, true, id);
    if (typeof until !== 'function')
      throw new ScoreError(`${at}.until`, `must be a function of the outputs, not ${shown(until)}.`, id);
    oneOf(`${at}.onCap`, onCap, ['fail', 'accept'], id);
  }
}

/** What is said of a value that should be an agent. */
export const notAnAgent = (value: unknown): string =>
  `must be a function of its operands, or what agent({ name, run }) makes; not ${shown(value)}.`;

const isSchema = (value: unknown): boolean =>
  value !== null &&
  ['object', 'function'].includes(typeof value) &&
  typeof (value as Partial<Schema>)['~standard']?.validate === 'function';
const isName = (value: unknown): value is string => typeof value === 'string' && value !== '';

const PLAIN = new Set<unknown>([Object.prototype, null]);

function checkReads(reads: StepPlan['reads'], at: string, id: string): void {
  if (reads === undefined) return;
  const isPlain = typeof reads === 'object' && reads !== null && PLAIN.has(Object.getPrototypeOf(reads));
  isA(at, reads, isPlain, 'an object of names by operand', id);
  for (const [operand, read] of Object.entries(reads))
    if (!isName(read) && !(Array.isArray(read) && read.every(isName)))
      throw new ScoreError(`${at}.${operand}`, `must be a name, or a list of names, not ${shown(read)}.`, id);
}

const PERFORM = [
  ...['input', 'signal', 'maxConcurrency', 'window', 'timeout', 'retry', 'budget', 'dispatch', 'priority'],
  ...['seed', 'onFailure'],
  ...['patience', 'graceMs', 'deliveryMs', 'stallMs', 'bus', 'clock', 'runId', 'inspect', 'onEvent'],
  ...['durable', 'heldMs', 'scoreFile'],
];

/** Checks the options of `perform`, but for `budget`, which its ledger checks. @throws {ScoreError} */
export function checkPerformOptions(options: Readonly<Record<string, any>>): void {
  knownKeys('perform', options, PERFORM);
  const { timeout, signal, bus, clock, runId, onEvent, inspect } = options;
  inRange('maxConcurrency', options['maxConcurrency'], 1, Number.MAX_SAFE_INTEGER, true);
  inRange('window', options['window'], 1, 2 ** 20, true);
  inRange('patience', options['patience'], 1, Number.MAX_SAFE_INTEGER, true);
  isA('durable', options['durable'], typeof options['durable']?.create === 'function', 'a store of runs');
  for (const name of ['graceMs', 'deliveryMs', 'stallMs', 'heldMs']) milliseconds(name, options[name]);
  if (timeout !== undefined) {
    knownKeys('timeout', timeout, ['totalMs', 'stepMs']);
    milliseconds('timeout.totalMs', timeout.totalMs);
    milliseconds('timeout.stepMs', timeout.stepMs);
  }
  checkRetry('retry', options['retry']);
  inRange('seed', options['seed'], 0, 2 ** 32 - 1, true);
  oneOf('dispatch', options['dispatch'], ['reactive', 'batch', 'sequential']);
  oneOf('onFailure', options['onFailure'], ['settle', 'cancel']);
  oneOf('priority', options['priority'], ['path', 'fifo']);
  isA('signal', signal, typeof signal?.addEventListener === 'function', 'an AbortSignal');
  isA('bus', bus, typeof bus?.publish === 'function', 'a bus, as createBus() makes it');
  isA('clock', clock, typeof clock?.atEndOfInstant === 'function', 'a clock, such as a VirtualClock');
  isA('runId', runId, isName(runId), 'a name');
  isA('onEvent', onEvent, typeof onEvent === 'function', 'a function');
  isA('inspect', inspect, ['function', 'object'].includes(typeof inspect), 'a function or an observer');
}

/** A value in a message. */
export function shown(value: unknown): string {
  if (typeof value === 'string') return `'${value.length > 40 ? `${value.slice(0, 40)}…` : value}'`;
  if (typeof value === 'function') return value.name === '' ? 'a function' : `the function ${value.name}`;
  if (typeof value !== 'object' || value === null) return String(value);
  if (Array.isArray(value)) return 'a list';
  const keys = Object.keys(value).slice(0, 6);
  return keys.length === 0 ? 'an empty object' : `an object with ${keys.join(', ')}`;
}
