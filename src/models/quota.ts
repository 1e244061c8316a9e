/**
 * Whether a refusal means that the account has nothing left to pay with. Providers say so with the status of a rate
 * limit (429), of a payment (402), of a bad request (400) or of a rejected key (401, 403); their codes and words tell
 * the two apart. A rate limit ends by waiting and is not meant here.
 */

/** Values of `code`, `type`, `status` or `reason` in the body of an answer. */
const CODES = new RegExp(
  [
    'insufficient[_ -]?(?:quota|balance|credits?|funds)',
    'exceeded[_ -]?current[_ -]?quota',
    'quota[_ -]?(?:exceeded|exhausted)',
    'credits?[_ -]?(?:balance|exhausted|depleted|limit|required)',
    'billing[_ -]?(?:error|hard|not|limit|disabled|required)',
    'spend(?:ing)?[_ -]?limit',
    'payment[_ -]?required',
    'arrear',
    'account[_ -]?overdue',
  ].join('|'),
  'i',
);
/** Sentences of providers that give no code. */
const WORDS = new RegExp(
  [
    'credit balance is too low',
    'insufficient (?:account )?(?:balance|credits?|funds|quota)',
    '(?:out of|no (?:more|remaining)|used all (?:available )?|not enough|requires more) credits?',
    'used all available credits',
    '(?:reached|exceeded|hit) (?:its|your|the) (?:monthly )?(?:spending|spend|billing|usage) limit',
    'exceeded your monthly',
    'billing hard limit',
    'account is (?:not active|in arrears|overdue)',
    'payment required',
  ].join('|'),
  'i',
);
/** A quota of a day or a month, as Google names it; one of a minute is a rate limit. */
const LONG_QUOTA = /per[_ -]?(?:day|month)/i;

const CODE_KEYS = ['code', 'type', 'status', 'reason', 'error_code'];
const QUOTA_KEYS = ['quotaId', 'quota_id'];

/**
 * @param statusCode - undefined where the refusal came within an answer
 * @param body - what the provider sent: text, or what was read from it
 */
export function isQuotaFailure(statusCode: number | undefined, body: unknown, message: string): boolean {
  if (statusCode === 402) return true;
  if (statusCode !== undefined && (statusCode < 400 || statusCode > 499)) return false;
  const fields = fieldsOf(typeof body === 'string' ? parsed(body) : body);
  const says = (keys: readonly string[], pattern: RegExp) =>
    fields.some(([key, value]) => keys.includes(key) && pattern.test(value));
  const words = [message, ...fields.map(([, text]) => text)].some((text) => WORDS.test(text));
  return words || says(CODE_KEYS, CODES) || says(QUOTA_KEYS, LONG_QUOTA);
}

/** Texts of a value by their keys, to a depth of six and at most 200. */
function fieldsOf(value: unknown): [key: string, text: string][] {
  const found: [string, string][] = [];
  const visit = (item: unknown, key: string, depth: number): void => {
    if (typeof item === 'string') found.push([key, item]);
    if (typeof item !== 'object' || item === null || depth > 6) return;
    for (const [name, inner] of Object.entries(item)) {
      if (found.length >= 200) return;
      visit(inner, Array.isArray(item) ? key : name, depth + 1);
    }
  };
  visit(value, '', 0);
  return found;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
