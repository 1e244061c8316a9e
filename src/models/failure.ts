/** What an error of the wire means: whether to try again, when, and whether it may have been billed. */
import type { ModelFailure } from '../budget/call-report.ts';
import { isQuotaFailure } from './quota.ts';

export interface WireFailure {
  readonly failure: ModelFailure;
  readonly problem: string;
  readonly remedy: string;
  /** Whether trying again may help. */
  readonly retryable: boolean;
  /** Whether an answer had begun, so that tokens may have been billed. */
  readonly billed: boolean;
  readonly statusCode?: number | undefined;
  readonly retryAfterMs?: number | undefined;
}

/** A stream ended before its answer did. */
export class CutError extends Error {
  override name = 'CutError';
}
/** What a provider said in an answer that had begun. */
export class StreamError extends Error {
  override name = 'StreamError';
  constructor(said: unknown) {
    super(textOf(said), { cause: said });
  }
}
/** A request took longer than `timeoutMs` allows. */
export class CallTimeoutError extends Error {
  override name = 'CallTimeoutError';
  readonly limitMs: number;
  constructor(limitMs: number) {
    super(`no answer within ${limitMs} ms`);
    this.limitMs = limitMs;
  }
}

interface ApiError {
  readonly message: string;
  readonly statusCode?: number | undefined;
  readonly responseHeaders?: Readonly<Record<string, string>> | undefined;
  readonly responseBody?: unknown;
  readonly code?: string | undefined;
  readonly cause?: unknown;
}

const MALFORMED = [
  'AI_JSONParseError',
  'AI_TypeValidationError',
  'AI_InvalidResponseDataError',
  'AI_EmptyResponseBodyError',
  'AI_NoContentGeneratedError',
];

/** Reads an error of the AI SDK, of `fetch`, or of a stream. @param now milliseconds since 1970, for dates in headers */
export function readFailure(error: unknown, now: () => number = Date.now): WireFailure {
  const { name, message } = error instanceof Error ? error : { name: '', message: textOf(error) };
  const { statusCode, responseHeaders } = (error ?? {}) as ApiError;
  if (error instanceof CallTimeoutError) {
    return {
      failure: 'timeout',
      problem: message,
      remedy: 'Raise timeoutMs, or take a faster model.',
      retryable: true,
      billed: true,
    };
  }
  if (error instanceof StreamError) {
    // An error of the parser keeps its meaning; what the provider says itself came after a 200.
    if (error.cause instanceof Error) return { ...readFailure(error.cause, now), billed: true };
    if (isQuotaFailure(undefined, error.cause, message)) return { ...quota(message), billed: true };
    return {
      failure: 'server',
      problem: `the provider failed within its answer (${message})`,
      remedy: 'Try again later.',
      retryable: true,
      billed: true,
    };
  }
  if (error instanceof CutError || /without a finish reason/.test(message)) return cut(message);
  if (statusCode !== undefined && (statusCode < 200 || statusCode > 299))
    return ofStatus(statusCode, error as ApiError, responseHeaders, now);
  if (statusCode !== undefined && brokeOff(error)) return cut(message);
  if (MALFORMED.includes(name) || statusCode !== undefined) return malformed(message);
  const codes = causes(error).map((cause) => cause.code ?? '');
  const lost = codes.some((found) => UNSENT.includes(found) || LOST.includes(found));
  if (name !== 'AI_APICallError' && brokeOff(error)) return cut(message);
  if (name === 'AI_APICallError' || lost) {
    // A request that was sent and lost its connection may have been worked on, and billed.
    const billed = !codes.some((found) => UNSENT.includes(found));
    const problem = `there was no answer (${message})`;
    return {
      failure: 'network',
      problem,
      remedy: 'Check the address and the network.',
      retryable: true,
      billed,
    };
  }
  return {
    failure: 'refused',
    problem: message,
    remedy: 'Correct the request.',
    retryable: false,
    billed: !BEFORE_SENDING.includes(name),
  };
}

/** Errors of the AI SDK for a request that was never sent. Any other error may come after one that was billed. */
const BEFORE_SENDING = [
  'AI_InvalidArgumentError',
  'AI_InvalidPromptError',
  'AI_LoadAPIKeyError',
  'AI_LoadSettingError',
  'AI_NoSuchModelError',
  'AI_UnsupportedFunctionalityError',
];

const quota = (said: string) => ({
  failure: 'quota', problem: `the account's quota or credit is used up (${said})`,
  remedy: "Check the plan, the credit and the spending limit of the provider's account; waiting does not help.", retryable: false,
}) as const; // prettier-ignore

const cut = (message: string): WireFailure => ({
  failure: 'cut', problem: `the answer broke off (${message})`, remedy: "Try again, or say retry.onCut: 'retry'.", retryable: true, billed: true,
}); // prettier-ignore

const malformed = (message: string): WireFailure => ({
  failure: 'malformed', problem: `the answer is not what the protocol says (${message})`,
  remedy: 'Check that the address speaks the protocol.', retryable: true, billed: true,
}); // prettier-ignore

/** The request never left. */
const UNSENT = ['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'UND_ERR_CONNECT_TIMEOUT'];
const LOST = ['ECONNRESET', 'UND_ERR_SOCKET', 'ETIMEDOUT', 'EPIPE'];

/** An error and what caused it, to a depth of five. */
function causes(error: unknown): ApiError[] {
  const found: ApiError[] = [];
  for (
    let e = error as ApiError | undefined;
    typeof e === 'object' && e !== null && found.length < 5;
    e = e.cause as ApiError | undefined
  )
    found.push(e);
  return found;
}

/** A connection that was lost after the answer had begun. */
const brokeOff = (error: unknown): boolean =>
  causes(error).some(({ message }) =>
    /terminated|aborted|premature|unexpected end of (?:file|stream)/i.test(message ?? ''),
  );

/** A time was over, here or at a gateway; the answer may have been written and billed all the same. */
const UNDECIDED = [408, 504, 524];

function ofStatus(
  statusCode: number,
  error: ApiError,
  headers: Readonly<Record<string, string>> | undefined,
  now: () => number,
): WireFailure {
  const retryAfterMs = readRetryAfter(headers, now);
  const billed = UNDECIDED.includes(statusCode);
  const common = { statusCode, billed, ...(retryAfterMs === undefined ? {} : { retryAfterMs }) };
  const said = `${statusCode}: ${error.message}`;
  if (isQuotaFailure(statusCode, error.responseBody, error.message)) return { ...common, ...quota(said) };
  if (statusCode === 429)
    return {
      ...common,
      failure: 'rate-limit',
      problem: `too many requests (${said})`,
      remedy: 'Slow down: give the agent a smaller capacity, or raise retry.attempts.',
      retryable: true,
    };
  if (statusCode >= 500)
    return {
      ...common,
      failure: 'server',
      problem: `the provider failed (${said})`,
      remedy: 'Try again later.',
      retryable: true,
    };
  const remedies: Record<number, string> = {
    401: 'Check the key.',
    403: 'Check what the key may do.',
    404: "Check the model's name and the address.",
  };
  return {
    ...common,
    failure: 'refused',
    problem: `the request is refused (${said})`,
    remedy: remedies[statusCode] ?? 'Correct the request.',
    retryable: statusCode === 408 || statusCode === 409,
  };
}

/** Milliseconds that a provider asks to wait: `retry-after-ms`, or `retry-after` in seconds or as a date. */
export function readRetryAfter(
  headers: Readonly<Record<string, string>> | undefined,
  now: () => number = Date.now,
): number | undefined {
  const exact = Number(headers?.['retry-after-ms']?.trim() || Number.NaN);
  if (Number.isFinite(exact) && exact >= 0) return exact;
  const given = headers?.['retry-after'];
  if (given === undefined) return undefined;
  const seconds = Number(given);
  const ms = given.trim() !== '' && Number.isFinite(seconds) ? seconds * 1_000 : Date.parse(given) - now();
  return Number.isNaN(ms) ? undefined : Math.max(0, ms);
}

/** The error part of a provider's stream, which may be text or an object. */
function textOf(error: unknown): string {
  if (typeof error === 'string') return error;
  const message = (error as { message?: unknown } | null | undefined)?.message;
  return typeof message === 'string' ? message : (JSON.stringify(error) ?? String(error));
}
