/** Keeps secrets out of everything that is shown, traced or written. */

const HIDDEN = '[redacted]';
/** Shorter than this, a value is too common a word to be taken for a secret. */
const SHORTEST = 8;
/** Common forms of secrets that were not named: authorisation headers, and keys with a usual prefix. */
const PATTERNS: readonly RegExp[] = [
  /\b(Bearer|Basic)\s+[A-Za-z0-9._~+/=-]{8,}/gi,
  /\b(?:sk|pk|rk|gsk|xai|key|api|ghp|gho|hf|AIza)[-_][A-Za-z0-9_-]{12,}/g,
  /\bAIza[A-Za-z0-9_-]{20,}/g,
  /(?<=:\/\/)[^\s/@:]*:[^\s/@]+(?=@)/g, // user and password in an address
  /((?:api[-_]?key|authorization|access[-_]?token|secret|password)["']?\s*[:=]\s*["']?)[^"'\s,;}&]{4,}/gi,
];

/** Keys that models were made with, wherever they came from. */
const handedOver = new Set<string>();
/** Registers a value that must be hidden from now on. */
export const keepSecret = (value: string): void => void handedOver.add(value);

/** Replaces secrets in any text. */
export type Redact = (text: string) => string;

/**
 * Makes a function that hides secrets.
 *
 * @param secrets - values that must never be seen; those shorter than 8 characters are ignored
 * @param environment - names and values; what ends in KEY, TOKEN, SECRET or PASSWORD counts as a secret
 */
export function redactor(
  secrets: readonly string[] = [],
  environment: Readonly<Record<string, string | undefined>> = processEnvironment(),
): Redact {
  let forms: readonly string[] = [];
  let known = -1;
  let readAt = Number.NEGATIVE_INFINITY;
  /** Reads the environment at most once a second, because it is often filled after the agents were made. */
  const formsNow = (): readonly string[] => {
    if (handedOver.size === known && Date.now() - readAt < 1_000) return forms;
    [known, readAt] = [handedOver.size, Date.now()];
    const found = [...secrets, ...handedOver];
    for (const [name, value] of Object.entries(environment)) {
      if (value !== undefined && /(?:KEY|TOKEN|SECRET|PASSWORD)$/i.test(name)) found.push(value);
    }
    // A header carries a key without the white space around it.
    const values = [...new Set(found.flatMap((value) => [value, value.trim()]))]
      .filter((value) => value.trim().length >= SHORTEST)
      .sort((a, b) => b.length - a.length);
    forms = values.flatMap((value) => [
      ...new Set([value, encodeURIComponent(value), JSON.stringify(value).slice(1, -1)]),
    ]);
    return forms;
  };
  return (text) => {
    let clean = text;
    for (const form of formsNow()) clean = clean.replaceAll(form, HIDDEN);
    for (const pattern of PATTERNS)
      clean = clean.replace(pattern, (_whole, before?: unknown) =>
        typeof before === 'string' && /[:=]/.test(before) ? before + HIDDEN : HIDDEN,
      );
    return clean;
  };
}

/** Redacts every string in a JSON value, keys included. */
export function redactJson<T>(value: T, redact: Redact): T {
  if (typeof value === 'string') return redact(value) as T;
  if (Array.isArray(value)) return value.map((item) => redactJson(item, redact)) as T;
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [redact(key), redactJson(item, redact)]),
  ) as T;
}

/** No `node:` import: in a browser there is no environment. */
const processEnvironment = (): Readonly<Record<string, string | undefined>> =>
  (globalThis as { process?: { env?: Record<string, string | undefined> } }).process?.env ?? {};
